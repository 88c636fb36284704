"""What the roles that services assume must be refused, and what they need."""

from __future__ import annotations

from gotocloud.contract.names import (
    BOUNDARY,
    BUILD_HOST,
    DEPLOYMENT_LOGS,
    DEPLOYMENT_ROLE,
    FLOW_LOGS,
    FLOW_LOGS_ROLE,
    REPLICATION_ROLE,
    acceptor_role,
)
from tests.security.attacks import Place
from tests.security.principals import Request

ACCEPTOR = acceptor_role(0)
IN_GROUP = (DEPLOYMENT_ROLE, FLOW_LOGS_ROLE)
IN_MANAGEMENT = (*IN_GROUP, ACCEPTOR, REPLICATION_ROLE, BUILD_HOST)
EVENTS = ("logs:CreateLogStream", "logs:PutLogEvents")
ROUTES = ("ec2:CreateRoute", "ec2:ReplaceRoute", "ec2:DeleteRoute")
SHARE = {"ec2:ResourceTag/gtc:share": "software"}
OWN_LOGS = {DEPLOYMENT_ROLE: DEPLOYMENT_LOGS, FLOW_LOGS_ROLE: FLOW_LOGS}


def refused(at: Place, who: str) -> list[Request]:
    """Requests of one of these roles that must be refused.

    Args:
        at: The account that has the role.
        who: Its name.
    """
    return [*_of_any(at, who), *_logs(at, who), *_network(at, who), *_software(at, who)]


def _of_any(at: Place, who: str) -> list[Request]:
    """What none of them may: roles, data, machines, stacks, secrets and the boundary."""
    bounded = at.iam(f"policy/{BOUNDARY}")
    bucket = f"arn:aws:s3:::gotocloud-data-hanako-{at.account}-apo"
    return [
        at.request(who, "sts:AssumeRole", at.iam("role/admin")),
        at.request(who, "sts:AssumeRole", at.iam(f"role/cdk-hnb659fds-deploy-role-{at.account}-x")),
        at.request(who, "iam:PassRole", at.iam("role/admin")),
        at.request(who, "iam:CreateRole", at.iam("role/x"), iam__PermissionsBoundary=bounded),
        at.request(who, "iam:CreatePolicyVersion", bounded),
        at.request(who, "iam:CreateUser", at.iam("user/x")),
        *(at.request(who, f"s3:{call}", f"{bucket}/x") for call in ("GetObject", "PutObject")),
        at.request(who, "s3:PutBucketPolicy", bucket),
        *(
            at.request(
                who, f"s3:{call}", f"arn:aws:s3:::cdk-hnb659fds-assets-{at.account}-x/y.json"
            )
            for call in ("GetObject", "PutObject")
        ),
        at.request(who, "ec2:RunInstances", at.arn("ec2", "instance/*")),
        at.request(who, "ec2:TerminateInstances", at.arn("ec2", "instance/i-1")),
        at.request(who, "ec2:AuthorizeSecurityGroupIngress", at.arn("ec2", "security-group/sg-1")),
        at.request(who, "cloudformation:UpdateStack", at.arn("cloudformation", "stack/x/1")),
        at.request(who, "cloudformation:SetStackPolicy", at.arn("cloudformation", "stack/x/1")),
        at.request(
            who, "secretsmanager:GetSecretValue", at.arn("secretsmanager", "secret:x-AbCdEf")
        ),
        at.request(who, "ssm:PutParameter", at.arn("ssm", "parameter/gotocloud/group")),
        at.request(who, "ssm:SendCommand", at.arn("ec2", "instance/i-1")),
        at.request(who, "lambda:UpdateFunctionCode", at.arn("lambda", "function:x")),
        at.request(
            who,
            "elasticfilesystem:DeleteFileSystem",
            at.arn("elasticfilesystem", "file-system/fs-1"),
        ),
        at.request(who, "kms:CreateKey"),
    ]


