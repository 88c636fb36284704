"""From the bytes of a request to an operation with parameters, by AWS's service models."""

from __future__ import annotations

import io
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from moto.core.parse import PROTOCOL_PARSERS
from moto.core.request import Request, determine_request_protocol
from moto.core.routing import get_service_router
from moto.core.utils import get_service_model

SERVICE_OF_SIGNATURE = {
    "autoscaling": "autoscaling",
    "budgets": "budgets",
    "ce": "ce",
    "cloudformation": "cloudformation",
    "datasync": "datasync",
    "dynamodb": "dynamodb",
    "ec2": "ec2",
    "ecr": "ecr",
    "elasticfilesystem": "efs",
    "events": "events",
    "fsx": "fsx",
    "iam": "iam",
    "kms": "kms",
    "lambda": "lambda",
    "logs": "logs",
    "monitoring": "cloudwatch",
    "pricing": "pricing",
    "route53": "route53",
    "s3": "s3",
    "secretsmanager": "secretsmanager",
    "servicequotas": "service-quotas",
    "sns": "sns",
    "ssm": "ssm",
    "sts": "sts",
    "tagging": "resourcegroupstaggingapi",
}
"""botocore's service for the service that a request is signed for."""

_CREDENTIAL = re.compile(r"Credential=([^/,\s]+)/\d{8}/([^/]*)/([^/]+)/aws4_request")
_CBOR_PATH = re.compile(r"/service/[^/]+/operation/(\w+)")
_CBOR_SERVICE = "cloudwatch"
"""The one service that is read so here; its botocore model names the protocol."""
_INSTANCE_METADATA = ("/latest/meta-data/", "/latest/api/")
_MOTO = ("/moto-api", "/favicon.ico")
_IN_FORMS = ("ec2", "query")


class UnreadableError(Exception):
    """A request that no service model explains; the text has the reason."""


@dataclass(frozen=True)
class Signature:
    """Who signed a request, and for what.

    Args:
        access_key: The access key's id.
        region: The region that it is signed for.
        service: The service that it is signed for, as signatures call it.
        in_url: Whether it is a presigned URL.
    """

    access_key: str
    region: str
    service: str
    in_url: bool = False


@dataclass(frozen=True)
class Call:
    """One requested operation.

    Args:
        service: botocore's name of the service.
        operation: Name of the operation, such as `CreateStack`.
        parameters: As the service model names them.
        region: The region that it goes to.
        protocol: How it is written: query, ec2, json, rest-json, rest-xml.
        headers: Headers, names in lower case.
        signature: Who signed it; None without a signature.
        source_ip: Where it comes from.
    """

    service: str
    operation: str
    parameters: Mapping[str, Any] = field(default_factory=dict)
    region: str = "us-east-1"
    protocol: str = "query"
    headers: Mapping[str, str] = field(default_factory=dict)
    signature: Signature | None = None
    source_ip: str = "127.0.0.1"


def is_aws(environ: Mapping[str, Any]) -> bool:
    """Whether a request is for a service, as moto decides it; the rest of `/latest/` is S3's."""
    path = str(environ.get("PATH_INFO", ""))
    return not (path.startswith((*_MOTO, *_INSTANCE_METADATA)))


def signature_of(request: Request) -> Signature | None:
    """The signature of a request, in its header or its URL; None if it has none."""
    given = _CREDENTIAL.search(request.headers.get("Authorization", ""))
    in_url = given is None
    if given is None:
        given = _CREDENTIAL.match(f"Credential={request.args.get('X-Amz-Credential', '')}")
    return Signature(given[1], given[2], given[3], in_url) if given else None


def read_call(environ: dict[str, Any]) -> Call:
    """What is requested; the request can be read once more.

    Objects on their way to S3 are not read: they may be large, and nothing that is
    decided depends on them.

    Raises:
        UnreadableError: if it is no operation of a service that is known here.
    """
    request = Request(environ)
    signature = signature_of(request)
    service = service_of(request, signature)
    if service != "s3":
        _keep_body(request)
    operation, uri, protocol = _operation(request, service)
    model = get_service_model(service).operation_model(operation)
    if service != "s3":
        _refuse_two_readings(request, model, protocol)
    if service == "s3" and not model.has_streaming_input:
        _keep_body(request)
    return Call(
        service=service,
        operation=operation,
        parameters=_parameters(request, model, uri, protocol),
        region=(signature.region if signature else "") or "us-east-1",
        protocol=protocol,
        headers={name.lower(): value for name, value in request.headers.items()},
        signature=signature,
        source_ip=request.remote_addr or "127.0.0.1",
    )


