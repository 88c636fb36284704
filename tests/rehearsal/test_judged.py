"""The page that counts IAM's decisions: who is counted as whom, and whether it is current."""

from __future__ import annotations

import pytest

from gotocloud.contract.names import PROVIDER_ROLE, SCIENTIST_ROLE
from gotocloud.errors import GoToCloudError
from gotocloud.rehearsal.judged import principal_of, refuse_denials, tallies, written
from gotocloud.rehearsal.lives import Life
from local_aws.iam.decisions import Decision

STS = "arn:aws:sts::222222222222:assumed-role"
CALLERS = {
    f"{STS}/{SCIENTIST_ROLE}/ann": f"role `{SCIENTIST_ROLE}`",
    f"{STS}/{PROVIDER_ROLE}/lambda-eu-west-1": f"role `{PROVIDER_ROLE}`",
    f"{STS}/ann-222222222222-apo-RoleHeadNode-0123456789AB/i-1": "head nodes",
    f"{STS}/ann-222222222222-apo-ComputeFleetQueu-0123456789AB/i-2": "compute nodes",
    f"{STS}/ann-222222222222-apo-CleanupRoute53Fu-0123456789AB/lambda-x": "clean-up functions",
    f"{STS}/cdk-hnb659fds-deploy-role-222222222222-x/cdk": "roles of the CDK's bootstrap",
    "arn:aws:iam::222222222222:user/ann": "scientists as IAM users",
}
LIFE = Life("tutorial", ("AWS::EC2::Instance",), (), ())


def decision(caller: str, request: int, *, allowed: bool = True, via: str = "") -> Decision:
    return Decision(
        time="",
        caller=caller,
        service="ec2",
        operation="DescribeVpcs",
        action="ec2:DescribeVpcs",
        resource="*",
        allowed=allowed,
        enforced=True,
        reason="" if allowed else f"{caller} is not authorized",
        request=request,
        via=via,
    )


@pytest.mark.parametrize("caller", CALLERS)
def test_a_caller_is_named_by_what_it_is(caller: str) -> None:
    assert principal_of(caller) == CALLERS[caller]


def test_a_request_with_two_permissions_is_one_call() -> None:
    provider = f"{STS}/{PROVIDER_ROLE}/lambda-eu-west-1"
    made = [
        decision(provider, 1),
        decision(provider, 1),
        decision(provider, 2, via="cloudformation"),
    ]
    (tally,) = tallies(made).values()
    assert (len(tally.requests), len(tally.by_cloudformation), tally.permissions) == (2, 1, 3)
    assert f"| role `{PROVIDER_ROLE}` | 2 | 1 | 3 | 0 |" in written([LIFE], made)


def test_no_page_is_written_of_a_rehearsal_with_a_denial() -> None:
    refuse_denials([LIFE], [decision("arn:aws:iam::222222222222:user/ann", 1)])
    for lives, made in (
        ([LIFE], [decision("arn:aws:iam::222222222222:user/ann", 1, allowed=False)]),
        ([Life("tutorial", (), ("head node: no",), ())], []),
    ):
        with pytest.raises(GoToCloudError, match="IAM denied 1 call"):
            refuse_denials(lives, made)
