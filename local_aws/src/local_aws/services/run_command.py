"""SSM Run Command on the head nodes of local clusters: commands really run there.

Source: Systems Manager API reference and user guide, "Understanding command statuses"
(read 2026-11).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

from moto.core.responses import ActionResult, EmptyResult
from moto.ec2.models import ec2_backends
from moto.ssm import responses
from moto.ssm.exceptions import SSMException

from local_aws.nodes import NODES
from local_aws.services.run_command_model import (
    MOST_OUTPUT,
    MOST_STDERR,
    MOST_STDOUT,
    PLUGIN,
    Command,
    Invocation,
    cut,
)
from local_aws.services.run_command_nodes import (
    describe_instance_information,
    describe_sessions,
    kept,
    online,
    start_session,
    terminate_session,
)

COMMAND_DOCUMENT = "AWS-RunShellScript"
DOCUMENTS = (COMMAND_DOCUMENT, f"document/{COMMAND_DOCUMENT}")
_REQUESTED = (
    *("DocumentName", "Comment", "TimeoutSeconds", "Parameters", "Targets", "InstanceIds"),
    *("OutputS3BucketName", "OutputS3KeyPrefix"),
)


def apply(state_dir: Path) -> None:
    """Give moto's SSM nodes that run commands."""
    NODES.open(state_dir)
    for operation in (
        describe_instance_information,
        send_command,
        get_command_invocation,
        list_command_invocations,
        list_commands,
        cancel_command,
        start_session,
        terminate_session,
        describe_sessions,
    ):
        setattr(responses.SimpleSystemManagerResponse, operation.__name__, operation)


def send_command(self: Any) -> ActionResult:
    """SendCommand, to head nodes that are online."""
    given = {name: self._get_param(name) for name in _REQUESTED}
    if given["DocumentName"].removeprefix(f"arn:aws:ssm:{self.region}::") not in DOCUMENTS:
        raise SSMException(
            "InvalidDocument", f"Document with name {given['DocumentName']} does not exist."
        )
    if not (given["Parameters"] or {}).get("commands"):
        raise SSMException("InvalidParameters", "Parameter commands is required.")
    there = online(self)
    ids = list(given["InstanceIds"] or [])
    for target in given["Targets"] or []:
        ids += _targeted(self, target, there)
    unknown = [instance for instance in ids if instance not in there]
    if unknown:
        raise SSMException(
            "InvalidInstanceId",
            f"Instances [[{', '.join(unknown)}]] not in a valid state for account "
            f"{self.current_account}",
        )
    invocations = {instance: Invocation(there[instance]) for instance in dict.fromkeys(ids)}
    command = Command(given, self.current_account, self.region, invocations)
    kept(self, "run_commands")[command.id] = command
    reported = command.described()
    command.start()
    return ActionResult({"Command": reported})


def _targeted(response: Any, target: dict[str, Any], there: Iterable[str]) -> list[str]:
    key, values = target["Key"], target["Values"]
    if key == "InstanceIds":
        return list(values)
    backend = ec2_backends[response.current_account][response.region]
    reservations = backend.all_reservations(filters={key: values})
    found = {instance.id for reservation in reservations for instance in reservation.instances}
    return [instance for instance in there if instance in found]


def _command(response: Any, command_id: str) -> Command:
    found: Command | None = kept(response, "run_commands").get(command_id)
    if found is None:
        raise SSMException("InvalidCommandId", f"Command {command_id} does not exist.")
    return found


