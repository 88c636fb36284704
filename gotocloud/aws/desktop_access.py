"""Opens a desktop to one network until a time, and closes what is past its time."""

from __future__ import annotations

import time
import urllib.request
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from ipaddress import IPv4Network
from typing import Any

from gotocloud.aws.cloud import Cloud, answer_of
from gotocloud.aws.head_node import HeadNode, NodeError
from gotocloud.aws.session import error_code, explained
from gotocloud.contract.group_facts import Fact
from gotocloud.contract.ports import DESKTOP_PORT
from gotocloud.contract.tags import ACCESS_TAG, DESKTOP_ACCESS
from gotocloud.errors import GoToCloudError
from gotocloud.printed import lines_of
from gotocloud.projects.desktop_access import (
    DCV,
    DesktopSession,
    Opening,
    description,
    parse_networks,
    public_address,
    read_session,
    serving,
    until_of,
)
from gotocloud.waiting import Sleep, looks

ACCESS_FILTER = {"Name": f"tag:{ACCESS_TAG}", "Values": [DESKTOP_ACCESS]}
CHECK_IP = "https://checkip.amazonaws.com"
"""AWS's own answer to "from which address do I come?"."""

CHECK_TIMEOUT_S = 5
_ATTEMPTS = 4
_GONE = {"InvalidSecurityGroupRuleId.NotFound", "InvalidGroup.NotFound"}
_GONE |= {"InvalidPermission.NotFound"}


def own_address(fetch: Callable[[], str] | None = None, *, typed: str = "gotocloud connect") -> str:
    """The public IPv4 address of this machine.

    Args:
        fetch: Calls a service. Default: `CHECK_IP`.
        typed: The command that needs it, for the next one.

    Raises:
        GoToCloudError: if it cannot be found; with what to type instead.
    """
    try:
        found = (fetch or _fetch)()
    except OSError as error:
        found = f"({error})"
    address = public_address(found)
    if address is None:
        raise GoToCloudError(
            f"Your public address could not be found: {CHECK_IP} answered {found.strip()[:80]!r}.",
            advice="Give it with --from, or use a tunnel, which needs none.",
            next_command=f"{typed} --tunnel",
        )
    return str(address)


def _fetch() -> str:
    with urllib.request.urlopen(CHECK_IP, timeout=CHECK_TIMEOUT_S) as answer:
        text: str = answer.read(100).decode("ascii", "replace")
    return text


def openings(cloud: Cloud, groups: Iterable[str] | None = None) -> tuple[Opening, ...]:
    """Every rule that opens a desktop to an address.

    Args:
        groups: Security groups. Default: those of all desktops here.

    Raises:
        GoToCloudError: if AWS does not answer.
    """
    ec2 = cloud.client("ec2")
    with explained("look which desktops are open"):
        wanted = list(groups) if groups is not None else _desktop_groups(ec2)
        if not wanted:
            return ()
        pages = ec2.get_paginator("describe_security_group_rules").paginate(
            Filters=[{"Name": "group-id", "Values": wanted}]
        )
        return tuple(
            _opening(rule)
            for page in pages
            for rule in page["SecurityGroupRules"]
            if not rule["IsEgress"]
        )


def close_stale(cloud: Cloud, now: datetime | None = None) -> tuple[Opening, ...]:
    """Close every opening of a desktop that is past its time; returns them.

    Meant for every command: what cannot be read or closed is left for the next one.

    Raises:
        GoToCloudError: if no call is possible: no network, or no valid credentials.
    """
    moment = now or datetime.now(UTC)
    closed = []
    found, _ = answer_of("look which desktops are open", lambda: openings(cloud))
    allowed = group_networks(cloud, found or ())
    for one in found or ():
        if one.stale(moment, allowed):
            try:
                close(cloud, one)
            except GoToCloudError:
                continue
            closed.append(one)
    return tuple(closed)


def group_networks(cloud: Cloud, found: Iterable[Opening]) -> tuple[IPv4Network, ...]:
    """The group's networks, if an opening is wider than one site's: they may be as wide.

    When they cannot be read, every network is one of the group's: nothing is closed by mistake.
    """
    if all(one.narrow for one in found):
        return ()
    ssm = cloud.client("ssm")
    text, _ = answer_of(
        "read the group's networks",
        lambda: str(ssm.get_parameter(Name=Fact.DESKTOP_NETWORKS)["Parameter"]["Value"]),
    )
    return parse_networks(text) if text is not None else (IPv4Network("0.0.0.0/0"),)


