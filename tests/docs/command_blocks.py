"""Reads the command blocks out of documents."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
_BLOCK = re.compile(r"^```console\n(.*?)^```", re.MULTILINE | re.DOTALL)
_ANY_FENCE = re.compile(r"^```(\w*)$", re.MULTILINE)
_SHELL = {"bash", "sh", "shell", "zsh"}


def documents() -> list[Path]:
    """Every document whose commands must work."""
    return sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])


def commands(text: str) -> list[str]:
    """The commands of a document, in order: the lines that start with `$ `."""
    blocks = (block.replace("\\\n", " ") for block in _BLOCK.findall(text))
    lines = [line for block in blocks for line in block.splitlines()]
    return [line.removeprefix("$ ") for line in lines if line.startswith("$ ")]


def unread_blocks(text: str) -> list[str]:
    """Languages of shell blocks that `commands` would not see."""
    return sorted(set(_ANY_FENCE.findall(text)) & _SHELL)
