"""Probes of the stacks that a platform consists of: the shared ones and a group's."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

from gotocloud.aws.proving.site import ProfileCloud, ProofSite
from gotocloud.aws.release_choice import choose_release, published_template
from gotocloud.aws.session import error_code
from gotocloud.aws.stacks import describe, outputs, resources
from gotocloud.contract.group_facts import Fact
from gotocloud.contract.names import SCIENTIST_ROLE, group_name
from gotocloud.contract.releases import PROJECT_TEMPLATE, cluster_template, distribution_bucket
from gotocloud.contract.stacks import MANAGEMENT_STACK, REGION_STACK, USER_STACK
from gotocloud.platform.load import record_path
from gotocloud.platform.record import load_record, record_from_outputs
from gotocloud.proving.verdicts import ProbeAnswer
from gotocloud.waiting import looks

COMPLETE = {"CREATE_COMPLETE", "UPDATE_COMPLETE"}
_NESTED = "AWS::CloudFormation::Stack"
_NOTHING_TO_CHANGE = ("didn't contain changes", "No updates are to be performed")
"""CloudFormation's answers where a template is deployed already."""

_CAPABILITIES = ["CAPABILITY_IAM", "CAPABILITY_NAMED_IAM", "CAPABILITY_AUTO_EXPAND"]
_MFA = "aws:MultiFactorAuthPresent"
_OWN_NAME = "${aws:username}"


def shared_stacks(site: ProofSite, _: str) -> ProbeAnswer:
    """Whether the management and region stacks are complete."""
    home = site.platform.management.home_region
    wanted = [
        (MANAGEMENT_STACK, home),
        *((REGION_STACK, region) for region in site.platform.regions),
    ]
    return _complete(site.management, wanted)


def record(site: ProofSite, _: str) -> ProbeAnswer:
    """Whether the record describes what is deployed."""
    kept = load_record(record_path(site.platform_path))
    home = site.platform.management.home_region
    shared = {
        region: outputs(REGION_STACK, region, cfn=_cfn(site.management, region))
        for region in site.platform.regions
    }
    managed = outputs(MANAGEMENT_STACK, home, cfn=_cfn(site.management, home))
    found = record_from_outputs(site.platform, managed, shared)
    if (found.management, found.regions) != (kept.management, kept.regions):
        return ProbeAnswer("the outputs of the stacks differ from the record", agrees=False)
    return ProbeAnswer("the outputs of the stacks are those of the record", agrees=True)


def distribution_policy(site: ProofSite, _: str) -> ProbeAnswer:
    """Whether S3 counts the distribution bucket's policy as public."""
    given = site.platform.management
    bucket = distribution_bucket(given.account, given.home_region)
    return policy_status(site.management.client("s3", given.home_region), bucket)


def policy_status(s3: Any, bucket: str) -> ProbeAnswer:
    """Whether S3 counts a bucket's policy as public."""
    public = s3.get_bucket_policy_status(Bucket=bucket)["PolicyStatus"]["IsPublic"]
    blocks = s3.get_public_access_block(Bucket=bucket)["PublicAccessBlockConfiguration"]
    off = [name for name, on in blocks.items() if not on]
    text = f"{bucket}: IsPublic {str(public).lower()}"
    if off:
        text += f"; off: {', '.join(off)}"
    return ProbeAnswer(text, not public and not off)


def release(site: ProofSite, _: str) -> ProbeAnswer:
    """Whether a scientist can launch the newest release."""
    version, how = choose_release(site.scientist, site.facts, None)
    for path in (PROJECT_TEMPLATE, cluster_template(site.plan.configuration, site.region)):
        published_template(site.scientist, site.facts, version, path)
    return ProbeAnswer(f"release {version}, {how}, is unchanged", agrees=True)


