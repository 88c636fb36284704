"""The evaluator decides through our pipe what its own suite says that it decides."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from local_aws.iam.evaluator import Evaluator, NamedPolicy, Question
from needs import need_evaluator

ACCOUNT, OTHER = "123456789012", "987654321098"
ACTION, OBJECT = "s3:GetObject", "arn:aws:s3:::bucket/object"
PRINCIPALS = {
    "user": f"arn:aws:iam::{ACCOUNT}:user/ann",
    "role": f"arn:aws:iam::{ACCOUNT}:role/worker",
    "session": f"arn:aws:sts::{ACCOUNT}:assumed-role/worker/ann",
    "account": f"arn:aws:iam::{ACCOUNT}:root",
    "anonymous": None,
}
CASES: list[dict[str, str]] = yaml.safe_load(
    Path(__file__).with_name("evaluator_cases.yaml").read_text(encoding="utf-8")
)


@pytest.fixture(scope="module")
def evaluator() -> Iterator[Evaluator]:
    need_evaluator()
    made = Evaluator()
    yield made
    made.close()


def policy(effect: str | None, **more: Any) -> NamedPolicy | None:
    """A policy of one statement; the effect "Other" allows another action."""
    if effect is None:
        return None
    action = "s3:PutObject" if effect == "Other" else ACTION
    statement = {"Effect": "Allow" if effect == "Other" else effect, "Action": action}
    document = {"Version": "2012-10-17", "Statement": {**statement, "Resource": OBJECT, **more}}
    return NamedPolicy(f"{effect} {more}", json.dumps(document))


def of_resource(given: str | None) -> NamedPolicy | None:
    if given is None:
        return None
    effect, whom = given.split()
    return policy(effect, Principal="*" if whom == "everybody" else {"AWS": PRINCIPALS[whom]})


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["fact"])
def test_a_case_is_decided_as_the_evaluators_own_suite_has_it(
    evaluator: Evaluator, case: dict[str, str]
) -> None:
    identity = policy(case.get("identity"))
    verdict = evaluator.judge(
        Question(
            principal=PRINCIPALS[case["who"]],
            action=ACTION,
            resource=OBJECT,
            account=ACCOUNT if case["owner"] == "same" else OTHER,
            context={},
            identity=(identity,) if identity else (),
            boundary=policy(case.get("boundary")),
            session=policy(case.get("session")),
            resource_policy=of_resource(case.get("resource")),
        )
    )
    assert verdict.error == ""
    decided = "allowed" if verdict.allowed else "explicit" if verdict.explicit else "implicit"
    assert decided == case["expected"]
