"""Deploys a whole platform into the local AWS, with the real CDK command line."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from gotocloud import __version__
from gotocloud.aws.command_line import CommandLine
from gotocloud.aws.stacks import describe
from gotocloud.contract.releases import distribution_bucket
from gotocloud.platform.load import load_platform, record_path
from gotocloud.platform.model import Platform
from gotocloud.rehearsal.first_steps import take_first_steps
from gotocloud.rehearsal.local_aws import LocalAws
from gotocloud.rehearsal.profiles import accounts
from gotocloud.rehearsal.quota_requests import raise_quotas
from gotocloud.rehearsal.report import Step

BOOTSTRAP_STACK = "CDKToolkit"
AT_ONCE = 2
"""CDK runs side by side; each keeps about one core busy."""


@dataclass(frozen=True)
class DeployedPlatform:
    """A platform that stands in a local AWS.

    Args:
        platform: The platform file's content.
        local: The local AWS.
        platform_path: The platform file, beside which the record lies.
        version: The published release.
        steps: What was done, in order.
    """

    platform: Platform
    local: LocalAws
    platform_path: Path
    version: str
    steps: tuple[Step, ...]

    @property
    def record_path(self) -> Path:
        """The record of this deployment."""
        return record_path(self.platform_path)

    @property
    def bucket(self) -> str:
        """The distribution bucket."""
        management = self.platform.management
        return distribution_bucket(management.account, management.home_region)


StepContext = Callable[[str], AbstractContextManager[None]]
"""Opens a step by its name; left when the step is done."""


@contextmanager
def silent_step(_name: str) -> Iterator[None]:
    """A step that is not shown."""
    yield


@dataclass
class _Deployment:
    local: LocalAws
    platform: Platform
    platform_path: Path
    workdir: Path
    command_line: CommandLine
    step_context: StepContext
    steps: list[Step] = field(default_factory=list)

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        began = time.perf_counter()
        with self.step_context(name):
            yield
        self.steps.append(Step(name, time.perf_counter() - began))

    @property
    def management(self) -> dict[str, str]:
        given = self.platform.management
        return self.local.environment(given.account, given.home_region)


def deploy_platform(
    local: LocalAws,
    platform_path: Path,
    workdir: Path | None = None,
    *,
    step: StepContext = silent_step,
    log: Callable[[str], None] = lambda _line: None,
) -> DeployedPlatform:
    """Deploy management, regions and groups, write the record, publish a release.

    What stands already is left alone, so that an interrupted deployment is finished by
    doing it again.

    Args:
        local: A running local AWS.
        platform_path: The platform file; the record is written beside it.
        workdir: Folder for the cloud assemblies. Default: that of the platform file.
        step: Opened for every step.
        log: Receives every line that the CDK prints.

    Raises:
        InputError: if the platform file cannot be used.
        GoToCloudError: if a step fails, with the end of its output.
    """
    platform = load_platform(platform_path)
    workdir = (workdir or platform_path.parent).resolve()
    workdir.mkdir(parents=True, exist_ok=True)
    deployment = _Deployment(
        local, platform, platform_path.resolve(), workdir, CommandLine(workdir, log), step
    )
    with deployment.step("Bootstrap every account and region"):
        _bootstrap(deployment)
    with deployment.step("Deploy the management and region stacks"):
        _deploy_shared(deployment)
    with deployment.step("Write the record"):
        arguments = ["platform", "record", "--platform", str(deployment.platform_path)]
        deployment.command_line.gotocloud(arguments, deployment.management)
    with deployment.step("Deploy the groups and publish the release"):
        _deploy_groups_and_publish(deployment)
    return DeployedPlatform(
        platform, local, deployment.platform_path, __version__, tuple(deployment.steps)
    )


def _side_by_side(deployment: _Deployment, tasks: Sequence[Callable[[], None]]) -> None:
    """Run tasks; when one fails, or this is interrupted, the others are ended."""
    with ThreadPoolExecutor(AT_ONCE) as pool:
        running = [pool.submit(task) for task in tasks]
        try:
            for done in as_completed(running):
                done.result()
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            deployment.command_line.end()
            raise


def _bootstrap(deployment: _Deployment) -> None:
    def task(account: str, regions: tuple[str, ...]) -> Callable[[], None]:
        environment = deployment.local.environment(account, regions[0])
        places = [f"aws://{account}/{region}" for region in regions]
        # Without an app: nothing has to be synthesised for this.
        arguments = ["bootstrap", *places, "--app", "", "--concurrency", str(len(places))]
        return lambda: deployment.command_line.cdk(arguments, environment)

    missing = {
        place.account: tuple(
            region
            for region in place.regions
            if not _is_bootstrapped(deployment.local, place.account, region)
        )
        for place in accounts(deployment.platform).values()
    }
    _side_by_side(deployment, [task(*place) for place in missing.items() if place[1]])


def _is_bootstrapped(local: LocalAws, account: str, region: str) -> bool:
    """Whether the CDK's own stack is complete; its command line takes seconds to find out."""
    cfn = local.client("cloudformation", account, region)
    return describe(BOOTSTRAP_STACK, region, cfn=cfn).status in (
        "CREATE_COMPLETE",
        "UPDATE_COMPLETE",
    )


def _deploy(
    deployment: _Deployment,
    stacks: Sequence[str],
    assembly: Path,
    environment: Mapping[str, str],
    context: Mapping[str, str],
) -> None:
    """Synthesise into a folder and deploy some of its stacks."""
    given = {"platform": str(deployment.platform_path), **context}
    words = [word for key, value in given.items() for word in ("--context", f"{key}={value}")]
    arguments = ["deploy", *stacks, *words, f"--output={assembly}", *_DEPLOY_OPTIONS]
    deployment.command_line.cdk(arguments, environment)


_DEPLOY_OPTIONS = ("--require-approval=never", "--method=direct", "--concurrency=4")


def _deploy_shared(deployment: _Deployment) -> None:
    assembly = deployment.workdir / "cdk.out" / "shared"
    stacks = ["ManagementStack", "RegionStack*"]
    _deploy(deployment, stacks, assembly, deployment.management, {})


def _deploy_groups_and_publish(deployment: _Deployment) -> None:
    def group_task(name: str) -> Callable[[], None]:
        group = deployment.platform.group(name)
        environment = deployment.local.environment(group.account, group.home_region)
        return lambda: _deploy(
            deployment,
            ["UserStack*"],
            deployment.workdir / "cdk.out" / name,
            environment,
            {"group": name},
        )

    def publish() -> None:
        arguments = ["platform", "publish", "--platform", str(deployment.platform_path)]
        deployment.command_line.gotocloud(arguments, deployment.management)

    groups = [group_task(group.name) for group in deployment.platform.groups]
    _side_by_side(deployment, [publish, *groups])
    take_first_steps(deployment.local, deployment.platform)
    for group in deployment.platform.groups:
        for region in group.regions:
            raise_quotas(deployment.local, group.account, region)