def group_stack(site: ProofSite, _: str) -> ProbeAnswer:
    """Whether the group's stack is complete, with the provider nested in it."""
    cfn = site.account.client("cloudformation")
    answer = _complete(site.account, [(USER_STACK, site.region)])
    if not answer.agrees:
        return answer
    nested = [one for one in resources(cfn, USER_STACK) if one["ResourceType"] == _NESTED]
    bad = [
        f"{one['LogicalResourceId']} is {one['ResourceStatus']}: "
        f"{one.get('ResourceStatusReason', '')}"
        for one in nested
        if one["ResourceStatus"] not in COMPLETE
    ]
    if bad or not nested:
        return ProbeAnswer("; ".join(bad) or f"{USER_STACK} nests no provider", agrees=False)
    return ProbeAnswer(f"{answer.text}, with {nested[0]['LogicalResourceId']}", agrees=True)


def change_set(site: ProofSite, _: str) -> ProbeAnswer:
    """Whether CloudFormation makes a change set of the group's stack; it is not executed."""
    cfn = site.account.client("cloudformation")
    stack = describe(USER_STACK, site.region, cfn=cfn)
    name = f"gotocloud-proof-{uuid4().hex[:8]}"
    try:
        cfn.create_change_set(
            StackName=USER_STACK,
            ChangeSetName=name,
            ChangeSetType="UPDATE",
            UsePreviousTemplate=True,
            Parameters=[
                {"ParameterKey": name_of, "UsePreviousValue": True} for name_of in stack.parameters
            ],
            Capabilities=_CAPABILITIES,
            IncludeNestedStacks=False,
        )
        status, reason = _settled(cfn, name)
    except cfn.exceptions.ClientError as error:
        if any(text in str(error) for text in _NOTHING_TO_CHANGE):
            return ProbeAnswer("a change set would be made; nothing is to be changed", agrees=True)
        if error_code(error) in {"LimitExceededException", "ValidationError"}:
            return ProbeAnswer(f"CloudFormation answers {error}", agrees=False)
        raise
    finally:
        _dropped(cfn, name)
    if status == "FAILED" and not any(text in reason for text in _NOTHING_TO_CHANGE):
        return ProbeAnswer(f"the change set failed: {reason}", agrees=False)
    return ProbeAnswer(f"a change set is made ({status})", agrees=True)


def _settled(cfn: Any, name: str) -> tuple[str, str]:
    for _ in looks(2, tries=60):
        found = cfn.describe_change_set(StackName=USER_STACK, ChangeSetName=name)
        if not str(found["Status"]).endswith(("_PENDING", "_IN_PROGRESS")):
            break
    return str(found["Status"]), str(found.get("StatusReason", ""))


def _dropped(cfn: Any, name: str) -> None:
    from contextlib import suppress

    with suppress(cfn.exceptions.ClientError):
        cfn.delete_change_set(StackName=USER_STACK, ChangeSetName=name)


def peering(site: ProofSite, _: str) -> ProbeAnswer:
    """Whether the peering is active, with a route each way."""
    ec2 = site.account.client("ec2")
    name = site.facts[Fact.PEERING_ID]
    found = ec2.describe_vpc_peering_connections(VpcPeeringConnectionIds=[name])
    one = found["VpcPeeringConnections"][0]
    state = one["Status"]["Code"]
    sides = (
        (ec2, one["RequesterVpcInfo"]["VpcId"]),
        (site.management.client("ec2", site.region), one["AccepterVpcInfo"]["VpcId"]),
    )
    without = []
    for client, vpc in sides:
        tables = client.describe_route_tables(Filters=[{"Name": "vpc-id", "Values": [vpc]}])
        routes = [route for table in tables["RouteTables"] for route in table["Routes"]]
        if name not in {route.get("VpcPeeringConnectionId") for route in routes}:
            without.append(vpc)
    text = f"{name} is {state}"
    if without:
        text += f"; no route in {', '.join(without)}"
    return ProbeAnswer(text, state == "active" and not without)


