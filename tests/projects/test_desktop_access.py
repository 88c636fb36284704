from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from ipaddress import IPv4Network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gotocloud.contract.ports import DESKTOP_PORT
from gotocloud.errors import InputError
from gotocloud.projects.desktop_access import (
    MAX_HOURS,
    Opening,
    checked_network,
    closing_time,
    description,
    parse_networks,
    public_address,
    read_session,
    serving,
    until_of,
)

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)


def opening(network: str = "8.8.8.8/32", until: datetime | None = NOW) -> Opening:
    return Opening("sgr-1", "sg-1", network, DESKTOP_PORT, DESKTOP_PORT, "", until)


def test_an_address_is_opened_as_itself_alone() -> None:
    assert checked_network("8.8.8.8", ()) == IPv4Network("8.8.8.8/32")


@pytest.mark.parametrize("given", ["0.0.0.0/0", "0.0.0.0/1", "8.0.0.0/8", "8.8.0.0/23"])
def test_no_desktop_is_opened_to_more_than_a_site(given: str) -> None:
    with pytest.raises(InputError, match="at most 256"):
        checked_network(given, ())


@pytest.mark.parametrize("given", ["", "here", "::1", "8.8.8.8/33", "1.2.3"])
def test_what_is_no_network_is_refused(given: str) -> None:
    with pytest.raises(InputError, match="no IPv4"):
        checked_network(given, ())


def test_a_group_with_networks_of_its_own_connects_from_these_only() -> None:
    allowed = parse_networks("130.87.0.0/16,133.1.0.0/24")
    assert checked_network("130.87.4.5", allowed).prefixlen == 32
    assert checked_network("130.87.0.0/16", allowed).prefixlen == 16
    with pytest.raises(InputError, match="outside"):
        checked_network("8.8.8.8", allowed)


def test_a_group_without_networks_states_it_in_one_word() -> None:
    assert parse_networks("none") == ()


@given(st.text(max_size=70), st.datetimes(datetime(2000, 1, 1), datetime(2999, 1, 1)))
def test_the_end_of_an_opening_is_read_back_from_its_description(who: str, until: datetime) -> None:
    end = until.replace(microsecond=0, tzinfo=UTC)
    text = description(who, end)
    assert until_of(text) == end
    assert len(text) <= 255
    assert text.isascii()


def test_an_opening_is_stale_after_its_time_and_always_when_open_to_the_world() -> None:
    assert opening().stale(NOW)
    assert not opening(until=NOW + timedelta(seconds=1)).stale(NOW)
    assert not opening(until=None).stale(NOW)
    assert opening("0.0.0.0/0", NOW + timedelta(days=1)).stale(NOW)
    assert opening("::/0", None).stale(NOW)


@pytest.mark.parametrize("wide", ["0.0.0.0/1", "128.0.0.0/1", "203.0.0.0/16", "::/1", "pl-1"])
def test_an_opening_that_no_command_makes_is_stale_whatever_it_states(wide: str) -> None:
    tomorrow = NOW + timedelta(days=1)
    assert opening(wide, tomorrow).stale(NOW)
    assert opening(wide, tomorrow).stale(NOW, parse_networks("130.87.0.0/16"))


def test_an_opening_as_wide_as_a_network_of_the_group_is_not_stale() -> None:
    tomorrow = NOW + timedelta(days=1)
    assert opening("130.87.0.0/16", tomorrow).stale(NOW)
    assert not opening("130.87.0.0/16", tomorrow).stale(NOW, parse_networks("130.87.0.0/16"))


def test_an_opening_of_another_port_is_stale() -> None:
    ssh = replace(opening(until=NOW + timedelta(days=1)), first_port=22, last_port=22)
    assert ssh.stale(NOW)
    assert ssh.stale(NOW, parse_networks("8.0.0.0/8"))


def test_a_longer_opening_serves_and_a_shorter_one_gives_way() -> None:
    network = IPv4Network("8.8.8.8/32")
    later = NOW + timedelta(hours=1)
    assert serving([opening(until=later)], "sg-1", network, NOW) == (opening(until=later), ())
    assert serving([opening()], "sg-1", network, later) == (None, (opening(),))
    assert serving([opening("9.9.9.9/32")], "sg-1", network, NOW) == (None, ())


@pytest.mark.parametrize("hours", [0, -1, 169, float("nan")])
def test_a_desktop_is_open_for_a_week_at_most(hours: float) -> None:
    with pytest.raises(InputError):
        closing_time(hours, NOW)


@pytest.mark.parametrize(
    ("told", "found"),
    [("8.8.8.8\n", "8.8.8.8"), ("10.0.0.1", None), ("<html>", None), ("127.0.0.1", None)],
)
def test_only_an_address_of_the_internet_counts_as_public(told: str, found: str | None) -> None:
    address = public_address(told)
    assert (address and str(address)) == found


def test_the_url_carries_the_token_once() -> None:
    told = "x\nPclusterDcvServerPort=8443 PclusterDcvSessionId=abc PclusterDcvSessionToken=T-_1\n"
    session = read_session(told)
    assert session is not None
    assert session.url("203.0.113.9") == "https://203.0.113.9:8443?authToken=T-_1#abc"
    assert session.url("localhost", 5000) == "https://localhost:5000?authToken=T-_1#abc"
    assert read_session("nothing") is None


def test_a_network_loses_the_bits_of_its_host_and_may_have_256_addresses() -> None:
    assert checked_network(" 203.0.113.77/28 ", ()) == IPv4Network("203.0.113.64/28")
    assert checked_network("203.0.113.9/24", ()) == IPv4Network("203.0.113.0/24")


@pytest.mark.parametrize(
    ("given", "allowed", "following"),
    [
        ("here", (), "--from 203.0.113.7"),
        ("8.8.8.8", (IPv4Network("10.0.0.0/8"),), "gotocloud connect --tunnel"),
        ("8.0.0.0/8", (), "--tunnel"),
    ],
)
def test_a_network_that_is_refused_comes_with_the_next_command(
    given: str, allowed: tuple[IPv4Network, ...], following: str
) -> None:
    with pytest.raises(InputError) as caught:
        checked_network(given, allowed)
    assert following in caught.value.remedy


@pytest.mark.parametrize("hours", [0.5, 1, MAX_HOURS])
def test_an_opening_ends_after_its_hours_on_a_whole_second(hours: float) -> None:
    now = NOW.replace(microsecond=7)
    assert closing_time(hours, now) == NOW + timedelta(hours=hours)


@pytest.mark.parametrize("hours", [0, -1, MAX_HOURS + 0.1])
def test_hours_that_are_refused_come_with_what_is_allowed(hours: float) -> None:
    with pytest.raises(InputError, match=f"up to {MAX_HOURS:g} hours, not {hours:g}") as caught:
        closing_time(hours, NOW)
    assert "gotocloud connect --hours" in str(caught.value.next_command)


def test_an_opening_until_the_same_time_serves() -> None:
    same = opening()
    assert serving([same], same.group, IPv4Network(same.network), NOW) == (same, ())


def test_a_description_has_the_user_and_the_time_in_utc() -> None:
    until = datetime(2026, 11, 22, 21, tzinfo=timezone(timedelta(hours=9)))
    assert description("Ann é", until) == ("gotocloud desktop of Ann-- until 2026-11-22T12:00:00Z")
