from __future__ import annotations

from pathlib import Path

import aws_cdk as cdk
import pytest

from gotocloud.cluster_configs.engine import engine_of
from gotocloud.cluster_configs.model import ClusterConfiguration, load_configuration
from gotocloud.cluster_configs.offerings import Offerings
from gotocloud.cluster_configs.partitions import configured_partitions
from gotocloud.cluster_configs.selection import select
from gotocloud.errors import GoToCloudError
from gotocloud.jobs.cluster import described_cluster
from gotocloud.platform.zones import RankedZone, zone_map
from gotocloud.stacks.cluster import ClusterStack


def zone(*, without: str = "", not_offering: str = "") -> RankedZone:
    """The first zone of us-east-1, without data on one type or not offering another."""
    best = zone_map().region("us-east-1").best
    gone = {without, not_offering}
    return best.model_copy(
        update={
            "offered": tuple(one for one in best.offered if one not in gone),
            "missing": tuple(
                one for one in (*best.missing, not_offering) if one not in ("", without)
            ),
        }
    )


def spa() -> ClusterConfiguration:
    return load_configuration("cryoem-spa")


def test_a_type_that_is_not_offered_gives_way_to_the_next() -> None:
    chosen = select(spa(), zone(not_offering="g4dn.metal").offerings)
    [refine3d] = [one for one in chosen.queues if one.queue.name == "refine3d"]
    assert refine3d.choice.instance_type == "g5.12xlarge"


@pytest.mark.parametrize("unknown", load_configuration("cryoem-spa").instance_types)
def test_a_type_without_data_is_an_error_that_names_the_file_and_the_command(unknown: str) -> None:
    with pytest.raises(GoToCloudError, match=unknown) as raised:
        select(spa(), zone(without=unknown).offerings)
    told = str(raised.value.problems)
    assert "platform.zones.json" in told
    assert Path(told[told.index("gotocloud/platform") :].split(")")[0]).is_file()
    assert Path(told[told.index("tests/") :].split("'")[0]).is_file()
    assert raised.value.next_command == "gotocloud platform zones --refresh"


def test_partitions_and_templates_are_not_made_without_data() -> None:
    offered = zone(without="g6.48xlarge").offerings
    with pytest.raises(GoToCloudError, match=r"no data on g6\.48xlarge"):
        configured_partitions(spa(), offered)
    with pytest.raises(GoToCloudError, match=r"no data on g6\.48xlarge"):
        ClusterStack(
            cdk.App(builtin_cloud_formation_validation=False),
            "Cluster",
            configuration=spa(),
            region="us-east-1",
            offered=offered,
            engine=engine_of(),
            distribution_bucket="distribution",
            version="1.2.3",
        )


def test_requesting_a_type_without_data_is_an_error() -> None:
    known = Offerings("use1-az1", frozenset({"a"}), frozenset({"b"}))
    assert ("a" in known, "b" in known) == (True, False)
    with pytest.raises(GoToCloudError, match="no data on c in use1-az1"):
        assert "c" in known


def test_a_new_type_of_a_configuration_is_not_passed_over(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # The zone map was made before the type came into a configuration.
    older = zone_map().model_copy(
        update={
            "regions": {
                "us-east-1": zone_map()
                .region("us-east-1")
                .model_copy(update={"ranked": (zone(without="c7i.48xlarge"),)})
            }
        }
    )
    monkeypatch.setattr("gotocloud.platform.zones.zone_map", lambda: older)
    with pytest.raises(GoToCloudError, match=r"no data on c7i\.48xlarge"):
        described_cluster("cryoem-spa", "us-east-1")