def mfa_condition(site: ProofSite, _: str) -> ProbeAnswer:
    """Whether the role of scientists needs MFA and the user's own name."""
    role = site.account.client("iam").get_role(RoleName=SCIENTIST_ROLE)["Role"]
    users = [
        one.get("Condition", {})
        for one in role["AssumeRolePolicyDocument"]["Statement"]
        if "aws:PrincipalArn" not in one.get("Condition", {}).get("ArnLike", {})
    ]
    wrong = [
        condition
        for condition in users
        if str(condition.get("Bool", {}).get(_MFA)).lower() != "true"
        or condition.get("StringEquals", {}).get("sts:RoleSessionName") != _OWN_NAME
    ]
    if wrong or not users:
        return ProbeAnswer(
            f"a statement of {SCIENTIST_ROLE} has the conditions {wrong}", agrees=False
        )
    return ProbeAnswer(
        f"every statement of {SCIENTIST_ROLE} for users has both conditions", agrees=True
    )


def aws_login(site: ProofSite, _: str) -> ProbeAnswer:
    """Whether the scientist's profile signs in with `aws login`, and gets the role."""
    from gotocloud.aws.session import session

    profiles = session(site.scientist.profile)._session.full_config.get("profiles", {})
    own = profiles.get(site.scientist.profile, {})
    source = profiles.get(own.get("source_profile", ""), {})
    if not {"login_session"} & {*own, *source}:
        return ProbeAnswer(
            f"the profile {site.scientist.profile} does not use aws login", None, person=True
        )
    arn = site.scientist.client("sts").get_caller_identity()["Arn"]
    return ProbeAnswer(arn, f":assumed-role/{SCIENTIST_ROLE}/" in arn)


def list_stacks(site: ProofSite, _: str) -> ProbeAnswer:
    """Whether a scientist may list stacks."""
    cfn = site.scientist.client("cloudformation")
    pages = cfn.get_paginator("describe_stacks").paginate()
    count = sum(len(page["Stacks"]) for page in pages)
    return ProbeAnswer(f"{count} stacks are listed", agrees=True)


def budget_mail(site: ProofSite, _: str) -> ProbeAnswer:
    """Whether the group's address subscribes to every notification of the budget."""
    budgets = site.account.client("budgets", "us-east-1")
    named = {"AccountId": site.group.account, "BudgetName": group_name(site.group.name)}
    listed = budgets.describe_notifications_for_budget(**named)["Notifications"]
    without = []
    for one in listed:
        found = budgets.describe_subscribers_for_notification(**named, Notification=one)
        mails = {it["Address"] for it in found["Subscribers"] if it["SubscriptionType"] == "EMAIL"}
        if site.group.alert_email not in mails:
            without.append(f"{one['NotificationType']} {one['Threshold']:g} %: {sorted(mails)}")
    if without or not listed:
        text = "; ".join(without) or "the budget has no notification"
        return ProbeAnswer(f"{site.group.alert_email} does not get {text}", agrees=False)
    return ProbeAnswer(f"{site.group.alert_email} gets {len(listed)} notifications", agrees=True)


def seen_by_a_person(site: ProofSite, name: str) -> ProbeAnswer:
    """What a person has confirmed."""
    if name in site.seen:
        return ProbeAnswer(f"a person confirmed it on {site.seen[name]}", agrees=True)
    return ProbeAnswer("only a person can see it, and none has confirmed it", None, person=True)


def _complete(cloud: ProfileCloud, wanted: list[tuple[str, str]]) -> ProbeAnswer:
    bad: list[str] = []
    good: list[str] = []
    for name, region in wanted:
        status = describe(name, region, cfn=_cfn(cloud, region)).status or "not there"
        (good if status in COMPLETE else bad).append(f"{name} in {region} is {status}")
    return ProbeAnswer("; ".join(bad or good), not bad)


def _cfn(cloud: ProfileCloud, region: str) -> Any:
    return cloud.client("cloudformation", region)
