"""`gotocloud platform prove`: what only AWS can confirm, confirmed on the first deployment."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from gotocloud.cli.completion import regions
from gotocloud.cli.needs import need_repository
from gotocloud.cli.options import PLATFORM_FILE, Json, PlatformFile, Yes
from gotocloud.cli.output import print_json, table

DEFAULT_FOLDER = Path("proof")
USUAL_BUDGET_USD = 10.0


def prove(
    stage: Annotated[
        str,
        typer.Option(
            metavar="STAGE",
            help="End after this stage: account (reads only, free), platform, group, project, "
            "cluster, job, data or finish. bill reads the bill of a proof that is over.",
        ),
    ] = "finish",
    budget: Annotated[
        float, typer.Option(min=0, metavar="USD", help="Never begin what could cost more.")
    ] = USUAL_BUDGET_USD,
    group: Annotated[
        str | None, typer.Option(help="Group in whose account it runs. Default: the first.")
    ] = None,
    region: Annotated[
        str | None,
        typer.Option(
            help="One of the group's regions. Default: its first.", autocompletion=regions
        ),
    ] = None,
    management_profile: Annotated[
        str, typer.Option(metavar="PROFILE", help="AWS profile of the management account.")
    ] = "management",
    group_profile: Annotated[
        str | None,
        typer.Option(
            metavar="PROFILE", help="Profile of the group's administrator. Default: GROUP."
        ),
    ] = None,
    scientist_profile: Annotated[
        str | None,
        typer.Option(
            metavar="PROFILE", help="Profile of one of its scientists. Default: GROUP-scientist."
        ),
    ] = None,
    seen: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME", help="A person has seen this, such as budget-mail-arrives; repeatable."
        ),
    ] = None,
    remove: Annotated[
        bool, typer.Option("--remove", help="Only remove what an earlier run made.")
    ] = False,
    keep_platform: Annotated[
        bool, typer.Option("--keep-platform", help="Keep the platform's stacks that it deploys.")
    ] = False,
    output: Annotated[
        Path, typer.Option("--output", metavar="DIR", help="Folder of state, log and report.")
    ] = DEFAULT_FOLDER,
    platform: PlatformFile = PLATFORM_FILE,
    yes: Yes = False,
    as_json: Json = False,
) -> None:
    """Confirm on AWS what only AWS can, within a budget.

    Stage by stage, each with its price before it begins.

    Run it on the first deployment and after an update. It removes what it made. Interrupted at
    any moment, the same command goes on.
    """
    need_repository("platform prove")
    from decimal import Decimal

    from gotocloud.cli.repository.prove import ProofRequest, outcome, rows
    from gotocloud.cli.repository.prove import prove as carry_out
    from gotocloud.errors import unknown_name
    from gotocloud.proving.stages import ProofStage

    if stage not in list(ProofStage):
        raise unknown_name(
            "stage", stage, list(ProofStage), next_command="gotocloud platform prove --help"
        )
    report = carry_out(
        ProofRequest(
            platform_path=platform,
            group=group,
            region=region,
            management_profile=management_profile,
            group_profile=group_profile,
            scientist_profile=scientist_profile,
            last=ProofStage(stage),
            budget_usd=Decimal(str(budget)),
            yes=yes,
            folder=output,
            seen=tuple(seen or ()),
            remove=remove,
            keep_platform=keep_platform,
        )
    )
    if as_json:
        print_json(report.as_dict())
    else:
        table(*rows(report))
    outcome(report, output)
