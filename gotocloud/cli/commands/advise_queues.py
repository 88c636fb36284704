"""`gotocloud advise idle` and `replay`: what queues cost beside their jobs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from gotocloud.cli.completion import configurations
from gotocloud.cli.needs import need_own_computer
from gotocloud.cli.options import Json, PricesOf
from gotocloud.cli.output import print_json
from gotocloud.cli.work.advising import prices_region

IDLE_EXAMPLE = "Example: gotocloud advise idle --config cryoem-spa --project ."
REPLAY_EXAMPLE = "Example: gotocloud advise replay --json"


def idle(
    config: Annotated[
        str,
        typer.Option(
            help="Cluster configuration, or a YAML file (.yaml).", autocompletion=configurations
        ),
    ] = "cryoem-spa",
    project: Annotated[
        Path | None, typer.Option(help="RELION project folder whose gaps between jobs count.")
    ] = None,
    waiting_usd: Annotated[
        float, typer.Option(min=0, help="What an hour of waiting for machines is worth.")
    ] = 0.0,
    region: PricesOf = None,
    as_json: Json = False,
) -> None:
    """Choose for how long idle machines stay on."""
    need_own_computer("advise idle", "gotocloud.advisor.queue_times")
    from gotocloud.advisor.imports.spans import project_spans
    from gotocloud.advisor.places import load_records
    from gotocloud.advisor.queue_times import queue_times
    from gotocloud.cli.views.queues import show_idle
    from gotocloud.cluster_configs.model import load_configuration

    configuration = load_configuration(Path(config) if config.endswith(".yaml") else config)
    spans = project_spans(project) if project else ()
    records, _ = load_records(None)
    found, shared = queue_times(
        configuration,
        spans,
        prices_region(region),
        records=records,
        usd_per_hour_waited=waiting_usd,
    )
    if as_json:
        print_json({"queues": [one.as_dict() for one in found], "all_queues_minutes": shared})
    else:
        show_idle(found, shared, configuration)


def replay(as_json: Json = False) -> None:
    """Run the public tutorial run again under other queues."""
    need_own_computer("advise replay", "gotocloud.advisor.policies")
    from gotocloud.advisor.policies import ASSUMPTIONS, SOURCE, particle_parts, policies, public_run
    from gotocloud.cli.views.queues import show_replay

    run = public_run()
    found, parts = policies(run), particle_parts(run)
    if as_json:
        print_json(
            {
                "source": SOURCE,
                "assumptions": ASSUMPTIONS,
                "policies": [one.as_dict() for one in found],
                "particle_part": [one.as_dict() for one in parts],
            }
        )
    else:
        show_replay(found, parts)
