"""The shape is read from templates as they are published."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gotocloud.errors import GoToCloudError
from gotocloud.projects.shape import QueueShape, cluster_shape, configuration_of

TEMPLATE = {
    "Parameters": {"LustreGib": {"Type": "Number", "Default": "2400"}},
    "Resources": {
        "Lustre": {
            "Type": "AWS::FSx::FileSystem",
            "Properties": {"LustreConfiguration": {"DeploymentType": "SCRATCH_2"}},
        },
        "Cluster": {
            "Type": "Custom::PclusterCluster",
            "Properties": {
                "ClusterConfiguration": {
                    "HeadNode": {"InstanceType": "m5.xlarge"},
                    "Scheduling": {
                        "SlurmQueues": [
                            {
                                "Name": "refine3d-spot",
                                "CapacityType": "SPOT",
                                "ComputeResources": [{"InstanceType": "g4dn.metal", "MaxCount": 2}],
                            }
                        ]
                    },
                }
            },
        },
    },
}


def test_a_template_shows_what_it_makes() -> None:
    shape = cluster_shape(TEMPLATE)
    assert shape.queues == (QueueShape("refine3d-spot", "g4dn.metal", 2, True),)
    assert (shape.head_node, shape.lustre_type, shape.lustre_gib) == (
        "m5.xlarge",
        "SCRATCH_2",
        2400,
    )
    assert shape.types == ("g4dn.metal", "m5.xlarge")
    assert shape.queues[0].vcpus_per_node == 96


@given(st.recursive(st.none() | st.text(), lambda inner: st.dictionaries(st.text(), inner)))
def test_anything_else_is_refused_in_words(content: object) -> None:
    with pytest.raises(GoToCloudError, match="cannot be understood"):
        cluster_shape({"Resources": content})


def test_the_facts_that_a_template_reads_are_known_before_it_is_launched() -> None:
    fact = {"Type": "AWS::SSM::Parameter::Value<String>", "Default": "/gotocloud/x"}
    shape = cluster_shape({**TEMPLATE, "Parameters": {"LustreGib": {"Type": "Number"}, "X": fact}})
    assert shape.facts == {"/gotocloud/x"}
    assert shape.parameters == {"LustreGib", "X"}


def test_the_description_of_a_cluster_names_configuration_and_release() -> None:
    text = "GoToCloud cluster cryoem-spa 0.1.0 in us-east-1. Everything in it is billed."
    assert configuration_of(text) == ("cryoem-spa", "0.1.0")
    assert configuration_of("GoToCloud project: the bucket") is None
