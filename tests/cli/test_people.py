"""`gotocloud platform invite`, `hand-over` and `remove-scientist`, in this process (moto)."""

from __future__ import annotations

import json
import stat
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import boto3
import pytest
from moto.ssm.models import ssm_backends

from gotocloud.aws.offboarding import held_by
from gotocloud.contract.names import SCIENTIST_ROLE, initial_password
from gotocloud.contract.project_names import ProjectNames
from gotocloud.contract.tags import ACCESS_TAG, DESKTOP_ACCESS, IAM_USER_TAG, PROJECT_TAG
from local_aws.services import iam_users, run_command
from local_aws.services.run_command_nodes import kept
from tests.cli.in_process import typed
from tests.needs import ROOT

EXAMPLE = ROOT / "platform.example.yaml"
GROUP, REGION = "222222222222", "ap-northeast-1"
LEAVER, STAYS = "scientist1", "scientist2"
Run = Callable[..., tuple[int, str]]


@pytest.fixture
def run(
    aws: None, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Run:
    """Runs `gotocloud platform …` as an administrator of the group's account."""
    iam_users.apply()
    run_command.apply(tmp_path / "nodes")
    monkeypatch.setattr("gotocloud.aws.session.account_id", lambda _region: GROUP)
    monkeypatch.chdir(tmp_path)
    boto3.client("iam").create_role(RoleName=SCIENTIST_ROLE, AssumeRolePolicyDocument="{}")

    def invoke(*words: object) -> tuple[int, str]:
        ended = typed(monkeypatch, capsys, "platform", *words, "--platform", EXAMPLE)
        return ended.code, ended.err

    return invoke


@pytest.fixture
def leaver(run: Run) -> Any:
    """A user with everything that keeps IAM from deleting one."""
    iam = boto3.client("iam")
    iam.create_user(UserName=LEAVER)
    iam.create_access_key(UserName=LEAVER)
    serial = iam.create_virtual_mfa_device(VirtualMFADeviceName=LEAVER)["VirtualMFADevice"]
    iam.enable_mfa_device(
        UserName=LEAVER,
        SerialNumber=serial["SerialNumber"],
        AuthenticationCode1="123456",
        AuthenticationCode2="234567",
    )
    iam.upload_ssh_public_key(UserName=LEAVER, SSHPublicKeyBody="ssh-rsa AAAA")
    iam.create_service_specific_credential(UserName=LEAVER, ServiceName="codecommit.amazonaws.com")
    return iam


def bucket(owner: str, project: str = "ribosome", region: str = REGION) -> Any:
    """A project's bucket, tagged as its stack tags it."""
    name = ProjectNames(owner, GROUP, project).bucket
    made: Any = boto3.resource("s3", region_name=region).Bucket(name)
    made.create(CreateBucketConfiguration={"LocationConstraint": region})
    tags = {IAM_USER_TAG: owner, PROJECT_TAG: project}
    made.Tagging().put(Tagging={"TagSet": [{"Key": k, "Value": v} for k, v in tags.items()]})
    return made


def test_an_invitation_has_the_password_and_only_its_writer_can_read_it(run: Run) -> None:
    secrets = boto3.client("secretsmanager", region_name=REGION)
    code, said = run("invite", LEAVER)
    assert (code, "has no initial password" in said) == (1, True)
    secrets.create_secret(Name=initial_password(LEAVER), SecretString="pa55 word")
    code, said = run("invite", LEAVER)
    path = Path(f"invitation-{LEAVER}.txt")
    assert code == 0, said
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    text = path.read_text()
    assert "Password:  pa55 word\n" in text
    assert f"gotocloud login --account {GROUP} --region {REGION} --user {LEAVER}\n" in text
    assert "pa55" not in said
    assert "Did you mean" in run("invite", "scientist11")[1]


def test_a_user_with_mfa_is_not_deleted_until_the_command_has_run(run: Run, leaver: Any) -> None:
    with pytest.raises(leaver.exceptions.DeleteConflictException):
        leaver.delete_user(UserName=LEAVER)
    code, said = run("remove-scientist", LEAVER, "--yes")
    assert code == 0, said
    assert said.endswith("Next: cdk deploy UserStack -c group=membrane-lab\n")
    (denied,) = leaver.list_user_policies(UserName=LEAVER)["PolicyNames"]
    # CloudFormation's handler deletes inline policies itself; the rest must be gone.
    leaver.delete_user_policy(UserName=LEAVER, PolicyName=denied)
    leaver.delete_user(UserName=LEAVER)
    assert leaver.list_virtual_mfa_devices()["VirtualMFADevices"] == []
    (policy,) = leaver.list_role_policies(RoleName=SCIENTIST_ROLE)["PolicyNames"]
    ended = leaver.get_role_policy(RoleName=SCIENTIST_ROLE, PolicyName=policy)["PolicyDocument"]
    conditions = ended["Statement"]["Condition"]
    assert conditions["StringLike"] == {"aws:userid": f"*:{LEAVER}"}
    assert "aws:TokenIssueTime" in conditions["DateLessThan"]
    assert run("remove-scientist", LEAVER, "--yes")[0] == 0


def test_denies_of_ended_sessions_make_room_and_those_of_others_stay(run: Run, leaver: Any) -> None:
    """All inline policies of a role together have at most 10,240 characters on AWS."""
    now = datetime.now(UTC)
    for name, hours in (("gotocloud-left-old", 12.1), ("gotocloud-left-new", 11.9)):
        began = (now - timedelta(hours=hours)).strftime("%Y-%m-%dT%H:%M:%SZ")
        condition = {"DateLessThan": {"aws:TokenIssueTime": began}}
        statement = {"Effect": "Deny", "Action": "*", "Resource": "*", "Condition": condition}
        text = json.dumps({"Version": "2012-10-17", "Statement": statement})
        leaver.put_role_policy(RoleName=SCIENTIST_ROLE, PolicyName=name, PolicyDocument=text)
    statement = {"Effect": "Allow", "Action": "s3:ListAllMyBuckets", "Resource": "*"}
    other = json.dumps({"Version": "2012-10-17", "Statement": statement})
    leaver.put_role_policy(RoleName=SCIENTIST_ROLE, PolicyName="work", PolicyDocument=other)
    assert run("remove-scientist", LEAVER, "--yes")[0] == 0
    left = leaver.list_role_policies(RoleName=SCIENTIST_ROLE)["PolicyNames"]
    assert sorted(left) == ["gotocloud-left-new", f"gotocloud-left-{LEAVER}", "work"]


def test_every_page_of_what_a_leaver_has_is_read() -> None:
    """IAM gives a page as it likes, also a short one: IsTruncated alone counts."""

    class Iam:
        exceptions: Any = boto3.client("iam").exceptions

        def __getattr__(self, operation: str) -> Any:
            def answer(UserName: str, Marker: str = "0") -> dict[str, Any]:  # noqa: N803
                key, items = PAGED[operation]
                page, more = int(Marker), int(Marker) < 2
                assert UserName == LEAVER
                return {key: [items(page)], "IsTruncated": more, "Marker": str(page + 1)}

            return answer

    held = [one.what for one in held_by(Iam(), LEAVER) or []]
    assert len(held) == len(set(held)) == 3 * len(PAGED)


PAGED: dict[str, tuple[str, Any]] = {
    "list_mfa_devices": ("MFADevices", lambda n: {"SerialNumber": f"arn:mfa/{n}"}),
    "list_access_keys": ("AccessKeyMetadata", lambda n: {"AccessKeyId": f"AKIA{n}"}),
    "list_signing_certificates": ("Certificates", lambda n: {"CertificateId": f"C{n}"}),
    "list_ssh_public_keys": ("SSHPublicKeys", lambda n: {"SSHPublicKeyId": f"APKA{n}"}),
    "list_service_specific_credentials": (
        "ServiceSpecificCredentials",
        lambda n: {"ServiceSpecificCredentialId": f"S{n}", "ServiceName": f"service {n}"},
    ),
}


def test_nothing_changes_in_a_dry_run(run: Run, leaver: Any) -> None:
    code, said = run("remove-scientist", LEAVER, "--dry-run")
    assert code == 0
    assert "Would delete MFA device" in said
    assert leaver.list_mfa_devices(UserName=LEAVER)["MFADevices"]
    assert leaver.list_user_policies(UserName=LEAVER)["PolicyNames"] == []


@pytest.mark.usefixtures("leaver")
def test_desktops_of_the_leaver_are_closed_and_those_of_others_stay_open(run: Run) -> None:
    ec2 = boto3.client("ec2", region_name="us-east-1")
    rule = {"IpProtocol": "tcp", "FromPort": 8443, "ToPort": 8443}
    rules: list[Any] = [{**rule, "IpRanges": [{"CidrIp": "192.0.2.1/32"}]}]
    groups = {}
    for owner in (LEAVER, STAYS):
        tags: Any = [
            {"Key": ACCESS_TAG, "Value": DESKTOP_ACCESS},
            {"Key": IAM_USER_TAG, "Value": owner},
        ]
        groups[owner] = ec2.create_security_group(
            GroupName=owner,
            Description="d",
            TagSpecifications=[{"ResourceType": "security-group", "Tags": tags}],
        )["GroupId"]
        ec2.authorize_security_group_ingress(GroupId=groups[owner], IpPermissions=rules)
    assert run("remove-scientist", LEAVER, "--yes")[0] == 0
    left = ec2.describe_security_groups(GroupIds=list(groups.values()))["SecurityGroups"]
    assert {one["GroupName"]: len(one["IpPermissions"]) for one in left} == {LEAVER: 0, STAYS: 1}


@pytest.mark.usefixtures("leaver")
def test_shells_of_the_leaver_end_and_those_of_others_go_on(run: Run) -> None:
    here: Any = SimpleNamespace(ssm_backend=ssm_backends["123456789012"][REGION])
    sessions = kept(here, "sessions")
    for owner in (LEAVER, STAYS):
        arn = f"arn:aws:sts::{GROUP}:assumed-role/{SCIENTIST_ROLE}/{owner}"
        sessions[owner] = {"SessionId": owner, "Status": "Connected", "Owner": arn}
    assert run("remove-scientist", LEAVER, "--yes")[0] == 0
    assert {name: one["Status"] for name, one in sessions.items()} == {
        LEAVER: "Terminated",
        STAYS: "Connected",
    }


@pytest.mark.usefixtures("leaver")
def test_projects_are_handed_over_before_the_name_may_leave(run: Run) -> None:
    old = bucket(LEAVER)
    for number in range(3):
        old.put_object(Key=f"movies/{number}", Body=b"x" * number, Metadata={"file-owner": "1000"})
    old.put_object(Key=".gotocloud/proofs/1", Body=b"of a cluster of the leaver")
    code, said = run("remove-scientist", LEAVER, "--successor", STAYS, "--yes")
    following = f"gotocloud platform hand-over ribosome --from {LEAVER} --to {STAYS}"
    assert (code, said.endswith(f"Next: {following} --platform {EXAMPLE}\n")) == (1, True)
    code, said = run(*following.split()[2:])
    assert (code, said.endswith("Next: gotocloud setup ribosome\n")) == (2, True)
    new = bucket(STAYS)
    assert "Would copy 3 objects, 3 bytes" in run(*following.split()[2:], "--dry-run")[1]
    assert run(*following.split()[2:])[0] == 0
    assert {one.key for one in new.objects.all()} == {f"movies/{n}" for n in range(3)}
    assert new.Object("movies/2").metadata == {"file-owner": "1000"}
    assert run("remove-scientist", LEAVER, "--successor", STAYS, "--yes")[0] == 0
    time.sleep(1.1)  # S3 counts whole seconds.
    old.put_object(Key="movies/1", Body=b"longer")
    code, said = run("remove-scientist", LEAVER, "--successor", STAYS, "--yes")
    assert (code, "is not handed over" in said) == (1, True)
    code, said = run("remove-scientist", LEAVER, "--yes")
    assert (code, "with --successor" in said, "Next:" in said) == (1, True, False)


@pytest.mark.usefixtures("leaver")
def test_the_successors_own_work_is_never_replaced(run: Run) -> None:
    old = bucket(LEAVER)
    old.put_object(Key="run.star", Body=b"model")
    new = bucket(STAYS)
    words = ("hand-over", "ribosome", "--from", LEAVER, "--to", STAYS)
    assert run(*words)[0] == 0
    new.put_object(Key="run.star", Body=b"a better model")
    assert run("remove-scientist", LEAVER, "--successor", STAYS, "--yes")[0] == 0
    code, said = run(*words)
    assert (code, "1 object of" in said, "'run.star'" in said) == (0, True, True)
    assert new.Object("run.star").get()["Body"].read() == b"a better model"


@pytest.mark.usefixtures("leaver")
def test_access_ends_only_after_a_yes_and_a_dry_run_lists_what_is_left(run: Run) -> None:
    bucket(LEAVER)
    code, said = run("remove-scientist", LEAVER)
    assert (code, "No terminal to confirm: add --yes" in said) == (2, True)
    assert boto3.client("iam").list_mfa_devices(UserName=LEAVER)["MFADevices"]
    code, said = run("remove-scientist", LEAVER, "--dry-run")
    assert (code, "Left: project 'ribosome'" in said, "has no access" in said) == (0, True, False)


def test_names_and_accounts_that_do_not_fit_are_refused(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    code, said = run("remove-scientist", "scientist11", "--yes")
    assert (code, "Did you mean 'scientist1'?" in said) == (2, True)
    assert run("remove-scientist", LEAVER, "--successor", LEAVER, "--yes")[0] == 2
    monkeypatch.setattr("gotocloud.aws.session.account_id", lambda _region: "111111111111")
    code, said = run("remove-scientist", LEAVER, "--yes")
    assert (code, "management account" in said) == (2, True)


@pytest.mark.usefixtures("leaver")
def test_an_update_that_deletes_a_user_with_mfa_is_refused(run: Run, tmp_path: Path) -> None:
    from tests.cli.test_platform_update import STORE, assembly

    user = {"Type": "AWS::IAM::User", "Properties": {"UserName": LEAVER}}
    boto3.client("cloudformation", region_name=REGION).create_stack(
        StackName="gotocloud-user",
        TemplateBody=json.dumps({"Resources": {"Store": STORE}}),
    )
    template = json.dumps({"Resources": {"Store": STORE, "User": user}})
    source = assembly(tmp_path / "out", Store=STORE)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("gotocloud.aws.deployed.deployed_template", lambda *_: json.loads(template))
        code, said = run("update", "--from", source)
    assert code == 1
    assert f"scientist {LEAVER} leaves or is renamed, and still has MFA device" in said
    assert f"gotocloud platform remove-scientist {LEAVER}" in said
