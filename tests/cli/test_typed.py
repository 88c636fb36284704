"""A suggested command is the command that was typed, with all its options."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Annotated

import pytest
import typer
from hypothesis import given
from hypothesis import strategies as st

from gotocloud.cli.typed import typed_again

VALUES = st.text(st.characters(exclude_categories=("Cs", "Cc")), min_size=1, max_size=9)


def said(*words: str, more: tuple[str, ...] = (), **arguments: object) -> list[str]:
    """What a command with every kind of option would suggest to type again."""
    app = typer.Typer()
    found: list[str] = []

    @app.command()
    def run(
        context: typer.Context,
        project: Annotated[str | None, typer.Argument()] = None,
        config: Annotated[str, typer.Option()] = "usual",
        gib: Annotated[int | None, typer.Option("--lustre-gib", "-g")] = None,
        spot: Annotated[bool, typer.Option("--spot")] = False,
        links: Annotated[bool, typer.Option("--links/--no-links")] = True,
        exclude: Annotated[list[str] | None, typer.Option()] = None,
        place: Annotated[Path | None, typer.Option()] = None,
        dry_run: Annotated[bool, typer.Option("--dry-run")] = False,
        yes: Annotated[bool, typer.Option("--yes")] = False,
    ) -> None:
        assert context.params["spot"] is spot
        found.extend(shlex.split(typed_again(context, "start", *more, **arguments)))

    typer.main.get_command(app)(list(words), standalone_mode=False)
    return found[2:]


@pytest.mark.parametrize(
    ("words", "again"),
    [
        ([], []),
        (["p", "--config", "tutorial"], ["p", "--config", "tutorial"]),
        (["--spot", "-g", "2400", "p"], ["p", "--lustre-gib", "2400", "--spot"]),
        (["--no-links", "--dry-run", "--yes"], ["--no-links", "--yes"]),
        (["--exclude", "a b", "--exclude", "c"], ["--exclude", "a b", "--exclude", "c"]),
        (["--config=usual", "--", "-p"], ["--config", "usual", "--", "-p"]),
    ],
)
def test_what_was_typed_is_typed_again(words: list[str], again: list[str]) -> None:
    assert said(*words) == again


def test_a_project_that_was_found_out_is_named() -> None:
    assert said("--spot", project="p") == ["p", "--spot"]


def test_an_option_is_added_once() -> None:
    assert said("p", more=("--yes",)) == ["p", "--yes"]
    assert said("p", "--yes", more=("--yes",)) == ["p", "--yes"]


@given(project=VALUES, config=VALUES, exclude=st.lists(VALUES, max_size=3))
def test_typing_it_again_types_it_again(project: str, config: str, exclude: list[str]) -> None:
    words = [f"--config={config}", *(f"--exclude={one}" for one in exclude), "--", project]
    first = said(*words)
    assert said(*first) == first
    assert project in first