def close(cloud: Cloud, opening: Opening) -> None:
    """Take a rule away; one that has gone already is fine.

    Raises:
        GoToCloudError: if AWS does not.
    """
    ec2 = cloud.client("ec2")
    with explained(f"close the desktop to {opening.network}"):
        try:
            ec2.revoke_security_group_ingress(
                GroupId=opening.group, SecurityGroupRuleIds=[opening.rule]
            )
        except ec2.exceptions.ClientError as error:
            if error_code(error) not in _GONE:
                raise


def open_to(
    cloud: Cloud, group: str, network: IPv4Network, scientist: str, until: datetime
) -> bool:
    """Open a desktop to a network until a time; False when it is open for long enough.

    Raises:
        GoToCloudError: if AWS does not.
    """
    if network.prefixlen < 8:
        raise ValueError(f"a desktop is never opened to as much as {network}")
    serves, shorter = serving(openings(cloud, [group]), group, network, until)
    if serves:
        return False
    # EC2 takes no second rule for the same network, so the shorter one has to go first:
    # https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_AuthorizeSecurityGroupIngress.html
    for one in shorter:
        close(cloud, one)
    ec2 = cloud.client("ec2")
    with explained(f"open the desktop to {network}"):
        try:
            ec2.authorize_security_group_ingress(
                GroupId=group,
                IpPermissions=[
                    {
                        "IpProtocol": "tcp",
                        "FromPort": DESKTOP_PORT,
                        "ToPort": DESKTOP_PORT,
                        "IpRanges": [
                            {
                                "CidrIp": str(network),
                                "Description": description(scientist, until),
                            }
                        ],
                    }
                ],
            )
        except ec2.exceptions.ClientError as error:
            # The same command in another window was faster.
            if error_code(error) != "InvalidPermission.Duplicate":
                raise
    return True


@contextmanager
def opened(
    cloud: Cloud, group: str, network: IPv4Network, scientist: str, until: datetime
) -> Iterator[bool]:
    """Open a desktop; closed again if what follows fails or is interrupted.

    Yields:
        False when it was open for long enough, and is left so.

    Raises:
        GoToCloudError: if AWS does not open it, or not close it again.
    """
    new = True
    try:
        new = open_to(cloud, group, network, scientist, until)
        yield new
    except BaseException as cause:
        # Also when the answer never came: AWS may have opened it all the same.
        if new:
            _close_again(cloud, group, description(scientist, until), cause)
        raise


def _close_again(cloud: Cloud, group: str, text: str, cause: BaseException) -> None:
    try:
        for one in openings(cloud, [group]):
            if one.description == text:
                close(cloud, one)
    except GoToCloudError as error:
        raise GoToCloudError(
            f"{error.message} The desktop may be open to your address: {text}.",
            problems=[str(cause)] if isinstance(cause, GoToCloudError) else (),
            advice="Close it once AWS answers; after its time, any gotocloud command closes it.",
            next_command="gotocloud connect --close",
        ) from cause


def session(node: HeadNode, *, sleep: Sleep = time.sleep) -> DesktopSession:
    """A session of the desktop with a fresh token.

    Raises:
        GoToCloudError: if the desktop does not answer.
    """
    reported = ""
    for attempt, _ in enumerate(looks(2, tries=_ATTEMPTS, sleep=sleep)):
        try:
            reported = node.run(DCV, "start the desktop")
        except NodeError as error:
            if error.code == 127 or attempt == _ATTEMPTS - 1 or error.code < 0:
                raise
            continue
        if found := read_session(reported):
            return found
    raise GoToCloudError(
        "The desktop on the head node gives no session.",
        problems=[line for line in lines_of(reported.strip())[-3:] if line],
        advice="Its logs are in /var/log/parallelcluster and /var/log/dcv of the head node.",
        next_command="gotocloud ssh",
    )


def _desktop_groups(ec2: Any) -> list[str]:
    pages = ec2.get_paginator("describe_security_groups").paginate(Filters=[ACCESS_FILTER])
    return [group["GroupId"] for page in pages for group in page["SecurityGroups"]]


def _opening(rule: dict[str, Any]) -> Opening:
    network = rule.get("CidrIpv4") or rule.get("CidrIpv6") or rule.get("PrefixListId") or ""
    reported = rule.get("Description") or ""
    return Opening(
        rule=rule["SecurityGroupRuleId"],
        group=rule["GroupId"],
        network=network,
        first_port=int(rule.get("FromPort", -1)),
        last_port=int(rule.get("ToPort", -1)),
        description=reported,
        until=until_of(reported),
    )
