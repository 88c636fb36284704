"""Every protocol of AWS, as boto3 writes it, read back into operation and parameters."""

from __future__ import annotations

import io
from typing import Any

import boto3
import pytest
from botocore.config import Config
from moto.core.request import Request
from werkzeug.test import EnvironBuilder

from calls import ENDPOINT, REGION, call, sent
from local_aws.iam.wire import UnreadableError, read_call, signature_of

TAGS = [{"Key": "gtc:project", "Value": "Mito chondria ü"}]
RULE = {"IpProtocol": "tcp", "FromPort": 8443, "ToPort": 8443}
TASK = {"Type": "EXPORT_TO_REPOSITORY", "FileSystemId": "fs-0123456789abcdef0"}


@pytest.mark.parametrize(
    ("service", "method", "given", "operation", "protocol"),
    [
        (
            "cloudformation",
            "create_stack",
            {"StackName": "a", "TemplateURL": "https://x/y", "Tags": TAGS},
            "CreateStack",
            "query",
        ),
        (
            "ec2",
            "authorize_security_group_ingress",
            {
                "GroupId": "sg-1",
                "IpPermissions": [{**RULE, "IpRanges": [{"CidrIp": "1.2.3.4/32"}]}],
            },
            "AuthorizeSecurityGroupIngress",
            "ec2",
        ),
        ("ssm", "get_parameters", {"Names": ["/a/b", "c"]}, "GetParameters", "json"),
        ("fsx", "create_data_repository_task", {**TASK, "Report": {"Enabled": False}}, "", "json"),
        ("efs", "describe_mount_targets", {"FileSystemId": "fs-12345678"}, "", "rest-json"),
        ("s3", "list_objects_v2", {"Bucket": "bucket", "Prefix": "a b/ü"}, "", "rest-xml"),
        (
            "s3",
            "delete_objects",
            {"Bucket": "bucket", "Delete": {"Objects": [{"Key": "ä\n"}, {"Key": "b"}]}},
            "DeleteObjects",
            "rest-xml",
        ),
    ],
)
def test_a_request_is_read_back_as_it_was_meant(
    service: str, method: str, given: dict[str, Any], operation: str, protocol: str
) -> None:
    found = call(service, method, **given)
    assert found.operation == (operation or found.operation)
    assert (found.service, found.protocol, found.region) == (service, protocol, REGION)
    assert {name: found.parameters[name] for name in given} == given


@pytest.mark.parametrize("key", ["plain", "a b", "ü/ö", "x+y%20z*", "quote'\"", "//twice"])
def test_an_object_is_found_by_its_key(key: str) -> None:
    found = call("s3", "put_object", Bucket="bucket", Key=key, Body=b"data")
    assert (found.operation, found.parameters["Key"]) == ("PutObject", key)


def test_operations_of_one_address_are_distinguished() -> None:
    upload = {"Bucket": "bucket", "Key": "k", "UploadId": "u"}
    names = [
        call("s3", "upload_part", **upload, PartNumber=1, Body=b"x").operation,
        call("s3", "list_parts", **upload).operation,
        call("s3", "abort_multipart_upload", **upload).operation,
        call("s3", "copy_object", Bucket="bucket", Key="k", CopySource="other/k").operation,
        call("s3", "get_bucket_policy", Bucket="bucket").operation,
        call("s3", "list_object_versions", Bucket="bucket").operation,
    ]
    assert names == [
        "UploadPart",
        "ListParts",
        "AbortMultipartUpload",
        "CopyObject",
        "GetBucketPolicy",
        "ListObjectVersions",
    ]


def test_what_was_read_can_be_read_again() -> None:
    environ = sent("cloudformation", "describe_stacks", StackName="a")
    read_call(environ)
    assert b"StackName=a" in environ["wsgi.input"].read()


def test_objects_on_their_way_are_not_read() -> None:
    environ = sent("s3", "put_object", Bucket="bucket", Key="k", Body=b"x")

    class Untouchable(io.BytesIO):
        def read(self, *_: Any) -> bytes:
            raise AssertionError("the object was read")

    environ["wsgi.input"] = Untouchable()
    assert read_call(environ).operation == "PutObject"


def test_a_presigned_url_names_its_signer() -> None:
    client = boto3.Session().client(
        "s3",
        region_name=REGION,
        endpoint_url=ENDPOINT,
        aws_access_key_id="AKIASIGNER",
        aws_secret_access_key="none",
        config=Config(signature_version="s3v4", s3={"addressing_style": "path"}),
    )
    url = client.generate_presigned_url("get_object", Params={"Bucket": "bucket", "Key": "k"})
    path, _, query = url.removeprefix(ENDPOINT).partition("?")
    environ = EnvironBuilder(path=path, query_string=query, base_url=ENDPOINT).get_environ()
    signature = signature_of(Request(environ))
    assert signature is not None
    assert (signature.access_key, signature.in_url) == ("AKIASIGNER", True)
    assert read_call(environ).operation == "GetObject"


def test_a_service_that_is_not_known_is_refused() -> None:
    with pytest.raises(UnreadableError, match="the service glue"):
        call("glue", "get_databases")


def test_an_operation_that_no_model_has_is_refused() -> None:
    environ = sent("cloudformation", "describe_stacks", StackName="a")
    environ["wsgi.input"] = io.BytesIO(b"Action=Conjure&Version=2010-05-15")
    environ["CONTENT_LENGTH"] = "33"
    with pytest.raises(UnreadableError, match="cloudformation"):
        read_call(environ)
