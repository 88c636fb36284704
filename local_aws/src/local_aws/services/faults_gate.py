"""Stands before the local AWS: lets injected faults strike requests, and takes them in.

The control interface lies below `/_local_aws/`, speaks JSON and exists on this machine only:
`faults` (GET, POST, DELETE), `nodes`, `quotas`, `stacks`, `sync` (POST), and what extensions add.
`control.Control` is a client of it.
"""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from moto.iam.models import get_account_id_from

from local_aws.additions import Handler
from local_aws.answers import Answer, Application, Environ, StartResponse, answered, refusal
from local_aws.engine.site import ACCOUNT_HEADER, INTERNAL_HEADER, in_environ
from local_aws.iam.wire import Call, UnreadableError, is_aws, read_call
from local_aws.nodes import NODES
from local_aws.services import bucket_owners
from local_aws.services.data_repository_lustre import LUSTRE
from local_aws.services.faults import FAULTS, Fault

CONTROL = "/_local_aws/"
_STRIKING = ("throttling", "slow", "error", "expired-credentials", "insufficient-capacity")
_THROTTLED = {
    "ec2": ("RequestLimitExceeded", "Request limit exceeded.", 503),
    "json": ("ThrottlingException", "Rate exceeded", 400),
    "rest-json": ("ThrottlingException", "Rate exceeded", 429),
    "s3": ("SlowDown", "Please reduce your request rate.", 503),
}
"""Code, message and status of each way of writing; the query protocol's is `Throttling`."""


class ControlError(Exception):
    """A request to the control interface that cannot be done; the text has the reason."""


@dataclass
class Gate:
    """The local AWS with its faults.

    Args:
        app: What stands behind it.
        controls: What extensions add to the control interface.
    """

    app: Application
    controls: Mapping[str, Handler] = field(default_factory=dict)

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        """Serve one request (WSGI)."""
        path = environ.get("PATH_INFO", "")
        if path.startswith(CONTROL):
            return answered(_controlled(environ, self.controls), environ, start_response)
        if is_aws(environ) and FAULTS.any("reset") and (fault := _reset(environ)):
            if fault.settings.get("lost") == "answer":
                # Carried out; only its sender never learns of it.
                list(self.app(environ, start_response))
            return _cut(environ)
        if is_aws(environ) and FAULTS.any(*_STRIKING):
            answer = _struck(environ)
            if answer:
                return answered(answer, environ, start_response)
        if answer := bucket_owners.refused(environ):
            return answered(answer, environ, start_response)
        return self.app(environ, start_response)


def _reset(environ: Environ) -> Fault | None:
    """The reset that strikes this request, if one does."""
    try:
        call = read_call(environ)
    except UnreadableError:
        return None
    if INTERNAL_HEADER in call.headers:
        return None
    key = call.signature.access_key if call.signature else ""
    account = environ.get(in_environ(ACCOUNT_HEADER)) or get_account_id_from(key)
    return FAULTS.take("reset", service=call.service, operation=call.operation, account=account)


def _cut(environ: Environ) -> Iterable[bytes]:
    """Reset the connection of a request: nothing more arrives."""
    connection: socket.socket = environ["werkzeug.socket"]
    connection.shutdown(socket.SHUT_RDWR)
    raise ConnectionResetError


def _struck(environ: Environ) -> Answer | None:
    """The answer of a fault that strikes this request, if one does."""
    try:
        call = read_call(environ)
    except UnreadableError:
        return None
    head = environ["REQUEST_METHOD"] == "HEAD"
    style = "s3" if call.service == "s3" else call.protocol
    key = call.signature.access_key if call.signature else ""
    account = environ.get(in_environ(ACCOUNT_HEADER)) or get_account_id_from(key)
    kind = str(call.parameters.get("InstanceType", ""))
    if call.operation == "RunInstances" and FAULTS.take(
        "insufficient-capacity", instance_type=kind, account=account
    ):
        return _without_capacity(kind, call)
    if INTERNAL_HEADER in call.headers:
        # Services of the local AWS, at work for a request that was struck or spared already.
        return None
    if FAULTS.take("expired-credentials", account=account, access_key=key):
        text = "The security token included in the request is expired"
        return refusal("ExpiredToken", text, style, head=head)
    facts = {"service": call.service, "operation": call.operation, "account": account}
    if FAULTS.take("throttling", **facts):
        code, text, status = _THROTTLED.get(style, ("Throttling", "Rate exceeded", 400))
        return replace(refusal(code, text, style, head=head), status=status)
    if fault := FAULTS.take("error", **facts):
        return _as_set(fault, style, head=head)
    if fault := FAULTS.take("slow", **facts):
        time.sleep(float(fault.settings.get("seconds", 1)))
    return None


