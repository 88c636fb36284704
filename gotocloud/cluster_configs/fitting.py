"""Fits a configuration of ParallelCluster to its site, whatever its author.

Pure: values in, data out. Values may be CDK tokens; text that is compared or counted here is
left alone when it is one.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from gotocloud.cluster_configs.engine import Engine
from gotocloud.cluster_configs.site import ClusterSite, NodeExtras, NodeScript
from gotocloud.errors import InputError
from gotocloud.yaml_files import load_block

Configuration = dict[str, Any]

LUSTRE_NAME = "lustre"
SSM_POLICY = "policy/AmazonSSMManagedInstanceCore"
"""AWS's own policy that lets Session Manager reach a machine."""
_OWN_ROLE = ("InstanceRole", "InstanceProfile")


def parse(text: str) -> Configuration:
    """A configuration of ParallelCluster from its YAML.

    Raises:
        InputError: if the text is not YAML, or not a mapping.
    """
    content: Configuration = load_block(text, "The ParallelCluster configuration").data
    return content


def fit(configuration: Mapping[str, Any], site: ClusterSite) -> Configuration:
    """A configuration with everything that its site adds: subnets, storage, scripts, limits.

    Args:
        configuration: A configuration of ParallelCluster that leaves its place open.
        site: Where the cluster stands.

    Raises:
        InputError: with every problem that `problems` finds.
    """
    if found := problems(configuration, site):
        raise InputError("This ParallelCluster configuration cannot be used.", problems=found)
    fitted: Configuration = {"Region": site.region, **_copied(configuration)}
    if site.image_id:
        fitted["Image"]["CustomAmi"] = site.image_id
    if site.boundary_arn:
        fitted.setdefault("Iam", {})["PermissionsBoundary"] = site.boundary_arn
    _fit_head_node(fitted["HeadNode"], site)
    for queue in fitted["Scheduling"]["SlurmQueues"]:
        queue.setdefault("Networking", {})["SubnetIds"] = list(site.compute_subnet_ids)
        _add_extras(queue, site.compute, site.partition)
    if site.lustre_file_system_id:
        fitted.setdefault("SharedStorage", []).append(
            {
                "Name": LUSTRE_NAME,
                "MountDir": site.lustre_mount,
                "StorageType": "FsxLustre",
                "FsxLustreSettings": {"FileSystemId": site.lustre_file_system_id},
            }
        )
    if site.tags:
        fitted.setdefault("Tags", []).extend(
            {"Key": key, "Value": value} for key, value in site.tags.items()
        )
    return fitted


def problems(configuration: Mapping[str, Any], site: ClusterSite) -> list[str]:
    """Why a configuration cannot be used at a site; empty when it can.

    ParallelCluster's own validators find far more when the cluster is made, or with
    `gotocloud cluster validate`. This finds what the site and the configuration state differently.
    """
    shape = list(_shape_problems(configuration))
    if shape:
        return shape
    queues = configuration["Scheduling"]["SlurmQueues"]
    return [
        *_conflicts(configuration, site),
        *_limit_problems(configuration, site.engine, len(site.tags)),
        *_zone_problems(queues, site.compute_subnet_ids),
        *_role_problems("HeadNode", configuration["HeadNode"], site.head_node),
        *(
            problem
            for place, queue in _places(queues)
            for problem in _role_problems(place, queue, site.compute)
        ),
    ]


def _fit_head_node(head: Configuration, site: ClusterSite) -> None:
    networking = head.setdefault("Networking", {})
    networking["SubnetId"] = site.head_subnet_id
    if site.elastic_ip:
        networking["ElasticIp"] = site.elastic_ip
    # Without AllowedIps ParallelCluster opens both ports to 0.0.0.0/0:
    # https://docs.aws.amazon.com/parallelcluster/latest/ug/HeadNode-v3.html.
    head.setdefault("Ssh", {}).setdefault("AllowedIps", site.allowed_cidr)
    if site.key_name:
        head["Ssh"]["KeyName"] = site.key_name
    if site.desktop:
        head.setdefault("Dcv", {})["Enabled"] = True
        head["Dcv"].setdefault("AllowedIps", site.allowed_cidr)
    _add_extras(head, site.head_node, site.partition)


