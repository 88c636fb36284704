"""The demo: a whole platform on a local AWS, and a scientist who launches a cluster on it."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from gotocloud import __version__
from gotocloud.aws.billed import inventory
from gotocloud.aws.stacks import StackEvent
from gotocloud.cluster_configs.model import load_configuration
from gotocloud.costs.idle import idle_cost
from gotocloud.errors import GoToCloudError, InputError, shell_line
from gotocloud.platform.load import load_platform
from gotocloud.platform.model import Group, Platform
from gotocloud.projects.billed import Billed, BilledKind
from gotocloud.rehearsal.launch import Launcher, sign_in
from gotocloud.rehearsal.local_aws import LOG as SERVER_LOG
from gotocloud.rehearsal.local_aws import LocalAws
from gotocloud.rehearsal.page import page
from gotocloud.rehearsal.platform import deploy_platform
from gotocloud.rehearsal.profiles import add_scientists, write_profiles
from gotocloud.rehearsal.progress import StepDisplay
from gotocloud.rehearsal.report import DemoReport, Launch
from gotocloud.rehearsal.signals import ended_by_signals
from gotocloud.rehearsal.summary import show
from gotocloud.rehearsal.survey import SurveyedAccount, survey
from gotocloud.rehearsal.survey_model import Survey
from gotocloud.rehearsal.upkeep import PROFILES, claim_folder

EXAMPLE = Path("platform.example.yaml")
CONFIGURATION = "cryoem-spa"
PROJECT = "apoferritin"
LOG = "demo.log"
PAGE = "index.html"
REPORT = "report.json"
PLATFORM = "platform.yaml"
SHOWN_PROBLEMS = 20
"""Lines of a failed step's output that are shown; the log has all of them."""


def run(
    *,
    state_dir: Path,
    output_dir: Path,
    keep_running: bool,
    example: Path = EXAMPLE,
    configuration: str = CONFIGURATION,
    progress: StepDisplay | None = None,
) -> DemoReport:
    """Deploy the example platform on a local AWS and launch a project and a cluster on it.

    Writes `report.json` and `index.html` into the output folder and prints an account of
    it on stdout. The local AWS is ended before this returns, whatever happens, unless it
    is to be kept.

    Args:
        state_dir: Folder of the local AWS.
        output_dir: Folder for the platform file, the log, the report and the page.
        keep_running: Whether the local AWS goes on running after a demo that succeeded.
        example: The platform file to copy.
        configuration: Cluster configuration to launch.
        progress: Receives every step. Default: a new one on stderr.

    Raises:
        InputError: if the platform file cannot be used, or this is not the project's folder.
        GoToCloudError: if a step fails; names the step and the log.
    """
    if not example.is_file():
        raise InputError(
            f"There is no {example} here; the demo runs in the folder of the project.",
            advice="Type it in the folder of GoToCloud.",
        )
    with _alone(state_dir, output_dir):
        report = _run(
            state_dir, _prepared(example, output_dir), keep_running, configuration, progress
        )
    show(report, str(output_dir / PAGE))
    return report


def _run(
    state_dir: Path,
    platform_path: Path,
    keep_running: bool,
    configuration: str,
    progress: StepDisplay | None,
) -> DemoReport:
    output_dir = platform_path.parent
    platform = load_platform(platform_path)
    progress = progress or StepDisplay()
    progress.log = output_dir / LOG
    aws: LocalAws | None = None
    succeeded = False
    with ended_by_signals(), _explained(progress, output_dir, state_dir):
        try:
            with progress.step("Start the local AWS"):
                aws = LocalAws.start(state_dir, account=platform.management.account, iam=True)
            deploy_platform(aws, platform_path, step=progress.step, log=progress.detail)
            launch, billed = _launch(aws, platform, configuration, progress)
            with progress.step("Ask AWS what exists where"):
                found = survey(_places(platform), aws.client)
            following = _next_commands(launch, keep_running=keep_running)
            report = _report(platform, progress, found, launch, billed, following)
            _write(report, output_dir)
            if keep_running:
                _hand_over(aws, platform, output_dir, state_dir)
            succeeded = True
        finally:
            if aws and not (keep_running and succeeded):
                aws.stop()
    return report


@contextmanager
def _alone(state_dir: Path, output_dir: Path) -> Iterator[None]:
    """Keep a second demo from clearing what the first one writes.

    Raises:
        GoToCloudError: if one is at work, or its local AWS was left running.
    """
    LocalAws.refuse_another(state_dir)
    claim_folder(output_dir, (LOG,))
    folder = os.open(output_dir, os.O_RDONLY)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    except BlockingIOError:
        raise GoToCloudError(
            f"Another demo is at work in {output_dir}.",
            advice="Wait for it, or use another --output.",
        ) from None
    finally:
        os.close(folder)


def _prepared(example: Path, output_dir: Path) -> Path:
    """The demo's own platform file, in a folder without anything of an earlier demo."""
    (output_dir / LOG).write_text("")
    for old in (PAGE, REPORT, *(path.name for path in output_dir.glob("platform.*"))):
        (output_dir / old).unlink(missing_ok=True)
    return Path(shutil.copyfile(example, output_dir / PLATFORM))


