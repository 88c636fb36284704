"""Finds words that make our English hard to read, in texts and in names.

`python -m tests.docs.plain_english [PATH ...]` lists them, with what to write instead.
"""

from __future__ import annotations

import ast
import io
import re
import sys
import tokenize
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
_TABLE_ROW = re.compile(r"^\| (?P<words>[^|]+) \| (?P<instead>[^|]+) \|$")
_WORD_IN_NAME = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")
_WRITTEN = {".py", ".sh", ".yaml", ".html", ".js", ".mjs"}
VAGUE_NAMES = {
    "known": "what it holds: listed, allowed, by_name, machine, ...",
    "ask": "what it does: look, read, call, answer_about, ...",
}
"""Names of a single word that show nothing of what they stand for."""
_NOT_PROSE = re.compile(r"```.*?```|`[^`\n]*`|\]\([^)]*\)", re.DOTALL)


@dataclass(frozen=True)
class WordList:
    """The table of CONTRIBUTING.md: words, and what to write instead of each."""

    instead: dict[str, str]

    @classmethod
    def read(cls, text: str) -> WordList:
        """Read the table below the heading `Plain English`.

        A cell holds words or short phrases, separated by commas.
        """
        _, _, section = text.partition("\n## Plain English\n")
        section, _, _ = section.partition("\n## ")
        rows = (_TABLE_ROW.match(line) for line in section.splitlines())
        cells = [(row["words"], row["instead"]) for row in rows if row][1:]
        return cls({word.strip(): instead for words, instead in cells for word in words.split(",")})

    def in_text(self, text: str) -> Iterator[str]:
        """The words of the list that a text uses, in order, one for each use."""
        # "up to 24 hours" is a limit.
        pattern = "|".join(sorted(map(re.escape, self.instead), key=len, reverse=True))
        yield from (
            found[0].lower()
            for found in re.finditer(
                rf"(?<![\w./-])({pattern})(?![\w-]|\.\w|(?<= up) to\b)", text, re.IGNORECASE
            )
        )

    def in_name(self, name: str) -> Iterator[str]:
        """The words of the list that an identifier is made of."""
        words = (word.lower() for word in _WORD_IN_NAME.findall(name))
        yield from (word for word in words if word in self.instead)
        if (whole := name.strip("_").lower()) in VAGUE_NAMES:
            yield whole


@dataclass(frozen=True)
class Finding:
    """One use of a word of the list."""

    path: Path
    line: int
    word: str

    def report(self, words: WordList) -> str:
        """The finding as one line: where, which word, what to write."""
        where = f"{self.path.relative_to(ROOT)}:{self.line}"
        return f"{where}: '{self.word}'; write {(words.instead | VAGUE_NAMES)[self.word]}"


def word_list() -> WordList:
    """The list as CONTRIBUTING.md holds it."""
    return WordList.read((ROOT / "CONTRIBUTING.md").read_text())


def findings_in(path: Path, words: WordList) -> list[Finding]:
    """Every use of a word of the list in one file.

    Of a Python file: comments, docstrings, string literals with a blank, and the names of
    classes, fields, functions, parameters and all that is assigned. Of any other file: its
    text without code and addresses.
    """
    texts = _python if path.suffix == ".py" else _prose
    return [Finding(path, line, word) for line, word in texts(path.read_text(), words)]


def _prose(text: str, words: WordList) -> Iterator[tuple[int, str]]:
    _, separator, section = text.partition("\n## Plain English\n")
    if separator:  # the list itself
        text = text.replace(section.partition("\n## ")[0], "\n" * section.count("\n"), 1)
    text = _NOT_PROSE.sub(lambda found: "\n" * found[0].count("\n") or " code ", text)
    for number, line in enumerate(text.splitlines(), start=1):
        yield from ((number, word) for word in words.in_text(line))


def _python(text: str, words: WordList) -> Iterator[tuple[int, str]]:
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type == tokenize.COMMENT:
            yield from ((token.start[0], word) for word in words.in_text(token.string))
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            if re.search(r"\s", node.value):
                prose = _NOT_PROSE.sub(" code ", node.value)
                yield from ((node.lineno, word) for word in words.in_text(prose))
        elif isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            yield from ((node.lineno, word) for word in words.in_name(node.name))
        elif isinstance(node, ast.arg):
            yield from ((node.lineno, word) for word in words.in_name(node.arg))
        elif isinstance(node, ast.Name | ast.Attribute) and isinstance(node.ctx, ast.Store):
            name = node.id if isinstance(node, ast.Name) else node.attr
            yield from ((node.lineno, word) for word in words.in_name(name))


def names_of_tests(words: WordList) -> Iterator[str]:
    """Tests whose names use a word of the list, each with what to write instead."""
    for folder in (ROOT / "tests", ROOT / "local_aws" / "tests"):
        for path in sorted(folder.rglob("test_*.py")):
            for node in ast.walk(ast.parse(path.read_text())):
                if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
                    found = words.in_name(node.name)
                    yield from (Finding(path, node.lineno, word).report(words) for word in found)


def documents() -> list[Path]:
    """Every page that people read."""
    folders = (ROOT / "docs", ROOT / "local_aws")
    return sorted([*ROOT.glob("*.md"), *(page for each in folders for page in each.rglob("*.md"))])


def rooms() -> dict[str, list[Path]]:
    """The files of the package that people wrote, by room, and those of the local AWS."""
    package = ROOT / "gotocloud"
    found = {
        "benchmarks": sorted((ROOT / "benchmarks").glob("*.py")),
        "local_aws": _written(ROOT / "local_aws" / "src"),
    }
    for path in _written(package):
        room = path.relative_to(package).parts[0]
        found.setdefault("gotocloud" if room.endswith(".py") else room, []).append(path)
    return found


def _written(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.suffix in _WRITTEN)


def main(arguments: list[str]) -> int:
    """List the findings of the named files and folders, by default of all."""
    named = [ROOT / argument for argument in arguments] or [
        ROOT / "gotocloud",
        ROOT / "local_aws" / "src",
        *documents(),
    ]
    words = word_list()
    found = [
        finding
        for path in named
        for file in (_written(path) if path.is_dir() else [path])
        for finding in findings_in(file, words)
    ]
    for finding in found:
        print(finding.report(words))
    print(f"{len(found)} findings")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