def _add_extras(node: Configuration, extras: NodeExtras, partition: str) -> None:
    if extras.security_group_ids:
        networking = node.setdefault("Networking", {})
        # A node has either its own security groups or ParallelCluster's with additional ones:
        # https://docs.aws.amazon.com/parallelcluster/latest/ug/HeadNode-v3.html.
        key = "SecurityGroups" if "SecurityGroups" in networking else "AdditionalSecurityGroups"
        networking[key] = [*networking.get(key, ()), *extras.security_group_ids]
    if extras.scripts:
        actions = node.setdefault("CustomActions", {})
        actions["OnNodeConfigured"] = _in_sequence(
            extras.scripts, actions.get("OnNodeConfigured", {})
        )
    if extras.readable_buckets:
        access = node.setdefault("Iam", {}).setdefault("S3Access", [])
        access.extend(
            {"BucketName": name, "EnableWriteAccess": False}
            for name in dict.fromkeys(extras.readable_buckets)
            if name not in [given.get("BucketName") for given in access]
        )
    if not _own_role(node):
        policies = node.setdefault("Iam", {}).setdefault("AdditionalIamPolicies", [])
        given = [policy.get("Policy") for policy in policies]
        session_manager = f"arn:{partition}:iam::aws:{SSM_POLICY}"
        policies.extend(
            {"Policy": arn} for arn in (session_manager, *extras.policy_arns) if arn not in given
        )


def _in_sequence(scripts: Sequence[NodeScript], given: Mapping[str, Any]) -> Configuration:
    ours = [_action(script) for script in scripts]
    theirs = given.get("Sequence", [given] if given else [])
    actions = [*ours, *theirs]
    return actions[0] if len(actions) == 1 else {"Sequence": actions}


def _action(script: NodeScript) -> Configuration:
    arguments = {"Args": list(script.arguments)} if script.arguments else {}
    return {"Script": script.url, **arguments}


def _shape_problems(configuration: Mapping[str, Any]) -> Iterator[str]:
    for key in ("Image", "HeadNode", "Scheduling"):
        if not isinstance(configuration.get(key), Mapping):
            yield f"{key}: it is missing, or not a mapping"
    scheduling = configuration.get("Scheduling")
    if not isinstance(scheduling, Mapping):
        return
    if scheduling.get("Scheduler") != "slurm":
        yield f"Scheduling.Scheduler: {scheduling.get('Scheduler')!r} must be 'slurm'"
    queues = scheduling.get("SlurmQueues")
    if not isinstance(queues, Sequence) or isinstance(queues, str) or not queues:
        yield "Scheduling.SlurmQueues: it must be a list with at least one queue"
    elif not all(isinstance(queue, Mapping) for queue in queues):
        yield "Scheduling.SlurmQueues: each queue must be a mapping"


def _conflicts(configuration: Mapping[str, Any], site: ClusterSite) -> Iterator[str]:
    head = configuration["HeadNode"]
    given: list[tuple[str, Any, Any]] = [
        ("Region", configuration.get("Region"), site.region),
        ("Image.CustomAmi", configuration["Image"].get("CustomAmi"), site.image_id),
        (
            "Iam.PermissionsBoundary",
            configuration.get("Iam", {}).get("PermissionsBoundary"),
            site.boundary_arn,
        ),
        ("HeadNode.Networking.SubnetId", _networking(head).get("SubnetId"), site.head_subnet_id),
        ("HeadNode.Networking.ElasticIp", _networking(head).get("ElasticIp"), site.elastic_ip),
        ("HeadNode.Ssh.KeyName", head.get("Ssh", {}).get("KeyName"), site.key_name),
        ("HeadNode.Dcv.Enabled", head.get("Dcv", {}).get("Enabled"), site.desktop),
    ]
    for place, queue in _places(configuration["Scheduling"]["SlurmQueues"]):
        subnets = _networking(queue).get("SubnetIds")
        given.append((f"{place}.Networking.SubnetIds", subnets, list(site.compute_subnet_ids)))
    for place, theirs, ours in given:
        if theirs is not None and ours and theirs != ours:
            other = "another value" if "${Token[" in str(ours) else repr(ours)
            yield f"{place}: the configuration has {theirs!r}, the cluster is given {other}"
    if site.lustre_file_system_id:
        for storage in configuration.get("SharedStorage", ()):
            if storage.get("MountDir") == site.lustre_mount:
                yield f"SharedStorage: two file systems are mounted at {site.lustre_mount}"
            if storage.get("Name") == LUSTRE_NAME:
                yield f"SharedStorage: the name {LUSTRE_NAME!r} is used twice"