def launching_group(platform: Platform, configuration: str) -> tuple[Group, str]:
    """Whose scientist launches the demo's cluster, and in which region.

    The first place of a group for which every price is on record, so that the demo can
    show what the cluster costs; else the first group's home.
    """
    wanted = load_configuration(configuration)
    for group in platform.groups:
        for region in group.regions:
            if not idle_cost(wanted, region, wanted.lustre.gib).unknown:
                return group, region
    if not platform.groups:
        raise InputError("The platform has no group; a demo needs one.")
    return platform.groups[0], platform.groups[0].home_region


def _launch(
    aws: LocalAws, platform: Platform, configuration: str, progress: StepDisplay
) -> tuple[Launch, tuple[Billed, ...]]:
    group, region = launching_group(platform, configuration)
    name = group.scientists[0]
    with progress.step(f"Sign in as {name} of {group.name}, with MFA"):
        scientist = sign_in(aws, group, region, name)
    launcher = Launcher(
        platform, scientist, PROJECT, configuration, __version__, on_event=_reporter(progress)
    )
    with progress.step(f"Launch the project {PROJECT} in {region}"):
        launcher.launch_project()
    with progress.step(f"Launch a {configuration} cluster in {region}"):
        launcher.launch_cluster(load_configuration(configuration).lustre.gib)
    return launcher.account(), inventory(scientist).of_project(launcher.names.tags)


def _reporter(progress: StepDisplay) -> Any:
    def report_event(event: StackEvent) -> None:
        stated = f"{event.status:24} {event.resource_type} {event.resource} {event.reason}"
        progress.detail(stated.rstrip())

    return report_event


def _places(platform: Platform) -> list[SurveyedAccount]:
    management, home = platform.management, platform.management.home_region
    regions = tuple(dict.fromkeys((home, *platform.regions)))
    return [
        SurveyedAccount(management.account, "management", regions),
        *(SurveyedAccount(group.account, group.name, group.regions) for group in platform.groups),
    ]


def _report(
    platform: Platform,
    progress: StepDisplay,
    found: Survey,
    launch: Launch,
    billed: tuple[Billed, ...],
    following: tuple[tuple[str, str], ...],
) -> DemoReport:
    wanted = load_configuration(launch.configuration)
    heads = [one.type for one in billed if one.kind is BilledKind.MACHINE]
    cost = idle_cost(
        wanted, launch.region, wanted.lustre.gib, head_node_type=heads[0] if heads else None
    )
    return DemoReport(
        platform=platform.name,
        version=__version__,
        finished=datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        steps=tuple(progress.steps),
        survey=found,
        launch=launch,
        cost=cost,
        billed=billed,
        next_commands=following,
    )


def _next_commands(launch: Launch, *, keep_running: bool) -> tuple[tuple[str, str], ...]:
    render = f"gotocloud cluster render {launch.configuration} --region {launch.region}"
    after = (
        ("gotocloud rehearse status", "See the local AWS that was left running."),
        ("gotocloud rehearse down", "End it."),
    )
    fresh = (("gotocloud rehearse up", "Leave such a platform running, to look at it."),)
    activate = (("source .venv/bin/activate", "Put gotocloud on the path of this shell."),)
    return (
        *(() if os.environ.get("VIRTUAL_ENV") else activate),
        *(after if keep_running else fresh),
        (render, "Read what ParallelCluster was given."),
        ("cp platform.example.yaml platform.yaml", "Describe your own platform, then …"),
        ("gotocloud platform check", "… see every problem in it at once."),
    )


def _write(report: DemoReport, output_dir: Path) -> None:
    data = json.dumps(report.as_dict(), indent=2, ensure_ascii=False) + "\n"
    (output_dir / REPORT).write_text(data, encoding="utf-8")
    (output_dir / PAGE).write_text(page(report), encoding="utf-8")


def _hand_over(aws: LocalAws, platform: Platform, output_dir: Path, state_dir: Path) -> None:
    """Leave what `gotocloud rehearse status` looks for."""
    for path in output_dir.glob("platform.*"):
        shutil.copyfile(path, state_dir / path.name)
    add_scientists(aws, platform, write_profiles(aws, platform, state_dir / PROFILES))


@contextmanager
def _explained(progress: StepDisplay, output_dir: Path, state_dir: Path) -> Iterator[None]:
    """State which step failed and where the logs are."""
    try:
        yield
    except Exception as error:
        problems = tuple(getattr(error, "problems", ()))[-SHOWN_PROBLEMS:]
        message = getattr(error, "message", None) or f"{type(error).__name__}: {error}"
        progress.detail(f"!! {error!r}\n{error}")
        log = output_dir / LOG
        raise GoToCloudError(
            f"The demo failed at the step “{progress.running}”: {message} All output is in {log}.",
            problems=problems,
            next_command=getattr(error, "next_command", None)
            or shell_line("less", log, state_dir / SERVER_LOG),
        ) from error
