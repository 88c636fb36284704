"""Signs a scientist in: AWS's own files, and a session with MFA in each of three ways."""

from __future__ import annotations

import re
import shutil
import subprocess
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from gotocloud.aws.session import error_code, explained
from gotocloud.errors import GoToCloudError, InputError, shell_line
from gotocloud.files import unwritable, write_file
from gotocloud.projects.sign_in import SCOPE, SignIn, SignInKind, with_sections, with_session
from gotocloud.waiting import looks

SESSION_S = 43_200
"""Twelve hours: GetSessionToken's own default for IAM users (AWS STS API reference)."""

FIRST_WITH_LOGIN = (2, 32)
"""Version of the AWS command line in which `aws login` appeared."""

_DEVICE_GRANT = "urn:ietf:params:oauth:grant-type:device_code"
_SLOWER_S = 5
"""What RFC 8628 adds to the interval when the answer is `slow_down`."""


def aws_files() -> tuple[Path, Path]:
    """AWS's configuration file and credentials file, links followed."""
    made = _session()
    names = (made.get_config_variable("config_file"), made.get_config_variable("credentials_file"))
    config, credentials = (Path(name).expanduser().resolve() for name in names)
    return config, credentials


def aws_blocks() -> tuple[dict[str, dict[str, str]], dict[str, dict[str, str]]]:
    """Every profile and every `sso-session` of this machine, with their lines.

    Raises:
        GoToCloudError: if one of AWS's files cannot be read as such.
    """
    with explained("read the AWS configuration"):
        found = _session().full_config
    return dict(found.get("profiles", {})), dict(found.get("sso_sessions", {}))


def write_profiles(person: SignIn) -> bool:
    """Add what is missing to AWS's configuration file; whether anything was.

    Raises:
        InputError: if a block of one of the names has other lines, or the file cannot be written.
    """
    from botocore.configloader import raw_config_parse

    path, credentials = aws_files()
    if person.kind is SignInKind.CODE:
        # What cannot take the session later is refused before anything is written.
        with_session(_read(credentials), person.source, {})
    text = _read(path)
    with explained("read the AWS configuration"):
        present = raw_config_parse(str(path)) if text else {}
    changed = with_sections(text, person.sections(), present)
    if changed == text:
        return False
    _write(path, changed)
    return True


def mfa_serial(key_profile: str, user: str, region: str) -> str:
    """ARN of the MFA device whose codes go with a user's access key.

    Raises:
        GoToCloudError: if there is no such device, or AWS does not answer.
    """
    iam = _client("iam", region, key_profile)
    with explained("look up your MFA device"):
        devices = iam.list_mfa_devices(UserName=user)["MFADevices"]
    # A passkey gives no codes; its ARN ends differently.
    serials = [one["SerialNumber"] for one in devices if ":u2f/" not in one["SerialNumber"]]
    if not serials:
        raise GoToCloudError(
            "You have no MFA device with codes yet. Sign in to the AWS console, and register one "
            'under your name, top right, "Security credentials"; then type this again.'
        )
    return str(serials[0])


def sign_in_with_code(person: SignIn, code: str) -> datetime:
    """Get a session with MFA for an access key and a code; until when it lasts.

    Raises:
        InputError: if the credentials file cannot be written.
        GoToCloudError: if AWS refuses the code.
    """
    _, path = aws_files()
    text = _read(path)
    sts = _client("sts", person.region, person.key_profile)
    with explained("get a session with MFA"):
        found = sts.get_session_token(
            SerialNumber=person.serial, TokenCode=code, DurationSeconds=SESSION_S
        )["Credentials"]
    keys = {
        "aws_access_key_id": found["AccessKeyId"],
        "aws_secret_access_key": found["SecretAccessKey"],
        "aws_session_token": found["SessionToken"],
    }
    _write(path, with_session(text, person.source, keys))
    until: datetime = found["Expiration"]
    return until


def sign_in_with_browser(person: SignIn) -> None:
    """Run `aws login`, which opens a browser.

    Raises:
        GoToCloudError: if the AWS command line is missing or too old, or the sign-in failed.
    """
    aws = shutil.which("aws")
    found = _aws_version(aws) if aws else None
    if aws is None or found is None or found < FIRST_WITH_LOGIN:
        have = f"this machine has {'.'.join(map(str, found))}" if found else "there is none here"
        raise GoToCloudError(
            f"Signing in with a browser needs version {'.'.join(map(str, FIRST_WITH_LOGIN))} or "
            f"newer of the AWS command line; {have}. Install it from "
            "https://docs.aws.amazon.com/cli/latest/userguide/getting-started-install.html, or "
            "use an access key: gotocloud login --key-profile PROFILE",
        )
    command = [aws, "login", "--profile", person.source, "--region", person.region]
    if subprocess.run(command, check=False).returncode:
        raise GoToCloudError("aws login failed.", next_command=shell_line("aws", *command[1:]))


