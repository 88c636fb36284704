"""Who may reach a desktop, from where and until when."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import AddressValueError, IPv4Address, IPv4Network, NetmaskValueError

from gotocloud.contract.group_facts import NO_NETWORKS
from gotocloud.contract.ports import DESKTOP_PORT
from gotocloud.errors import InputError

WIDEST = 24
"""Shortest prefix of a network outside the group's own: 256 addresses, one site's pool."""

DEFAULT_HOURS = 12.0
MAX_HOURS = 7 * 24.0

_UNTIL = re.compile(r"until (?P<time>\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ)")
_SESSION = re.compile(
    r"PclusterDcvServerPort=(?P<port>\d{1,9}) PclusterDcvSessionId=(?P<id>\w+) "
    r"PclusterDcvSessionToken=(?P<token>[\w-]+)"
)

DCV_SCRIPT = "/opt/parallelcluster/scripts/pcluster_dcv_connect.sh"
DCV_USER = "ubuntu"
"""User of the desktop: that of the operating system that clusters are rendered with."""

DCV = f"runuser -l {DCV_USER} -c '{DCV_SCRIPT} /home/{DCV_USER}'\n"
"""Makes or finds the desktop's session and prints a token; what `pcluster dcv-connect` runs
over SSH, as the same user. Source: aws-parallelcluster 3.16.1, dcv_connect.py."""

TOKEN_S = 30
"""How long a token opens a session, once. Source: as above."""


@dataclass(frozen=True)
class Opening:
    """A rule of a desktop's security group.

    Args:
        until: When it is to be closed; None if unknown.
    """

    rule: str
    group: str
    network: str
    first_port: int
    last_port: int
    description: str
    until: datetime | None

    @property
    def narrow(self) -> bool:
        """Whether it lets one site in, and to the desktop only.

        IAM has no condition on what a rule lets in: a scientist can make any other by hand, half
        the internet at a time.
        """
        network = self._to_desktop()
        return network is not None and network.prefixlen >= WIDEST

    def stale(self, now: datetime, allowed: Sequence[IPv4Network] = ()) -> bool:
        """Whether it is past its time, or lets in more than `gotocloud connect` would.

        Args:
            now: The time.
            allowed: The group's networks.
        """
        past = self.until is not None and self.until <= now
        network = self._to_desktop()
        of_group = network is not None and any(network.subnet_of(one) for one in allowed)
        return past or not (self.narrow or of_group)

    def _to_desktop(self) -> IPv4Network | None:
        """The network that reaches the desktop and nothing else; None for any other rule."""
        desktop_only = (self.first_port, self.last_port) == (DESKTOP_PORT, DESKTOP_PORT)
        return _ipv4(self.network) if desktop_only else None


@dataclass(frozen=True)
class DesktopSession:
    """A session of the desktop."""

    port: int
    id: str
    token: str

    def url(self, host: str, port: int | None = None) -> str:
        """Opens the desktop once, within `TOKEN_S` seconds."""
        return f"https://{host}:{port or self.port}?authToken={self.token}#{self.id}"


def _ipv4(text: str) -> IPv4Network | None:
    """A network as a rule holds it; None when it is something else, such as a list of prefixes."""
    try:
        return IPv4Network(text)
    except ValueError:
        return None


def read_session(text: str) -> DesktopSession | None:
    """The session in what `DCV` printed; None when there is none."""
    found = _SESSION.search(text)
    return DesktopSession(int(found["port"]), found["id"], found["token"]) if found else None


def description(scientist: str, until: datetime) -> str:
    """Description of an opening: whose it is, and when it is to be closed."""
    # Security groups take fewer characters than user names do.
    who = re.sub(r"[^A-Za-z0-9._@+=-]", "-", scientist)
    return f"gotocloud desktop of {who} until {until.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


def until_of(text: str) -> datetime | None:
    """When an opening is to be closed, by its description."""
    found = _UNTIL.search(text)
    if not found:
        return None
    try:
        return datetime.strptime(found["time"], "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
    except ValueError:
        return None


def closing_time(hours: float, now: datetime) -> datetime:
    """When an opening of so many hours ends.

    Raises:
        InputError: if it is none, or longer than a week.
    """
    if not 0 < hours <= MAX_HOURS:
        raise InputError(
            f"A desktop is opened for up to {MAX_HOURS:g} hours, not {hours:g}.",
            next_command=f"gotocloud connect --hours {DEFAULT_HOURS:g}",
        )
    return (now + timedelta(hours=hours)).replace(microsecond=0)


def parse_networks(text: str) -> tuple[IPv4Network, ...]:
    """The group's networks as its fact keeps them."""
    return tuple(IPv4Network(part) for part in text.split(",") if part and part != NO_NETWORKS)


def checked_network(given: str, allowed: Sequence[IPv4Network]) -> IPv4Network:
    """A network to which the desktop may be opened.

    Args:
        given: An address, or a network such as 203.0.113.0/28.
        allowed: The group's networks. Default: anywhere, one site at a time.

    Raises:
        InputError: if it is none, too wide or outside the group's networks.
    """
    try:
        network = IPv4Network(given.strip(), strict=False)
    except (AddressValueError, NetmaskValueError, ValueError):
        raise InputError(
            f"{given!r} is no IPv4 address or network.",
            advice="Give your own public address, for example --from 203.0.113.7.",
        ) from None
    if any(network.subnet_of(inside) for inside in allowed):
        return network
    if allowed:
        raise InputError(
            f"{network} is outside the networks from which your group reaches its desktops: "
            f"{', '.join(map(str, allowed))}.",
            advice="Connect from there (VPN), or through a tunnel, which opens nothing.",
            next_command="gotocloud connect --tunnel",
        )
    if network.prefixlen < WIDEST:
        raise InputError(
            f"{network} has {network.num_addresses:,} addresses; a desktop is opened to at most "
            f"{2 ** (32 - WIDEST)}.",
            advice="Give your own public address with --from, or use a tunnel.",
            next_command="gotocloud connect --tunnel",
        )
    return network


def public_address(text: str) -> IPv4Address | None:
    """The address in a service's answer; None when it is no address of the internet."""
    try:
        address = IPv4Address(text.strip())
    except (AddressValueError, ValueError):
        return None
    return address if address.is_global else None


def serving(
    openings: Iterable[Opening], group: str, network: IPv4Network, until: datetime
) -> tuple[Opening | None, tuple[Opening, ...]]:
    """The opening that serves already, and those that must give way to a longer one."""
    same = [
        one
        for one in openings
        if (one.group, one.network, one.first_port, one.last_port)
        == (group, str(network), DESKTOP_PORT, DESKTOP_PORT)
    ]
    enough = [one for one in same if one.until is not None and one.until >= until]
    return (enough[0], ()) if enough else (None, tuple(same))
