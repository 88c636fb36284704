"""The resources on which CloudFormation calls what a handler names, as ARNs.

Which resources an action has, and how their ARNs look, is in the service authorization
reference; what a project's and a cluster's own resources are called is in `Maker`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from gotocloud.contract.names import CLUSTER_SERVICE_ROLE, PROVIDER_ROLE
from gotocloud.contract.project_names import ProjectNames
from local_aws.iam import reference
from local_aws.iam.actions import ON_EVERYTHING
from local_aws.iam.reference import Action, ResourceType
from local_aws.iam.resources import EITHER
from tests.security.principals import Request
from tests.security.site import PLACE

NAMES = ProjectNames("scientist1", PLACE.account, "apoferritin")
CLUSTER = NAMES.cluster
IDENTIFIER = "0123456789abcdef0"
GLOBAL = f"arn:aws:iam::{PLACE.account}:"
FSX = "s3.data-source.lustre.fsx.amazonaws.com"
REGIONAL = f"{PLACE.region}:{PLACE.account}:"


@dataclass(frozen=True)
class Maker:
    """A role with which CloudFormation works, and what its resources are called.

    Args:
        role: The role.
        arns: "service type" of the reference -> ARN. Default: AWS's own ids, which no policy
            can name.
        context: Condition keys of every call, where the action has them.
    """

    role: str
    arns: Mapping[str, str]
    context: Mapping[str, str | list[str]]

    def requests(self, kind: str, action: str) -> Iterator[Request]:
        """The calls of an action for a resource type of a template, one for each resource.

        Nothing for an action that the reference does not have.
        """
        prefix, _, name = action.partition(":")
        known = reference.action(prefix, name)
        if known is None:
            return
        context = {key: value for key, value in self.context.items() if known.has_key(key)}
        for arn in self._arns(kind, prefix, known):
            yield Request(self.role, action, arn, context)

    def _arns(self, kind: str, prefix: str, action: Action) -> list[str]:
        if not action.types or action.name in ON_EVERYTHING:
            return ["*"]
        return [
            self.arns.get(f"{prefix} {one.name}") or _with_ids(one)
            for one in self._types(kind, prefix, action)
        ]

    def _types(self, kind: str, prefix: str, action: Action) -> list[ResourceType]:
        """The type that the template has, and those that the action always is about."""
        own = [one for one in action.types if is_of(kind, one)]
        named = [one for one in action.types if f"{prefix} {one.name}" in self.arns]
        if own and action.name in EITHER:
            return own
        needed = [one for one in action.types if one.required] or own or named or action.types[:1]
        return list({one.name: one for one in (*own, *needed)}.values())


def is_of(kind: str, resource: ResourceType) -> bool:
    """Whether a type of the reference is a CloudFormation type, such as AWS::EC2::EIP."""
    short = kind.rpartition("::")[2].lower()
    return _ALSO.get(short, short) == resource.name.replace("-", "").lower()


_ALSO = {
    "datarepositoryassociation": "association",
    "eip": "elasticip",
    "eipassociation": "elasticip",
    "securitygroupegress": "securitygroup",
    "securitygroupingress": "securitygroup",
    "subnetroutetableassociation": "routetable",
    "route": "routetable",
    "metricfilter": "loggroup",
}


def _with_ids(resource: ResourceType) -> str:
    ids = dict.fromkeys(resource.variables, IDENTIFIER)
    return resource.filled(PLACE.region, PLACE.account, **ids)


_TAGS = {f"gtc:{name}": "x" for name in ("bucket", "method", "project")}

SERVICE = Maker(
    CLUSTER_SERVICE_ROLE,
    {
        "s3 bucket": f"arn:aws:s3:::{NAMES.bucket}",
        "s3 object": f"arn:aws:s3:::{NAMES.bucket}/movies/a.mrc",
        "iam role": f"{GLOBAL}role/aws-service-role/{FSX}/AWSServiceRoleForFSxS3Access_fs-1",
        "ssm parameter": f"arn:aws:ssm:{REGIONAL}parameter/ec2/keypair/key-{IDENTIFIER}",
        "lambda function": f"arn:aws:lambda:{REGIONAL}function:pcluster-cfn-{IDENTIFIER}",
    },
    {
        "iam:AWSServiceName": FSX,
        **{f"aws:RequestTag/{name}": value for name, value in _TAGS.items()},
        "aws:TagKeys": list(_TAGS),
    },
)

PROVIDER = Maker(
    PROVIDER_ROLE,
    {
        "s3 bucket": "arn:aws:s3:::parallelcluster-0123456789abcdef-v1-do-not-delete",
        "s3 object": "arn:aws:s3:::parallelcluster-0123456789abcdef-v1-do-not-delete/a/b.json",
        "iam role": f"{GLOBAL}role/parallelcluster/{CLUSTER}/{CLUSTER}-RoleHeadNode-X",
        "iam instance-profile": f"{GLOBAL}instance-profile/parallelcluster/{CLUSTER}/X",
        "dynamodb table": f"arn:aws:dynamodb:{REGIONAL}table/parallelcluster-slurm-{CLUSTER}",
        "lambda function": f"arn:aws:lambda:{REGIONAL}function:pcluster-CleanupRoute53-1",
        "logs log-group": f"arn:aws:logs:{REGIONAL}log-group:/aws/parallelcluster/{CLUSTER}-1",
        "cloudformation stack": f"arn:aws:cloudformation:{REGIONAL}stack/{CLUSTER}/{IDENTIFIER}",
    },
    {
        "iam:PermissionsBoundary": f"{GLOBAL}policy/gotocloud-boundary",
        "iam:PolicyARN": "arn:aws:iam::aws:policy/AmazonSSMManagedInstanceCore",
        "iam:PassedToService": "ec2.amazonaws.com",
        "iam:AWSServiceName": "spot.amazonaws.com",
        "cloudformation:CreateAction": "CreateStack",
        "aws:RequestTag/parallelcluster:cluster-name": CLUSTER,
        "aws:ResourceTag/parallelcluster:cluster-name": CLUSTER,
        "aws:TagKeys": ["parallelcluster:cluster-name"],
    },
)