def _limit_problems(
    configuration: Mapping[str, Any], engine: Engine, site_tags: int
) -> Iterator[str]:
    operating_system = configuration["Image"].get("Os")
    if operating_system not in engine.image_name_parts:
        yield (
            f"Image.Os: ParallelCluster {engine.version} does not support {operating_system!r}; "
            f"it supports {', '.join(engine.image_name_parts)}"
        )
    queues = configuration["Scheduling"]["SlurmQueues"]
    resources = [one for queue in queues for one in queue.get("ComputeResources", ())]
    for what, count, most in (
        ("queues", len(queues), engine.max_queues),
        ("compute resources", len(resources), engine.max_compute_resources),
        ("tags", len(configuration.get("Tags", ())) + site_tags, engine.max_tags),
    ):
        if count > most:
            yield f"{count} {what}; ParallelCluster {engine.version} allows {most}"
    for name in [one.get("Name") for one in (*queues, *resources)]:
        if isinstance(name, str) and len(name) > engine.max_name_characters:
            yield (
                f"{name!r} has {len(name)} characters; ParallelCluster {engine.version} allows "
                f"{engine.max_name_characters}"
            )


def _zone_problems(
    queues: Sequence[Mapping[str, Any]], compute_subnet_ids: Sequence[str]
) -> Iterator[str]:
    if not compute_subnet_ids:
        yield "the compute nodes have no subnet"
    if len(compute_subnet_ids) < 2:
        return
    # Source: ParallelCluster's EfaMultiAzValidator and MultiAzPlacementGroupValidator.
    for place, queue in _places(queues):
        if _networking(queue).get("PlacementGroup", {}).get("Enabled"):
            yield f"{place}: a placement group is in one zone; give the compute nodes one subnet"
        for resource in queue.get("ComputeResources", ()):
            if resource.get("Efa", {}).get("Enabled"):
                yield f"{place}: EFA works in one zone only; give the compute nodes one subnet"


def _role_problems(place: str, node: Mapping[str, Any], extras: NodeExtras) -> Iterator[str]:
    role = _own_role(node)
    if role and (extras.policy_arns or extras.readable_buckets):
        yield (
            f"{place}.Iam.{role}: a role of its own takes no policies and buckets from here; "
            "give them to that role, or leave it out"
        )


def _own_role(node: Mapping[str, Any]) -> str | None:
    return next((key for key in _OWN_ROLE if key in node.get("Iam", {})), None)


def _copied(value: Any) -> Any:
    """A copy of the mappings and lists; what they hold may be objects of the CDK."""
    if isinstance(value, Mapping):
        return {key: _copied(item) for key, item in value.items()}
    return [_copied(item) for item in value] if isinstance(value, (list, tuple)) else value


def _networking(node: Mapping[str, Any]) -> Mapping[str, Any]:
    networking: Mapping[str, Any] = node.get("Networking", {})
    return networking


def _places(queues: Sequence[Mapping[str, Any]]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for number, queue in enumerate(queues):
        yield f"Scheduling.SlurmQueues[{number}]", queue