def get_command_invocation(self: Any) -> ActionResult:
    """GetCommandInvocation; output is returned at the end."""
    command_id, instance = self._get_param("CommandId"), self._get_param("InstanceId")
    command: Command | None = kept(self, "run_commands").get(command_id)
    if command is None or instance not in command.invocations:
        raise SSMException("InvocationDoesNotExist", "")
    # One moment of it: it may end while the answer is put together, and an answer that is a
    # success without output is one that AWS never gives.
    invocation = replace(command.invocations[instance])
    over, finished = invocation.over, invocation.finished
    shown = finished if over and finished and invocation.status in ("Success", "Failed") else None
    began, ended = invocation.began, invocation.ended
    return ActionResult(
        {
            "CommandId": command.id,
            "InstanceId": instance,
            "Comment": command.given.get("Comment") or "",
            "DocumentName": command.given["DocumentName"],
            "DocumentVersion": "$DEFAULT",
            "PluginName": PLUGIN.replace("awsrun", "aws:run"),
            "ResponseCode": invocation.code if over else -1,
            "ExecutionStartDateTime": _iso(began),
            "ExecutionElapsedTime": _elapsed(began, ended),
            "ExecutionEndDateTime": _iso(ended),
            "Status": invocation.status,
            "StatusDetails": invocation.details,
            "StandardOutputContent": cut(shown.stdout, MOST_STDOUT) if shown else "",
            "StandardOutputUrl": command.url(instance, "stdout"),
            "StandardErrorContent": cut(shown.stderr, MOST_STDERR) if shown else "",
            "StandardErrorUrl": command.url(instance, "stderr"),
        }
    )


def _iso(when: datetime | None) -> str:
    return when.strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z" if when else ""


def _elapsed(began: datetime | None, ended: datetime | None) -> str:
    return f"PT{(ended - began).total_seconds():.3f}S" if began and ended else ""


def list_command_invocations(self: Any) -> ActionResult:
    """ListCommandInvocations, of a command or of a node."""
    command_id, instance = self._get_param("CommandId"), self._get_param("InstanceId")
    by_id: dict[str, Command] = kept(self, "run_commands")
    commands = [_command(self, command_id)] if command_id else list(by_id.values())
    listed = [
        _listed(command, invocation, details=bool(self._get_param("Details")))
        for command in commands
        for invocation in command.invocations.values()
        if instance in (None, invocation.node.instance)
    ]
    return ActionResult({"CommandInvocations": listed})


def _listed(command: Command, invocation: Invocation, *, details: bool) -> dict[str, Any]:
    instance = invocation.node.instance
    urls = {
        "StandardOutputUrl": command.url(instance, "stdout"),
        "StandardErrorUrl": command.url(instance, "stderr"),
    }
    common = {"Status": invocation.status, "StatusDetails": invocation.details, **urls}
    finished = invocation.finished if invocation.over else None
    output = finished.stdout if finished else ""
    if finished and finished.stderr:
        output += f"\n----------ERROR-------\n{finished.stderr}"
    plugin = {
        "Name": "aws:runShellScript",
        "ResponseCode": invocation.code if invocation.over else -1,
        "ResponseStartDateTime": invocation.began,
        "ResponseFinishDateTime": invocation.ended,
        "Output": cut(output, MOST_OUTPUT),
        **common,
    }
    return {
        "CommandId": command.id,
        "InstanceId": instance,
        "InstanceName": "",
        "Comment": command.given.get("Comment") or "",
        "DocumentName": command.given["DocumentName"],
        "RequestedDateTime": command.sent,
        "CommandPlugins": [plugin] if details else [],
        **common,
    }


def list_commands(self: Any) -> ActionResult:
    """ListCommands."""
    command_id, instance = self._get_param("CommandId"), self._get_param("InstanceId")
    by_id: dict[str, Command] = kept(self, "run_commands")
    commands = [_command(self, command_id)] if command_id else list(by_id.values())
    found = [item for item in commands if instance is None or instance in item.invocations]
    return ActionResult({"Commands": [command.described() for command in found]})


def cancel_command(self: Any) -> ActionResult:
    """CancelCommand: what runs is ended."""
    command = _command(self, self._get_param("CommandId"))
    wanted = self._get_param("InstanceIds") or list(command.invocations)
    for instance in wanted:
        if instance in command.invocations and not command.invocations[instance].over:
            command.invocations[instance].stop.set()
    return EmptyResult()
