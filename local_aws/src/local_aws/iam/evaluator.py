"""The independent evaluator: a Node process that answers over a pipe."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from local_aws.errors import EvaluatorMissingError, shell_line

PROGRAM = Path(__file__).with_name("evaluator.mjs")
PACKAGE = "@cloud-copilot/iam-simulate"


def _node_modules() -> Path:
    """The folder of npm packages: LOCAL_AWS_NODE_MODULES, or the nearest with the evaluator."""
    if given := os.environ.get("LOCAL_AWS_NODE_MODULES"):
        return Path(given)
    near = [folder / "node_modules" for folder in Path(__file__).parents]
    return next((one for one in near if (one / PACKAGE).is_dir()), Path("node_modules").absolute())


NODE_MODULES = _node_modules()


@dataclass(frozen=True)
class NamedPolicy:
    """A policy document with the name that people know it by.

    Args:
        name: ARN of a managed policy, or name of an inline one.
        document: Its JSON text.
    """

    name: str
    document: str

    @property
    def key(self) -> str:
        """The same for the same document."""
        return hashlib.sha256(self.document.encode()).hexdigest()


@dataclass(frozen=True)
class Question:
    """One decision to make.

    Args:
        principal: ARN of the caller; None for an unsigned request.
        action: IAM action, such as `s3:GetObject`.
        resource: ARN, or `*` for an action without resources.
        account: Account that owns the resource.
        context: Condition keys.
        identity: Identity policies of the caller.
        boundary: Permissions boundary. Default: none.
        session: Session policy. Default: none.
        resource_policy: Policy of the resource. Default: none.
        beyond_reference: Whether AWS judges this action on resources that its
            service authorization reference does not list.
    """

    principal: str | None
    action: str
    resource: str
    account: str
    context: Mapping[str, str | list[str]]
    identity: tuple[NamedPolicy, ...] = ()
    boundary: NamedPolicy | None = None
    session: NamedPolicy | None = None
    resource_policy: NamedPolicy | None = None
    beyond_reference: bool = False

    @property
    def policies(self) -> tuple[NamedPolicy, ...]:
        """Every policy that has a say."""
        optional = (self.boundary, self.session, self.resource_policy)
        return (*self.identity, *(policy for policy in optional if policy))


@dataclass(frozen=True)
class Verdict:
    """What the evaluator decided.

    Args:
        allowed: Whether the request may be done.
        explicit: Whether a statement denies it, as opposed to none allowing it.
        policy_type: Which kind of policy denies: identity, pb (boundary), session,
            resource, or error when the evaluator could not decide.
        statements: The deciding statements, as `policy#sid`.
        error: Why the evaluator could not decide.
    """

    allowed: bool
    explicit: bool = False
    policy_type: str = ""
    statements: tuple[str, ...] = field(default=())
    error: str = ""


class Evaluator:
    """A Node process that judges requests until it is closed.

    Raises:
        EvaluatorMissingError: if Node or the npm package is not there.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._sent: set[str] = set()
        self._process = _started()

    def judge(self, question: Question) -> Verdict:
        """Decide one request; every failure is a denial with its reason."""
        with self._lock:
            try:
                answer = self._answer_to(question)
            except (OSError, ValueError) as error:
                answer = {"error": f"the evaluator does not answer: {error}"}
        if problem := answer.get("error"):
            return Verdict(allowed=False, policy_type="error", error=str(problem))
        return _verdict(answer)

    def _answer_to(self, question: Question) -> dict[str, Any]:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        new = {policy.key: policy.document for policy in question.policies}
        documents = {key: json.loads(new[key]) for key in new if key not in self._sent}
        self._process.stdin.write(json.dumps(_written(question, documents)) + "\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        if not line:
            raise OSError("it has ended")
        self._sent.update(documents)
        answer: dict[str, Any] = json.loads(line)
        return answer

    def close(self) -> None:
        """End the process."""
        if self._process.stdin is not None:
            self._process.stdin.close()
        self._process.wait(timeout=10)
        if self._process.stdout is not None:
            self._process.stdout.close()


def _started() -> subprocess.Popen[str]:
    node = shutil.which("node")
    if node is None or not (NODE_MODULES / PACKAGE).is_dir():
        missing = "node is not on PATH" if node is None else f"{PACKAGE} is not in {NODE_MODULES}"
        raise EvaluatorMissingError(
            f"IAM cannot decide: {missing}. LOCAL_AWS_NODE_MODULES can name another folder.",
            next_command=shell_line("npm", "install", "--prefix", NODE_MODULES.parent, PACKAGE),
        )
    # It ends when its standard input does, so with this process, however that ends.
    return subprocess.Popen(
        [node, str(PROGRAM), str(NODE_MODULES)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def _written(question: Question, documents: Mapping[str, Any]) -> dict[str, Any]:
    def reference(policy: NamedPolicy | None) -> dict[str, str] | None:
        return {"name": policy.name, "key": policy.key} if policy else None

    return {
        "principal": question.principal,
        "action": question.action,
        "resource": question.resource,
        "account": question.account,
        "context": dict(question.context),
        "identity": [reference(policy) for policy in question.identity],
        "boundary": reference(question.boundary),
        "session": reference(question.session),
        "resourcePolicy": reference(question.resource_policy),
        "beyondReference": question.beyond_reference,
        "documents": documents,
    }


_BY_WEIGHT = ("session", "identity", "pb", "resource")
"""Who is named when several kinds of policies do not allow a request."""


def _verdict(answer: Mapping[str, Any]) -> Verdict:
    if answer["result"] == "Allowed":
        return Verdict(allowed=True, statements=_statements(answer["grants"]))
    denials: list[dict[str, Any]] = answer["denials"]
    explicit = [denial for denial in denials if denial["denialType"] == "Explicit"]
    if answer["result"] == "ExplicitlyDenied":
        # The library gives no reason where a resource's policy denies the whole account.
        kind = explicit[0]["policyType"] if explicit else "resource"
        return Verdict(
            allowed=False, explicit=True, policy_type=kind, statements=_statements(explicit)
        )
    kinds = {denial["policyType"] for denial in denials}
    blocking = {denial["policyType"] for denial in denials if denial.get("blocking")}
    kind = next((kind for kind in _BY_WEIGHT if kind in (blocking or kinds)), "resource")
    return Verdict(allowed=False, policy_type=kind)


def _statements(found: list[dict[str, Any]]) -> tuple[str, ...]:
    return tuple(
        f"{item.get('policyIdentifier') or item['policyType']}"
        f"#{item.get('statementId') or item.get('statementIndex', '')}"
        for item in found
    )
