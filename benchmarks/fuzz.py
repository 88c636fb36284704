"""Feed damaged input to everything that GoToCloud reads, and write a table of what happened.

    make fuzz
    python -m benchmarks.fuzz --inputs 2000 --seed 7 --only star,sacct --dry-run

Each input is a real one (an example of the repository, an output of RELION, Slurm or AWS) that
was changed at random: letters, numbers of 5,000 digits, NaN, other scripts, lines lost, doubled
or swapped. A reader may answer with a value or with the error that its docstring names. Anything
else is a failure: another exception, more than five seconds of processor time, or NaN. The same
seed gives the same inputs. `tests/test_fuzz.py` runs a sample. The table is in docs/fuzzing.md.
"""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import gzip
import io
import math
import random
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from gotocloud.errors import GoToCloudError
from gotocloud.formats import parse_json

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "docs" / "fuzzing.md"
BEGIN, END = "<!-- fuzz: python -m benchmarks.fuzz -->\n", "<!-- end of fuzz -->\n"
LONGEST_S = 5.0
INPUTS = 20_000

TOKENS = (
    *("", "0", "-1", "1e999", "nan", "inf", "-inf", "1_000", "٣", "²", "½", "0x10", "9" * 5000),
    *("\0", "\x1b[2J", "\u2028", "\u202e", "\x85", "é" * 300, "試料", "\udcff", "\r\n", "\t"),
    *(
        "null",
        "true",
        "[]",
        "{}",
        "[" * 2000,
        "{" * 300,
        "&a [*a]",
        "!!python/object:os.x",
        "<<: *x",
    ),
    *("data_\n", "loop_\n", "_rlnX #99999\n", "'", '"', "#", ":", "|", ",", ";", "=", "../", "%s"),
    *("UNLIMITED", "N/A", "99999-99:99:99", "9999-12-31T23:59:59Z", "0001-01-01", "1-00:00:00"),
)


class HangError(Exception):
    """A reader took longer than `LONGEST_S`."""


@dataclass(frozen=True)
class Target:
    """One reader.

    Args:
        name: For the table.
        subject: What it reads, in words.
        seeds: Whole inputs.
        read: Reads one; its result is looked at.
        errors: What it may raise, besides `GoToCloudError`.
    """

    name: str
    subject: str
    seeds: Sequence[str]
    read: Callable[[str], Any]
    errors: tuple[type[Exception], ...] = ()


@dataclass
class FuzzOutcome:
    """Counts of one reader."""

    target: Target
    values: int = 0
    refused: int = 0
    slowest_s: float = 0.0
    failures: list[str] = field(default_factory=list)

    @property
    def tried(self) -> int:
        """How many inputs it got."""
        return self.values + self.refused + len(self.failures)


def damaged(text: str, chosen: random.Random) -> str:
    """A text with one to four changes."""
    for _ in range(chosen.randint(1, 4)):
        lines = text.splitlines(keepends=True) or [""]
        at, line = chosen.randrange(len(text) + 1), chosen.randrange(len(lines))
        match chosen.randrange(8):
            case 0:
                text = text[:at] + chosen.choice(TOKENS) + text[at:]
            case 1:
                text = text[:at] + text[at + chosen.randint(1, 40) :]
            case 2:
                del lines[line]
                text = "".join(lines)
            case 3:
                lines.insert(line, lines[chosen.randrange(len(lines))])
                text = "".join(lines)
            case 4:
                text = text[:at]
            case 5:
                words = text.split(" ")
                words[chosen.randrange(len(words))] = chosen.choice(TOKENS)
                text = " ".join(words)
            case 6:
                text = _other_value(text, chosen)
            case _:
                text = text[:at] + chr(chosen.randrange(1, 0x3000)) + text[at + 1 :]
    return text


def _other_value(text: str, chosen: random.Random) -> str:
    """Replace one run of letters and digits, which is most often a value or a name."""
    at = chosen.randrange(len(text) + 1)
    start = end = at
    while start and (text[start - 1].isalnum() or text[start - 1] in "._-"):
        start -= 1
    while end < len(text) and (text[end].isalnum() or text[end] in "._-"):
        end += 1
    return text[:start] + chosen.choice(TOKENS) + text[end:]


def not_a_number(value: Any, depth: int = 0) -> bool:
    """Whether NaN is in a result, however deep."""
    if isinstance(value, float):
        return math.isnan(value)
    if depth > 6 or isinstance(value, str | bytes):
        return False
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        names = [one.name for one in dataclasses.fields(value)]
        return any(not_a_number(getattr(value, name), depth + 1) for name in names)
    if isinstance(value, Mapping):
        return any(not_a_number(one, depth + 1) for one in value.values())
    if isinstance(value, Sequence | set | frozenset):
        return any(not_a_number(one, depth + 1) for one in value)
    return False


