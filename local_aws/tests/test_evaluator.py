"""The evaluator decides on policies as IAM does, and says who denies."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from calls import ACCOUNT
from local_aws.answers import refusal
from local_aws.iam.denial import reason
from local_aws.iam.evaluator import Evaluator, NamedPolicy, Question
from needs import need_evaluator

ALICE = f"arn:aws:iam::{ACCOUNT}:user/alice"
SESSION = f"arn:aws:sts::{ACCOUNT}:assumed-role/worker/alice"
OBJECT = "arn:aws:s3:::mine/data/k"


@pytest.fixture(scope="module")
def evaluator() -> Iterator[Evaluator]:
    need_evaluator()
    made = Evaluator()
    yield made
    made.close()


def policy(name: str, *statements: Mapping[str, Any]) -> NamedPolicy:
    return NamedPolicy(name, json.dumps({"Version": "2012-10-17", "Statement": list(statements)}))


def allow(action: str, resource: str = "*", **more: Any) -> dict[str, Any]:
    return {"Sid": "Yes", "Effect": "Allow", "Action": action, "Resource": resource, **more}


def deny(action: str, resource: str = "*", **more: Any) -> dict[str, Any]:
    return {"Sid": "No", "Effect": "Deny", "Action": action, "Resource": resource, **more}


def question(**given: Any) -> Question:
    basic: dict[str, Any] = {
        "principal": SESSION,
        "action": "s3:GetObject",
        "resource": OBJECT,
        "account": ACCOUNT,
        "context": {},
    }
    return Question(**{**basic, **given})


ALL = policy("all", allow("*"))
CASES: dict[str, tuple[dict[str, Any], str, bool]] = {
    "nothing allows it": ({}, "identity", False),
    "a policy denies it": ({"identity": (ALL, policy("x", deny("s3:Get*")))}, "identity", True),
    "the boundary does not allow it": (
        {"identity": (ALL,), "boundary": policy("b", allow("ec2:*"))},
        "pb",
        False,
    ),
    "the boundary denies it": (
        {"identity": (ALL,), "boundary": policy("b", allow("*"), deny("s3:*"))},
        "pb",
        True,
    ),
    "the session policy does not allow it": (
        {"identity": (ALL,), "session": policy("s", allow("ec2:*"))},
        "session",
        False,
    ),
    "the session policy denies it": (
        {"identity": (ALL,), "session": policy("s", allow("*"), deny("s3:*"))},
        "session",
        True,
    ),
    "the bucket policy denies it": (
        {
            "identity": (ALL,),
            "resource_policy": policy("r", deny("s3:*", f"{OBJECT}", Principal="*")),
        },
        "resource",
        True,
    ),
    "it is another account's": ({"identity": (ALL,), "account": "333333333333"}, "resource", False),
}


@pytest.mark.parametrize("name", CASES)
def test_a_denial_states_which_kind_of_policy(evaluator: Evaluator, name: str) -> None:
    given, kind, explicit = CASES[name]
    verdict = evaluator.judge(question(**given))
    assert (verdict.allowed, verdict.policy_type, verdict.explicit) == (False, kind, explicit)
    # Without what denies it, the same request is allowed.
    assert evaluator.judge(question(identity=(ALL,))).allowed


def test_an_answer_names_the_statement(evaluator: Evaluator) -> None:
    assert evaluator.judge(question(identity=(ALL,))).statements == ("all#Yes",)
    denied = evaluator.judge(question(identity=(ALL, policy("x", deny("s3:*")))))
    assert denied.statements == ("x#No",)


def test_conditions_count(evaluator: Evaluator) -> None:
    mfa: dict[str, Any] = {"Condition": {"Bool": {"aws:MultiFactorAuthPresent": "true"}}}
    guarded = (policy("mfa", allow("s3:*", **mfa)),)
    for value, expected in (("true", True), ("false", False)):
        asked = question(identity=guarded, context={"aws:MultiFactorAuthPresent": value})
        assert evaluator.judge(asked).allowed is expected
    assert not evaluator.judge(question(identity=guarded)).allowed


def test_an_asterisk_in_a_key_is_a_character(evaluator: Evaluator) -> None:
    narrow = (policy("n", allow("s3:GetObject", "arn:aws:s3:::mine/a/*")),)
    assert evaluator.judge(question(identity=narrow, resource="arn:aws:s3:::mine/a/*")).allowed
    assert not evaluator.judge(question(identity=narrow, resource="arn:aws:s3:::mine/*")).allowed


def test_composite_alarms_are_judged_on_everything(evaluator: Evaluator) -> None:
    asked = {
        "action": "cloudwatch:PutCompositeAlarm",
        "resource": "*",
        "beyond_reference": True,
    }
    every = policy("s", allow("cloudwatch:*"))
    narrow = policy("s", allow("cloudwatch:*", "arn:aws:cloudwatch:*:*:alarm:*"))
    bound = policy("b", allow("s3:*"))
    assert evaluator.judge(question(**asked, identity=(every,))).allowed
    assert evaluator.judge(question(**asked, identity=(narrow,))).policy_type == "identity"
    assert evaluator.judge(question(**asked, identity=(every,), boundary=bound)).policy_type == "pb"
    limited = evaluator.judge(question(**asked, identity=(every,), session=bound))
    assert limited.policy_type == "session"
    denied = policy("d", {**allow("cloudwatch:*"), "Effect": "Deny"})
    verdict = evaluator.judge(question(**asked, identity=(every, denied)))
    assert (verdict.explicit, verdict.policy_type) == (True, "identity")


def test_anonymous_callers_have_bucket_policies_only(evaluator: Evaluator) -> None:
    assert not evaluator.judge(question(principal=None)).allowed
    public = policy("r", allow("s3:GetObject", OBJECT, Principal="*"))
    assert evaluator.judge(question(principal=None, resource_policy=public)).allowed


def test_what_cannot_be_judged_is_denied(evaluator: Evaluator) -> None:
    verdict = evaluator.judge(question(identity=(ALL,), action="s3:Conjure"))
    assert (verdict.allowed, verdict.policy_type) == (False, "error")
    assert "invalid.action" in verdict.error
    broken = NamedPolicy("broken", '{"Version": "2012-10-17", "Statement": {"Effect": "Maybe"}}')
    assert not evaluator.judge(question(identity=(ALL, broken))).allowed


def test_a_dead_evaluator_denies() -> None:
    need_evaluator()
    ended = Evaluator()
    ended._process.kill()
    ended._process.wait()
    verdict = ended.judge(question(identity=(ALL,)))
    assert (verdict.allowed, verdict.policy_type) == (False, "error")
    assert "does not answer" in verdict.error


def test_the_reason_reads_as_aws_words_it(evaluator: Evaluator) -> None:
    text = reason(SESSION, "s3:GetObject", OBJECT, evaluator.judge(question()))
    assert text == (
        f"User: {SESSION} is not authorized to perform: s3:GetObject on resource: "
        f'"{OBJECT}" because no identity-based policy allows the s3:GetObject action'
    )
    given, _, _ = CASES["the boundary denies it"]
    assert reason(SESSION, "fsx:X", "*", evaluator.judge(question(**given))) == (
        f"User: {SESSION} is not authorized to perform: fsx:X on resource: * "
        "with an explicit deny in a permissions boundary"
    )


@pytest.mark.parametrize(
    ("style", "status", "code"),
    [
        ("query", 403, b"<Code>AccessDenied</Code>"),
        ("ec2", 403, b"<Response><Errors><Error><Code>UnauthorizedOperation</Code>"),
        ("json", 400, b'"__type": "AccessDeniedException"'),
        ("rest-json", 403, b'"__type": "AccessDeniedException"'),
        ("s3", 403, b"<Error><Code>AccessDenied</Code>"),
    ],
)
def test_a_refusal_is_written_as_the_service_does(style: str, status: int, code: bytes) -> None:
    answer = refusal("AccessDenied", 'no <right> & "reason"', style)
    assert answer.status == status
    assert code in answer.body
    assert b"<right>" not in answer.body or "json" in style


def test_a_refused_head_request_has_no_body() -> None:
    assert refusal("AccessDenied", "no", "s3", head=True).body == b""
