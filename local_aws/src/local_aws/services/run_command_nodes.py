"""SSM's managed nodes and sessions: which head nodes are there, and tokens to reach them.

A session cannot be carried here, for nothing speaks the agent's protocol: its stream leads to a
port of this machine where no program listens, and never to AWS.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from moto.core.responses import ActionResult
from moto.ec2.models import ec2_backends
from moto.ssm.exceptions import SSMException

from local_aws.nodes import NODES, Node

AGENT_VERSION = "3.3.0.0"
"""In the form of SSM's versions; it stands for none of them."""


def kept(response: Any, what: str) -> dict[str, Any]:
    """What SSM remembers for an account and region."""
    found: dict[str, Any] = response.ssm_backend.__dict__.setdefault(what, {})
    return found


def _state(node: Node) -> str:
    backend = ec2_backends[node.account][node.region]
    found = {instance.id: instance for instance in backend.all_instances()}
    return str(found[node.instance]._state.name) if node.instance in found else "terminated"


def online(response: Any) -> dict[str, Node]:
    """The nodes of an account and region that answer."""
    nodes = NODES.of(response.current_account, response.region)
    return {node.instance: node for node in nodes if _state(node) == "running"}


def describe_instance_information(self: Any) -> ActionResult:
    """DescribeInstanceInformation: the head nodes of this account and region."""
    wanted: set[str] = set()
    for item in [
        *(self._get_param("Filters") or []),
        *(self._get_param("InstanceInformationFilterList") or []),
    ]:
        key = item.get("Key") or item.get("key")
        if key != "InstanceIds":
            raise SSMException("InvalidFilterKey", f"The local AWS has no filter {key}.")
        wanted |= set(item.get("Values") or item.get("valueSet") or [])
    listed = []
    for node in NODES.of(self.current_account, self.region):
        state = _state(node)
        if (wanted and node.instance not in wanted) or state in ("terminated", "shutting-down"):
            continue
        listed.append(
            {
                "InstanceId": node.instance,
                "PingStatus": "Online" if state == "running" else "ConnectionLost",
                "LastPingDateTime": datetime.now(UTC),
                "AgentVersion": AGENT_VERSION,
                "IsLatestVersion": True,
                "PlatformType": "Linux",
                "PlatformName": "Ubuntu",
                "PlatformVersion": "24.04",
                "ResourceType": "EC2Instance",
                "ComputerName": f"ip-{node.instance[-8:]}",
                "SourceId": node.instance,
                "SourceType": "AWS::EC2::Instance",
            }
        )
    return ActionResult({"InstanceInformationList": listed})


def start_session(self: Any) -> ActionResult:
    """StartSession: a token as AWS gives, whose stream leads nowhere but to this machine."""
    target = self._get_param("Target")
    if target not in online(self):
        raise SSMException("TargetNotConnected", f"{target} is not connected.")
    session = f"{self.current_account}-{uuid4().hex[:17]}"
    kept(self, "sessions")[session] = {
        "SessionId": session,
        "Target": target,
        "Status": "Connected",
        "StartDate": datetime.now(UTC),
        "DocumentName": self._get_param("DocumentName") or "SSM-SessionManagerRunShell",
        "Owner": f"arn:aws:iam::{self.current_account}:root",
    }
    return ActionResult(
        {
            "SessionId": session,
            "TokenValue": uuid4().hex + uuid4().hex,
            "StreamUrl": f"ws://localhost:9/v1/data-channel/{session}?role=publish_subscribe",
        }
    )


def terminate_session(self: Any) -> ActionResult:
    """TerminateSession."""
    session = self._get_param("SessionId")
    if found := kept(self, "sessions").get(session):
        found.update(Status="Terminated", EndDate=datetime.now(UTC))
    return ActionResult({"SessionId": session})


def describe_sessions(self: Any) -> ActionResult:
    """DescribeSessions: active ones, or those that have ended."""
    wanted = "Connected" if self._get_param("State") == "Active" else "Terminated"
    listed = [item for item in kept(self, "sessions").values() if item["Status"] == wanted]
    for item in self._get_param("Filters") or []:
        key = item["key"] if item["key"] in ("Target", "SessionId", "Owner") else None
        if key is None:
            raise SSMException("InvalidFilterKey", f"No filter {item['key']} here.")
        listed = [session for session in listed if session[key] == item["value"]]
    return ActionResult({"Sessions": listed})
