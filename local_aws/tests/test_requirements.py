"""Which permissions a request needs: actions, resources and condition keys."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from moto.core.utils import get_service_model

from calls import ACCOUNT, REGION, StubFacts, call, user
from local_aws.iam import reference
from local_aws.iam.actions import ON_EVERYTHING, PREFIX, action_of
from local_aws.iam.requirements import checks_of
from local_aws.iam.resources import UnmappedError
from local_aws.iam.wire import SERVICE_OF_SIGNATURE, Call

HERE = f"{REGION}:{ACCOUNT}"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/service"
STACK = f"arn:aws:cloudformation:{HERE}:stack/demo-project-a/0f1e"
NAMES = {
    "{account}": ACCOUNT,
    "{here}": HERE,
    "{region}": REGION,
    "{role}": ROLE,
    "{stack}": STACK,
}
ROWS: list[dict[str, Any]] = yaml.safe_load(
    Path(__file__).with_name("permissions.yaml").read_text(encoding="utf-8")
)
URL = "https://releases.s3.eu-west-1.amazonaws.com/releases/1/project.template.json"
REQUESTER = f"arn:aws:ec2:{REGION}:333333333333:vpc/vpc-1"
FACTS = StubFacts(
    buckets={"mine": ACCOUNT, "theirs": "333333333333", "releases": "111111111111"},
    stacks={"demo-project-a": STACK},
    tags={
        f"arn:aws:ec2:{HERE}:security-group/sg-1": {"gtc:door": "desktop"},
        f"arn:aws:ec2:{HERE}:instance/i-1": {"gtc:method": "cryoem"},
    },
    arns={
        "user/alice": f"arn:aws:iam::{ACCOUNT}:user/lab/alice",
        "boundary of bounded": "arn:aws:iam::1:policy/b",
        "instance-profile/head": ROLE,
        "rtbassoc-1": f"arn:aws:ec2:{HERE}:route-table/rtb-1",
        "dra-0123456789abcdef0": f"arn:aws:fsx:{HERE}:association/fs-1/dra-0123456789abcdef0",
    },
    peerings={"pcx-1": (REQUESTER, f"arn:aws:ec2:{HERE}:vpc/vpc-2")},
)


def needed(service: str, operation: str, **given: Any) -> list[tuple[str, str]]:
    checks = checks_of(call(service, operation, **given), user(), FACTS)
    return [(check.action, check.resource) for check in checks]


@pytest.mark.parametrize("row", ROWS, ids=[str(row["call"]) for row in ROWS])
def test_a_request_needs_these_permissions(row: dict[str, Any]) -> None:
    service, operation = row["call"].split()
    expected = [tuple(_filled(need).split(" ", 1)) for need in row["needs"]]
    assert needed(service, operation, **_filled(row.get("given", {}))) == expected


def _filled(value: Any) -> Any:
    """Data with the test's own ARNs in the places of their names."""
    if isinstance(value, dict):
        return {key: _filled(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_filled(item) for item in value]
    if isinstance(value, str):
        for name, text in NAMES.items():
            value = value.replace(name, text)
    return value


def test_a_stack_with_a_role_and_tags_needs_four_permissions() -> None:
    given = {"StackName": "demo-project-b", "TemplateURL": URL, "RoleARN": ROLE}
    made = call("cloudformation", "create_stack", **given, Tags=[{"Key": "gtc:a", "Value": "b"}])
    create, role, tag, template = checks_of(made, user(), FACTS)
    stack = f"arn:aws:cloudformation:{HERE}:stack/demo-project-b/*"
    assert (create.action, create.resource) == ("cloudformation:CreateStack", stack)
    assert create.context["cloudformation:TemplateUrl"] == URL
    assert create.context["cloudformation:RoleArn"] == ROLE
    assert create.context["aws:RequestTag/gtc:a"] == "b"
    assert create.context["aws:TagKeys"] == ["gtc:a"]
    assert (role.action, role.resource) == ("iam:PassRole", ROLE)
    assert role.context["iam:PassedToService"] == "cloudformation.amazonaws.com"
    assert (tag.action, tag.resource) == ("cloudformation:TagResource", stack)
    assert tag.context["cloudformation:CreateAction"] == "CreateStack"
    assert template.action == "s3:GetObject"
    assert template.resource == "arn:aws:s3:::releases/releases/1/project.template.json"
    assert template.account == "111111111111"
    assert template.context["aws:CalledVia"] == ["cloudformation.amazonaws.com"]


def test_a_stack_without_a_role_passes_none() -> None:
    given = {"StackName": "a", "TemplateBody": "{}"}
    (create,) = checks_of(call("cloudformation", "create_stack", **given), user(), FACTS)
    assert "cloudformation:RoleArn" not in create.context
    assert "cloudformation:TemplateUrl" not in create.context


def test_the_tags_of_resources_are_condition_keys() -> None:
    door = call("ec2", "authorize_security_group_ingress", GroupId="sg-1", IpPermissions=[])
    (opened,) = [
        check
        for check in checks_of(door, user(), FACTS)
        if check.resource.endswith("security-group/sg-1")
    ]
    assert opened.context["aws:ResourceTag/gtc:door"] == "desktop"
    assert opened.context["ec2:ResourceTag/gtc:door"] == "desktop"
    session = call("ssm", "start_session", Target="i-1")
    (started,) = checks_of(session, user(), FACTS)
    assert started.context["ssm:resourceTag/gtc:method"] == "cryoem"


def test_a_bucket_belongs_to_its_account() -> None:
    (check,) = checks_of(call("s3", "list_objects_v2", Bucket="theirs", Prefix="p/"), user(), FACTS)
    assert check.account == "333333333333"
    assert check.context["s3:ResourceAccount"] == "333333333333"
    assert check.context["s3:prefix"] == "p/"


def test_a_peering_is_judged_by_the_vpc_that_requested_it() -> None:
    accepted = call("ec2", "accept_vpc_peering_connection", VpcPeeringConnectionId="pcx-1")
    joined = [check.context["ec2:RequesterVpc"] for check in checks_of(accepted, user(), FACTS)]
    assert joined == [REQUESTER, REQUESTER]


def test_a_write_that_overwrites_nothing_states_so() -> None:
    written = {"Bucket": "mine", "Key": "k", "Body": b""}
    (bold,) = checks_of(call("s3", "put_object", **written), user(), FACTS)
    (careful,) = checks_of(call("s3", "put_object", **written, IfNoneMatch="*"), user(), FACTS)
    assert "s3:if-none-match" not in bold.context
    assert careful.context["s3:if-none-match"] == "*"


def test_changing_a_role_is_judged_by_its_boundary() -> None:
    policy = {"PolicyName": "p", "PolicyDocument": "{}"}
    changed = call("iam", "put_role_policy", RoleName="bounded", **policy)
    assert checks_of(changed, user(), FACTS)[0].context["iam:PermissionsBoundary"] == (
        "arn:aws:iam::1:policy/b"
    )
    free = call("iam", "put_role_policy", RoleName="free", **policy)
    assert "iam:PermissionsBoundary" not in checks_of(free, user(), FACTS)[0].context


def test_an_instance_needs_its_profiles_role_passed() -> None:
    found = needed(
        "ec2",
        "run_instances",
        ImageId="ami-1",
        MinCount=1,
        MaxCount=1,
        IamInstanceProfile={"Name": "head"},
    )
    assert ("iam:PassRole", ROLE) in found
    assert ("ec2:RunInstances", f"arn:aws:ec2:{REGION}::image/ami-1") in found
    assert ("ec2:RunInstances", f"arn:aws:ec2:{HERE}:instance/*") in found


def test_a_launch_template_counts_like_the_call_itself() -> None:
    said = {
        "IamInstanceProfile": {"Name": "head"},
        "TagSpecifications": [{"ResourceType": "instance", "Tags": [{"Key": "a", "Value": "b"}]}],
    }
    facts = StubFacts(launch_templates={"compute": said}, arns={"instance-profile/head": ROLE})
    started = call(
        "ec2",
        "run_instances",
        MinCount=1,
        MaxCount=1,
        LaunchTemplate={"LaunchTemplateName": "compute", "Version": "$Latest"},
    )
    found = {(check.action, check.resource): check for check in checks_of(started, user(), facts)}
    assert ("iam:PassRole", ROLE) in found
    tagging = found["ec2:CreateTags", f"arn:aws:ec2:{HERE}:instance/*"]
    assert tagging.context["aws:RequestTag/a"] == "b"


def test_a_write_to_an_unknown_resource_is_not_mapped() -> None:
    odd = "arn:aws:datasync:eu-west-1:222222222222:nothing/loc-0123456789abcdef0"
    with pytest.raises(UnmappedError, match="not known which location it is about"):
        checks_of(Call("datasync", "DeleteLocation", {"LocationArn": odd}), user(), FACTS)


def test_a_write_that_names_nothing_known_is_not_mapped() -> None:
    with pytest.raises(UnmappedError, match="it is about"):
        needed("ec2", "disassociate_route_table", AssociationId="rtbassoc-unknown")
    with pytest.raises(UnmappedError, match="it is about"):
        needed("ec2", "delete_tags", Resources=["odd-1"])


def test_an_action_that_iam_does_not_have_is_not_mapped() -> None:
    with pytest.raises(UnmappedError, match="is no action of IAM"):
        checks_of(Call("iam", "AcquireRole"), user(), FACTS)


def test_nearly_every_operation_of_the_services_has_an_action() -> None:
    operations = [
        (service, name)
        for service in SERVICE_OF_SIGNATURE.values()
        for name in get_service_model(service).operation_names
    ]
    unknown = [
        (service, name)
        for service, name in operations
        if reference.action(PREFIX[service], action_of(Call(service, name))) is None
    ]
    assert len(unknown) < len(operations) * 0.05, unknown
    assert not {"cloudformation", "sts", "service-quotas"} & {
        service for service, name in unknown if name not in ("RemoveAlias", "SetAlias")
    }


def test_what_is_served_on_everything_only_is_judged_so() -> None:
    """The services' own API references, as botocore carries them, have the words."""
    told = {
        f"{PREFIX[service]}:{name}"
        for service in SERVICE_OF_SIGNATURE.values()
        for name in get_service_model(service).operation_names
        if "that is scoped to <code>*</code>"
        in get_service_model(service).operation_model(name).documentation
    }
    assert told == ON_EVERYTHING


@pytest.mark.parametrize("row", ROWS, ids=[str(row["call"]) for row in ROWS])
def test_resources_and_condition_keys_are_those_of_the_reference(row: dict[str, Any]) -> None:
    service, operation = row["call"].split()
    for check in checks_of(
        call(service, operation, **_filled(row.get("given", {}))), user(), FACTS
    ):
        prefix, _, name = check.action.partition(":")
        found = reference.action(prefix, name)
        assert found is not None
        patterns = [re.sub(r"\\\$\\{\w+\\}", ".*", re.escape(kind.arn)) for kind in found.types]
        of_everything = check.resource == "*" and (
            not patterns or found.access_level in ("List", "Read") or check.action in ON_EVERYTHING
        )
        aws_own = re.match(r"arn:aws:ssm:[^:]*::document/", check.resource)
        fits = any(re.fullmatch(pattern, check.resource) for pattern in patterns)
        assert of_everything or aws_own or fits, check
        assert [key for key in check.context if not found.has_key(key)] == []


def test_a_condition_key_that_an_action_does_not_have_is_left_out() -> None:
    (described,) = checks_of(call("ec2", "describe_instances"), user(), FACTS)
    assert "ec2:CreateAction" not in described.context
    tagging = checks_of(
        call("ec2", "create_tags", Resources=["i-1"], Tags=[{"Key": "a", "Value": "b"}]),
        user(),
        FACTS,
    )
    assert tagging[0].context["aws:RequestTag/a"] == "b"


def test_the_tags_of_a_stack_count_for_its_deletion() -> None:
    """The reference has this key with the kind of resource, not with the action."""
    facts = StubFacts(stacks={"demo-project-a": STACK}, tags={STACK: {"gtc:a": "b"}})
    (deletion,) = checks_of(
        call("cloudformation", "delete_stack", StackName="demo-project-a"), user(), facts
    )
    assert deletion.context["aws:ResourceTag/gtc:a"] == "b"
