"""Disturb every command that changes something, and follow what is suggested out of every state.

    python -m benchmarks.faults
    python -m benchmarks.faults --tries 1 --states 40
    python -m benchmarks.faults --table docs/faults.md

Needs the rehearsal. Exit code 1 if one try ends badly, or one state has no way out.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from gotocloud.aws import head_node, launch, pausing
from gotocloud.aws.lustre_export import export, link
from gotocloud.rehearsal.local_aws import LocalAws
from local_aws.testing import MANAGEMENT
from tests.cli.faulty import COMMANDS, FAULTS, Faulty, Trial, possible
from tests.cli.launchable import LaunchableGroup
from tests.cli.local_project import environment
from tests.cli.ways import VERBS, Situation, Ways, neighbours, sampled

ABOUT = """# Commands under faults

Written by `python -m benchmarks.faults --table docs/faults.md`, against the local AWS.

Each try disturbs one command once, at a place that a seed draws, and types the command again until
it ends well. Then it looks for what is billed without being wanted, for desktops that are open, for
files that are not whole, and for errors without a sentence. A cell has tries that ended well, of
all tries.
"""


def main() -> int:
    parser = argparse.ArgumentParser(description="Disturb every command that changes something.")
    parser.add_argument("--tries", type=int, default=2, help="Of each command with each fault.")
    parser.add_argument("--states", type=int, default=0, help="States drawn from all.")
    parser.add_argument("--near", action="store_true", help="Every state beside a usual one.")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--minutes", type=float, default=240, help="Begin nothing after these.")
    parser.add_argument("--table", type=Path, help="File for the table.")
    given = parser.parse_args()
    # Resolved now: the commands run in a folder of their own.
    table = given.table and given.table.resolve()
    began = time.monotonic()
    with _group() as (group, folder):
        until = began + 60 * given.minutes
        trials = list(_trials(group, folder, given.tries, given.seed, until))
        chosen = [(verb, one) for one in neighbours() for verb in VERBS] if given.near else []
        drawn = sampled(given.states, given.seed)
        chosen += [(VERBS[number % len(VERBS)], one) for number, one in enumerate(drawn)]
        ways = []
        for number, (verb, one) in enumerate(chosen):
            if time.monotonic() < until:
                ways.append(_leads_out(group, f"w{number}", verb, one))
        lost = ways.count(False)
    bad = [one for one in trials if one.wrong]
    summary = (
        f"{len(trials)} tries, {len(bad)} ended badly; {len(ways)} states with a command, "
        f"{lost} without a way out; seed {given.seed}."
    )
    print(f"{summary} {time.monotonic() - began:.0f} s")
    if table:
        table.write_text(f"{ABOUT}\n{_table(trials)}\n{summary}\n", encoding="utf-8")
    return 1 if bad or lost else 0


def _trials(
    group: LaunchableGroup, folder: Path, tries: int, seed: int, until: float
) -> Iterator[Trial]:
    """Try everything, in an order that the seed draws: what time allows is a sample of it."""
    faulty = Faulty(group, folder, seed)
    pairs = [(command, fault) for command in COMMANDS for fault in filter(possible, FAULTS)]
    for _ in range(tries):
        faulty.draw.shuffle(pairs)
        for command, fault in pairs:
            if time.monotonic() > until:
                return
            trial = faulty.try_out(command, fault)
            if trial.wrong:
                print(f"{command}, {fault}: {trial.wrong}", flush=True)
            yield trial


def _leads_out(group: LaunchableGroup, project: str, verb: str, one: Situation) -> bool:
    ways = Ways(group)
    ways.bring_about(project, one)
    wrong = ways.way_out(project, verb, one)
    ways.clear(project)
    if wrong:
        print(f"{verb}; {one}:", *wrong, sep="\n    ", flush=True)
    return not wrong


def _table(trials: list[Trial]) -> str:
    lines = [f"| command | {' | '.join(FAULTS)} |", f"|---|{'---|' * len(FAULTS)}"]
    for command in COMMANDS:
        cells = []
        for fault in FAULTS:
            own = [one for one in trials if (one.command, one.fault) == (command, fault)]
            good = sum(not one.wrong for one in own)
            cells.append(f"{good} of {len(own)}" if own else "not tried")
        lines.append(f"| {command} | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


@contextmanager
def _group() -> Iterator[tuple[LaunchableGroup, Path]]:
    """A group in a local AWS of its own, with short waits."""
    for module in (head_node, export, link, launch):
        vars(module)["POLL_S"] = 0.05
    pausing.BILLS_POLL_S = pausing.JOBS_POLL_S = 0.05
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as name:
        folder = Path(name)
        local = LocalAws.start(folder / "aws", account=MANAGEMENT)
        try:
            group = LaunchableGroup(local)
            os.environ.update(environment(local))
            os.environ["XDG_CACHE_HOME"] = str(folder / "cache")
            os.chdir(folder)
            yield group, folder
        finally:
            local.stop()


if __name__ == "__main__":
    sys.exit(main())
