"""SSM of the local AWS: head nodes, commands that run there, sessions."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest
from botocore.exceptions import ClientError

from local_aws.control import Control
from local_aws.process import LocalAws
from local_aws.testing import MANAGEMENT, MEMBER, VIRGINIA, until
from lustres import Linked


class Head:
    """A head node, with a Lustre at /fsx if one is given."""

    def __init__(self, local: LocalAws, lustre: Linked | None = None) -> None:
        ec2 = local.client("ec2", MEMBER, VIRGINIA)
        self.ssm: Any = local.client("ssm", MEMBER, VIRGINIA)
        image = ec2.describe_images(Owners=["amazon"])["Images"][0]["ImageId"]
        made = ec2.run_instances(ImageId=image, InstanceType="m5.xlarge", MinCount=1, MaxCount=1)
        self.ec2, self.id = ec2, made["Instances"][0]["InstanceId"]
        Control(local).add_node(self.id, MEMBER, VIRGINIA, {"/fsx": lustre.id} if lustre else {})

    def send(self, *commands: str, **more: Any) -> str:
        given = {"commands": list(commands), **more.pop("parameters", {})}
        sent = self.ssm.send_command(
            InstanceIds=[self.id], DocumentName="AWS-RunShellScript", Parameters=given, **more
        )
        return str(sent["Command"]["CommandId"])

    def outcome(self, command: str) -> dict[str, Any]:
        def over() -> dict[str, Any] | None:
            found: dict[str, Any] = self.ssm.get_command_invocation(
                CommandId=command, InstanceId=self.id
            )
            return None if found["Status"] in ("Pending", "InProgress") else found

        found: dict[str, Any] = until(over, 20)
        return found

    def run(self, *commands: str, **more: Any) -> dict[str, Any]:
        return self.outcome(self.send(*commands, **more))


@pytest.fixture(scope="module")
def head(local: LocalAws) -> Head:
    return Head(local)


def online(ssm: Any) -> set[str]:
    found = ssm.describe_instance_information()["InstanceInformationList"]
    return {item["InstanceId"] for item in found if item["PingStatus"] == "Online"}


def test_head_nodes_are_online_until_they_are_gone(local: LocalAws) -> None:
    head = Head(local)
    assert head.id in online(head.ssm)
    assert head.id not in online(local.client("ssm", MANAGEMENT, VIRGINIA))
    wanted = [{"Key": "InstanceIds", "Values": [head.id]}]
    listed = head.ssm.describe_instance_information(Filters=wanted)["InstanceInformationList"]
    assert [item["InstanceId"] for item in listed] == [head.id]
    head.ec2.terminate_instances(InstanceIds=[head.id])
    assert head.id not in online(head.ssm)
    with pytest.raises(head.ssm.exceptions.InvalidInstanceId, match="not in a valid state"):
        head.send("true")


def test_a_command_sees_lustre_and_what_it_writes_is_exported(local: LocalAws) -> None:
    lustre = Linked(local)
    head = Head(local, lustre)
    (lustre.root / "from-here").write_text("here")
    done = head.run("cat /fsx/from-here", "mkdir /fsx/made && echo there > /fsx/made/file")
    assert (done["Status"], done["ResponseCode"]) == ("Success", 0)
    assert done["StandardOutputContent"] == "here"
    lustre.export()
    assert lustre.content("made/file") == b"there\n"


def test_a_failing_command_has_failed(head: Head) -> None:
    done = head.run("echo partly", "echo why >&2", "exit 7")
    assert (done["Status"], done["StatusDetails"], done["ResponseCode"]) == ("Failed", "Failed", 7)
    assert (done["StandardOutputContent"], done["StandardErrorContent"]) == ("partly\n", "why\n")


def test_output_is_cut_as_ssm_cuts_it_and_whole_in_s3(local: LocalAws, head: Head) -> None:
    s3 = local.client("s3", MEMBER, VIRGINIA)
    bucket = f"out-{uuid4().hex[:8]}"
    s3.create_bucket(Bucket=bucket)
    write = "head -c 30000 /dev/zero | tr '\\0' x; head -c 9000 /dev/zero | tr '\\0' y >&2"
    sent = head.send(write, OutputS3BucketName=bucket, OutputS3KeyPrefix="some/place")
    done = head.outcome(sent)
    assert len(done["StandardOutputContent"]) == 24_000
    assert done["StandardOutputContent"].endswith("x--output truncated--")
    assert len(done["StandardErrorContent"]) == 8_000
    key = f"some/place/{sent}/{head.id}/awsrunShellScript/0.awsrunShellScript/stdout"
    assert s3.get_object(Bucket=bucket, Key=key)["Body"].read() == b"x" * 30_000
    assert done["StandardOutputUrl"].endswith(f"/{bucket}/{key}")
    listed = head.ssm.list_command_invocations(CommandId=sent, Details=True)
    plugin = listed["CommandInvocations"][0]["CommandPlugins"][0]
    assert len(plugin["Output"]) == 2_500


def test_a_command_that_takes_too_long_is_ended(head: Head) -> None:
    done = head.run("sleep 30", parameters={"executionTimeout": ["1"]})
    assert (done["Status"], done["StatusDetails"]) == ("TimedOut", "ExecutionTimedOut")
    assert done["StandardOutputContent"] == ""


def test_a_command_can_be_cancelled(head: Head) -> None:
    sent = head.send("sleep 30")
    head.ssm.cancel_command(CommandId=sent)
    assert head.outcome(sent)["Status"] == "Cancelled"
    listed = head.ssm.list_commands(CommandId=sent)["Commands"][0]
    assert (listed["Status"], listed["CompletedCount"], listed["ErrorCount"]) == ("Cancelled", 1, 1)


def test_nothing_is_reported_before_the_end(head: Head) -> None:
    sent = head.send("echo early", "sleep 1")
    seen = head.ssm.get_command_invocation(CommandId=sent, InstanceId=head.id)
    assert seen["Status"] in ("Pending", "InProgress")
    assert (seen["ResponseCode"], seen["StandardOutputContent"]) == (-1, "")
    assert head.outcome(sent)["StandardOutputContent"] == "early\n"


def test_a_command_can_be_undeliverable(local: LocalAws, head: Head) -> None:
    Control(local).fault("command-undeliverable", instance=head.id, times=1)
    done = head.run("true")
    assert (done["Status"], done["StatusDetails"]) == ("TimedOut", "DeliveryTimedOut")
    assert head.run("true")["Status"] == "Success"


def test_unknown_names_are_reported_as_ssm_does(head: Head) -> None:
    with pytest.raises(head.ssm.exceptions.InvocationDoesNotExist):
        head.ssm.get_command_invocation(CommandId=str(uuid4()), InstanceId=head.id)
    with pytest.raises(head.ssm.exceptions.InvalidCommandId):
        head.ssm.list_command_invocations(CommandId=str(uuid4()))
    with pytest.raises(head.ssm.exceptions.InvalidDocument):
        head.ssm.send_command(InstanceIds=[head.id], DocumentName="AWS-NoSuchDocument")
    with pytest.raises(ClientError, match="commands"):
        head.ssm.send_command(InstanceIds=[head.id], DocumentName="AWS-RunShellScript")


def test_a_session_is_opened_and_leads_nowhere_outside(head: Head) -> None:
    opened = head.ssm.start_session(Target=head.id)
    assert opened["TokenValue"]
    assert opened["StreamUrl"].startswith("ws://localhost:")
    wanted = [{"key": "Target", "value": head.id}]
    active = head.ssm.describe_sessions(State="Active", Filters=wanted)["Sessions"]
    assert [item["SessionId"] for item in active] == [opened["SessionId"]]
    head.ssm.terminate_session(SessionId=opened["SessionId"])
    assert head.ssm.describe_sessions(State="Active", Filters=wanted)["Sessions"] == []
    with pytest.raises(head.ssm.exceptions.TargetNotConnected):
        head.ssm.start_session(Target="i-0123456789abcdef0")
