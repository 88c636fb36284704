"""Injected faults: each strikes as often and as narrowly as asked, in AWS's own words."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError, ConnectionClosedError

from local_aws.control import Control
from local_aws.errors import LocalAwsError
from local_aws.process import LocalAws
from local_aws.services.faults import Faults
from local_aws.testing import MANAGEMENT, MEMBER, VIRGINIA, Stacks, until
from lustres import EVENTS, Linked

TOPIC = {"Topic": {"Type": "AWS::SNS::Topic", "Properties": {}}}


@pytest.fixture
def control(local: LocalAws) -> Iterator[Control]:
    made = Control(local)
    yield made
    made.clear()


def code(caught: pytest.ExceptionInfo[ClientError]) -> tuple[str, int]:
    response = caught.value.response
    return response["Error"]["Code"], response["ResponseMetadata"]["HTTPStatusCode"]


@pytest.mark.parametrize(
    ("service", "operation", "call", "expected"),
    [
        ("cloudformation", "ListStacks", "list_stacks", ("Throttling", 400)),
        ("ec2", "DescribeVpcs", "describe_vpcs", ("RequestLimitExceeded", 503)),
        ("fsx", "DescribeFileSystems", "describe_file_systems", ("ThrottlingException", 400)),
        ("efs", "DescribeFileSystems", "describe_file_systems", ("ThrottlingException", 429)),
        ("s3", "ListBuckets", "list_buckets", ("SlowDown", 503)),
    ],
)
def test_throttling_is_reported_as_by_each_service(
    local: LocalAws,
    control: Control,
    service: str,
    operation: str,
    call: str,
    expected: tuple[str, int],
) -> None:
    fault = control.fault("throttling", service=service, operation=operation, times=2)
    client = local.client(service, MEMBER, VIRGINIA)
    for _ in range(2):
        with pytest.raises(ClientError) as caught:
            getattr(client, call)()
        assert code(caught) == expected
    getattr(client, call)()
    assert control.struck(fault) == 2


def test_throttling_leaves_other_operations_and_accounts_alone(
    local: LocalAws, control: Control
) -> None:
    control.fault("throttling", service="ec2", operation="DescribeVpcs", account=MEMBER)
    local.client("ec2", MEMBER, VIRGINIA).describe_subnets()
    local.client("ec2", MANAGEMENT, VIRGINIA).describe_vpcs()
    with pytest.raises(ClientError):
        local.client("ec2", MEMBER, VIRGINIA).describe_vpcs()


def test_boto_bears_a_little_throttling(local: LocalAws, control: Control) -> None:
    fault = control.fault(
        "throttling", service="ssm", operation="Describe*", account=MEMBER, times=2
    )
    keys = local.environment(MEMBER, VIRGINIA)
    ssm = boto3.client(
        "ssm",
        region_name=VIRGINIA,
        endpoint_url=local.endpoint_url,
        aws_access_key_id=keys["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=keys["AWS_SECRET_ACCESS_KEY"],
        aws_session_token=keys["AWS_SESSION_TOKEN"],
        config=Config(retries={"mode": "standard"}),
    )
    ssm.describe_parameters()
    assert control.struck(fault) == 2


def test_a_fault_lets_pass_what_it_is_to_skip(local: LocalAws, control: Control) -> None:
    control.fault("error", service="sns", operation="ListTopics", skip=1, times=1)
    client = local.client("sns", MEMBER, VIRGINIA)
    client.list_topics()
    with pytest.raises(ClientError):
        client.list_topics()
    client.list_topics()


@pytest.mark.parametrize(("lost", "made"), [("request", False), ("answer", True)])
def test_a_reset_loses_the_request_or_the_answer_to_it(
    local: LocalAws, control: Control, lost: str, made: bool
) -> None:
    client = local.client("sns", MEMBER, VIRGINIA)
    control.fault("reset", service="sns", operation="CreateTopic", times=1, lost=lost)
    with pytest.raises((ConnectionClosedError, ConnectionError)):
        client.create_topic(Name=f"lost-{lost}")
    names = [one["TopicArn"].rsplit(":", 1)[-1] for one in client.list_topics()["Topics"]]
    assert (f"lost-{lost}" in names) is made


def test_a_bucket_of_another_account_is_refused_where_an_owner_is_expected(
    local: LocalAws,
) -> None:
    s3 = local.client("s3", MANAGEMENT, VIRGINIA)
    s3.create_bucket(Bucket="theirs")
    s3.head_bucket(Bucket="theirs", ExpectedBucketOwner=MANAGEMENT)
    with pytest.raises(ClientError) as caught:
        s3.head_bucket(Bucket="theirs", ExpectedBucketOwner=MEMBER)
    assert code(caught) == ("403", 403)


def test_an_update_that_cannot_be_taken_back_is_no_complete_rollback(
    local: LocalAws, control: Control
) -> None:
    def topic(name: str) -> dict[str, Any]:
        return {"Type": "AWS::SNS::Topic", "Properties": {"DisplayName": name}}

    stacks = Stacks(local)
    stacks.create("twofold", {"A": topic("a"), "B": {**topic("b"), "DependsOn": "A"}})
    control.fault("resource-fails", stack="twofold", logical_id="B", phase="update", times=1)
    control.fault("resource-fails", stack="twofold", logical_id="A", phase="rollback", times=1)
    changed = {"A": topic("c"), "B": {**topic("d"), "DependsOn": "A"}}
    assert stacks.update("twofold", changed)["StackStatus"] == "UPDATE_ROLLBACK_FAILED"


def test_what_a_resource_that_stays_needs_is_not_deleted_and_what_stays_can_be_left(
    local: LocalAws, control: Control
) -> None:
    stacks = Stacks(local)
    resources = {"A": TOPIC["Topic"], "B": {**TOPIC["Topic"], "DependsOn": "A"}}
    stacks.create("stuck", resources)
    fault = control.fault("resource-fails", stack="stuck", logical_id="B", phase="delete")
    with pytest.raises(ClientError, match="DELETE_FAILED state"):
        stacks.cfn.delete_stack(StackName="stuck", RetainResources=["B"])
    stacks.cfn.delete_stack(StackName="stuck")
    assert stacks.settled("stuck")["StackStatus"] == "DELETE_FAILED"
    assert ("A", "DELETE_IN_PROGRESS") not in stacks.events("stuck")
    stacks.cfn.delete_stack(StackName="stuck", RetainResources=["B"])
    until(lambda: "stuck" not in {s["StackName"] for s in stacks.cfn.describe_stacks()["Stacks"]})
    assert control.struck(fault) == 1


def test_what_stacks_do_themselves_is_not_throttled(local: LocalAws, control: Control) -> None:
    control.fault("throttling", service="sns")
    assert Stacks(local).create("quiet", TOPIC)["StackStatus"] == "CREATE_COMPLETE"


def test_expired_credentials_are_refused_until_they_are_new(
    local: LocalAws, control: Control
) -> None:
    expected = {
        "sts": ("get_caller_identity", "ExpiredToken"),
        "ec2": ("describe_vpcs", "RequestExpired"),
        "fsx": ("describe_file_systems", "ExpiredTokenException"),
        "s3": ("list_buckets", "ExpiredToken"),
    }
    with control.during("expired-credentials", account=MEMBER):
        for service, (call, name) in expected.items():
            with pytest.raises(ClientError) as caught:
                getattr(local.client(service, MEMBER, VIRGINIA), call)()
            assert code(caught)[0] == name
        local.client("sts", MANAGEMENT, VIRGINIA).get_caller_identity()
    local.client("sts", MEMBER, VIRGINIA).get_caller_identity()


def test_capacity_lacks_for_one_instance_type_also_in_a_stack(
    local: LocalAws, control: Control
) -> None:
    ec2 = local.client("ec2", MEMBER, VIRGINIA)
    image = ec2.describe_images(Owners=["amazon"])["Images"][0]["ImageId"]
    control.fault("insufficient-capacity", instance_type="g6.*")
    with pytest.raises(ClientError) as caught:
        ec2.run_instances(ImageId=image, InstanceType="g6.4xlarge", MinCount=1, MaxCount=1)
    assert code(caught) == ("InsufficientInstanceCapacity", 500)
    ec2.run_instances(ImageId=image, InstanceType="m5.xlarge", MinCount=1, MaxCount=1)
    stacks = Stacks(local)
    node = {"ImageId": image, "InstanceType": "g6.xlarge"}
    made = stacks.create("node", {"Node": {"Type": "AWS::EC2::Instance", "Properties": node}})
    assert made["StackStatus"] == "ROLLBACK_COMPLETE"
    assert "InsufficientInstanceCapacity" in stacks.reasons("node")


def test_a_failing_resource_rolls_its_stack_back(local: LocalAws, control: Control) -> None:
    stacks = Stacks(local)
    template: dict[str, Any] = {
        **TOPIC,
        "Second": {"Type": "AWS::SSM::Parameter", "DependsOn": "Topic"},
    }
    template["Second"]["Properties"] = {"Name": "/second", "Type": "String", "Value": "x"}
    control.fault("resource-fails", logical_id="Second", stack="broken", message="No luck")
    made = stacks.create("broken", template)
    assert made["StackStatus"] == "ROLLBACK_COMPLETE"
    assert stacks.reasons("broken") == "No luck"
    assert ("Second", "CREATE_IN_PROGRESS") in stacks.events("broken")
    assert ("Topic", "DELETE_COMPLETE") in stacks.events("broken")
    assert stacks.create("spared", template)["StackStatus"] == "CREATE_COMPLETE"


def test_a_resource_can_fail_to_be_deleted(local: LocalAws, control: Control) -> None:
    stacks = Stacks(local)
    stacks.create("sticky", TOPIC)
    control.fault("resource-fails", resource_type="AWS::SNS::*", phase="delete", times=1)
    stacks.cfn.delete_stack(StackName="sticky")
    assert stacks.settled("sticky")["StackStatus"] == "DELETE_FAILED"
    stacks.delete("sticky")


def test_a_slow_operation_takes_its_time(local: LocalAws, control: Control) -> None:
    control.fault("slow", service="sts", seconds=0.5, times=1)
    began = time.monotonic()
    local.client("sts", MEMBER, VIRGINIA).get_caller_identity()
    assert time.monotonic() - began > 0.5


def test_any_error_can_be_had(local: LocalAws, control: Control) -> None:
    control.fault("error", service="fsx", code="InternalServerError", message="oops", status=500)
    with pytest.raises(ClientError, match="oops") as caught:
        local.client("fsx", MEMBER, VIRGINIA).describe_file_systems()
    assert code(caught) == ("InternalServerError", 500)


def test_unknown_faults_are_refused_with_those_that_exist(control: Control) -> None:
    with pytest.raises(LocalAwsError, match="Available: throttling"):
        control.fault("thunder")
    with pytest.raises(LocalAwsError, match="slow has no logical_id"):
        control.fault("slow", logical_id="x")


def test_a_fault_strikes_as_often_as_it_is_set() -> None:
    faults = Faults()
    faults.add("slow", times=1, service="e*")
    assert faults.take("slow", service="s3") is None
    assert faults.take("slow", service="ec2") is not None
    assert faults.take("slow", service="ec2") is None
    assert not faults.any("slow")


class TestExports:
    @pytest.fixture
    def fs(self, local: LocalAws) -> Linked:
        made = Linked(local)
        for name in ("good", "bad", "dir/bad"):
            (made.root / name).parent.mkdir(exist_ok=True)
            (made.root / name).write_text(f"content of {name}")
        return made

    def test_a_task_can_fail_as_a_whole(self, control: Control, fs: Linked) -> None:
        control.fault("export-task-fails", file_system=fs.id, times=1)
        task = fs.export()
        assert task["Lifecycle"] == "FAILED"
        assert task["FailureDetails"]["Message"]
        assert fs.keys() == set()
        assert fs.export()["Lifecycle"] == "SUCCEEDED"

    def test_files_that_fail_are_in_the_report(self, control: Control, fs: Linked) -> None:
        control.fault("export-file-fails", file_system=fs.id, path="*bad", code="S3AccessDenied")
        task = fs.export(report=f"s3://{fs.bucket}/reports")
        assert task["Lifecycle"] == "FAILED"
        assert fs.counts(task) == (4, 2, 2)
        told = fs.content(f"reports/{task['TaskId']}/failures.csv").decode()
        assert told == "bad,failed,S3AccessDenied\ndir/bad,failed,S3AccessDenied\n"
        control.clear()
        assert fs.counts(fs.export()) == (2, 2, 0)

    def test_a_task_can_claim_success_with_failures_inside(
        self, control: Control, fs: Linked
    ) -> None:
        control.fault("export-file-fails", file_system=fs.id, path="bad")
        control.fault("export-task-lies", file_system=fs.id)
        task = fs.export()
        assert task["Lifecycle"] == "SUCCEEDED"
        assert fs.counts(task) == (4, 3, 1)
        assert "bad" not in fs.keys()  # noqa: SIM118 (not a dict)

    def test_a_file_can_be_skipped_in_silence(self, control: Control, fs: Linked) -> None:
        control.fault("export-skips", file_system=fs.id, path="dir/bad")
        task = fs.export()
        assert task["Lifecycle"] == "SUCCEEDED"
        assert fs.counts(task) == (4, 4, 0)
        assert fs.keys() == {"good", "bad", "dir/"}
        assert fs.counts(fs.export()) == (0, 0, 0)

    def test_objects_can_be_short_wrong_or_without_metadata(
        self, control: Control, fs: Linked
    ) -> None:
        control.fault("export-truncates", file_system=fs.id, path="bad")
        control.fault("export-corrupts", file_system=fs.id, path="dir/bad")
        control.fault("export-forgets-metadata", file_system=fs.id, path="good")
        assert fs.export()["Lifecycle"] == "SUCCEEDED"
        assert fs.content("bad") == b"content"[:7]
        whole = b"content of dir/bad"
        assert (fs.content("dir/bad") != whole, len(fs.content("dir/bad"))) == (True, len(whole))
        assert fs.head("good")["Metadata"] == {}

    def test_a_file_written_during_an_export_is_exported_the_next_time(
        self, control: Control, fs: Linked
    ) -> None:
        control.fault("export-slow", file_system=fs.id, seconds=0.5, times=1)
        task_id = fs.start_export()
        until(lambda: fs.tasks()[-1]["Status"]["TotalCount"])
        (fs.root / "late").write_text("late")
        (fs.root / "good").write_text("changed meanwhile")
        assert fs.counts(fs.ended(task_id)) == (4, 4, 0)
        assert "late" not in fs.keys()  # noqa: SIM118 (not a dict)
        assert fs.counts(fs.export()) == (2, 2, 0)

    def test_a_task_can_be_cancelled_and_nothing_else_starts_meanwhile(
        self, control: Control, fs: Linked
    ) -> None:
        control.fault("export-slow", file_system=fs.id, seconds=20, times=1)
        task_id = fs.start_export()
        with pytest.raises(fs.fsx.exceptions.DataRepositoryTaskExecuting):
            fs.start_export()
        with pytest.raises(fs.fsx.exceptions.BadRequest, match="cannot be deleted"):
            fs.fsx.delete_file_system(FileSystemId=fs.id)
        fs.fsx.cancel_data_repository_task(TaskId=task_id)
        assert fs.ended(task_id)["Lifecycle"] == "CANCELED"
        assert fs.keys() == set()
        with pytest.raises(fs.fsx.exceptions.DataRepositoryTaskEnded):
            fs.fsx.cancel_data_repository_task(TaskId=task_id)

    def test_automatic_export_can_stall(self, local: LocalAws, control: Control) -> None:
        fs = Linked(local, auto_export=EVENTS)
        fault = control.fault("auto-export-stalls", file_system=fs.id)
        (fs.root / "file").write_text("waits")
        until(lambda: control.struck(fault) > 2)
        assert fs.keys() == set()
        control.clear(fault)
        until(lambda: fs.keys() == {"file"})


def test_a_report_lies_in_a_linked_repository(local: LocalAws) -> None:
    fs = Linked(local, prefix="linked")
    with pytest.raises(ClientError, match="not in a linked data repository"):
        fs.start_export(report=f"s3://{fs.bucket}/elsewhere")


def test_quotas_can_be_lowered(local: LocalAws, control: Control) -> None:
    def value(account: str) -> float:
        quotas = local.client("service-quotas", account, VIRGINIA)
        found = quotas.get_service_quota(ServiceCode="ec2", QuotaCode="L-0263D0A3")
        return float(found["Quota"]["Value"])

    before = value(MEMBER)
    control.set_quota(MEMBER, VIRGINIA, "L-0263D0A3", 1)
    assert (value(MEMBER), value(MANAGEMENT)) == (1, before)


def test_events_come_newest_first_with_true_times(local: LocalAws, control: Control) -> None:
    control.fault("slow", service="sns", seconds=0.1)
    stacks = Stacks(local)
    began = time.time()
    stack_id = stacks.create("timed", TOPIC)["StackId"]
    stacks.delete("timed")
    events: list[Any] = stacks.cfn.describe_stack_events(StackName=stack_id)["StackEvents"]
    times = [event["Timestamp"].timestamp() for event in events]
    assert times == sorted(times, reverse=True)
    assert began - 1 <= times[-1] <= times[0] <= time.time() + 1
    assert (events[0]["LogicalResourceId"], events[0]["ResourceStatus"]) == (
        "timed",
        "DELETE_COMPLETE",
    )
    assert events[-1]["ResourceStatus"] == "CREATE_IN_PROGRESS"
    assert len({event["EventId"] for event in events}) == len(events)
    with pytest.raises(ClientError, match="does not exist"):
        stacks.cfn.describe_stack_events(StackName="timed")
