"""What launched templates and the command line must know about a group."""

from __future__ import annotations

from collections.abc import Mapping

from aws_cdk import aws_ssm as ssm
from constructs import Construct

from gotocloud.contract.group_facts import PREFIX, Fact


class FactParameters(Construct):
    """The group's facts as SSM parameters, one for each.

    Args:
        values: Every fact's value; may be CDK tokens.

    Raises:
        ValueError: if a fact is missing.
    """

    def __init__(self, scope: Construct, construct_id: str, *, values: Mapping[Fact, str]) -> None:
        missing = [fact.name for fact in Fact if fact not in values]
        if missing:
            raise ValueError(f"facts without a value: {', '.join(missing)}")
        super().__init__(scope, construct_id)
        for fact in Fact:
            ssm.CfnParameter(
                self,
                fact.parameter,
                name=fact.value,
                type="String",
                value=values[fact],
                description=f"GoToCloud: {fact.value.removeprefix(PREFIX + '/')}",
            )
