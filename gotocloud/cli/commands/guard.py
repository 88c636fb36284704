"""`gotocloud guard`: looks once whether a person uses this cluster; its timer runs it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gotocloud.cli.options import DryRun, Json
from gotocloud.cli.output import narrate, print_json
from gotocloud.errors import GoToCloudError, shell_line
from gotocloud.files import write_whole
from gotocloud.formats import parse_json

if TYPE_CHECKING:
    from gotocloud.aws.cloud import Cloud
    from gotocloud.aws.guarding import Guarded
    from gotocloud.aws.listener import Listener
    from gotocloud.projects.idle_guard import Decision, Memory
    from gotocloud.projects.pausing import Proof

app = typer.Typer(help="Look whether a person uses this cluster.")

MEMORY = Path("/var/lib/gotocloud/idle-guard.json")


@app.command(epilog="Example: sudo gotocloud guard --dry-run")
def guard(
    memory: Annotated[
        Path, typer.Option(help="What the guard remembers from one look to the next.")
    ] = MEMORY,
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    """Check once whether this cluster is in use; warn, and pause it if it is not.

    Runs on the head node, as root, every five minutes by a timer of its own.
    """
    from gotocloud.aws.cloud import StandardCloud
    from gotocloud.aws.guarding import guarded, observe, warn
    from gotocloud.aws.local_node import LocalNode
    from gotocloud.projects.idle_guard import decide
    from gotocloud.projects.states import State
    from gotocloud.slurm.cluster_facts import cluster_facts

    facts = cluster_facts()
    cloud = StandardCloud(facts.region)
    one = guarded(cloud, facts, LocalNode())
    if one.now.state is not State.READY:
        _report(None, f"its stack is {one.now.status}: nothing is done", None, as_json=as_json)
        return
    seen = observe(one.node)
    retry = shell_line("gotocloud", "start", facts.project)
    before = _read(memory)
    decision = decide(before, seen, one.deadline_s, retry=retry)
    still = _standstills()
    for text in still.values():
        narrate(text)
    if dry_run:
        _report(decision, decision.message, None, as_json=as_json, still=still)
        return
    decision = replace(decision, memory=replace(decision.memory, still=tuple(still)))
    # Written before it is done, so that it can be undone or repeated after an interruption.
    _write(memory, decision.memory)
    narrate(f"{decision.action.value}: {decision.message}")
    for identifier in still.keys() - {*before.still}:
        _try(partial(warn, one.node, still[identifier]))
    _notify(cloud, one, decision, before)
    proof = _carry_out(cloud, one, decision, memory)
    _report(decision, decision.message, proof, as_json=as_json, still=still)


def _notify(cloud: Cloud, one: Guarded, decision: Decision, before: Memory) -> None:
    """Tell people what nothing else would: here, and in the bucket for those who are away."""
    from gotocloud.aws.guarding import notify, warn

    if decision.alarm:
        narrate(decision.alarm)
        _try(partial(warn, one.node, decision.alarm))
        _try(partial(notify, cloud, one, decision.alarm))
        return
    now = decision.memory
    # A pause that failed has left a notice, too.
    if (before.alarm_s is not None and now.alarm_s is None) or (before.failures > now.failures):
        _try(partial(notify, cloud, one, ""))


def _standstills() -> dict[str, str]:
    """Slurm's id of each job whose log stands still -> that in words; none without Slurm."""
    from gotocloud.jobs.watching import standstills

    try:
        return {one.slurm_id: str(one) for one in standstills()}
    except GoToCloudError:
        return {}


def _carry_out(cloud: Cloud, one: Guarded, decision: Decision, memory: Path) -> Proof | None:
    from gotocloud.aws.guarding import carry_out, notify, observe, warn
    from gotocloud.projects.idle_guard import Action, failed

    try:
        proof = carry_out(cloud, one, decision, _listener())
    except GoToCloudError as error:
        if decision.action is Action.PAUSE:
            seen = observe(one.node)
            _write(memory, failed(decision.memory, seen, seen.at_s))
            text = f"This cluster could not pause itself, and is kept: {error.message}"
            _try(partial(warn, one.node, text))
            _try(partial(notify, cloud, one, text))
        elif decision.reopen:
            _write(memory, _still_closed(decision.memory))
        raise
    if proof:
        narrate("Proven; CloudFormation deletes the cluster, and this machine with it.")
    return proof


def _still_closed(memory: Memory) -> Memory:
    return replace(memory, closed=True)


def _try(what: Any) -> None:
    try:
        what()
    except GoToCloudError as error:
        narrate(error.message)


def _listener() -> Listener:
    from gotocloud.aws.listener import Listener

    stated: set[str] = set()

    def once(text: str) -> None:
        if text not in stated:
            stated.add(text)
            narrate(text)

    return Listener(
        step=narrate,
        jobs=lambda jobs: once(f"waiting for {len(jobs)} jobs, the first {jobs[0]}"),
    )


def _report(
    decision: Decision | None,
    message: str,
    proof: Proof | None,
    *,
    as_json: bool,
    still: Mapping[str, str] = MappingProxyType({}),
) -> None:
    if as_json:
        print_json(
            {
                "action": decision.action.value if decision else "keep",
                "message": message,
                "reopen": bool(decision and decision.reopen),
                "memory": decision and decision.memory.as_dict(),
                "proof": proof and proof.as_record(),
                "standing_still": list(still.values()),
            }
        )
        return
    typer.echo(f"{decision.action.value if decision else 'keep'}: {message}")


def _read(path: Path) -> Memory:
    """What is remembered; nothing when there is nothing, or nothing that can be read.

    Without its state, the guard begins to count again: the cluster is kept.
    """
    from gotocloud.projects.idle_guard import Memory

    try:
        return Memory.from_dict(parse_json(path.read_text(encoding="utf-8")))
    except FileNotFoundError:
        return Memory()
    except (OSError, ValueError, TypeError, LookupError, AttributeError) as error:
        narrate(f"{path} cannot be read ({error}); counting begins again.")
        # It may have been in the middle of a pause: then queues are to be opened again.
        return Memory(closed=True)


def _write(path: Path, memory: Memory) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, json.dumps(memory.as_dict()))
    except OSError as error:
        raise GoToCloudError(
            f"The guard cannot remember anything in {path} ({error.strerror}); it does nothing.",
            advice="It runs as root (sudo) and needs room on the disk.",
            again=True,
        ) from error
