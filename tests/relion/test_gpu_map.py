"""Which follower works on which GPU."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gotocloud.relion.gpu_map import device_lists, gpu_map


def test_one_follower_for_each_gpu_uses_them_all_once() -> None:
    found = gpu_map("", 6, (5, 4), 4)
    assert (found.idle, found.most_followers, found.fewest_followers) == (0, 1, 1)


def test_an_even_spread_that_counts_the_leader_in_leaves_a_gpu_to_two() -> None:
    """3dem/relion #156: the first machine needs one rank more."""
    found = gpu_map("0:1:2:3", 1, (4, 5), 4)
    assert (found.idle, found.most_followers) == (1, 2)


def test_the_threads_of_a_single_process_spread_over_a_comma_list() -> None:
    found = gpu_map("0,1,2,3", 12, (1,), 4)
    assert found.idle == 0
    assert found.users[(0, 3)] == frozenset({0})


def test_a_single_process_ignores_all_but_the_first_part_of_a_colon_list() -> None:
    assert gpu_map("0:1:2:3", 12, (1,), 4).idle == 3


def test_too_few_threads_leave_gpus_idle_without_a_list() -> None:
    assert gpu_map("", 2, (1,), 4).idle == 2


def test_a_short_list_repeats_over_the_followers() -> None:
    found = gpu_map("0:1", 1, (9,), 4)
    assert (found.idle, found.most_followers) == (2, 4)


def test_devices_that_are_not_there_are_named() -> None:
    assert gpu_map("2:3:4:5", 1, (5,), 4).missing == (4, 5)


@pytest.mark.parametrize("ids", ["", "0;1", "0-3", "all", "0:", ",1", "0 1"])
def test_what_relion_does_not_understand_is_no_list(ids: str) -> None:
    assert device_lists(ids) == ()


@given(gpus=st.integers(1, 8), threads=st.integers(1, 40), followers=st.integers(1, 9))
def test_the_mapping_is_relions_formula_thread_by_thread(
    gpus: int, threads: int, followers: int
) -> None:
    users: dict[tuple[int, int], set[int]] = {}
    for rank in range(1, followers + 1):
        for thread in range(threads):
            device = (gpus * (((rank - 1) % followers) * threads + thread)) // (followers * threads)
            users.setdefault((0, device), set()).add(rank)
    found = gpu_map("", threads, (followers + 1,), gpus).users
    assert {place: set(who) for place, who in found.items()} == users


@given(
    gpus=st.integers(1, 8),
    machines=st.integers(1, 5),
    followers=st.integers(1, 4),
    threads=st.integers(1, 12),
)
def test_k_followers_for_each_gpu_share_them_evenly(
    gpus: int, machines: int, followers: int, threads: int
) -> None:
    each = followers * gpus
    found = gpu_map("", threads, (each + 1, *[each] * (machines - 1)), gpus)
    assert found.idle == 0
    assert found.most_followers == found.fewest_followers == followers


@given(
    ids=st.from_regex(r"\d(,\d){0,2}(:\d(,\d){0,2}){0,3}", fullmatch=True),
    threads=st.integers(1, 8),
    ranks=st.integers(2, 20),
)
def test_every_follower_and_no_leader_gets_a_device(ids: str, threads: int, ranks: int) -> None:
    users = gpu_map(ids, threads, (ranks,), 8).users
    assert frozenset().union(*users.values()) == frozenset(range(1, ranks))
