from __future__ import annotations

from ipaddress import IPv4Network

from hypothesis import given
from hypothesis import strategies as st

from gotocloud.platform.addresses import group_subnets
from gotocloud.projects.blocks import free_block

NETWORK = IPv4Network("10.1.16.0/20")
BLOCKS = group_subnets(NETWORK).compute
taken_blocks = st.sets(st.sampled_from(BLOCKS))


@given(taken_blocks, st.text(), st.sets(st.sampled_from([str(one) for one in BLOCKS])))
def test_a_block_is_free_and_inside_the_network(
    taken: set[IPv4Network], name: str, avoid: set[str]
) -> None:
    block = free_block(NETWORK, taken, name, avoid=avoid)
    if block is None:
        assert {str(one) for one in taken} | avoid == {str(one) for one in BLOCKS}
        return
    assert block in BLOCKS
    assert block not in taken
    assert str(block) not in avoid


@given(taken_blocks, st.text())
def test_the_same_start_takes_the_same_block(taken: set[IPv4Network], name: str) -> None:
    assert free_block(NETWORK, taken, name) == free_block(NETWORK, list(taken), name)


@given(st.text())
def test_fifteen_clusters_have_room_whatever_their_order(name: str) -> None:
    taken: list[IPv4Network] = []
    while block := free_block(NETWORK, taken, name):
        taken.append(block)
    assert sorted(taken) == sorted(BLOCKS)


def test_names_begin_at_different_blocks() -> None:
    first = {free_block(NETWORK, [], f"gotocloud-cluster-{number}") for number in range(200)}
    assert first == set(BLOCKS)


def test_a_subnet_of_another_size_takes_every_block_that_it_overlaps() -> None:
    lower_half = IPv4Network("10.1.16.0/21")
    block = free_block(NETWORK, [lower_half], "x")
    assert block is not None
    assert not block.overlaps(lower_half)
