"""The process of the local AWS: moto's server with our CloudFormation, on loopback only.

python -m local_aws.server --port 5000 --state build/local-aws
"""

from __future__ import annotations

import argparse
import fcntl
import json
import os
import secrets
import signal
import sys
import time
from collections.abc import Iterable
from pathlib import Path
from types import FrameType
from typing import IO, Any

from local_aws.additions import extended
from local_aws.authentication.gate import Authentication
from local_aws.authentication.keys import Keyring
from local_aws.nodes import NODES

LOCK = "server.lock"
"""Held by the server as long as it lives; holds its pid, port, account and secret."""
LOOK_S = 1.0
"""Longer than anyone who looks whether a server runs holds the lock."""


def private_folder(state_dir: Path) -> None:
    """Make the state folder, or take an existing one, and close it to other users."""
    state_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    state_dir.chmod(0o700)


def hold_lock(state_dir: Path, content: dict[str, Any]) -> IO[str]:
    """Take the state folder; only one server can have it.

    Raises:
        BlockingIOError: if another server has it.
    """
    private_folder(state_dir)
    number = os.open(state_dir / LOCK, os.O_RDWR | os.O_CREAT, 0o600)
    held = os.fdopen(number, "r+")
    _take(held)
    held.seek(0)
    held.truncate()
    json.dump(content, held)
    held.flush()
    return held


def _take(held: IO[str]) -> None:
    deadline = time.monotonic() + LOOK_S
    while True:
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            # To look whether a server runs takes the lock for an instant; the start itself looks.
            if time.monotonic() > deadline:
                raise
            time.sleep(0.01)
        else:
            return


def serve(
    port: int, state_dir: Path, account: str, iam: str = "off", extensions: Iterable[str] = ()
) -> None:
    """Serve until a signal ends the process.

    Args:
        port: On loopback; 0 takes a free one.
        state_dir: Where the lock and the list of images go.
        account: The account of keys that belong to no other.
        iam: Whether permissions are judged: `off`, `audit` (noted only) or `enforce`.
        extensions: Modules with more models, images and prices; see `additions`.
    """
    from werkzeug.serving import make_server

    from local_aws import moto_patches

    additions = extended(extensions)
    secret = secrets.token_urlsafe(32)
    keyring = Keyring(secret)
    # moto reads these while it is imported.
    if additions.images:
        os.environ["MOTO_AMIS_PATH"] = str(_written(additions.images, state_dir))
    # No page of another origin may read an answer.
    os.environ["MOTO_DISABLE_GLOBAL_CORS"] = "true"
    os.environ.setdefault("MOTO_IAM_LOAD_MANAGED_POLICIES", "true")
    moto_patches.set_default_account(account)
    from moto.moto_server.werkzeug_app import (
        DomainDispatcherApplication,
        MotoRequestHandler,
        create_backend_app,
    )

    from local_aws.engine import backend, site
    from local_aws.resources import load_models
    from local_aws.services.faults_gate import Gate
    from local_aws.services.price_list import PriceList

    app: Any = PriceList(DomainDispatcherApplication(create_backend_app), additions.prices)
    if iam != "off":
        from local_aws.iam.guard import Mode, guarded

        app = guarded(app, state_dir, account, Mode(iam), keyring)
    app = Authentication(Gate(app, additions.controls), keyring, secret)
    server = make_server("127.0.0.1", port, app, threaded=True, request_handler=MotoRequestHandler)
    os.environ["MOTO_PORT"] = str(server.port)
    app.port = server.port
    content = {"pid": os.getpid(), "port": server.port, "account": account, "secret": secret}
    with hold_lock(state_dir, content):
        load_models(additions.models)
        moto_patches.apply(state_dir, additions.spot_prices)
        NODES.programs = additions.programs
        backend.install(site.Endpoint(f"http://localhost:{server.port}", secret))
        site.serve_here()
        server.serve_forever()


def _written(images: list[dict[str, Any]], state_dir: Path) -> Path:
    """The list of images that moto loads into every region."""
    path = state_dir / "images.json"
    path.write_text(json.dumps(images))
    return path.resolve()


def main() -> None:
    """Start the server of the command line's port and state folder."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--state", type=Path, required=True)
    parser.add_argument("--account", default="123456789012")
    parser.add_argument("--iam", choices=("off", "audit", "enforce"), default="off")
    parser.add_argument("--extension", action="append", default=[], metavar="MODULE")
    given = parser.parse_args()

    def leave(_signal: int, _frame: FrameType | None) -> None:
        # Stacks under way are threads of this process; nothing waits for them.
        os._exit(0)

    signal.signal(signal.SIGTERM, leave)
    signal.signal(signal.SIGINT, leave)
    try:
        serve(given.port, given.state, given.account, given.iam, given.extension)
    except BlockingIOError:
        sys.exit(f"Another local AWS uses {given.state}.")


if __name__ == "__main__":
    main()
