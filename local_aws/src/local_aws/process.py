"""Start, find and end the local AWS, and speak to it."""

from __future__ import annotations

import fcntl
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from local_aws.engine.access import environment, no_real_account
from local_aws.engine.site import Endpoint
from local_aws.engine.site import client as account_client
from local_aws.errors import InTheWayError, LocalAwsError, shell_line
from local_aws.server import LOCK, private_folder

DEFAULT_STATE = Path("build/local-aws")
DEFAULT_ACCOUNT = "123456789012"
LOG = "server.log"
START_WITHIN_S = 60.0
STOP_WITHIN_S = 10.0


@dataclass(frozen=True)
class LocalAws:
    """A running local AWS.

    Args:
        state_dir: Folder with its lock, log and images.
        pid: Its process.
        port: Its port on loopback.
        account: The account of the run's own key.
        secret: The secret of this run; who has it can run commands on this machine.
    """

    state_dir: Path
    pid: int
    port: int
    account: str
    secret: str = field(repr=False)

    @property
    def endpoint(self) -> Endpoint:
        """Where it listens, with its secret."""
        return Endpoint(self.endpoint_url, self.secret)

    @property
    def endpoint_url(self) -> str:
        """Where it listens. By this name, not by number: moto needs it."""
        return f"http://localhost:{self.port}"

    @classmethod
    def start(
        cls,
        state_dir: Path = DEFAULT_STATE,
        port: int = 0,
        *,
        account: str = DEFAULT_ACCOUNT,
        iam: bool = False,
        extensions: Iterable[str] = (),
        environment: Mapping[str, str] | None = None,
    ) -> Self:
        """Start one in a process of its own and wait until it answers.

        Args:
            state_dir: Folder for its lock and log; made if missing.
            port: Default: a free one.
            account: The management account.
            iam: Whether requests without permission are denied.
            extensions: Modules with more models, images and prices; see `additions`.
            environment: Variables that these extensions need.

        Raises:
            LocalAwsError: if one runs there already, or it does not come up.
        """
        cls.refuse_another(state_dir)
        private_folder(state_dir)
        state = str(state_dir.resolve())
        command = [sys.executable, "-m", "local_aws.server"]
        command += ["--iam", "enforce"] if iam else []
        command += [word for name in extensions for word in ("--extension", name)]
        with (state_dir / LOG).open("wb") as log:
            process = subprocess.Popen(
                [*command, "--account", account, "--port", str(port), "--state", state],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                env={**_server_environment(), **(environment or {})},
            )
        return cls._awaited(state_dir, process)

    @classmethod
    def _awaited(cls, state_dir: Path, process: subprocess.Popen[bytes]) -> Self:
        deadline = time.monotonic() + START_WITHIN_S
        while time.monotonic() < deadline:
            if process.poll() is not None:
                break
            found = cls.running(state_dir)
            if found and found.pid == process.pid and found.healthy():
                return found
            time.sleep(0.05)
        process.kill()
        process.wait()
        last = (state_dir / LOG).read_text(errors="replace").splitlines()[-5:]
        raise LocalAwsError(
            f"The local AWS did not start. Its log is {state_dir / LOG}.", problems=last
        )

    @classmethod
    def running(cls, state_dir: Path = DEFAULT_STATE) -> Self | None:
        """The one that runs with this state folder, if any.

        A server holds a lock as long as it lives, so what a killed one left behind
        is never taken for a running one.
        """
        path = state_dir / LOCK
        if not path.exists():
            return None
        with path.open() as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                return cls._described(state_dir, lock.read())
        return None

    @classmethod
    def _described(cls, state_dir: Path, text: str) -> Self | None:
        try:
            content = json.loads(text)
        except ValueError:
            # It has taken the lock and not yet written into it.
            return None
        numbers = int(content["pid"]), int(content["port"])
        return cls(state_dir, *numbers, str(content["account"]), str(content["secret"]))

    @classmethod
    def refuse_another(cls, state_dir: Path) -> None:
        """Refuse a folder in which one runs.

        Raises:
            LocalAwsError: if one does.
        """
        if running := cls.running(state_dir):
            raise InTheWayError(
                f"A local AWS already runs in {state_dir} (process {running.pid}).",
                next_command=shell_line("local-aws", "stop", "--state", state_dir),
            )

    def wait(self) -> None:
        """Wait until one that has just been started answers.

        Raises:
            LocalAwsError: if it does not.
        """
        deadline = time.monotonic() + START_WITHIN_S
        while not self.healthy():
            if time.monotonic() > deadline or not self._alive():
                raise InTheWayError(
                    f"The local AWS in {self.state_dir} (process {self.pid}) does not answer.",
                    next_command=shell_line("local-aws", "stop", "--state", self.state_dir),
                )
            time.sleep(0.05)

    def healthy(self) -> bool:
        """Whether it answers."""
        from urllib.error import URLError
        from urllib.request import Request, urlopen

        request = Request(  # noqa: S310 (its own address)
            f"{self.endpoint_url}/_local_aws/health",
            headers={"Authorization": f"Bearer {self.secret}"},
        )
        try:
            with urlopen(request, timeout=5) as answer:  # noqa: S310
                return bool(answer.status == 200)
        except (URLError, OSError):
            return False

    def stop(self) -> None:
        """End it, by force if it does not listen; nothing to do if it has gone."""
        for wanted in (signal.SIGTERM, signal.SIGKILL):
            if not self._alive():
                return
            os.kill(self.pid, wanted)
            deadline = time.monotonic() + STOP_WITHIN_S
            while self._alive() and time.monotonic() < deadline:
                time.sleep(0.02)
        if self._alive():
            raise LocalAwsError(f"The local AWS (process {self.pid}) could not be ended.")

    def _alive(self) -> bool:
        found = LocalAws.running(self.state_dir)
        return found is not None and found.pid == self.pid

    def environment(self, account: str, region: str) -> dict[str, str]:
        """Environment variables that make any AWS tool act in an account.

        They replace the caller's environment: no profile or key of a real account
        can reach what is started with them.
        """
        return environment(self.endpoint, account, region)

    def client(self, service: str, account: str, region: str) -> Any:
        """A boto3 client for an account and region."""
        return account_client(service, account, region, self.endpoint)


def _server_environment() -> dict[str, str]:
    return {
        **no_real_account(),
        "PYTHONWARNINGS": "ignore",
        # Requests to itself never go through a proxy.
        "NO_PROXY": "localhost,127.0.0.1",
    }
