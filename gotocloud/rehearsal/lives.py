"""The lives of clusters: started by a scientist, worked on by their nodes, deleted; IAM decides."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from gotocloud import __version__
from gotocloud.aws.listener import Listener
from gotocloud.aws.removal import remove
from gotocloud.aws.stacks import describe
from gotocloud.cluster_configs.model import load_configuration
from gotocloud.contract.stacks import ClusterOutput
from gotocloud.platform.model import Group, Platform
from gotocloud.rehearsal.launch import POLL_S, Launcher, Scientist, sign_in
from gotocloud.rehearsal.local_aws import LocalAws
from gotocloud.rehearsal.node_calls import (
    NodeCall,
    NodesCluster,
    compute_node_calls,
    console_output,
    head_node_calls,
    launch_calls,
    refusal,
    termination,
)
from gotocloud.rehearsal.platform import StepContext, silent_step
from gotocloud.yaml_files import load_block
from local_aws.engine.site import Site, service_credentials, session_without_profile

QUICK = Listener(sleep=lambda _: time.sleep(POLL_S))


@dataclass(frozen=True)
class Life:
    """What became of one cluster.

    Args:
        configuration: Its configuration.
        resource_types: Types of resources in ParallelCluster's own stack.
        refusals: Calls of nodes that IAM denied, with its words.
        left: Stacks that could not be deleted.
    """

    configuration: str
    resource_types: tuple[str, ...]
    refusals: tuple[str, ...]
    left: tuple[str, ...]


def live(
    local: LocalAws,
    platform: Platform,
    place: tuple[Group, str],
    configuration: str,
    step: StepContext = silent_step,
) -> Life:
    """Start a cluster, make the calls of its nodes, and delete it with its project.

    Args:
        local: A local AWS with IAM, on which the platform is deployed.
        platform: The platform.
        place: Group and region.
        configuration: Cluster configuration.
        step: Opened for every step.

    Raises:
        GoToCloudError: if the cluster cannot be started or deleted.
    """
    group, region = place
    scientist = sign_in(local, group, region, group.scientists[0])
    launcher = Launcher(platform, scientist, configuration, configuration, __version__)
    with step(f"Start a {configuration} cluster in {region}"):
        launcher.launch_project()
        outputs = launcher.launch_cluster(load_configuration(configuration).lustre.gib)
    with step("Make the calls of its nodes"):
        used = use(local, scientist, outputs[ClusterOutput.CLUSTER_NAME])
    with step("Delete it"):
        for name in (launcher.names.cluster_stack, launcher.names.project_stack):
            stack = describe(name, region, cfn=scientist.client("cloudformation"))
            remove(scientist, stack, QUICK)
    left = _Account(local, group.account, region).left()
    return Life(configuration, used.resource_types, used.refusals, left)


@dataclass(frozen=True)
class ClusterUse:
    """What a cluster consists of, and what IAM denied to its nodes; see `Life`."""

    resource_types: tuple[str, ...]
    refusals: tuple[str, ...]


def use(local: LocalAws, owner: Scientist, name: str) -> ClusterUse:
    """Make every call of a cluster's nodes.

    Args:
        local: A local AWS with IAM.
        owner: A scientist of the cluster's group, in its region.
        name: The cluster's name.
    """
    account = _Account(local, owner.group.account, owner.region)
    cluster = account.cluster(name)
    return ClusterUse(account.resource_types(name), tuple(account.node_refusals(cluster)))


@dataclass(frozen=True)
class _Account:
    """A group's account, as its administrator sees it."""

    local: LocalAws
    account: str
    region: str

    def client(self, service: str) -> Any:
        return self.local.client(service, self.account, self.region)

    def resources(self, stack: str) -> list[Mapping[str, str]]:
        cfn = self.client("cloudformation")
        found: list[Mapping[str, str]] = cfn.describe_stack_resources(StackName=stack)[
            "StackResources"
        ]
        return found

    def resource_types(self, stack: str) -> tuple[str, ...]:
        return tuple(sorted({one["ResourceType"] for one in self.resources(stack)}))

    def left(self) -> tuple[str, ...]:
        stacks = self.client("cloudformation").describe_stacks()["Stacks"]
        return tuple(one["StackName"] for one in stacks if "FAILED" in one["StackStatus"])

    def cluster(self, name: str) -> NodesCluster:
        by_type: dict[str, list[Mapping[str, str]]] = {}
        for one in self.resources(name):
            by_type.setdefault(one["ResourceType"], []).append(one)

        def only(kind: str) -> str:
            return by_type[kind][0]["PhysicalResourceId"]

        stack = self.client("cloudformation").describe_stacks(StackName=name)["Stacks"][0]
        given = {one["ParameterKey"]: one["ParameterValue"] for one in stack["Parameters"]}
        bucket = given["ResourcesS3Bucket"]
        key = f"{given['ArtifactS3RootDirectory']}/configs/cluster-config.yaml"
        body = self.client("s3").get_object(Bucket=bucket, Key=key)["Body"].read()
        configuration = load_block(body, "The configuration of the cluster").data
        return NodesCluster(
            name=name,
            table=f"parallelcluster-{name}",
            slurm_table=f"parallelcluster-slurm-{name}",
            hosted_zone=only("AWS::Route53::HostedZone"),
            bucket=bucket,
            configuration_key=key,
            log_group=only("AWS::Logs::LogGroup"),
            head_node=only("AWS::EC2::Instance"),
            launch_templates=tuple(_launch_templates(name, configuration)),
            scripts=tuple(_scripts(configuration)),
        )

    def node_refusals(self, cluster: NodesCluster) -> Iterator[str]:
        """Make every call of head node and compute nodes; yields what IAM denies."""
        ec2 = self.client("ec2")
        found = ec2.describe_instances(InstanceIds=[cluster.head_node])["Reservations"][0]
        profile = found["Instances"][0]["IamInstanceProfile"]["Arn"].rpartition("/")[2]
        as_head = self._as_node(cluster.head_node, profile)
        yield from _refused("head node", as_head, head_node_calls(cluster))
        started: dict[str, str] = {}
        for template, call in launch_calls(cluster):
            denied, answer = refusal(as_head(call.service), call)
            if denied:
                yield f"head node: {call.program}: {denied}"
            started |= {one["InstanceId"]: template for one in answer.get("Instances", ())}
        for identifier, template in started.items():
            as_compute = self._as_node(identifier, self._profile(template))
            yield from _refused("compute node", as_compute, compute_node_calls(cluster, identifier))
        if started:
            last = [console_output(next(iter(started))), termination(list(started))]
            yield from _refused("head node", as_head, last)

    def _profile(self, template: str) -> str:
        """The instance profile that a launch template names."""
        found = self.client("ec2").describe_launch_template_versions(
            LaunchTemplateName=template, Versions=["$Latest"]
        )["LaunchTemplateVersions"]
        return str(found[0]["LaunchTemplateData"]["IamInstanceProfile"]["Name"])

    def _as_node(self, identifier: str, profile: str) -> Callable[[str], Any]:
        """Clients with the credentials that an instance has from its profile."""
        found = self.client("iam").get_instance_profile(InstanceProfileName=profile)
        (role,) = found["InstanceProfile"]["Roles"]
        site = Site(self.account, self.region, self.local.endpoint, "", "")
        keys = service_credentials(site, role["Arn"], "ec2.amazonaws.com", identifier)
        return lambda service: _client(service, self, keys)


