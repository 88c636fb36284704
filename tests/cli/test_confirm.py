"""One rule decides what needs a confirmation, for every command."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
import typer

from gotocloud.cli.confirm import RULES, Confirmation, agree, agree_by_name
from gotocloud.cli.main import FAMILIES, HIDDEN, VERBS, app
from gotocloud.errors import ExitCode, GoToCloudError, InputError
from tests.needs import ROOT


def leaves() -> Iterator[tuple[str, Any]]:
    """Every command by its words."""
    group: Any = typer.main.get_command(app)
    context = group.context_class(group)
    for verb in (*VERBS, *HIDDEN):
        yield verb, group.resolve_command(context, [verb])[1]
    for family in FAMILIES:
        for name, command in group.resolve_command(context, [family])[1].commands.items():
            yield f"{family} {name}", command


def flags(command: Any) -> set[str]:
    return {option for param in command.params for option in param.opts}


@pytest.mark.parametrize(("words", "command"), list(leaves()), ids=lambda it: str(it)[:30])
def test_a_command_has_the_answers_to_its_confirmations_and_no_others(
    words: str, command: Any
) -> None:
    needed = RULES.get(words, {})
    assert ("--yes" in flags(command)) == (Confirmation.QUESTION in needed)
    assert ("--confirm" in flags(command)) == (Confirmation.NAME in needed)


def test_every_rule_is_of_a_command() -> None:
    assert set(RULES) <= {words for words, _ in leaves()}


def test_questions_have_one_place_in_the_code() -> None:
    question = re.compile(r"typer\.(?:confirm|prompt)\(")
    found = {
        path.name
        for path in (ROOT / "gotocloud").rglob("*.py")
        if question.search(path.read_text(encoding="utf-8"))
    }
    # The name that setup needs is no confirmation.
    assert found == {"confirm.py", "setup.py"}


def test_the_document_has_the_rule_of_every_command() -> None:
    text = (ROOT / "docs/confirmations.md").read_text(encoding="utf-8")
    rows = {
        (found["command"], found["needs"], found["when"])
        for found in re.finditer(
            r"^\| `gotocloud (?P<command>[^`]+)` \| (?P<needs>[^|]+) \| (?P<when>[^|]+) \|$",
            text,
            re.MULTILINE,
        )
    }
    expected = {
        (words, needed.value, when)
        for words, rule in RULES.items()
        for needed, when in rule.items()
    }
    assert rows == expected


class Terminal:
    """A terminal, or a pipe."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *, there: bool, answer: str = "") -> None:
        class Stdin:
            def isatty(self) -> bool:
                return there

        monkeypatch.setattr("sys.stdin", Stdin())
        monkeypatch.setattr(typer, "confirm", lambda *_, **__: answer == "y")
        monkeypatch.setattr(typer, "prompt", lambda *_, **__: answer)


def go_on(*, yes: bool) -> None:
    agree(
        "Go on?",
        yes=yes,
        refusal="It costs money.",
        retry="gotocloud start p --yes",
        details=["a"],
    )


def test_yes_answers_a_question_and_a_pipe_refuses_it(monkeypatch: pytest.MonkeyPatch) -> None:
    Terminal(monkeypatch, there=False)
    go_on(yes=True)
    with pytest.raises(InputError) as caught:
        go_on(yes=False)
    assert caught.value.exit_code == ExitCode.USAGE
    assert caught.value.next_command == "gotocloud start p --yes"
    assert "Nothing was changed" in caught.value.message
    assert caught.value.problems == ("a",)


def test_only_a_yes_goes_on_in_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    Terminal(monkeypatch, there=True, answer="y")
    go_on(yes=False)
    Terminal(monkeypatch, there=True, answer="n")
    with pytest.raises(GoToCloudError, match="Nothing was changed"):
        go_on(yes=False)


@pytest.mark.parametrize(
    ("there", "given", "answer", "agreed"),
    [
        (True, None, "p", True),
        (True, None, "", False),
        (True, None, "y", False),
        (False, "p", "", True),
        (False, "q", "", False),
        (False, None, "p", False),
    ],
)
def test_only_the_name_goes_on_where_data_are_deleted(
    monkeypatch: pytest.MonkeyPatch, there: bool, given: str | None, answer: str, agreed: bool
) -> None:
    Terminal(monkeypatch, there=there, answer=answer)
    retry = "gotocloud finish p --confirm p"
    if agreed:
        agree_by_name("p", given, losing="Deleting a project", retry=retry)
        return
    with pytest.raises(InputError) as caught:
        agree_by_name("p", given, losing="Deleting a project", retry=retry)
    assert caught.value.next_command == retry
