"""Which addresses a new cluster takes of its group's network."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable
from ipaddress import IPv4Network

from gotocloud.platform.addresses import group_subnets


def free_block(
    network: IPv4Network, taken: Iterable[IPv4Network], name: str, *, avoid: Collection[str] = ()
) -> IPv4Network | None:
    """A /24 for a cluster's nodes that overlaps with nothing; None when all are taken.

    Each name has its own order of the blocks, so a start that is repeated takes the same
    one and two scientists at once seldom meet; when they do, CloudFormation refuses one of
    them, who takes the next block.

    Args:
        network: The group's network.
        taken: Networks in use or about to be.
        name: Name of the cluster's stack.
        avoid: Blocks that were refused.
    """
    blocks = group_subnets(network).compute
    used = list(taken)
    first = int.from_bytes(hashlib.sha256(name.encode()).digest()[:4]) % len(blocks)
    for block in (*blocks[first:], *blocks[:first]):
        if str(block) not in avoid and not any(block.overlaps(one) for one in used):
            return block
    return None
