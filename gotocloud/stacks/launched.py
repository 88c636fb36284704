"""What the two stacks that scientists launch have in common."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import aws_cdk as cdk
from constructs import Construct

from gotocloud.constructs.project_tags import ProjectTags
from gotocloud.contract.group_facts import Fact
from gotocloud.contract.stacks import ClusterParameter
from gotocloud.contract.tag_text import MAX_TAG_VALUE, TAG_TEXT_PATTERN

FACT_LABELS = {
    Fact.VPC_ID: "Network of the group",
    Fact.VPC_CIDR: "Addresses of the group's network",
    Fact.ZONE_ID: "Zone ID of the group's network",
    Fact.PUBLIC_SUBNET_ID: "Subnet of head node and NAT gateway",
    Fact.PEERING_ID: "Peering with the software share",
    Fact.SHARE_CIDR: "Addresses of the software share",
    Fact.SOFTWARE_FILE_SYSTEM_ID: "File system with the software",
    Fact.SOFTWARE_MOUNT_TARGETS: "Its mount targets by zone ID",
    Fact.BOUNDARY_ARN: "Permissions boundary of every role",
    Fact.CLUSTER_GUARD_ARN: "Policy of the idle guard on head nodes",
    Fact.PROVIDER_TOKEN: "ParallelCluster provider of the group",
}
"""Description of each fact that a launched template takes as a parameter."""


@dataclass(frozen=True, kw_only=True)
class Section:
    """One heading of the launch form, with its parameters in order."""

    title: str
    parameters: tuple[str, ...]


class LaunchedStack(cdk.Stack):
    """A stack whose template is published and launched by scientists.

    The template is the same for every group: what differs comes from its parameters and,
    for the group's own facts, from the SSM parameters that the group's user stack wrote.
    It needs neither assets nor a bootstrapped account.

    Args:
        description: First line of the stack in the console.
        region: Region of the template. Default: it serves every region.
    """

    def __init__(
        self, scope: Construct, construct_id: str, *, description: str, region: str | None = None
    ) -> None:
        super().__init__(
            scope,
            construct_id,
            description=description,
            env=cdk.Environment(region=region),
            synthesizer=cdk.BootstraplessSynthesizer(),
            analytics_reporting=False,
        )
        self._labels: dict[str, str] = {}
        self._facts: list[str] = []
        self.project = self.text(
            ClusterParameter.PROJECT,
            label="Project",
            description="Name of the project, one for each sample or dataset.",
            pattern=TAG_TEXT_PATTERN,
            longest=MAX_TAG_VALUE,
            constraint=f"1 to {MAX_TAG_VALUE} letters, digits, spaces and _ . : / = + @ - as in "
            "a tag, for example apoferritin-2026; gotocloud setup takes other names and escapes "
            "them",
        )
        self.scientist = self.text(
            ClusterParameter.SCIENTIST,
            label=ClusterParameter.SCIENTIST,
            description="Your user name, as in the group's account.",
            pattern=TAG_TEXT_PATTERN,
            longest=MAX_TAG_VALUE,
            constraint=f"1 to {MAX_TAG_VALUE} letters, digits and _ + = . @ - as in an IAM user "
            "name",
        )
        self.project_tags = ProjectTags(
            scientist=self.scientist, project=self.project, account=self.account
        )
        self.project_tags.tag(self)

    def text(
        self,
        name: str,
        *,
        label: str,
        description: str,
        pattern: str,
        longest: int,
        constraint: str,
        shortest: int = 1,
    ) -> str:
        """A text parameter, with its allowed values in plain words."""
        self._labels[str(name)] = label
        return cdk.CfnParameter(
            self,
            str(name),
            type="String",
            description=description,
            allowed_pattern=pattern,
            min_length=shortest,
            max_length=longest,
            constraint_description=constraint,
        ).value_as_string

    def choice(
        self, name: str, *, label: str, description: str, allowed: Sequence[str], constraint: str
    ) -> str:
        """A text parameter that is chosen from a list; the first is the default."""
        self._labels[str(name)] = label
        return cdk.CfnParameter(
            self,
            str(name),
            type="String",
            description=description,
            default=allowed[0],
            allowed_values=list(allowed),
            constraint_description=constraint,
        ).value_as_string

    def number(
        self,
        name: str,
        *,
        label: str,
        description: str,
        default: int,
        allowed: Sequence[int],
        constraint: str,
    ) -> int:
        """A number parameter that is chosen from a list."""
        self._labels[str(name)] = label
        parameter = cdk.CfnParameter(
            self,
            str(name),
            type="Number",
            description=description,
            # The CDK writes allowed values as text, and the default must be one of them.
            default=str(default),
            allowed_values=[str(value) for value in allowed],
            constraint_description=constraint,
        )
        return int(parameter.value_as_number)

    def hours(self, name: str, *, label: str, description: str, most: int) -> str:
        """A number of hours, 0 unless it is given."""
        self._labels[str(name)] = label
        return cdk.CfnParameter(
            self,
            str(name),
            type="Number",
            description=description,
            default="0",
            min_value=0,
            max_value=most,
            constraint_description=f"0 to {most} hours",
        ).value_as_string

    def fact(self, fact: Fact) -> str:
        """A fact about the group; the form shows it, and takes no other."""
        name, label = fact.parameter, FACT_LABELS[fact]
        self._labels[str(name)] = label
        self._facts.append(name)
        return cdk.CfnParameter(
            self,
            str(name),
            type="AWS::SSM::Parameter::Value<String>",
            description=f"{label}, read from the group's SSM parameters. Leave it as it is.",
            default=fact.value,
            # CloudFormation checks the name of the SSM parameter, not its value, so no
            # scientist can point the boundary or the provider at something else:
            # https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cloudformation-supplied-parameter-types.html
            allowed_values=[fact.value],
            constraint_description=f"{fact.value}, as the group's account keeps it",
        ).value_as_string

    def form(self, *sections: Section) -> None:
        """Lay out the launch form; facts come last."""
        facts = Section(
            title="Facts of your group (leave as they are)", parameters=tuple(self._facts)
        )
        shown = [section for section in (*sections, facts) if section.parameters]
        self.add_metadata(
            "AWS::CloudFormation::Interface",
            {
                "ParameterGroups": [
                    {
                        "Label": {"default": section.title},
                        "Parameters": [str(name) for name in section.parameters],
                    }
                    for section in shown
                ],
                "ParameterLabels": {
                    str(name): {"default": self._labels[name]}
                    for section in shown
                    for name in section.parameters
                },
            },
        )

    def output(self, name: str, value: str, description: str) -> None:
        """One output, under exactly this name."""
        cdk.CfnOutput(
            self, f"{name}Output", value=value, description=description
        ).override_logical_id(str(name))
