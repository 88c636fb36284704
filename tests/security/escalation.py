"""A search for ways from one principal to another, over policies as IAM reads them.

A hop is a call that gives the caller the permissions of another principal: to assume a role, to
change who may assume it or what it may do, to give it to a machine, a function or a stack, or to
change the program that runs with it. Each is one of the ways in the lists of Rhino Security Labs
(https://github.com/RhinoSecurityLabs/AWS-IAM-Privilege-Escalation) and of Bishop Fox's "IAM
Vulnerable". Whether a call is allowed, an evaluator decides that is not ours.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

Ask = Callable[[str, str, str, Mapping[str, str]], bool]
"""Whether a principal may make a call on a resource with a context."""

CONTEXTS: tuple[Mapping[str, str], ...] = (
    {"aws:MultiFactorAuthPresent": "true"},
    {"aws:MultiFactorAuthPresent": "false"},
)


@dataclass(frozen=True)
class Target:
    """A principal that could be taken over.

    Args:
        name: Its name.
        arn: ARN of the role or user.
        runs_as: Services that its trust lets assume it, such as `ec2.amazonaws.com`.
        trusts: Names of principals that its trust names, or `*` for the account.
        policies: ARNs of the managed policies that it has.
        functions: ARNs of functions that run with it.
        stacks: ARNs of stacks that CloudFormation changes with it.
        instances: ARNs of machines that run with it.
    """

    name: str
    arn: str
    runs_as: tuple[str, ...] = ()
    trusts: tuple[str, ...] = ()
    policies: tuple[str, ...] = ()
    functions: tuple[str, ...] = ()
    stacks: tuple[str, ...] = ()
    instances: tuple[str, ...] = ()


@dataclass(frozen=True)
class Way:
    """A list of calls, all of which the caller must be allowed, each on any of its resources."""

    name: str
    calls: tuple[tuple[str, tuple[str, ...], Mapping[str, str]], ...]


CHANGES = {
    "role": ("UpdateAssumeRolePolicy", "PutRolePolicy", "AttachRolePolicy"),
    "user": (
        *("CreateAccessKey", "CreateLoginProfile", "UpdateLoginProfile"),
        *("PutUserPolicy", "AttachUserPolicy"),
    ),
}
SHELLS = ("ssm:SendCommand", "ssm:StartSession", "ec2-instance-connect:SendSSHPublicKey")
STARTS = {
    "ec2.amazonaws.com": ("ec2:RunInstances", "instance/*"),
    "lambda.amazonaws.com": ("lambda:CreateFunction", "function:x"),
    "cloudformation.amazonaws.com": ("cloudformation:CreateStack", "stack/x/1"),
    "glue.amazonaws.com": ("glue:CreateDevEndpoint", "devEndpoint/x"),
    "ecs-tasks.amazonaws.com": ("ecs:RunTask", "task-definition/x"),
    "codebuild.amazonaws.com": ("codebuild:CreateProject", "project/x"),
    "sagemaker.amazonaws.com": ("sagemaker:CreateNotebookInstance", "notebook-instance/x"),
}


def ways(target: Target, place: str) -> Iterable[Way]:
    """Ways into a target, for a caller whom its trust lets assume it or not.

    Args:
        target: The principal.
        place: Region and account of ARNs, as `region:account`.
    """
    me = (target.arn,)
    for name in CHANGES["user" if ":user/" in target.arn else "role"]:
        yield Way(f"iam:{name}", ((f"iam:{name}", me, {}),))
    for policy in target.policies:
        for name in ("CreatePolicyVersion", "SetDefaultPolicyVersion"):
            yield Way(f"iam:{name}", ((f"iam:{name}", (policy,), {}),))
    for service in target.runs_as:
        action, resource = STARTS.get(service, ("", ""))
        if action:
            given = {"iam:PassedToService": service}
            arn = f"arn:aws:{action.partition(':')[0]}:{place}:{resource}"
            yield Way(
                f"iam:PassRole to {service}",
                (("iam:PassRole", me, given), (action, (arn,), {})),
            )
    for function in target.functions:
        yield Way("lambda:UpdateFunctionCode", (("lambda:UpdateFunctionCode", (function,), {}),))
    for stack in target.stacks:
        for name in ("UpdateStack", "CreateChangeSet"):
            yield Way(f"cloudformation:{name}", ((f"cloudformation:{name}", (stack,), {}),))
    for machine in target.instances:
        for name in (
            "ssm:SendCommand",
            "ssm:StartSession",
            "ec2-instance-connect:SendSSHPublicKey",
        ):
            yield Way(name, ((name, (machine,), {}),))


def hops(caller: str, targets: Sequence[Target], place: str, ask: Ask) -> dict[str, str]:
    """Principals that a caller takes over in one hop, with the way."""
    found = {}
    for target in targets:
        if target.name == caller:
            continue
        may_assume = {caller, "*"} & set(target.trusts)
        if may_assume and _may(caller, "sts:AssumeRole", (target.arn,), {}, ask):
            found[target.name] = "sts:AssumeRole"
            continue
        for way in ways(target, place):
            if all(_may(caller, *call, ask) for call in way.calls):
                found[target.name] = way.name
                break
    return found


def _may(
    caller: str, action: str, resources: tuple[str, ...], given: Mapping[str, str], ask: Ask
) -> bool:
    return any(
        ask(caller, action, resource, {**context, **given})
        for resource in resources
        for context in CONTEXTS
    )


def paths(
    start: str, targets: Sequence[Target], place: str, ask: Ask, *, longest: int = 3
) -> dict[str, tuple[str, ...]]:
    """The shortest way to each principal that is reached in at most so many hops."""
    found: dict[str, tuple[str, ...]] = {}
    waiting: deque[tuple[str, tuple[str, ...]]] = deque([(start, ())])
    while waiting:
        here, before = waiting.popleft()
        if len(before) == longest:
            continue
        for name, way in hops(here, targets, place, ask).items():
            if name != start and name not in found:
                found[name] = (*before, f"{here} --{way}--> {name}")
                waiting.append((name, found[name]))
    return found
