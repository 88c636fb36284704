"""What is deployed in an account: templates of stacks, and the versions of running clusters."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

from gotocloud.aws.cloud import Cloud
from gotocloud.aws.session import client, error_code, explained
from gotocloud.contract.tags import CLUSTER_TAG, VERSION_TAG
from gotocloud.errors import InputError
from gotocloud.formats import parse_json
from gotocloud.platform.update import CreateOnly

_PREFIX = "/properties/"


def deployed_template(name: str, region: str) -> dict[str, Any]:
    """The template of a stack as CloudFormation has it; {} if there is no such stack.

    Raises:
        GoToCloudError: if AWS does not answer.
    """
    cfn = client("cloudformation", region)
    with explained(f"read the template of stack {name} in {region}"):
        try:
            body = cfn.get_template(StackName=name, TemplateStage="Original")["TemplateBody"]
        except cfn.exceptions.ClientError as error:
            if error_code(error) == "ValidationError" and "does not exist" in str(error):
                return {}
            raise
    # The CDK deploys JSON, which boto3 reads itself.
    found: dict[str, Any] = parse_json(body) if isinstance(body, str) else dict(body)
    return found


def cluster_versions(cloud: Cloud, region: str | None = None) -> dict[str, str]:
    """ParallelCluster's version of each cluster of the account in a region.

    Args:
        region: AWS region. Default: that of the cloud.

    Raises:
        GoToCloudError: if AWS does not answer.
    """
    region = region or cloud.region
    with explained(f"list the clusters in {region}"):
        pages = cloud.client("cloudformation", region).get_paginator("describe_stacks").paginate()
        stacks = [stack for page in pages for stack in page["Stacks"]]
    return versions_in(stacks)


def versions_in(stacks: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """Clusters among stacks as DescribeStacks returns them.

    ParallelCluster tags its stacks, nested ones included, with the cluster and the version.
    """
    tags = [{tag["Key"]: tag["Value"] for tag in stack.get("Tags", ())} for stack in stacks]
    return {
        found[CLUSTER_TAG]: found[VERSION_TAG]
        for found in tags
        if CLUSTER_TAG in found and VERSION_TAG in found
    }


@cache
def create_only(kind: str) -> CreateOnly:
    """Which properties of a type only its creation sets, by the registry's schema.

    cfn-lint carries the schemas: https://github.com/aws-cloudformation/cfn-lint.

    Raises:
        InputError: if cfn-lint is not installed.
    """
    try:
        from cfnlint.schema._exceptions import ResourceNotFoundError
        from cfnlint.schema.manager import PROVIDER_SCHEMA_MANAGER
    except ImportError:
        raise InputError(
            "cfn-lint is not installed; it has CloudFormation's schemas.",
            next_command="make env && source .venv/bin/activate",
        ) from None
    try:
        schema = PROVIDER_SCHEMA_MANAGER.get_resource_schema("us-east-1", kind).schema
    except ResourceNotFoundError:
        return CreateOnly()
    return CreateOnly(
        _paths(schema.get("createOnlyProperties", ())),
        _paths(schema.get("conditionalCreateOnlyProperties", ())),
    )


def _paths(pointers: Any) -> frozenset[str]:
    return frozenset(pointer.removeprefix(_PREFIX) for pointer in pointers or ())
