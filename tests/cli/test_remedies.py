"""What a command suggests after "Next:" is a command, in every place of the code."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from typing import Any

import pytest

from gotocloud.errors import GoToCloudError, InputError
from tests.needs import ROOT
from tests.remedies import problem_of

SOURCES = sorted((ROOT / "gotocloud").rglob("*.py"))
PRINTERS = {"errors.py", "output.py"}
COMMANDS = ("retry", "command", "COMMAND", "typed", "again", "pausing", "REFRESH")
"""Names of values that hold a whole command."""

_NEXT = re.compile(r"Next: ([^\"\n\\]*)")


def expressions(tree: ast.AST) -> Iterator[ast.expr]:
    """What is given as a next command, the two sides of a choice each."""
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        given = [one.value for one in node.keywords if one.arg == "next_command"]
        if isinstance(node.func, ast.Name) and node.func.id == "suggest":
            given += node.args
        for one in given:
            yield from ([one.body, one.orelse] if isinstance(one, ast.IfExp) else [one])


def sample(node: ast.expr) -> str:
    """A text with an example in place of each value; empty where it is a value alone."""
    if isinstance(node, ast.Constant):
        return node.value if isinstance(node.value, str) else ""
    if isinstance(node, ast.Call) and ast.unparse(node.func) == "shell_line":
        return " ".join(sample(one) or "x1" for one in node.args)
    if not isinstance(node, ast.JoinedStr):
        return ""
    text = ""
    for part in node.values:
        if isinstance(part, ast.Constant):
            text += str(part.value)
            continue
        source = ast.unparse(part.value) if isinstance(part, ast.FormattedValue) else ""
        whole = not text.strip() or "=" in text.split()[-1] or text.rstrip().endswith("&&")
        if "shell_line('gotocloud'" in source or any(one in source for one in COMMANDS):
            text += "gotocloud" if whole else "doctor"
        else:
            text += "1" if "hours" in source.lower() else "x1" if text[-1:] in {"", " "} else ""
    return text


def test_every_next_command_in_the_code_is_a_command() -> None:
    wrong, read = [], 0
    for path in SOURCES:
        text = path.read_text(encoding="utf-8")
        if "next_command" not in text and "suggest(" not in text:
            continue
        for node in expressions(ast.parse(text)):
            line = sample(node)
            read += bool(line)
            # The options after a whole command are read where it is printed.
            whole = re.search(r"^gotocloud (--|&&)|(^|\s)(x1|gotocloud x1)\b", line)
            if line and not whole and (problem := problem_of(line)):
                wrong.append(f"{path.relative_to(ROOT)}:{node.lineno}: {line!r}: {problem}")
    assert read > 100
    assert wrong == []


def test_nothing_else_prints_what_comes_next() -> None:
    wrong = []
    for path in SOURCES:
        text = path.read_text(encoding="utf-8")
        for line in _NEXT.findall(text) if path.name not in PRINTERS else ():
            line = line.strip().rstrip(")}]")
            if "{" not in line and problem_of(line.replace("$chooser", "x1")):
                wrong.append(f"{path.relative_to(ROOT)}: {line!r}")
    assert wrong == []


@pytest.mark.parametrize(
    "prose",
    [
        "tell the management group",
        "gotocloud doctor, and tell the management group",
        "gotocloud setup PROJECT",
        "gotocloud start p --yes, or not",
        "gotocloud pause p --no-such-option",
        "aws ec2 delete-everything",
        "aws ec2 delete-volume --name x",
        "cdk deploy --no-such-option",
        "make coffee",
        "wait until it is ready",
        "gotocloud ssh, then squeue",
        "echo 'unfinished",
        "",
    ],
)
def test_prose_is_refused(prose: str) -> None:
    assert problem_of(prose)


@pytest.mark.parametrize(
    "command",
    [
        'gotocloud pause "Anna\'s sample" --wait',
        "AWS_REGION=us-east-1 gotocloud start p --config tutorial && gotocloud connect p",
        "export AWS_REGION=us-east-1 && gotocloud status",
        "aws ec2 delete-volume --volume-id vol-1 --region us-east-1",
        "aws fsx delete-file-system --file-system-id fs-1",
        'cdk deploy "RegionStack*" && gotocloud platform record',
        "make env && source .venv/bin/activate",
    ],
)
def test_commands_are_read(command: str) -> None:
    assert problem_of(command) == ""


@pytest.mark.parametrize("error", [GoToCloudError, InputError])
def test_what_was_typed_follows_what_comes_first(error: Any) -> None:
    typed = "gotocloud start p --config tutorial"
    first = error("Expired.", next_command="aws sso login", again=True)
    assert first.text(typed).endswith(f"\nNext: aws sso login && {typed}")
    alone = error("Late.", advice="It goes on.", again=True)
    assert alone.text(typed) == f"Late.\nIt goes on.\nNext: {typed}"
    assert str(alone) == "Late.\nIt goes on."


def test_a_remedy_in_one_line_has_the_sentence_and_the_command() -> None:
    error = GoToCloudError("x", advice="Sign in.", next_command="aws sso login")
    assert error.remedy == "Sign in. type: aws sso login"
