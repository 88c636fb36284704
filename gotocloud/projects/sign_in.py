"""The profiles with which a scientist signs in, and how they are added to AWS's own files.

What the lines mean: https://docs.aws.amazon.com/cli/latest/userguide/cli-configure-sign-in.html,
https://docs.aws.amazon.com/cli/latest/userguide/cli-configure-role.html and
https://docs.aws.amazon.com/cli/latest/userguide/sso-configure-profile-token.html.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from io import StringIO

from gotocloud.contract.names import SCIENTIST_ROLE
from gotocloud.errors import InputError

DEFAULT_PROFILE = "gotocloud"
SIGN_IN_SUFFIX = "-sign-in"
"""Ends the name of the profile that signs in; the profile without it takes the role."""

KEY_PROFILE = "gotocloud_key_profile"
"""Line of our own, which AWS's tools ignore: the profile whose access key gets the sessions."""

MARK = "# Written by gotocloud login."
SCOPE = "sso:account:access"
"""What a sign-on is for. Source: AWS's page on `sso_registration_scopes`."""

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")

Section = tuple[str, Mapping[str, str]]
"""The header of a block without its brackets, and its lines."""


class SignInKind(StrEnum):
    """The three ways to a session."""

    BROWSER = "browser"
    """`aws login`: the session with MFA of a browser."""

    CODE = "code"
    """An access key and a code of the MFA device."""

    SIGN_ON = "sign-on"
    """IAM Identity Center."""


@dataclass(frozen=True, kw_only=True)
class SignIn:
    """How one person signs in.

    Args:
        account: The group's account.
        user: Name of the IAM user, or the user name in Identity Center.
        region: One of the group's regions.
        profile: Profile that takes the scientists' role.
        key_profile: Profile with the person's access key. Default: signs in with a browser.
        serial: ARN of the MFA device, with an access key.
        start_url: Identity Center's address. Default: an IAM user signs in.
        start_region: Region of Identity Center.
        permission_set: The permission set that the group's `single_sign_on` names.
    """

    account: str
    user: str
    region: str
    profile: str = DEFAULT_PROFILE
    key_profile: str = ""
    serial: str = ""
    start_url: str = ""
    start_region: str = ""
    permission_set: str = ""

    @property
    def kind(self) -> SignInKind:
        """Which of the three ways it is."""
        if self.start_url:
            return SignInKind.SIGN_ON
        return SignInKind.CODE if self.key_profile else SignInKind.BROWSER

    @property
    def source(self) -> str:
        """The profile that signs in."""
        return f"{self.profile}{SIGN_IN_SUFFIX}"

    def sections(self) -> tuple[Section, ...]:
        """The blocks of AWS's configuration that make it work."""
        return (*self._source_sections(), (_header(self.profile), self._role_lines()))

    def _source_sections(self) -> tuple[Section, ...]:
        header, region = _header(self.source), {"region": self.region}
        if self.kind is SignInKind.SIGN_ON:
            session = {
                "sso_start_url": self.start_url,
                "sso_region": self.start_region,
                "sso_registration_scopes": SCOPE,
            }
            lines = {
                "sso_session": self.source,
                "sso_account_id": self.account,
                "sso_role_name": self.permission_set,
            }
            return (f"sso-session {self.source}", session), (header, {**lines, **region})
        if self.kind is SignInKind.CODE:
            return ((header, {KEY_PROFILE: self.key_profile, "mfa_serial": self.serial, **region}),)
        user = f"arn:aws:iam::{self.account}:user/{self.user}"
        return ((header, {"login_session": user, **region}),)

    def _role_lines(self) -> dict[str, str]:
        return {
            "source_profile": self.source,
            "role_arn": f"arn:aws:iam::{self.account}:role/{SCIENTIST_ROLE}",
            "role_session_name": self.user,
            "region": self.region,
        }


def _header(profile: str) -> str:
    return "default" if profile == "default" else f"profile {profile}"


def profile_problem(name: str) -> str:
    """Why a name cannot be a profile's here; empty if it can."""
    if _NAME.fullmatch(name):
        return ""
    return f"{name!r} cannot name a profile: letters, digits and _ . - only, at most 64"


def sign_in_of(
    profile: str,
    profiles: Mapping[str, Mapping[str, str]],
    sessions: Mapping[str, Mapping[str, str]],
) -> SignIn | None:
    """How the person signs in whose profile is on this machine; None for another kind of profile.

    Args:
        profile: The profile that takes the role.
        profiles: Every profile, with its lines.
        sessions: Every `sso-session` block.
    """
    own = profiles.get(profile, {})
    role, source = own.get("role_arn", "").split(":"), own.get("source_profile", "")
    lines = profiles.get(source, {})
    if source != f"{profile}{SIGN_IN_SUFFIX}" or role[-1] != f"role/{SCIENTIST_ROLE}":
        return None
    sign_on = sessions.get(lines.get("sso_session", ""), {})
    found = SignIn(
        account=role[4],
        user=own.get("role_session_name", ""),
        region=own.get("region", ""),
        profile=profile,
        key_profile=lines.get(KEY_PROFILE, ""),
        serial=lines.get("mfa_serial", ""),
        start_url=sign_on.get("sso_start_url", ""),
        start_region=sign_on.get("sso_region", ""),
        permission_set=lines.get("sso_role_name", ""),
    )
    kinds = lines.keys() & {"login_session", KEY_PROFILE, "sso_session"}
    return found if kinds else None


def with_sections(text: str, sections: Sequence[Section], present: Mapping[str, object]) -> str:
    """A configuration file with blocks added at its end; no line of the file changes.

    Args:
        text: The file as it is.
        sections: What must be in it.
        present: The blocks that AWS's own reader finds in the file.

    Raises:
        InputError: if one of the blocks is there with other lines; lists every difference.
    """
    problems: list[str] = []
    added = []
    for header, lines in sections:
        found = present.get(header)
        if not isinstance(found, Mapping):
            added.append(_block(header, lines))
            continue
        problems += [
            f"[{header}] has {key} = {found.get(key, 'nothing')}, not {value}"
            for key, value in lines.items()
            if found.get(key) != value
        ]
    if problems:
        raise InputError(
            "These profiles exist with other lines, which are never changed.",
            problems=problems,
        )
    start = text if not text or text.endswith("\n") else f"{text}\n"
    return "\n".join([*([start] if start else []), *added]) if added else text


def with_session(text: str, profile: str, keys: Mapping[str, str]) -> str:
    """A credentials file with a new session in our own block; no other line changes.

    Raises:
        InputError: if a block of that name was not written by `gotocloud login`.
    """
    block = _block(profile, keys)
    lines = list(StringIO(text))
    starts = [n for n, line in enumerate(lines) if re.match(r"\s*\[", line)]
    ours = [n for n in starts if re.match(rf"\s*\[\s*{re.escape(profile)}\s*\]", lines[n])]
    if not ours:
        start = text if not text or text.endswith("\n") else f"{text}\n"
        return f"{start}\n{block}" if start else block
    first = ours[0]
    last = next((n for n in starts if n > first), len(lines))
    if not any(line.strip() == MARK for line in lines[first:last]):
        raise InputError(
            f"The credentials file has a block [{profile}] that gotocloud did not write; it is "
            "never changed."
        )
    rest = "".join(lines[last:])
    return "".join(lines[:first]) + block + (f"\n{rest}" if rest else "")


def _block(header: str, lines: Mapping[str, str]) -> str:
    return "\n".join([f"[{header}]", MARK, *(f"{k} = {v}" for k, v in lines.items()), ""])
