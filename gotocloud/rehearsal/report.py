"""What a demo has to tell: for programs as JSON, for people as a page and in the terminal."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from gotocloud.costs.idle import IdleCost
from gotocloud.projects.billed import Billed
from gotocloud.rehearsal.survey_model import Survey

SCHEMA_VERSION = 1
"""Version of report.json; raised when a key changes its meaning or goes."""


@dataclass(frozen=True)
class Step:
    """Something that was done, and how long it took."""

    name: str
    seconds: float


@dataclass(frozen=True)
class Launch:
    """The project and the cluster that a scientist launched.

    Args:
        group: The scientist's group.
        account: Its AWS account.
        region: Where the cluster is.
        scientist: Who launched.
        role_arn: The role whose credentials were used.
        project: Name of the project.
        configuration: Cluster configuration.
        release: Version of the published templates.
        templates: URL and SHA-256 of each template that was launched.
        stacks: Names of the stacks it made.
    """

    group: str
    account: str
    region: str
    scientist: str
    role_arn: str
    project: str
    configuration: str
    release: str
    templates: tuple[tuple[str, str], ...]
    stacks: tuple[str, ...]


@dataclass(frozen=True)
class DemoReport:
    """A whole demo.

    Args:
        platform: Name of the platform.
        version: Version of GoToCloud.
        finished: When the demo was finished, ISO 8601.
        steps: What was done, in order.
        survey: What then existed where.
        launch: What the scientist launched.
        cost: What the cluster costs while idle.
        billed: What of the project is billed as long as it exists, as AWS lists it.
        next_commands: What to type next: command and reason.
    """

    platform: str
    version: str
    finished: str
    steps: tuple[Step, ...]
    survey: Survey
    launch: Launch
    cost: IdleCost
    billed: tuple[Billed, ...]
    next_commands: tuple[tuple[str, str], ...]

    @property
    def seconds(self) -> float:
        """Time of all steps."""
        return sum(step.seconds for step in self.steps)

    def as_dict(self) -> dict[str, Any]:
        """The report as it is written to report.json."""
        return {
            "schema_version": SCHEMA_VERSION,
            "platform": self.platform,
            "gotocloud_version": self.version,
            "finished": self.finished,
            "seconds": round(self.seconds, 1),
            "steps": [{"name": s.name, "seconds": round(s.seconds, 1)} for s in self.steps],
            "launch": asdict(self.launch)
            | {"templates": [{"url": url, "sha256": sha} for url, sha in self.launch.templates]},
            "stacks": [
                {
                    "account": account.account,
                    "region": region.region,
                    "name": stack.name,
                    "status": stack.status,
                }
                for account, region in self.survey.everywhere()
                for stack in region.stacks
            ],
            "survey": self.survey.as_dict(),
            "costs": self.cost.as_dict(),
            "billed": [{"kind": one.kind, "id": one.identifier} for one in self.billed],
            "next": [{"command": command, "why": why} for command, why in self.next_commands],
        }
