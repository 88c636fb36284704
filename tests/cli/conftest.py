"""A scientist's account, and processes that die at any call of AWS."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Any

import botocore.client
import pytest
from moto import mock_aws

from gotocloud.aws import head_node, pausing, removal
from gotocloud.aws.lustre_export import export as lustre_export
from gotocloud.aws.lustre_export import link as lustre_export_link
from gotocloud.rehearsal.local_aws import LocalAws
from local_aws.testing import MANAGEMENT
from tests.aws.scripted import Dies, Killed
from tests.cli.group_account import REGION, SCIENTIST
from tests.cli.local_project import environment, write_facts

Dying = Callable[[int | None], Dies]


@contextmanager
def empty_aws() -> Iterator[None]:
    """AWS without anything in it but a caller with a name."""
    from moto.cloudformation.models import CloudFormationBackend  # noqa: F401 (loads the models)
    from moto.sts.responses import TokenResponse

    from local_aws.engine import protection
    from local_aws.services import quotas

    quotas.apply()
    protection.install()
    original = TokenResponse.get_caller_identity

    def named(self: Any) -> Any:
        answer: Any = original(self)
        answer.result["Arn"] = f"arn:aws:iam::123456789012:user/{SCIENTIST}"
        return answer

    TokenResponse.get_caller_identity = named  # type: ignore[method-assign]
    try:
        with mock_aws():
            yield
    finally:
        TokenResponse.get_caller_identity = original  # type: ignore[method-assign]


@pytest.fixture
def scientist(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The environment of a scientist, with nothing of this machine's configuration."""
    for name in ("AWS_ENDPOINT_URL", "AWS_PROFILE", "AWS_ROLE_ARN", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    monkeypatch.setenv("AWS_REGION", REGION)
    monkeypatch.setenv("AWS_DEFAULT_REGION", REGION)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


@pytest.fixture(scope="module")
def local(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalAws]:
    """A local AWS with the facts of a group."""
    running = LocalAws.start(tmp_path_factory.mktemp("aws"), account=MANAGEMENT)
    write_facts(running)
    yield running
    running.stop()


@pytest.fixture
def local_scientist(local: LocalAws, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A scientist of the local AWS, in an empty folder, with short waits."""
    monkeypatch.chdir(tmp_path)
    for name, value in environment(local).items():
        monkeypatch.setenv(name, value)
    for module in (head_node, lustre_export, lustre_export_link, removal):
        # A look takes the local AWS 30 ms of the cores that what is waited for needs as well.
        monkeypatch.setattr(module, "POLL_S", 0.2)
    monkeypatch.setattr(pausing, "BILLS_POLL_S", 0.05)
    monkeypatch.setattr(pausing, "JOBS_POLL_S", 0.05)


@pytest.fixture
def aws(scientist: None) -> Iterator[None]:
    """AWS in this process, empty."""
    with empty_aws():
        yield


def killed_everywhere(
    dying: Dying, clear: Callable[[], None], run: Callable[[], None], same: Callable[[], bool]
) -> int:
    """Kill a command before or after its calls in turn, and run it again each time.

    Every third point is taken, so that calls are cut off before and after in turn;
    GOTOCLOUD_EVERY_POINT=1 takes all.

    Args:
        clear: Takes back what the command made.
        run: Runs the command.
        same: Whether everything is as after an undisturbed run.

    Returns:
        The first of these points that it did not come to.
    """
    for point in count(step=1 if os.environ.get("GOTOCLOUD_EVERY_POINT") else 3):
        clear()
        dying(point)
        try:
            run()
        except Killed:
            dying(None)
            run()
        else:
            return point
        assert same(), f"killed at point {point}"
    raise AssertionError


@pytest.fixture
def dying(monkeypatch: pytest.MonkeyPatch) -> Dying:
    """Has the process die at a call of AWS: twice its number before it, and one more after it."""
    original = botocore.client.BaseClient._make_api_call  # type: ignore[attr-defined]

    def arranged(at: int | None) -> Dies:
        dies = Dies(at)

        def call(self: Any, operation: str, arguments: Any) -> Any:
            dies()
            try:
                return original(self, operation, arguments)
            finally:
                dies()

        monkeypatch.setattr(botocore.client.BaseClient, "_make_api_call", call)
        return dies

    return arranged


@pytest.fixture
def cluster_in_moto(monkeypatch: pytest.MonkeyPatch) -> None:
    """moto runs custom resources in Docker; here they are nothing but their name."""

    class Made:
        physical_resource_id = "cluster"
        type = "Custom::PclusterCluster"

        def is_created(self) -> bool:
            return True

        def delete(self, *_: Any) -> None:
            """Nothing to delete."""

    path = "moto.cloudformation.parsing.CustomModel.create_from_cloudformation_json"
    monkeypatch.setattr(path, lambda *_, **__: Made())
