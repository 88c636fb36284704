"""Whether an AWS profile gives a session of the scientists' role, and which line it lacks.

The role's trust takes MFA and the person's own name as the session's name. Sources of what the
lines mean: https://docs.aws.amazon.com/cli/latest/userguide/cli-configure-role.html and
https://docs.aws.amazon.com/cli/latest/userguide/cli-configure-sign-in.html.
"""

from __future__ import annotations

from collections.abc import Mapping

from gotocloud.contract.names import SCIENTIST_ROLE
from gotocloud.findings import Finding, Severity

CHECK = "Profile"
GUIDE = "docs/signing-in.md"

Profiles = Mapping[str, Mapping[str, str]]
"""The lines of each profile, from ~/.aws/config and ~/.aws/credentials together."""

_SIGNS_ON = ("login_session", "sso_session", "sso_start_url", "credential_process")
_USER, _ACCOUNT = "YOUR_USER_NAME", "ACCOUNT"


def judge_profile(name: str, profiles: Profiles) -> list[Finding]:
    """What is missing or wrong in the profile that commands use, line by line.

    A profile of another role is not judged: an administrator's, for example.

    Args:
        name: The profile, "default" if none is chosen.
        profiles: Every profile of this machine.
    """
    lines = profiles.get(name, {})
    role, source = lines.get("role_arn", ""), lines.get("source_profile", "")
    if not lines or (role and not role.endswith(f":role/{SCIENTIST_ROLE}")):
        return []
    signed_on = profiles.get(source, {}) if source else lines
    user, account = _person(lines, signed_on)
    if not role and not source:
        return [_sign_on_only(name, user or _USER, account)]
    found = [] if role else [_missing(name, "role_arn", _role_arn(account))]
    found += _name_of_session(name, lines, user)
    found += _source(name, lines, source, profiles)
    found += _mfa(name, lines, signed_on, user or _USER, account)
    return found or [Finding(CHECK, Severity.OK, f"{name!r} takes {SCIENTIST_ROLE} as {user}.")]


def _person(lines: Mapping[str, str], signed_on: Mapping[str, str]) -> tuple[str, str]:
    """The user's name and account, as far as the lines state them."""
    session = signed_on.get("login_session", "")
    arns = (session, lines.get("role_arn", ""), lines.get("mfa_serial", ""))
    account = next((arn.split(":")[4] for arn in arns if arn.count(":") >= 5), _ACCOUNT)
    user = session.rpartition("/")[2] if ":user/" in session else ""
    return user or lines.get("role_session_name", ""), account


def _name_of_session(name: str, lines: Mapping[str, str], user: str) -> list[Finding]:
    given = lines.get("role_session_name")
    if given is None:
        return [
            _missing(
                name,
                "role_session_name",
                user or _USER,
                "without it the session is named botocore-session-…, and the role refuses it",
            )
        ]
    if user and given != user:
        text = f"{name!r} has role_session_name = {given}, but {user} signs in."
        return [_problem(text, f"in [profile {name}]: role_session_name = {user}")]
    return []


def _source(name: str, lines: Mapping[str, str], source: str, profiles: Profiles) -> list[Finding]:
    if "credential_source" in lines:
        return []
    if not source:
        return [_missing(name, "source_profile", "the profile with which you sign in")]
    if source in profiles:
        return []
    text = f"source_profile of {name!r} is {source!r}, and there is no [profile {source}]."
    return [_problem(text, f"aws login --profile {source}")]


def _mfa(
    name: str, lines: Mapping[str, str], signed_on: Mapping[str, str], user: str, account: str
) -> list[Finding]:
    """A key alone states no MFA; a session of a sign-on, or of `mfa-login`, may."""
    key_alone = "aws_access_key_id" in signed_on and "aws_session_token" not in signed_on
    if not key_alone or "mfa_serial" in lines or any(key in signed_on for key in _SIGNS_ON):
        return []
    device = f"arn:aws:iam::{account}:mfa/{user}"
    return [_missing(name, "mfa_serial", device, "a key alone states no MFA")]


def _sign_on_only(name: str, user: str, account: str) -> Finding:
    text = f"{name!r} signs in, and takes no role: it can do nothing but manage the sign-in."
    remedy = (
        f"a profile with role_arn = {_role_arn(account)}, role_session_name = {user} and "
        f"source_profile = {name}, as {GUIDE} shows; then AWS_PROFILE with its name"
    )
    return Finding(CHECK, Severity.WARNING, text, remedy)


def _role_arn(account: str) -> str:
    return f"arn:aws:iam::{account}:role/{SCIENTIST_ROLE}"


def _missing(name: str, key: str, value: str, why: str = "") -> Finding:
    text = f"{name!r} lacks the line {key}" + (f": {why}." if why else ".")
    return _problem(text, f"in [profile {name}] of ~/.aws/config: {key} = {value} ({GUIDE})")


def _problem(text: str, remedy: str) -> Finding:
    return Finding(CHECK, Severity.ERROR, text, remedy)
