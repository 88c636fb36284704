"""Brings up a rehearsed platform that stays, and looks at the one that runs."""

from __future__ import annotations

import configparser
import fcntl
import shlex
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gotocloud.errors import GoToCloudError, InputError, shell_line
from gotocloud.platform.load import load_platform
from gotocloud.platform.model import Platform
from gotocloud.rehearsal.local_aws import LOG as SERVER_LOG
from gotocloud.rehearsal.local_aws import LocalAws
from gotocloud.rehearsal.platform import deploy_platform
from gotocloud.rehearsal.profiles import (
    accounts,
    add_scientists,
    scientist_profiles,
    write_profiles,
)
from gotocloud.rehearsal.progress import StepDisplay
from gotocloud.rehearsal.signals import ended_by_signals
from local_aws.iam.decisions import LOG as DECISIONS
from local_aws.server import LOCK as SERVER_LOCK

PLATFORM = "platform.yaml"
PROFILES = "aws-config"
LOG = "up.log"
LOCK = "up.lock"
_OVER = {"CREATE_COMPLETE", "UPDATE_COMPLETE"}


@dataclass(frozen=True)
class Rehearsal:
    """A platform that stands in a local AWS and stays there.

    Args:
        local: The local AWS.
        platform: The platform.
        config_file: AWS configuration with a profile for every account and every scientist.
        profiles: Those of the accounts' administrators, the management account's first.
    """

    local: LocalAws
    platform: Platform
    config_file: Path
    profiles: tuple[str, ...]

    @property
    def endpoint_url(self) -> str:
        """Where the local AWS listens."""
        return self.local.endpoint_url

    @property
    def scientists(self) -> tuple[str, ...]:
        """The profiles of the scientists, who can do what their role allows."""
        return tuple(scientist_profiles(self.platform))

    def environment(self) -> dict[str, str]:
        """Variables that let any AWS tool look at it, into the management account first."""
        return {
            "AWS_CONFIG_FILE": str(self.config_file),
            "AWS_SHARED_CREDENTIALS_FILE": "/dev/null",
            "AWS_PROFILE": self.profiles[0],
            "AWS_ENDPOINT_URL": self.endpoint_url,
            "AWS_REGION": self.platform.management.home_region,
            "AWS_DEFAULT_REGION": self.platform.management.home_region,
            "AWS_EC2_METADATA_DISABLED": "true",
        }

    def exports(self) -> list[str]:
        """Shell lines that set the environment.

        Keys of a real account that the shell may hold are taken out of it.
        """
        return [
            "unset AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY AWS_SESSION_TOKEN",
            *(f"export {name}={shlex.quote(value)}" for name, value in self.environment().items()),
        ]


def bring_up(
    platform_path: Path,
    state_dir: Path,
    *,
    verbose: bool = False,
    step: Callable[[str], AbstractContextManager[None]] | None = None,
) -> Rehearsal:
    """Start a local AWS if none runs, and deploy the platform there.

    What stands is kept, so this finishes what an interrupted one began.

    Args:
        platform_path: The platform file; a copy goes into the state folder.
        state_dir: Folder for the server, the copy, the record and the log.
        verbose: Whether to show everything that the CDK prints.
        step: Opened for every step. Default: a line on stderr for each.

    Raises:
        InputError: if the platform file or the state folder cannot be used.
        GoToCloudError: if a step fails, or another platform stands there.
    """
    platform = load_platform(platform_path)
    progress = StepDisplay(log=state_dir / LOG)
    step = step or progress.step
    local = LocalAws.running(state_dir)
    if local is None:
        claim_folder(state_dir, (SERVER_LOCK, SERVER_LOG, LOG))
        _remove_former(state_dir, platform_path)
        with step("Start the local AWS"):
            local = _started(state_dir, platform.management.account)
    local.wait()
    _refuse_another(local, platform, state_dir)
    copy = state_dir / PLATFORM
    if platform_path.resolve() != copy.resolve():
        copy_platform(platform_path, copy)

    def log(line: str) -> None:
        progress.detail(line)
        if verbose:
            progress.stream.write(f"        {line}\n")

    with ended_by_signals(), _alone(state_dir):
        deploy_platform(local, copy, state_dir, step=step, log=log)
    config_file = write_profiles(local, platform, state_dir / PROFILES)
    add_scientists(local, platform, config_file)
    return Rehearsal(local, platform, config_file, tuple(accounts(platform)))


