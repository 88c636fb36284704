"""The options of the command line: each declared once."""

from __future__ import annotations

import ast
from collections import Counter
from pathlib import Path

from tests.needs import ROOT

CLI = ROOT / "gotocloud" / "cli"


def declarations(source: str) -> list[tuple[str, str]]:
    """Every option and argument that a source declares: its flags, and its declaration."""
    calls = [
        node
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Call)
        and ast.unparse(node.func) in {"typer.Option", "typer.Argument"}
    ]
    return [
        (" ".join(str(word.value) for word in call.args if isinstance(word, ast.Constant)), text)
        for call in calls
        if (text := ast.unparse(call))
    ]


def _all() -> dict[Path, list[tuple[str, str]]]:
    return {path: declarations(path.read_text()) for path in sorted(CLI.rglob("*.py"))}


def test_no_declaration_is_written_twice() -> None:
    counted = Counter(text for found in _all().values() for _, text in found)
    assert [text for text, times in counted.items() if times > 1] == []


def test_flags_with_one_meaning_everywhere_are_declared_with_the_shared_options() -> None:
    shared = {flags for flags, _ in declarations((CLI / "options.py").read_text()) if flags}
    assert {"--json", "--dry-run", "--yes"} <= shared
    elsewhere = {
        f"{path.name}: {flags}"
        for path, found in _all().items()
        if path.name != "options.py"
        for flags, _ in found
        if flags in {"--json", "--dry-run", "--yes"}
    }
    assert elsewhere == set()


def test_a_declaration_that_is_written_twice_would_be_seen() -> None:
    source = 'A = typer.Option("--json", help="x")\nB = typer.Option(\n  "--json", help="x"\n)\n'
    (first, second) = declarations(source)
    assert first == second == ("--json", "typer.Option('--json', help='x')")
