"""Why a request is denied, in AWS's words."""

from __future__ import annotations

from local_aws.iam.evaluator import Verdict

_KINDS = {
    "identity": ("an identity-based policy", "identity-based policy"),
    "pb": ("a permissions boundary", "permissions boundary"),
    "resource": ("a resource-based policy", "resource-based policy"),
    "session": ("a session policy", "session policy"),
    "trust": ("a role trust policy", "role trust policy"),
}


def reason(who: str, action: str, resource: str, verdict: Verdict) -> str:
    """Who may not do what to what, and by which kind of policy, in AWS's words.

    Args:
        who: ARN of the caller.
        action: IAM action.
        resource: ARN, or `*`.
        verdict: Why not.
    """
    shown = f'"{resource}"' if action.startswith("s3:") and resource != "*" else resource
    text = f"User: {who} is not authorized to perform: {action} on resource: {shown}"
    if verdict.policy_type == "error":
        return f"{text} because the local AWS cannot judge it: {verdict.error}"
    kind = "resource" if verdict.policy_type not in _KINDS else verdict.policy_type
    if action == "sts:AssumeRole" and kind == "resource":
        kind = "trust"
    one, no = _KINDS[kind]
    if verdict.explicit:
        return f"{text} with an explicit deny in {one}"
    return f"{text} because no {no} allows the {action} action"


def unmapped(who: str, service: str, operation: str, why: str) -> str:
    """The text for a request that is refused because its permission is not known."""
    return (
        f"User: {who} is not authorized to perform: {service}:{operation}. The local AWS does "
        f"not know which permission this needs ({why}), so it denies it; "
        "local_aws/iam has the mapping."
    )
