"""The head node of a cluster: its machine gets a place to run commands on, and its node scripts.

Of the scripts, those run that configure the head node: the others mount what is not there.
"""

from __future__ import annotations

import shlex
from collections.abc import Callable, Mapping
from typing import Any

from gotocloud.contract.tags import CLUSTER_TAG, NODE_TYPE_TAG
from gotocloud.rehearsal.extension.desktop import put_script
from local_aws.nodes import NODES, Node
from local_aws.resources.base import ResourceError
from local_aws.resources.ec2_machines import Instance
from local_aws.services.data_repository_lustre import LUSTRE
from local_aws.signals import SIGNALS, Signal

SCRIPTS = ("home.py", "configure-head-node.sh")
_ACTIONS = "/opt/parallelcluster/custom-actions"
_START = """#!/bin/sh
here=$(dirname "$0")
PATH="$here/bin:$PATH" exec "$here/%s" """

CONFIGURATIONS: dict[tuple[str, str, str], dict[str, Any]] = {}
"""(account, region, cluster name) -> its configuration, as ParallelCluster received it."""

Call = Callable[..., dict[str, Any]]
"""Service, operation and parameters -> the local AWS's answer."""


class ClusterInstance(Instance):
    """AWS::EC2::Instance; a head node starts, and signals to its stack, as its cloud-init does."""

    type = Instance.type

    def create(self) -> None:
        super().create()
        own = {tag["Key"]: tag["Value"] for tag in self.tags()}
        if own.get(NODE_TYPE_TAG) == "HeadNode":
            place = (self.site.account, self.site.region)
            configuration = CONFIGURATIONS[*place, own[CLUSTER_TAG]]
            SIGNALS.send(self.site.stack_id, self._boot(own[CLUSTER_TAG], configuration))

    def _boot(self, cluster: str, configuration: Mapping[str, Any]) -> Signal:
        mounts = {}
        for storage in configuration.get("SharedStorage", []):
            file_system = storage.get("FsxLustreSettings", {}).get("FileSystemId", "")
            if lustre := LUSTRE.get(file_system):
                mounts[storage["MountDir"]] = lustre.root
        place = (self.site.account, self.site.region)
        node = NODES.add(self.physical_id, *place, cluster, mounts)
        put_script(node, configuration)
        try:
            configure(self.look, node, configuration)
        except ResourceError as error:
            return Signal(success=False, reason=str(error))
        return Signal(success=True, reason="HeadNode setup complete")

    def delete(self) -> None:
        super().delete()
        NODES.remove(self.physical_id)


def configure(call: Call, node: Node, configuration: Mapping[str, Any]) -> None:
    """Run the head node's scripts, as they were published, on the node.

    Raises:
        ResourceError: if it fails, as ParallelCluster's bootstrap would.
    """
    actions = configuration.get("HeadNode", {}).get("CustomActions", {}).get("OnNodeConfigured", {})
    for action in actions.get("Sequence", [actions]):
        url = str(action.get("Script", ""))
        name = url.rpartition("/")[2]
        if name not in SCRIPTS:
            continue
        bucket, _, key = url.removeprefix("s3://").partition("/")
        text = call("s3", "GetObject", Bucket=bucket, Key=key)["Body"].read().decode()
        node.install(f"{_ACTIONS}/{name}", text)
        # A machine of this kind has no systemd.
        node.install(f"{_ACTIONS}/bin/systemctl", "#!/bin/sh\n")
        node.install(
            f"{_ACTIONS}/start", _START % name + shlex.join(map(str, action.get("Args", ())))
        )
        done = node.run([f"{_ACTIONS}/start"], timeout_s=60)
        if done.code:
            raise ResourceError(
                f"The head node's script {name} failed: {done.stderr.strip()[-500:]}"
            )
