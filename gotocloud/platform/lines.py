"""YAML as plain data that remembers on which line everything stands."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from gotocloud.errors import InputError

Location = tuple[int | str, ...]


def read_text(path: Path, what: str, next_command: str) -> str:
    """The text of a file that people write.

    Raises:
        InputError: if it is missing or is not text.
    """
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise InputError(f"There is no {what} {path}.", next_command=next_command) from None
    except UnicodeDecodeError as error:
        raise InputError(
            f"{path} is not UTF-8 text (byte {error.start}).", next_command=next_command
        ) from None
    except OSError as error:
        raise InputError(
            f"{path} cannot be read: {error.strerror}.", next_command=next_command
        ) from None


@dataclass
class MarkedYaml:
    """The data of a YAML text, the line of each value, and what YAML itself has to complain.

    Args:
        data: Plain data.
        lines: Line number, counted from 1, by location.
        texts: What a scalar looks like in the file, by location.
        problems: Lines, locations and messages of duplicate keys and the like.
    """

    data: Any = None
    lines: dict[Location, int] = field(default_factory=dict)
    texts: dict[Location, str] = field(default_factory=dict)
    problems: list[tuple[int, Location, str]] = field(default_factory=list)

    def line(self, location: Sequence[int | str]) -> int:
        """The line of a location, or of the innermost section around it that exists."""
        where = tuple(location)
        while where and where not in self.lines:
            where = where[:-1]
        return self.lines.get(where, 1)


def read_marked(text: str) -> MarkedYaml:
    """Read YAML with its line marks.

    Raises:
        yaml.YAMLError: if the text is not YAML.
    """
    loader = yaml.SafeLoader(text)
    try:
        marked = MarkedYaml()
        node = loader.get_single_node()
        if node is not None:
            marked.lines[()] = node.start_mark.line + 1
            marked.data = _LineReader(loader, marked).read(node, ())
        return marked
    except RecursionError:
        raise yaml.YAMLError("it is nested too deeply") from None
    finally:
        loader.dispose()


class _LineReader:
    def __init__(self, loader: yaml.SafeLoader, marked: MarkedYaml) -> None:
        self.loader = loader
        self.marked = marked
        self.open: list[int] = []

    def read(self, node: yaml.Node, where: Location) -> Any:
        if id(node) in self.open:
            line = node.start_mark.line + 1
            self.marked.problems.append((line, where, "this alias refers to what it stands in"))
            return None
        self.open.append(id(node))
        try:
            if isinstance(node, yaml.MappingNode):
                return self._mapping(node, where)
            if isinstance(node, yaml.SequenceNode):
                return [self._item(item, (*where, i)) for i, item in enumerate(node.value)]
            return self._scalar(node, where)
        finally:
            self.open.pop()

    def _item(self, node: yaml.Node, where: Location) -> Any:
        self.marked.lines.setdefault(where, node.start_mark.line + 1)
        return self.read(node, where)

    def _mapping(self, node: yaml.MappingNode, where: Location) -> dict[str, Any]:
        data: dict[str, Any] = {}
        for key_node, value_node in node.value:
            key = str(key_node.value) if isinstance(key_node, yaml.ScalarNode) else "?"
            place = (*where, key)
            line = key_node.start_mark.line + 1
            if key in data:
                first = self.marked.lines[place]
                message = f"is given a second time (first on line {first})"
                self.marked.problems.append((line, place, message))
                continue
            self.marked.lines[place] = line
            data[key] = self.read(value_node, place)
        return data

    def _scalar(self, node: yaml.Node, where: Location) -> Any:
        self.marked.texts[where] = str(node.value)
        try:
            return self.loader.construct_object(node)
        except (yaml.YAMLError, ValueError) as error:
            reason = getattr(error, "problem", None) or error
            line = node.start_mark.line + 1
            self.marked.problems.append((line, where, f"{node.value!r} cannot be read: {reason}"))
            return None
