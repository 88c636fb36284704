"""A cluster routes by the configuration that it was launched with."""

from __future__ import annotations

from gotocloud.cluster_configs.model import load_configuration
from gotocloud.cluster_configs.packed import packed
from gotocloud.contract.head_node import ClusterFacts
from gotocloud.jobs.cluster import Cluster

OWN = load_configuration(
    {
        "name": "screening",
        "version": 1,
        "inherits": "cryoem-spa",
        "without_queues": ["polish"],
        "job_types": {"polish": "prep-cpu"},
    }
)


def test_a_configuration_that_this_program_lacks_comes_with_the_facts() -> None:
    cluster = Cluster((), ClusterFacts(configuration="screening", described=packed(OWN)))
    assert cluster.configuration == OWN
    assert cluster.remarks == ()


def test_the_launched_one_counts_before_one_of_the_same_name_in_this_program() -> None:
    changed = OWN.model_copy(update={"name": "cryoem-spa"})
    cluster = Cluster((), ClusterFacts(configuration="cryoem-spa", described=packed(changed)))
    assert cluster.configuration == changed


def test_a_cluster_of_an_earlier_release_is_known_by_its_name() -> None:
    cluster = Cluster((), ClusterFacts(configuration="cryoem-spa"))
    assert cluster.configuration == load_configuration("cryoem-spa")


def test_what_cannot_be_read_is_a_remark() -> None:
    cluster = Cluster((), ClusterFacts(configuration="screening", described="x"))
    assert cluster.configuration is None
    assert "matched by their names only" in cluster.remarks[0]
