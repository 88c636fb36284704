"""What the evaluator needs to judge one permission of a call."""

from __future__ import annotations

import json
from typing import Any

from local_aws.iam.callers import Caller
from local_aws.iam.evaluator import NamedPolicy, Question
from local_aws.iam.mapping import Check, global_context
from local_aws.iam.wire import Call

ADMINISTRATOR = NamedPolicy(
    "administrator",
    json.dumps(
        {
            "Version": "2012-10-17",
            "Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"},
        }
    ),
)


def question(call: Call, caller: Caller, check: Check, *, mfa: bool) -> Question:
    """Everything that decides about one permission of a call."""
    context = {**global_context(call), **caller.context(), **check.context}
    if mfa:
        context.update({"aws:MultiFactorAuthPresent": "true", "aws:MultiFactorAuthAge": "0"})
    return Question(
        principal=None if caller.kind == "Anonymous" else caller.arn,
        action=check.action,
        resource=check.resource,
        account=check.account,
        context=context,
        identity=(ADMINISTRATOR,) if caller.is_administrator else caller.identity,
        boundary=caller.boundary,
        session=_one_session_policy(caller),
        resource_policy=check.resource_policy,
        beyond_reference=check.beyond_reference,
    )


def _one_session_policy(caller: Caller) -> NamedPolicy | None:
    policies = caller.session.policies if caller.session else ()
    if len(policies) <= 1:
        return policies[0] if policies else None
    statements: list[Any] = []
    for policy in policies:
        found = json.loads(policy.document)["Statement"]
        statements.extend(found if isinstance(found, list) else [found])
    document = json.dumps({"Version": "2012-10-17", "Statement": statements})
    return NamedPolicy("session policies", document)