def sign_on(
    person: SignIn,
    show: Callable[[str, str], None],
    *,
    oidc: Any = None,
    sleep: Callable[[float], None] = time.sleep,
) -> datetime:
    """Sign on through IAM Identity Center with its device authorisation; until when it lasts.

    The token is kept where the AWS command line and the AWS libraries look for it.
    Source: https://docs.aws.amazon.com/singlesignon/latest/OIDCAPIReference/Welcome.html

    Args:
        show: Gets the address to open and the code that the page shows.
        oidc: Client of Identity Center's OIDC service. Default: one without credentials.

    Raises:
        GoToCloudError: if Identity Center refuses, or no person confirmed in time.
    """
    from botocore.utils import JSONFileCache, SSOTokenLoader

    oidc = oidc or _unsigned("sso-oidc", person.start_region)
    with explained("reach IAM Identity Center"):
        mine = oidc.register_client(clientName="gotocloud", clientType="public", scopes=[SCOPE])
        registered = {key: mine[key] for key in ("clientId", "clientSecret")}
        offered = oidc.start_device_authorization(**registered, startUrl=person.start_url)
    show(offered["verificationUriComplete"], offered["userCode"])
    given = _token(oidc, registered, offered, sleep)
    until = datetime.now(UTC) + timedelta(seconds=given["expiresIn"])
    end = datetime.fromtimestamp(mine["clientSecretExpiresAt"], UTC)
    token = {
        "startUrl": person.start_url,
        "region": person.start_region,
        "accessToken": given["accessToken"],
        "expiresAt": _stamp(until),
        **registered,
        "registrationExpiresAt": _stamp(end),
    }
    if "refreshToken" in given:
        token["refreshToken"] = given["refreshToken"]
    cache = JSONFileCache(str(Path("~/.aws/sso/cache").expanduser()))
    loader: Any = SSOTokenLoader(cache)
    loader.save_token(person.start_url, token, session_name=person.source)
    return until


def _token(
    oidc: Any,
    registered: Mapping[str, str],
    offered: Mapping[str, Any],
    sleep: Callable[[float], None],
) -> dict[str, Any]:
    interval_s = float(offered.get("interval") or _SLOWER_S)

    def pause_s(_: float) -> float:
        return interval_s

    for waited_s in looks(pause_s, within_s=offered["expiresIn"], sleep=sleep):
        if not waited_s:
            continue  # No person can have confirmed yet.
        try:
            answer: dict[str, Any] = oidc.create_token(
                **registered, grantType=_DEVICE_GRANT, deviceCode=offered["deviceCode"]
            )
        except oidc.exceptions.AuthorizationPendingException:
            continue
        except oidc.exceptions.SlowDownException:
            # Five seconds more for this and all further requests (RFC 8628, section 3.5):
            # https://www.rfc-editor.org/rfc/rfc8628#section-3.5
            interval_s += _SLOWER_S
            continue
        except oidc.exceptions.ClientError as error:
            raise GoToCloudError(
                f"IAM Identity Center refused the sign-on ({error_code(error)}).",
                next_command="gotocloud login",
            ) from error
        return answer
    raise GoToCloudError(
        "The sign-on was not confirmed in the browser in time.", next_command="gotocloud login"
    )


def _aws_version(aws: str) -> tuple[int, int] | None:
    stated = subprocess.run([aws, "--version"], capture_output=True, text=True, check=False)
    found = re.search(r"aws-cli/([0-9]{1,9})\.([0-9]{1,9})", stated.stdout + stated.stderr)
    return (int(found[1]), int(found[2])) if found else None


def _session(profile: str | None = None) -> Any:
    """A session that has read AWS's files just now."""
    import botocore.session

    return botocore.session.Session(profile=profile)


def _client(service: str, region: str, profile: str) -> Any:
    with explained(f"use the access key of profile {profile}"):
        return _session(profile).create_client(service, region_name=region)


def _unsigned(service: str, region: str) -> Any:
    from botocore import UNSIGNED
    from botocore.config import Config

    made = _session()
    # Not the profile of the environment: it may not exist yet.
    made.set_config_variable("profile", None)
    config = Config(signature_version=UNSIGNED)
    return made.create_client(service, region_name=region, config=config)


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return ""
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path} cannot be read: {error}.") from error


def _write(path: Path, text: str) -> None:
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise unwritable(path, error) from error
    write_file(path, text, private=True)


def _stamp(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