@contextmanager
def _alone(state_dir: Path) -> Iterator[None]:
    """Keep a second `up` out; a killed one does not."""
    with (state_dir / LOCK).open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise GoToCloudError(
                f"Another `gotocloud rehearse up` is at work in {state_dir}.",
                next_command=shell_line("gotocloud", "rehearse", "status", "--state", state_dir),
            ) from None
        yield


def _started(state_dir: Path, account: str) -> LocalAws:
    """A new local AWS, or the one that an interrupted start leaves behind just now."""
    try:
        return LocalAws.start(state_dir, account=account, iam=True)
    except GoToCloudError:
        if other := LocalAws.running(state_dir):
            return other
        raise


def claim_folder(folder: Path, marks: Sequence[str]) -> None:
    """Make a folder in which files are written and deleted freely, or find an earlier one.

    Args:
        folder: The folder.
        marks: Names of files of which an earlier one holds at least one.

    Raises:
        InputError: if it cannot be made, or holds other files.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        held = {entry.name for entry in folder.iterdir()}
    except OSError as error:
        raise InputError(f"{folder} cannot be used as a folder: {error.strerror}.") from None
    if held and held.isdisjoint(marks):
        raise InputError(
            f"{folder} holds other files, which would be in danger; name a new or empty folder."
        )


def _remove_former(state_dir: Path, platform_path: Path) -> None:
    """A record of a local AWS that has ended describes nothing any more."""
    for name in (PLATFORM, "platform.record.yaml", PROFILES, LOG, DECISIONS):
        if (state_dir / name).resolve() != platform_path.resolve():
            (state_dir / name).unlink(missing_ok=True)
    for name in ("cdk-home", "cdk.out"):
        shutil.rmtree(state_dir / name, ignore_errors=True)


def _refuse_another(local: LocalAws, platform: Platform, state_dir: Path) -> None:
    wanted = platform.management.account
    if local.account != wanted:
        raise GoToCloudError(
            f"The local AWS in {state_dir} belongs to management account {local.account}, "
            f"but the platform file has {wanted}.",
            next_command=shell_line("gotocloud", "rehearse", "down", "--state", state_dir),
        )


def look(state_dir: Path) -> dict[str, Any]:
    """What runs in a state folder: the server, its accounts and their stacks."""
    local = LocalAws.running(state_dir)
    if local is None:
        return {"running": False, "state": str(state_dir), "accounts": [], "stacks": []}
    listed, stacks = [], []
    copy = state_dir / PLATFORM
    if copy.is_file():
        for name, place in accounts(load_platform(copy)).items():
            listed.append({"account": place.account, "name": name, "regions": place.regions})
            for region in place.regions:
                stacks += _stacks(local, name, place.account, region)
    return {
        "running": True,
        "state": str(state_dir),
        "pid": local.pid,
        "endpoint_url": local.endpoint_url,
        "config_file": str((state_dir / PROFILES).resolve()),
        "profiles": _profile_names(state_dir / PROFILES),
        "accounts": listed,
        "stacks": stacks,
        "deployed": bool(stacks) and all(stack["status"] in _OVER for stack in stacks),
    }


def _stacks(local: LocalAws, name: str, account: str, region: str) -> list[dict[str, str]]:
    pages = local.client("cloudformation", account, region).get_paginator("describe_stacks")
    return [
        {
            "account": account,
            "name": name,
            "region": region,
            "stack": stack["StackName"],
            "status": stack["StackStatus"],
        }
        for page in pages.paginate()
        for stack in page["Stacks"]
    ]


def _profile_names(path: Path) -> list[str]:
    parsed = configparser.ConfigParser()
    parsed.read(path)
    return [section.removeprefix("profile ") for section in parsed.sections()]


def copy_platform(platform_path: Path, to: Path) -> None:
    """Copy a platform file and its files of cluster configurations.

    Raises:
        OSError: if one cannot be read or written.
    """
    for name in load_platform(platform_path).cluster_configurations:
        copy = to.parent / name
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(platform_path.parent / name, copy)
    shutil.copyfile(platform_path, to)
