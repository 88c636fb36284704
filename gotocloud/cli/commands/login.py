"""`gotocloud login`: the profile of a scientist, and a session with MFA."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Annotated

import typer

from gotocloud.cli.completion import profiles, regions
from gotocloud.cli.output import narrate, suggest
from gotocloud.errors import GoToCloudError, InputError, shell_line

if TYPE_CHECKING:
    from datetime import datetime

    from gotocloud.projects.sign_in import SignIn

app = typer.Typer(help="Sign in with MFA; the first time, write your AWS profile.")

GUIDE = "docs/signing-in.md"


@app.command(
    epilog="Example: gotocloud login --account 222222222222 --user hanako --region ap-northeast-1"
)
def login(
    context: typer.Context,
    account: Annotated[str | None, typer.Option(help="Your group's AWS account.")] = None,
    user: Annotated[str | None, typer.Option(help="Your user name.")] = None,
    region: Annotated[
        str | None, typer.Option(help="A region of your group.", autocompletion=regions)
    ] = None,
    profile: Annotated[
        str | None,
        typer.Option(
            help="Profile to write or use. Default: AWS_PROFILE, or gotocloud.",
            autocompletion=profiles,
        ),
    ] = None,
    key_profile: Annotated[
        str | None,
        typer.Option(metavar="PROFILE", help="Profile with your access key; default: a browser."),
    ] = None,
    start_url: Annotated[
        str | None, typer.Option(metavar="URL", help="IAM Identity Center's address.")
    ] = None,
    start_region: Annotated[
        str | None, typer.Option(metavar="REGION", help="Its region. Default: that of --region.")
    ] = None,
    permission_set: Annotated[
        str | None, typer.Option(metavar="NAME", help="Your permission set there.")
    ] = None,
) -> None:
    """Sign in with MFA; the first time, write your AWS profile.

    Your group's invitation, or the outputs of its stack, state account, user and region. After
    the first time, `gotocloud login` is enough. The code of an MFA device is typed at the prompt,
    or comes on stdin: others on the same machine can read what is on a command line.
    """
    from gotocloud.aws import sign_in
    from gotocloud.cli.typed import typed_again
    from gotocloud.projects.sign_in import DEFAULT_PROFILE, sign_in_of

    name = profile or os.environ.get("AWS_PROFILE") or DEFAULT_PROFILE
    given = {
        "--account": account,
        "--user": user,
        "--region": region,
        "--key-profile": key_profile,
        "--start-url": start_url,
        "--start-region": start_region,
        "--permission-set": permission_set,
    }
    described = sign_in_of(name, *sign_in.aws_blocks())
    if described is None or any(given.values()):
        described = _described(name, given)
        try:
            written = sign_in.write_profiles(described)
        except InputError as error:
            other = typed_again(context, "login", profile=f"{name}-2")
            raise InputError(error.message, problems=error.problems, next_command=other) from error
        if written:
            narrate(
                f"Wrote the profiles {described.source} and {name} into {sign_in.aws_files()[0]}."
            )
    _sign_in(described)
    _welcome(described)


def _described(profile: str, given: dict[str, str | None]) -> SignIn:
    """What was typed, checked.

    Raises:
        InputError: with everything that is missing or cannot be.
    """
    from gotocloud.aws import sign_in
    from gotocloud.platform.regions import REGIONS, region_problem
    from gotocloud.platform.rules import check_account, check_permission_set, check_scientist
    from gotocloud.projects.sign_in import SignIn, profile_problem

    needed = ["--account", "--user", "--region"]
    if given["--start-url"] or given["--permission-set"]:
        needed += ["--start-url", "--permission-set"]
    problems = [f"{option} is missing" for option in needed if not given[option]]
    problems += filter(None, [profile_problem(profile)])
    if given["--start-url"] and given["--key-profile"]:
        problems.append("--start-url and --key-profile are two ways to sign in; give one")
    if (url := given["--start-url"]) and not url.startswith("https://"):
        problems.append(f"--start-url is {url!r}; it begins with https://")
    for option in ("--region", "--start-region"):
        if (region := given[option]) and region not in REGIONS:
            problems.append(region_problem(region))
    for option, check in (
        ("--account", check_account),
        ("--user", check_scientist),
        ("--permission-set", check_permission_set),
    ):
        try:
            check(given[option] or "") if given[option] else ""
        except ValueError as error:
            problems.append(str(error))
    if problems:
        raise InputError(
            f"{profile!r} cannot be set up. Your invitation, and the outputs of your group's "
            f"stack, state what to type; {GUIDE} explains it.",
            problems=problems,
            next_command="gotocloud login --help",
        )
    region, name, key = str(given["--region"]), str(given["--user"]), given["--key-profile"] or ""
    return SignIn(
        account=str(given["--account"]),
        user=name,
        region=region,
        profile=profile,
        key_profile=key,
        serial=sign_in.mfa_serial(key, name, region) if key else "",
        start_url=given["--start-url"] or "",
        start_region=given["--start-region"] or region if given["--start-url"] else "",
        permission_set=given["--permission-set"] or "",
    )


def _sign_in(person: SignIn) -> None:
    from gotocloud.aws import sign_in
    from gotocloud.projects.sign_in import SignInKind

    match person.kind:
        case SignInKind.BROWSER:
            sign_in.sign_in_with_browser(person)
        case SignInKind.CODE:
            code = _typed_code(person)
            try:
                _until(sign_in.sign_in_with_code(person, code))
            except GoToCloudError as error:
                # The profile is written now, so that its name is enough.
                error.next_command, error.again = error.next_command or _again(person), False
                raise
        case SignInKind.SIGN_ON:
            _until(sign_in.sign_on(person, _show_page))


def _typed_code(person: SignIn) -> str:
    import getpass

    prompt = f"Code of {person.serial}: "
    if sys.stdin.isatty():
        typed = getpass.getpass(prompt)
    else:
        sys.stderr.write(prompt)
        sys.stderr.flush()
        typed = sys.stdin.readline()
    if code := typed.strip():
        return code
    raise InputError("No code was typed.", next_command=_again(person))


def _again(person: SignIn) -> str:
    from gotocloud.projects.sign_in import DEFAULT_PROFILE

    own = () if person.profile == DEFAULT_PROFILE else ("--profile", person.profile)
    return shell_line("gotocloud", "login", *own)


def _show_page(address: str, code: str) -> None:
    import webbrowser

    narrate(f"Open {address} in a browser, and confirm the code {code}.")
    if sys.stdin.isatty():
        webbrowser.open(address)


def _until(moment: datetime) -> None:
    narrate(f"Signed in until {moment:%Y-%m-%d %H:%M} UTC.")


def _welcome(person: SignIn) -> None:
    """Take the role once, so that what is wrong is shown now.

    Raises:
        GoToCloudError: if the role is not given.
    """
    from gotocloud.aws.identity import caller
    from gotocloud.aws.session import client

    try:
        who = caller(person.region, sts=client("sts", person.region, profile=person.profile))
    except GoToCloudError as error:
        raise GoToCloudError(
            "You are signed in, but not given the role of scientists.",
            problems=[error.message],
            next_command=shell_line("env", f"AWS_PROFILE={person.profile}", "gotocloud", "doctor"),
        ) from error
    narrate(f"You are {who.name} in account {who.account}, with the role of scientists.")
    if os.environ.get("AWS_PROFILE") == person.profile:
        suggest("gotocloud doctor")
    else:
        chosen = shell_line("export", f"AWS_PROFILE={person.profile}")
        suggest(f"{chosen} && gotocloud doctor")