def service_of(request: Request, signature: Signature | None) -> str:
    """botocore's name of the service that a request is for.

    Raises:
        UnreadableError: if it is none of those known here.
    """
    if signature is None:
        # Unsigned requests go to S3: STS's for web identities are not offered here.
        return "s3"
    if signature.service not in SERVICE_OF_SIGNATURE:
        raise UnreadableError(f"the service {signature.service}")
    if signature.in_url and signature.service != "s3":
        # moto looks for the service in the header only, and takes the rest for S3.
        raise UnreadableError(f"a presigned URL of {signature.service}")
    control = request.path.startswith("/v20180820/") or "s3-control" in request.host
    if signature.service == "s3" and control:
        return "s3control"
    return SERVICE_OF_SIGNATURE[signature.service]


def _keep_body(request: Request) -> None:
    body = request.get_data(cache=True, parse_form_data=False)
    request.environ["wsgi.input"] = io.BytesIO(body)
    request.environ["CONTENT_LENGTH"] = str(len(body))


def _operation(request: Request, service: str) -> tuple[str, dict[str, Any], str]:
    if service == _CBOR_SERVICE and (found := _CBOR_PATH.fullmatch(request.path)):
        return found[1], {}, "smithy-rpc-v2-cbor"
    try:
        # Two protocols of one service differ by their content type.
        protocol = determine_request_protocol(get_service_model(service), request.content_type)
        operation, uri = get_service_router(service).match(request)
    except Exception as error:
        requested = f"{request.method} {request.path}"
        raise UnreadableError(f"a request of {service} ({requested})") from error
    return operation.name, uri, protocol


def _refuse_two_readings(request: Request, model: Any, protocol: str) -> None:
    """Refuse what moto could take for another operation, or for one with other parameters.

    moto looks into the form, the URL and the headers, in this order and whatever the protocol is.

    Raises:
        UnreadableError: if more than one place names an operation or parameters.
    """
    named = [
        *request.form.getlist("Action"),
        *request.args.getlist("Action"),
        *request.headers.getlist("Action"),
        *request.headers.getlist("X-Amz-Target"),
    ]
    in_form = protocol in _IN_FORMS
    if len(named) != (1 if in_form or protocol == "json" else 0):
        raise UnreadableError(f"a request of {model.name} that names its operation otherwise too")
    in_url = set(request.args) - _names_in_url(model, protocol)
    if (in_form and request.form and request.args) or (not in_form and (request.form or in_url)):
        raise UnreadableError(f"a request of {model.name} with parameters in two places")


def _names_in_url(model: Any, protocol: str) -> set[str]:
    """Names that an operation has in the query of its URL."""
    if not protocol.startswith("rest"):
        return set()
    members = model.input_shape.members.values() if model.input_shape else ()
    return set(model.http_trait.query_args) | {
        str(member.serialization.get("name"))
        for member in members
        if member.serialization.get("location") == "querystring"
    }


def _parameters(request: Request, model: Any, uri: dict[str, Any], protocol: str) -> dict[str, Any]:
    parser = PROTOCOL_PARSERS.get(protocol)
    if parser is None or model.input_shape is None:
        return {}
    body = b"" if model.has_streaming_input else request.get_data(cache=True)
    try:
        found: dict[str, Any] = parser(model).parse(
            {
                "method": request.method,
                "values": request.args if protocol.startswith("rest") else request.values,
                "headers": request.headers,
                "body": body,
                "url_path": request.path,
                "url_params": uri,
            }
        )
    except Exception as error:
        raise UnreadableError(f"the parameters of {model.name} ({error})") from error
    return {name: value for name, value in found.items() if value is not None}
