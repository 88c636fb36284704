"""Routes with the defaults of the tests; the package itself has none."""

from __future__ import annotations

from collections.abc import Sequence

from gotocloud.cluster_configs.model import ClusterConfiguration
from gotocloud.cluster_configs.partitions import Partition
from gotocloud.relion import routing
from gotocloud.relion.job import Job
from gotocloud.relion.overrides import Overrides
from gotocloud.relion.settings import Setting


def route(
    job: Job,
    partitions: Sequence[Partition],
    overrides: Overrides | None = None,
    *,
    configuration: ClusterConfiguration | None = None,
    prefer_spot: bool = False,
    settings: Sequence[Setting] = (),
) -> routing.Route:
    """The machines for a job: nothing chosen, on demand, no settings of one's own."""
    return routing.route(
        job,
        partitions,
        overrides,
        configuration=configuration,
        prefer_spot=prefer_spot,
        settings=settings,
    )