def _without_capacity(kind: str, call: Call) -> Answer:
    text = (
        f"We currently do not have sufficient {kind} capacity in the Availability Zone you "
        "requested. Our system will be working on provisioning additional capacity."
    )
    return replace(refusal("InsufficientInstanceCapacity", text, call.protocol), status=500)


def _as_set(fault: Fault, style: str, *, head: bool) -> Answer:
    code = str(fault.settings.get("code", "InternalFailure"))
    text = str(fault.settings.get("message", "An internal error has occurred"))
    status = int(fault.settings.get("status", 500 if code == "InternalFailure" else 400))
    return replace(refusal(code, text, style, head=head), status=status)


# --- control


def _controlled(environ: Environ, more: Mapping[str, Handler]) -> Answer:
    what, _, rest = environ["PATH_INFO"].removeprefix(CONTROL).partition("/")
    method = environ["REQUEST_METHOD"]
    length = int(environ.get("CONTENT_LENGTH") or 0)
    try:
        # Nothing that a browser sends for a foreign page is of this type.
        if method != "GET" and environ.get("CONTENT_TYPE", "") != "application/json":
            raise ControlError("Send application/json.")
        given = json.loads(environ["wsgi.input"].read(length) or b"{}")
        environ["CONTENT_LENGTH"] = "0"
        status, reported = 200, _done(method, what, rest, given, more)
    except (ControlError, ValueError, KeyError, TypeError) as error:
        status, reported = 400, {"error": f"{error}"}
    body = json.dumps(reported).encode()
    return Answer(status, body, {"Content-Type": "application/json"})


def _done(
    method: str, what: str, rest: str, given: dict[str, Any], more: Mapping[str, Handler]
) -> Any:
    if method == "POST" and what in more:
        return more[what](rest, given)
    match method, what:
        case "GET", "health":
            return {}
        case "GET", "faults":
            return FAULTS.listed()
        case "POST", "faults":
            return FAULTS.add(given.pop("kind", ""), **given).described()
        case "DELETE", "faults":
            FAULTS.clear(rest)
            return FAULTS.listed()
        case "POST", "nodes":
            return _add_node(given)
        case "POST", "quotas":
            return _set_quota(given)
        case "POST", "stacks":
            return _set_status(given)
        case "POST", "sync":
            return _sync(rest)
    raise ControlError(f"There is no {method} {CONTROL}{what}.")


def _add_node(given: dict[str, Any]) -> Any:
    mounts = {}
    for place, file_system in given.get("mounts", {}).items():
        lustre = LUSTRE.get(file_system)
        if lustre is None:
            raise ControlError(f"There is no file system {file_system}.")
        mounts[place] = lustre.root
    node = NODES.add(
        given["instance"], given["account"], given["region"], given.get("cluster", ""), mounts
    )
    return {"root": str(node.root)}


def _set_status(given: dict[str, Any]) -> Any:
    """Put a stack into a status as it stands, such as one that a test cannot bring about."""
    from moto.cloudformation.models import cloudformation_backends

    stacks: Any = cloudformation_backends[given["account"]][given["region"]].stacks.values()
    for stack in stacks:
        if stack.name == given["name"]:
            stack.note(given["status"], given.get("reason", ""))
            return given
    raise ControlError(f"There is no stack {given['name']}.")


def _set_quota(given: dict[str, Any]) -> Any:
    from moto.servicequotas.models import servicequotas_backends

    backend = servicequotas_backends[given["account"]][given["region"]]
    backend.__dict__.setdefault("raised", {})[given["code"]] = float(given["value"])
    return given


def _sync(file_system: str) -> Any:
    lustre = LUSTRE.get(file_system)
    if lustre is None:
        raise ControlError(f"There is no file system {file_system}.")
    lustre.sync()
    return {}