def _logs(at: Place, who: str) -> list[Request]:
    own = OWN_LOGS.get(who)
    foreign = ["/lab/instrument", "/aws/parallelcluster/apo-202611300732"]
    foreign += [f"{group}/x" for group in OWN_LOGS.values() if group != own]
    found = [
        at.request(who, call, at.arn("logs", f"log-group:{group}:log-stream:x"))
        for group in foreign
        for call in EVENTS
    ]
    group = at.arn("logs", f"log-group:{own or '/lab/instrument'}/x")
    calls = ("DeleteLogGroup", "PutRetentionPolicy")
    found += [at.request(who, f"logs:{call}", group) for call in calls]
    return [*found, at.request(who, "logs:DeleteLogStream", f"{group}:log-stream:x")]


def _network(at: Place, who: str) -> list[Request]:
    route, vpc = at.arn("ec2", "route-table/rtb-1"), at.arn("ec2", "vpc/vpc-1")
    peering = at.arn("ec2", "vpc-peering-connection/pcx-1")
    stranger = {"ec2:RequesterVpc": "arn:aws:ec2:eu-west-1:999999999999:vpc/vpc-9"}
    accept = "ec2:AcceptVpcPeeringConnection"
    unmarked = {"ec2:ResourceTag/gtc:share": "none"}
    found = [
        *(Request(who, call, route, unmarked) for call in ROUTES),
        Request(who, accept, vpc, unmarked),
        Request(who, accept, peering, stranger),
        at.request(who, "ec2:CreateVpcPeeringConnection", vpc),
    ]
    if who != ACCEPTOR:
        found += [Request(who, call, route, SHARE) for call in ROUTES]
        found.append(Request(who, accept, vpc, SHARE))
    if who != DEPLOYMENT_ROLE:
        call = "ec2:RevokeSecurityGroupIngress"
        found.append(at.request(who, call, at.arn("ec2", "security-group/sg-1")))
    return found


def _software(at: Place, who: str) -> list[Request]:
    """The file systems' own policies let the build host and DataSync in; no role's policy does."""
    store = at.arn("elasticfilesystem", "file-system/fs-1")
    task = at.arn("datasync", "task/task-1")
    found = [
        at.request(who, "elasticfilesystem:ClientWrite", store),
        at.request(who, "datasync:CreateTask", at.arn("datasync", "location/loc-1")),
        at.request(who, "datasync:DeleteTask", task),
        at.request(who, "datasync:UpdateTask", task),
        at.request(who, "datasync:CreateLocationS3"),
    ]
    if who != BUILD_HOST:
        found.append(at.request(who, "datasync:StartTaskExecution", task))
    return found


def needed(at: Place, who: str) -> list[Request]:
    """Requests of one of these roles without which a deployment or a copy fails."""
    if group := OWN_LOGS.get(who):
        stream = at.arn("logs", f"log-group:{group}/x:log-stream:x")
        found = [at.request(who, call, stream) for call in EVENTS]
        if who == DEPLOYMENT_ROLE:
            security_group = at.arn("ec2", "security-group/sg-1")
            found.append(at.request(who, "ec2:RevokeSecurityGroupIngress", security_group))
        return found
    if who == ACCEPTOR:
        known = {"ec2:RequesterVpc": "arn:aws:ec2:ap-northeast-1:222222222222:vpc/vpc-9"}
        accept = "ec2:AcceptVpcPeeringConnection"
        return [
            Request(who, accept, at.arn("ec2", "vpc/vpc-1"), SHARE),
            Request(who, accept, at.arn("ec2", "vpc-peering-connection/pcx-1"), known),
            *(Request(who, call, at.arn("ec2", "route-table/rtb-1"), SHARE) for call in ROUTES),
        ]
    if who == BUILD_HOST:
        return [at.request(who, "datasync:StartTaskExecution", at.arn("datasync", "task/task-1"))]
    return []