def fuzz(target: Target, inputs: int, seed: int) -> FuzzOutcome:
    """Feed a reader; each failure is kept with what is needed to repeat it."""
    outcome = FuzzOutcome(target)
    refusals: tuple[type[Exception], ...] = (GoToCloudError, *target.errors)
    for number in range(inputs):
        chosen = random.Random(f"{seed} {target.name} {number}")  # noqa: S311  # the same each time
        text = damaged(chosen.choice(list(target.seeds)), chosen)
        begun = time.process_time()
        try:
            with _at_most(LONGEST_S):
                value = target.read(text)
            if not_a_number(value):
                outcome.failures.append(f"{number}: NaN in the result")
            else:
                outcome.values += 1
        except refusals:
            outcome.refused += 1
        except Exception as error:
            outcome.failures.append(f"{number}: {type(error).__name__}: {str(error)[:160]}")
        outcome.slowest_s = max(outcome.slowest_s, time.process_time() - begun)
    return outcome


@contextlib.contextmanager
def _at_most(seconds: float) -> Iterator[None]:
    def late(*_: object) -> None:
        raise HangError(f"took longer than {seconds:g} s")

    # Of processor time, so that other work on the machine is no hang; a reader that waits is.
    timers = (
        (signal.ITIMER_PROF, signal.SIGPROF, seconds),
        (signal.ITIMER_REAL, signal.SIGALRM, 12 * seconds),
    )
    before = [signal.signal(number, late) for _, number, _ in timers]
    for timer, _, longest in timers:
        signal.setitimer(timer, longest)
    try:
        yield
    finally:
        for (timer, number, _), handler in zip(timers, before, strict=True):
            signal.setitimer(timer, 0)
            signal.signal(number, handler)


def by_path(read: Callable[[Path], Any], name: str) -> Callable[[str], Any]:
    """A reader of files, as a reader of text."""

    def from_text(text: str) -> Any:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / name
            path.write_bytes(text.encode("utf-8", "surrogateescape"))
            return read(path)

    return from_text


def typed(line: str) -> Any:
    """A command line that reads nothing but the package, run in this process.

    Raises:
        AssertionError: if it ends other than with 0, 1 or 2, or as a bug.
    """
    from gotocloud.cli.main import main

    printed = io.StringIO()
    before = sys.argv, sys.stdout, sys.stderr, sys.stdin
    sys.argv = ["gotocloud", *line.replace("\0", "").split(" ")]
    try:
        sys.stdout = sys.stderr = printed
        sys.stdin = io.StringIO()
        main()
    except SystemExit as ended:
        if ended.code not in (None, 0, 1, 2) or "something unexpected" in printed.getvalue():
            raise AssertionError(printed.getvalue()[-300:]) from None
    finally:
        sys.argv, sys.stdout, sys.stderr, sys.stdin = before
    return None


def main() -> None:
    """Fuzz every reader, print and write the table."""
    from benchmarks.fuzz_targets import targets

    parser = argparse.ArgumentParser(description="Feed damaged input to every reader.")
    parser.add_argument("--inputs", type=int, default=INPUTS, help="inputs in all")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", default="", help="names of readers, separated by commas")
    parser.add_argument("--dry-run", action="store_true", help="print the table only")
    given = parser.parse_args()
    names = [name for name in given.only.split(",") if name]
    wanted = [one for one in targets() if not names or one.name in names]
    outcomes = []
    for target in wanted:
        outcomes.append(fuzz(target, -(-given.inputs // len(wanted)), given.seed))
        print(row(outcomes[-1]), end="", flush=True)
        for failure in outcomes[-1].failures[:5]:
            print(f"    {failure}", file=sys.stderr)
    if not given.dry_run:
        before, _, rest = PAGE.read_text(encoding="utf-8").partition(BEGIN)
        made = table(outcomes, given.seed)
        PAGE.write_text(before + BEGIN + made + END + rest.partition(END)[2], encoding="utf-8")
    sys.exit(any(one.failures for one in outcomes))


def row(one: FuzzOutcome) -> str:
    """One line of the table."""
    slowest = f"{one.slowest_s:.2f}"
    cells = (one.target.subject, one.tried, one.values, one.refused, len(one.failures), slowest)
    return f"| {' | '.join(str(cell) for cell in cells)} |\n"


def table(outcomes: Sequence[FuzzOutcome], seed: int) -> str:
    """The table for the docs."""
    head = "| read | inputs | read as a value | refused with its error | failures | slowest, s |\n"
    tried = sum(one.tried for one in outcomes)
    failed = sum(len(one.failures) for one in outcomes)
    total = f"\n{tried:,} inputs with seed {seed}, {failed} failures.\n"
    return head + "|---|---|---|---|---|---|\n" + "".join(map(row, outcomes)) + total


def examples(*patterns: str) -> list[str]:
    """Files of the repository as seeds; packed ones are unpacked, long ones cut."""
    found = []
    for pattern in patterns:
        for path in sorted(ROOT.glob(pattern)):
            data = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
            found.append(data.decode("utf-8", "replace")[:20_000])
    return found


def as_json(read: Callable[[Any], Any]) -> Callable[[str], Any]:
    """A reader of JSON values; text that is no JSON is refused before it."""
    return lambda text: read(parse_json(text))


if __name__ == "__main__":
    main()
