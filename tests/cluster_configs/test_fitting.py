"""Fitting a configuration of ParallelCluster, of whatever origin, to its site."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import yaml

from gotocloud.cluster_configs.engine import engine_of
from gotocloud.cluster_configs.fitting import fit, parse, problems
from gotocloud.cluster_configs.model import ClusterConfiguration, load_configuration
from gotocloud.cluster_configs.renderer import render
from gotocloud.cluster_configs.site import ClusterSite, NodeExtras, NodeScript
from gotocloud.errors import InputError
from tests.cluster_configs.sites import SITE

SSM = {"Policy": "arn:aws:iam::aws:policy/AmazonSSMManagedInstanceCore"}
BARE_SITE = ClusterSite(
    engine=engine_of(),
    region="us-east-1",
    head_subnet_id="subnet-1",
    compute_subnet_ids=["subnet-2"],
    allowed_cidr="10.0.0.0/16",
)


def configuration() -> dict[str, Any]:
    return parse("""
        Image: {Os: alinux2023}
        HeadNode: {InstanceType: c7i.large}
        Scheduling:
          Scheduler: slurm
          SlurmQueues:
            - Name: cpu
              ComputeResources: [{Name: c7i, InstanceType: c7i.4xlarge, MaxCount: 4}]
        """)


def queue(fitted: dict[str, Any]) -> dict[str, Any]:
    return dict(fitted["Scheduling"]["SlurmQueues"][0])


def test_a_site_without_extras_adds_subnets_session_manager_and_closed_ports_only() -> None:
    fitted = fit(configuration(), BARE_SITE)
    iam = {"AdditionalIamPolicies": [SSM]}
    assert fitted == {
        "Region": "us-east-1",
        "Image": {"Os": "alinux2023"},
        "HeadNode": {
            "InstanceType": "c7i.large",
            "Networking": {"SubnetId": "subnet-1"},
            "Ssh": {"AllowedIps": "10.0.0.0/16"},
            "Iam": iam,
        },
        "Scheduling": {
            "Scheduler": "slurm",
            "SlurmQueues": [
                {
                    **queue(configuration()),
                    "Networking": {"SubnetIds": ["subnet-2"]},
                    "Iam": iam,
                }
            ],
        },
    }


def test_what_was_given_stays_as_it_was() -> None:
    given = configuration()
    fit(given, SITE)
    assert given == configuration()


def test_what_the_configuration_lists_is_kept_and_extended() -> None:
    given = configuration()
    given["HeadNode"] |= {
        "Ssh": {"AllowedIps": "192.0.2.0/24"},
        "Networking": {"AdditionalSecurityGroups": ["sg-theirs"]},
        "CustomActions": {"OnNodeConfigured": {"Script": "s3://theirs/a.sh"}},
        "Iam": {"S3Access": [{"BucketName": "theirs"}], "AdditionalIamPolicies": [SSM]},
    }
    given["SharedStorage"] = [{"Name": "home", "MountDir": "/data", "StorageType": "Efs"}]
    given["Tags"] = [{"Key": "lab", "Value": "x"}]
    given["Scheduling"]["SlurmQueues"][0]["Networking"] = {"SecurityGroups": ["sg-own"]}
    extras = NodeExtras(
        scripts=[NodeScript(url="s3://ours/b.sh", arguments=["1"])],
        security_group_ids=["sg-ours"],
        readable_buckets=["ours", "theirs", "ours"],
        policy_arns=["arn:aws:iam::1:policy/ours"],
    )
    site = replace(
        BARE_SITE,
        head_node=extras,
        compute=extras,
        lustre_file_system_id="fs-1",
        tags={"project": "y"},
    )
    fitted = fit(given, site)
    head = fitted["HeadNode"]
    assert head["Ssh"]["AllowedIps"] == "192.0.2.0/24"
    assert head["Networking"]["AdditionalSecurityGroups"] == ["sg-theirs", "sg-ours"]
    assert head["CustomActions"]["OnNodeConfigured"] == {
        "Sequence": [{"Script": "s3://ours/b.sh", "Args": ["1"]}, {"Script": "s3://theirs/a.sh"}]
    }
    assert [one["BucketName"] for one in head["Iam"]["S3Access"]] == ["theirs", "ours"]
    assert head["Iam"]["AdditionalIamPolicies"] == [SSM, {"Policy": "arn:aws:iam::1:policy/ours"}]
    assert queue(fitted)["Networking"]["SecurityGroups"] == ["sg-own", "sg-ours"]
    assert "AdditionalSecurityGroups" not in queue(fitted)["Networking"]
    assert [one["MountDir"] for one in fitted["SharedStorage"]] == ["/data", "/fsx"]
    assert [one["Key"] for one in fitted["Tags"]] == ["lab", "project"]


def test_image_key_boundary_and_desktop_of_the_site_are_taken() -> None:
    site = replace(
        BARE_SITE,
        image_id="ami-1",
        key_name="anna",
        boundary_arn="arn:aws:iam::1:policy/edge",
        desktop=True,
        elastic_ip=True,
    )
    fitted = fit(configuration(), site)
    assert fitted["Image"] == {"Os": "alinux2023", "CustomAmi": "ami-1"}
    assert fitted["Iam"] == {"PermissionsBoundary": "arn:aws:iam::1:policy/edge"}
    assert fitted["HeadNode"]["Ssh"]["KeyName"] == "anna"
    assert fitted["HeadNode"]["Dcv"] == {"Enabled": True, "AllowedIps": "10.0.0.0/16"}
    assert fitted["HeadNode"]["Networking"]["ElasticIp"] is True


def test_a_node_with_a_role_of_its_own_gets_no_policy_and_states_it_when_it_should() -> None:
    given = configuration()
    given["HeadNode"]["Iam"] = {"InstanceRole": "arn:aws:iam::1:role/own"}
    assert fit(given, BARE_SITE)["HeadNode"]["Iam"] == given["HeadNode"]["Iam"]
    site = replace(BARE_SITE, head_node=NodeExtras(readable_buckets=["data"]))
    assert "HeadNode.Iam.InstanceRole: a role of its own takes no policies" in str(
        problems(given, site)
    )


def test_everything_that_configuration_and_site_state_differently_is_reported_at_once() -> None:
    given = configuration()
    given["Region"] = "eu-west-1"
    given["HeadNode"]["Networking"] = {"SubnetId": "subnet-9"}
    given["Scheduling"]["SlurmQueues"][0]["Networking"] = {"SubnetIds": ["subnet-9"]}
    given["HeadNode"]["Dcv"] = {"Enabled": False}
    given["SharedStorage"] = [{"Name": "lustre", "MountDir": "/fsx"}]
    site = replace(BARE_SITE, desktop=True, lustre_file_system_id="fs-1")
    with pytest.raises(InputError) as caught:
        fit(given, site)
    found = caught.value.problems
    assert found == (
        "Region: the configuration has 'eu-west-1', the cluster is given 'us-east-1'",
        "HeadNode.Networking.SubnetId: the configuration has 'subnet-9', the cluster is given "
        "'subnet-1'",
        "HeadNode.Dcv.Enabled: the configuration has False, the cluster is given True",
        "Scheduling.SlurmQueues[0].Networking.SubnetIds: the configuration has ['subnet-9'], the "
        "cluster is given ['subnet-2']",
        "SharedStorage: two file systems are mounted at /fsx",
        "SharedStorage: the name 'lustre' is used twice",
    )


def test_a_configuration_that_agrees_with_its_site_is_no_conflict() -> None:
    given = configuration()
    given["Region"] = "us-east-1"
    given["HeadNode"]["Networking"] = {"SubnetId": "subnet-1"}
    assert problems(given, BARE_SITE) == []


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"HeadNode": None}, "HeadNode: it is missing, or not a mapping"),
        ({"Scheduling": {"Scheduler": "awsbatch"}}, "'awsbatch' must be 'slurm'"),
        ({"Scheduling": {"Scheduler": "slurm"}}, "a list with at least one queue"),
        ({"Scheduling": {"Scheduler": "slurm", "SlurmQueues": ["cpu"]}}, "must be a mapping"),
        ({"Image": {"Os": "centos7"}}, "does not support 'centos7'; it supports alinux2023"),
        ({"Image": {}}, "does not support None"),
    ],
)
def test_a_configuration_of_another_shape_is_refused(change: dict[str, Any], said: str) -> None:
    assert said in "\n".join(problems({**configuration(), **change}, BARE_SITE))


@pytest.mark.parametrize("text", ["a: [", "just words", "- a\n- b"])
def test_text_that_is_no_mapping_is_refused(text: str) -> None:
    with pytest.raises(InputError, match=r"not YAML|must be a block"):
        parse(text)


def test_efa_and_placement_groups_need_one_subnet() -> None:
    site = replace(SITE, compute_subnet_ids=["subnet-1", "subnet-2"])
    with pytest.raises(InputError) as caught:
        render(load_configuration("cryoem-spa"), site)
    assert "SlurmQueues[0]: a placement group is in one zone" in str(caught.value)
    assert "SlurmQueues[0]: EFA works in one zone only" in str(caught.value)
    assert queue(render(load_configuration("tutorial"), site))["Networking"]["SubnetIds"] == [
        "subnet-1",
        "subnet-2",
    ]
    assert "no subnet" in str(problems(configuration(), replace(site, compute_subnet_ids=[])))


def with_queues(names: list[str]) -> ClusterConfiguration:
    tutorial = load_configuration("tutorial")
    queues = tuple(tutorial.queues[0].model_copy(update={"job_type": name}) for name in names)
    return tutorial.model_copy(update={"queues": queues})


def test_the_limits_are_those_of_the_engine() -> None:
    found = problems_of(with_queues([f"q{number}" for number in range(26)]), SITE)
    assert found == (
        f"52 queues; ParallelCluster {engine_of().version} allows 50",
        f"52 compute resources; ParallelCluster {engine_of().version} allows 50",
    )
    small = replace(engine_of(), version="9.9.9", max_queues=3, max_tags=1, max_name_characters=6)
    found = problems_of(load_configuration("tutorial"), replace(SITE, engine=small))
    assert "4 queues; ParallelCluster 9.9.9 allows 3" in found
    assert "2 tags; ParallelCluster 9.9.9 allows 1" in found
    assert "'gpu-spot' has 8 characters; ParallelCluster 9.9.9 allows 6" in found


def problems_of(configuration: ClusterConfiguration, site: ClusterSite) -> tuple[str, ...]:
    with pytest.raises(InputError) as caught:
        render(configuration, site)
    return caught.value.problems


def test_a_configuration_reads_back_from_yaml() -> None:
    assert parse(yaml.safe_dump(configuration())) == configuration()
