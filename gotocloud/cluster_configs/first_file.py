"""The file with which a configuration of one's own begins."""

from __future__ import annotations

from gotocloud.cluster_configs.model import ClusterConfiguration


def first_file(name: str, parent: ClusterConfiguration) -> str:
    """A file that inherits everything, with an example of each change in comments.

    Args:
        name: Name of the new configuration.
        parent: The configuration that it inherits from.
    """
    first = parent.queues[0]
    job_type = next(iter(parent.job_types))
    choice = first.choices[0]
    return f"""\
# A cluster configuration of your own. It states what differs from {parent.name}; everything else
# is inherited. `gotocloud cluster validate {name}.yaml` checks it with ParallelCluster's own
# validators. Increase `version` with each change.
name: {name}
version: 1
inherits: {parent.name}
description: "As {parent.name}."

# Its queues: {", ".join(queue.name for queue in parent.queues)}.
# A queue of one of these names is changed; a queue of another name is added.
# queues:
#   - name: {first.name}
#     # Whether a job has a machine for itself.
#     exclusive: {str(first.exclusive).lower()}
#     choices:
#       # In order of preference; a region uses the first one that its zone offers.
#       - instance_type: {choice.instance_type}
#         max_nodes: {choice.max_nodes}
#         source: "Where the type and the number come from."
# without_queues: [{parent.queues[-1].name}]

# Which queue a job type goes to, where that differs.
# job_types:
#   {job_type}: {parent.queues_for(job_type)[0].name}

# The size of Lustre unless a scientist types another one.
# lustre:
#   deployment_type: {parent.lustre.deployment_type.value}
#   gib: {parent.lustre.gib}
#   source: "Where type and size come from."

# How long a node stays without a job before it is switched off.
# scaledown_idle_minutes: {parent.scaledown_idle_minutes}
"""
