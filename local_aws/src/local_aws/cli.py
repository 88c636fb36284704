"""`local-aws`: start, look at and end a local AWS."""

from __future__ import annotations

import argparse
import os
import shlex
import sys
from pathlib import Path

from local_aws.authentication.keys import ADMINISTRATOR_KEY
from local_aws.errors import LocalAwsError
from local_aws.process import DEFAULT_ACCOUNT, DEFAULT_STATE, LocalAws

FAILED = 1


def exports(local: LocalAws, region: str) -> list[str]:
    """Shell lines that let any AWS tool use a local AWS, with its own key and no other."""
    values = {
        "AWS_ACCESS_KEY_ID": ADMINISTRATOR_KEY,
        "AWS_SECRET_ACCESS_KEY": local.secret,
        "AWS_ENDPOINT_URL": local.endpoint_url,
        "AWS_REGION": region,
        "AWS_DEFAULT_REGION": region,
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
    }
    return [
        "unset AWS_PROFILE AWS_SESSION_TOKEN",
        *(f"export {name}={shlex.quote(value)}" for name, value in values.items()),
    ]


def _start(given: argparse.Namespace) -> None:
    local = LocalAws.start(
        given.state, given.port, account=given.account, iam=given.iam, extensions=given.extension
    )
    print("\n".join(exports(local, given.region)))
    sys.stderr.write(f"It runs at {local.endpoint_url} until: local-aws stop\n")


def _status(given: argparse.Namespace) -> None:
    local = LocalAws.running(given.state)
    if local is None:
        print(f"No local AWS runs in {given.state}. Next: local-aws start")
        return
    print(f"It runs at {local.endpoint_url} (process {local.pid}, account {local.account}).")


def _stop(given: argparse.Namespace) -> None:
    local = LocalAws.running(given.state)
    if local is None:
        print(f"Nothing to do: no local AWS runs in {given.state}.")
        return
    local.stop()
    print(f"Ended the local AWS of {given.state}.")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("local-aws", description="AWS on one machine, for tests.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for name, run, sentence in (
        ("start", _start, "start it and print `export` lines for AWS tools"),
        ("status", _status, "show whether it runs, and where"),
        ("stop", _stop, "end it; everything in it is gone"),
    ):
        command = commands.add_parser(name, help=sentence, description=sentence)
        command.set_defaults(run=run)
        command.add_argument("--state", type=Path, default=DEFAULT_STATE, metavar="DIR")
        if run is _start:
            command.add_argument("--port", type=int, default=0, help="default: a free one")
            command.add_argument("--account", default=DEFAULT_ACCOUNT, help="default: %(default)s")
            command.add_argument("--region", default="us-east-1", help="default: %(default)s")
            command.add_argument("--iam", action="store_true", help="enforce permissions")
            command.add_argument("--extension", action="append", default=[], metavar="MODULE")
    return parser


def main(arguments: list[str] | None = None) -> None:
    """Run the command line; errors end as text and an exit code."""
    given = _parser().parse_args(arguments)
    try:
        given.run(given)
    except LocalAwsError as error:
        sys.stderr.write(f"Error: {error}\n")
        sys.exit(FAILED)
