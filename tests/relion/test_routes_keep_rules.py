"""What the routing gives a job by itself breaks none of the rules."""

from __future__ import annotations

from pathlib import Path

import pytest

from gotocloud.cluster_configs.model import configuration_names, load_configuration
from gotocloud.cluster_configs.partitions import configured_partitions
from gotocloud.findings import Severity
from gotocloud.platform.zones import zone_map
from gotocloud.relion.job import read_job
from gotocloud.relion.routed_job import as_routed
from gotocloud.relion.rules import check
from tests.relion.routed import route
from tests.relion.samples import VERSIONS, job_files

OF_THE_FIXTURES = {"input-missing", "head-node", "fields-foreign", "gpu-not-ticked"}
"""The fixtures have no inputs, RELION's default is no queue and no GPU, and its name openmpi."""

JOBS = [path for version in VERSIONS for path in job_files(version)]


@pytest.mark.parametrize("spot", [False, True])
@pytest.mark.parametrize("name", configuration_names())
@pytest.mark.parametrize("region", ["us-east-1", "ap-northeast-1"])
def test_no_job_of_any_version_is_warned_of_its_own_route(
    name: str, region: str, spot: bool
) -> None:
    configuration = load_configuration(name)
    queues = configured_partitions(configuration, zone_map().region(region).best.offered)
    broken: dict[Path, list[str]] = {}
    for path in JOBS:
        job = read_job(path)
        found = route(job, queues, configuration=configuration, prefer_spot=spot)
        hardware = next(one for one in queues if one.name == found.queue)
        findings = check(as_routed(job, found), hardware, nodes=found.nodes, layout=found.layout)
        bad = [str(one) for one in findings if _counts(one.check, one.severity, hardware.gpus)]
        if bad:
            broken[path] = bad
    assert broken == {}


def _counts(rule: str, severity: Severity, gpus: int) -> bool:
    if severity is Severity.NOTE or rule in OF_THE_FIXTURES:
        return False
    # The halves of a refinement share the tutorial's only GPU; with its small boxes that
    # works, but here no box is known.
    return not (rule == "gpu-shared" and gpus == 1)
