from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gotocloud.projects.diagnosis import Cause, Failure, diagnose, plain_reason

RETRY = "gotocloud start apoferritin"

REASONS = {
    # Messages as AWS words them, of the local AWS's models and of public issue reports.
    "The CIDR '10.1.3.0/24' conflicts with another subnet (Service: Ec2, Status Code: 400)": (
        Cause.ADDRESSES
    ),
    "We currently do not have sufficient m5.xlarge capacity in the Availability Zone": (
        Cause.CAPACITY
    ),
    "InsufficientInstanceCapacity: try again": Cause.CAPACITY,
    "The maximum number of addresses has been reached. (Service: Ec2, Status Code: 400)": (
        Cause.QUOTA
    ),
    "You have requested more vCPU capacity than your current vCPU limit of 0 allows "
    "(VcpuLimitExceeded)": Cause.QUOTA,
    "Performing this operation would exceed the limit of 5 NAT gateways": Cause.QUOTA,
    "User: arn:aws:sts::1:assumed-role/x is not authorized to perform: fsx:CreateFileSystem": (
        Cause.PERMISSIONS
    ),
    "Invalid cluster configuration: EfaSecurityGroupValidator: wrong; DcvValidator: odd": (
        Cause.VALIDATION
    ),
    "HeadNodeWaitCondition20261122: Failed to receive 1 resource signal(s): timed out": (
        Cause.BOOTSTRAP
    ),
    "scientist1-111111111111-x already exists": Cause.EXISTS,
    "The security token included in the request is expired": Cause.CREDENTIALS,
    "Internal Failure": Cause.UNKNOWN,
}


@pytest.mark.parametrize(("reason", "cause"), REASONS.items())
def test_a_reason_is_understood(reason: str, cause: Cause) -> None:
    found = diagnose([Failure("Cluster", "Custom::PclusterCluster", reason)], retry=RETRY)
    assert found.cause is cause
    assert found.remedy
    assert found.details


def test_every_cause_has_words_of_its_own() -> None:
    assert set(REASONS.values()) == set(Cause)


def test_what_was_cancelled_because_of_another_failure_explains_nothing() -> None:
    failures = [
        Failure("Node", "AWS::EC2::Subnet", "Resource creation cancelled"),
        Failure("Address", "AWS::EC2::EIP", "The maximum number of addresses has been reached."),
        Failure("s", "AWS::CloudFormation::Stack", "The following resource(s) failed to create: x"),
    ]
    found = diagnose(failures, retry=RETRY)
    assert found.details == (
        "Address (AWS::EC2::EIP): The maximum number of addresses has been reached.",
    )


@pytest.mark.parametrize(
    "reason",
    [
        "Invalid cluster configuration: EfaValidator: no EFA; DcvValidator: no GPU",
        '[{"level": "ERROR", "type": "EfaValidator", "message": "no EFA"}, '
        '{"level": "ERROR", "type": "DcvValidator", "message": "no GPU"}]',
    ],
)
def test_validators_speak_one_line_each(reason: str) -> None:
    found = diagnose([Failure("Cluster", "Custom::PclusterCluster", reason)], retry=RETRY)
    assert found.details == ("EfaValidator: no EFA", "DcvValidator: no GPU")


def test_noise_is_left_out() -> None:
    text = (
        "Nope. (Service: Ec2, Status Code: 403, Request ID: 1) Encoded authorization failure "
        "message: aGVsbG8= (RequestToken: 1, HandlerErrorCode: GeneralServiceException)"
    )
    assert plain_reason(text) == "Nope."


def test_the_retry_is_named() -> None:
    found = diagnose([Failure("A", "B", "Internal Failure")], retry=RETRY)
    assert found.command == RETRY


@given(st.lists(st.builds(Failure, st.text(), st.text(), st.text())))
def test_whatever_aws_states_there_is_a_diagnosis(failures: list[Failure]) -> None:
    found = diagnose(failures, retry=RETRY)
    assert found.summary
    assert found.remedy
