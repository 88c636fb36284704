from __future__ import annotations

import pytest
from aws_cdk import aws_logs as logs
from aws_cdk.assertions import Template

from gotocloud.constructs.policy import Policy, Statement, acknowledge
from tests.constructs.samples import only, sample_stack, statements

pytestmark = pytest.mark.cdk

READ = Statement(sid="Read", actions=["s3:GetObject"], resources=["arn:aws:s3:::a/b"])


def test_statements_come_out_as_iam_writes_them() -> None:
    stack = sample_stack()
    deny = Statement(
        sid="NoMore",
        effect="Deny",
        not_actions=["iam:GetUser", "iam:ChangePassword"],
        not_resources=["arn:aws:s3:::c"],
        conditions={"Bool": {"aws:SecureTransport": "false"}},
    )
    Policy(stack, "Policy", name="sample", description="x", statements=[READ, deny])
    assert statements(only(stack, "AWS::IAM::ManagedPolicy")) == {
        "Read": {
            "Sid": "Read",
            "Effect": "Allow",
            "Action": "s3:GetObject",
            "Resource": "arn:aws:s3:::a/b",
        },
        "NoMore": {
            "Sid": "NoMore",
            "Effect": "Deny",
            "NotAction": ["iam:GetUser", "iam:ChangePassword"],
            "NotResource": "arn:aws:s3:::c",
            "Condition": {"Bool": {"aws:SecureTransport": "false"}},
        },
    }


@pytest.mark.parametrize(
    "unexplained",
    [
        Statement(sid="Wide", actions=["s3:*"], resources=["arn:aws:s3:::a"]),
        Statement(sid="Wide", actions=["s3:GetObject"], resources=["arn:aws:s3:::a/*"]),
        Statement(sid="Wide", actions=["s3:ListAllMyBuckets"]),
    ],
)
def test_a_wildcard_without_a_reason_is_refused(unexplained: Statement) -> None:
    with pytest.raises(ValueError, match="Wide has wildcards and does not state why"):
        Policy(sample_stack(), "Policy", description="x", statements=[READ, unexplained])


def test_a_denied_wildcard_needs_no_reason() -> None:
    deny = Statement(sid="Never", effect="Deny", actions=["s3:*"])
    Policy(sample_stack(), "Policy", description="x", statements=[deny])


def test_a_policy_larger_than_iam_takes_is_refused() -> None:
    long = Statement(sid="Long", actions=["s3:GetObject"] * 500, resources=["arn:aws:s3:::a"])
    with pytest.raises(ValueError, match=r"\d+ characters are more than IAM takes, 6144"):
        Policy(sample_stack(), "Policy", description="x", statements=[long])


def test_findings_are_named_as_cdk_nag_names_them() -> None:
    own = Statement(sid="Own", actions=["ssm:Get*"], resources=["arn:x:session/${aws:userid}-*"])
    assert own.wildcards() == ["Action::ssm:Get*", "Resource::arn:x:session/<aws:userid>-*"]


def test_an_answer_to_nist_is_one_to_the_same_rule_of_checkov() -> None:
    stack = sample_stack()
    log_group = logs.CfnLogGroup(stack, "Log")
    acknowledge(log_group, {"NIST.800.53.R5-CloudWatchLogGroupEncrypted": "It holds no data."})
    acknowledge(log_group, {"CKV_AWS_66": "It is kept for ever."})
    (made,) = Template.from_stack(stack).find_resources("AWS::Logs::LogGroup").values()
    assert made["Metadata"]["checkov"]["skip"] == [
        {"id": "CKV_AWS_158", "comment": "It holds no data."},
        {"id": "CKV_AWS_66", "comment": "It is kept for ever."},
    ]
