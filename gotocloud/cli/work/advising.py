"""What the commands of `gotocloud advise` have in common."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence

from gotocloud.cli.output import narrate
from gotocloud.errors import InputError

PAPER_REGION = "us-east-1"


def known_region() -> str | None:
    """The region of this cluster, or of the environment."""
    from gotocloud.slurm.cluster_facts import known_facts

    here = (known_facts().region, *map(os.environ.get, ("AWS_REGION", "AWS_DEFAULT_REGION")))
    return next((region for region in here if region), None)


def prices_region(given: str | None) -> str:
    """The region whose prices count: as typed, of this cluster, of the environment.

    Raises:
        InputError: if it is no region.
    """
    from gotocloud.platform.regions import REGIONS

    if given:
        from gotocloud.aws.regions import no_region

        if given not in REGIONS and (problem := no_region(given)):
            raise InputError(
                f"--region: {problem}.",
                next_command=f"gotocloud advise refine3d --region {PAPER_REGION}",
            )
        return given
    found = known_region()
    if found is None:
        narrate(f"Prices are those of {PAPER_REGION}; for another region: --region NAME")
    return found or PAPER_REGION


def question_problems(sources: Sequence[bool], figures: Mapping[str, float | None]) -> list[str]:
    """What is wrong with a question about a project.

    Args:
        sources: Whether a record, a project and the example are given.
        figures: Option -> its value, which is more than 0.
    """
    one = [] if sum(sources) == 1 else ["give one of --record FILE, --project FOLDER and --example"]
    return one + [
        f"--{name} {value:g} must be more than 0"
        for name, value in figures.items()
        if value is not None and not value > 0
    ]