@cache
def _session() -> Any:
    # One for all nodes: each session reads the services' models again.
    return session_without_profile()


def _client(service: str, place: _Account, keys: Mapping[str, str]) -> Any:
    from botocore.config import Config

    return _session().client(
        service,
        region_name=place.region,
        endpoint_url=place.local.endpoint_url,
        aws_access_key_id=keys["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=keys["AWS_SECRET_ACCESS_KEY"],
        aws_session_token=keys["AWS_SESSION_TOKEN"],
        config=Config(s3={"addressing_style": "path"}, retries={"total_max_attempts": 1}),
    )


def _refused(
    node: str, client: Callable[[str], Any], calls: Iterator[NodeCall] | list[NodeCall]
) -> Iterator[str]:
    for call in calls:
        denied, _ = refusal(client(call.service), call)
        if denied:
            yield f"{node}: {call.program}: {denied}"


def _launch_templates(cluster: str, configuration: Mapping[str, Any]) -> Iterator[str]:
    """Launch templates by name, as `slurm_resume` finds them (`fleet_manager.py`)."""
    for queue in configuration["Scheduling"]["SlurmQueues"]:
        for machine in queue["ComputeResources"]:
            yield f"{cluster}-{queue['Name']}-{machine['Name']}"


def _scripts(configuration: Mapping[str, Any]) -> Iterator[str]:
    """The node scripts of a configuration, each once."""
    queues = configuration["Scheduling"]["SlurmQueues"]
    seen = set()
    for part in (configuration["HeadNode"], *queues):
        for action in part.get("CustomActions", {}).values():
            for one in action.get("Sequence", [action]):
                if (script := str(one["Script"])) not in seen:
                    seen.add(script)
                    yield script
