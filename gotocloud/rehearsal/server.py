"""The process of the local AWS: moto's server with our CloudFormation, on loopback only.

python -m gotocloud.rehearsal.server --port 5000 --state build/rehearsal
"""

from __future__ import annotations

import argparse
import fcntl
import json
import os
import signal
import sys
from pathlib import Path
from types import FrameType
from typing import IO, Any

LOCK = "server.lock"
"""Held by the server as long as it lives; holds its pid, port and account."""


def hold_lock(state_dir: Path, content: dict[str, Any]) -> IO[str]:
    """Take the state folder; only one server can have it.

    Raises:
        BlockingIOError: if another server has it.
    """
    state_dir.mkdir(parents=True, exist_ok=True)
    held = (state_dir / LOCK).open("a+")
    fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
    held.seek(0)
    held.truncate()
    json.dump(content, held)
    held.flush()
    return held


def serve(port: int, state_dir: Path, account: str, iam: str = "off") -> None:
    """Serve until the process is told to end.

    Args:
        port: On loopback; 0 takes a free one.
        state_dir: Where the lock and the list of images go.
        account: The account of keys that belong to no other.
        iam: Whether permissions are judged: `off`, `audit` (noted only) or `enforce`.
    """
    from werkzeug.serving import make_server

    from gotocloud.cluster_configs.engine import ENGINES
    from gotocloud.rehearsal import moto_patches
    from gotocloud.rehearsal.images import write_images

    # moto reads these while it is imported.
    os.environ["MOTO_AMIS_PATH"] = str(write_images(state_dir, ENGINES.values()))
    os.environ.setdefault("MOTO_IAM_LOAD_MANAGED_POLICIES", "true")
    moto_patches.set_default_account(account)
    from moto.moto_server.werkzeug_app import (
        DomainDispatcherApplication,
        MotoRequestHandler,
        create_backend_app,
    )

    from gotocloud.rehearsal.engine import backend, site
    from gotocloud.rehearsal.resources import load_models
    from gotocloud.rehearsal.services.faults_gate import Gate
    from gotocloud.rehearsal.services.price_list import PriceList

    app: Any = PriceList(DomainDispatcherApplication(create_backend_app))
    if iam != "off":
        from gotocloud.rehearsal.iam.guard import Mode, guarded

        app = guarded(app, state_dir, account, Mode(iam))
    app = Gate(app)
    server = make_server("127.0.0.1", port, app, threaded=True, request_handler=MotoRequestHandler)
    # Only under this name does moto find the bucket in the CDK's template URLs.
    endpoint_url = f"http://localhost:{server.port}"
    os.environ["MOTO_PORT"] = str(server.port)
    content = {"pid": os.getpid(), "port": server.port, "account": account}
    with hold_lock(state_dir, content):
        load_models()
        moto_patches.apply(state_dir)
        backend.install(endpoint_url)
        site.serve_here()
        server.serve_forever()


def main() -> None:
    """Start the server of the command line's port and state folder."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--state", type=Path, required=True)
    parser.add_argument("--account", default="123456789012")
    parser.add_argument("--iam", choices=("off", "audit", "enforce"), default="off")
    given = parser.parse_args()

    def leave(_signal: int, _frame: FrameType | None) -> None:
        # Stacks under way are threads of this process; nothing waits for them.
        os._exit(0)

    signal.signal(signal.SIGTERM, leave)
    signal.signal(signal.SIGINT, leave)
    try:
        serve(given.port, given.state, given.account, given.iam)
    except BlockingIOError:
        sys.exit(f"Another local AWS uses {given.state}.")


if __name__ == "__main__":
    main()
