"""What a management group does once for a new group: have its vCPU quotas raised.

A new account may run no GPU at all, so no queue could start a node. AWS takes hours to days
for this; the local AWS grants it at once.
"""

from __future__ import annotations

from collections import defaultdict

from gotocloud.cluster_configs.instances import instance_types
from gotocloud.cluster_configs.model import configuration_names, load_configuration
from gotocloud.projects.quotas import Quota, vcpu_quota
from gotocloud.rehearsal.local_aws import LocalAws

CLUSTERS = 2
"""Clusters of the largest configuration that a group can run at once, at their full size."""


def vcpus_to_request() -> dict[Quota, float]:
    """vCPUs that every queue of the largest configuration needs at its full size, at once."""
    most: dict[Quota, float] = defaultdict(float)
    for name in configuration_names():
        configuration = load_configuration(name)
        needed: dict[Quota, float] = defaultdict(float)
        for queue in configuration.queues:
            for spot in (False, True):
                sizes: dict[Quota, float] = defaultdict(float)
                for choice in queue.choices:
                    quota = vcpu_quota(choice.instance_type, spot=spot)
                    size = instance_types()[choice.instance_type].vcpus * choice.max_nodes
                    if quota is not None:
                        sizes[quota] = max(sizes[quota], size)
                for quota, vcpus in sizes.items():
                    needed[quota] += vcpus
        needed[Quota.STANDARD] += instance_types()[configuration.head_node.instance_types[0]].vcpus
        for quota, vcpus in needed.items():
            most[quota] = max(most[quota], vcpus)
    return {quota: CLUSTERS * vcpus for quota, vcpus in most.items()}


def raise_quotas(local: LocalAws, account: str, region: str) -> None:
    """Ask for the vCPUs, where they are not there yet."""
    quotas = local.client("service-quotas", account, region)
    for quota, vcpus in vcpus_to_request().items():
        named = {"ServiceCode": quota.value.service, "QuotaCode": quota.value.code}
        if quotas.get_service_quota(**named)["Quota"]["Value"] < vcpus:
            quotas.request_service_quota_increase(**named, DesiredValue=vcpus)
