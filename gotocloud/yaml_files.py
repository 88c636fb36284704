"""Every YAML text that GoToCloud reads: plain data with line marks, and one shape of error.

An error names the text, and for each problem the line, the place, the value and what is allowed,
then the next command.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

import yaml

from gotocloud.errors import InputError
from gotocloud.printed import lines_of

if TYPE_CHECKING:
    from pydantic import BaseModel, ValidationError
    from pydantic_core import ErrorDetails

Location = tuple[int | str, ...]
Problem = tuple[int, str]
"""A line, counted from 1 (0 where the data came from no text), and what is wrong there."""

MERGE = "tag:yaml.org,2002:merge"
"""The tag of the key `<<`: https://yaml.org/type/merge.html."""

BLOCK = "must be a block of `key: value` lines"

_PLAIN_WORDS = {
    "missing": "is missing",
    "string_type": "must be text",
    "int_type": "must be a whole number",
    "int_parsing": "must be a whole number",
    "tuple_type": "must be a list",
    "list_type": "must be a list",
    "dict_type": BLOCK,
    "model_type": BLOCK,
    "model_attributes_type": BLOCK,
}


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


def location_text(location: Sequence[int | str]) -> str:
    """A place in a file as people write it, for example `groups[1].account`."""
    text = ""
    for part in location:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
    return text or "file"


@dataclass
class MarkedYaml:
    """The data of a YAML text, the line of each value, and what is wrong with the text itself.

    Args:
        data: Plain data.
        lines: Line number, counted from 1, by location.
        texts: What a scalar looks like in the file, by location.
        problems: Duplicate keys and the like.
        written: Where the file has what the data have elsewhere, by location of the data.
    """

    data: Any = None
    lines: dict[Location, int] = field(default_factory=dict)
    texts: dict[Location, str] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    written: dict[Location, Location] = field(default_factory=dict)

    def problem(self, location: Sequence[int | str], what: str) -> Problem:
        """A problem of a place, or of the innermost section around it that exists."""
        where = tuple(location)
        while where and where not in self.lines:
            where = where[:-1]
        line = self.lines.get(where, 1 if self.lines else 0)
        return line, f"{location_text(self._as_written(tuple(location)))}: {what}"

    def _as_written(self, location: Location) -> Location:
        for end in range(len(location), 0, -1):
            if (start := self.written.get(location[:end])) is not None:
                return (*start, *location[end:])
        return location


def load_yaml(text: str, name: str, *, next_command: str | None = None) -> MarkedYaml:
    """Read a YAML text with its line marks.

    Args:
        text: The text.
        name: What it is, for errors: a path, or "The cluster configuration 'x'".
        next_command: What to type after an error.

    Raises:
        InputError: if the text is not YAML.
    """
    # The loader in C ends the process on a text that is nested deeply enough.
    try:
        loader = yaml.SafeLoader(text)
    except yaml.YAMLError as error:
        raise _not_yaml(name, _complaint(error), next_command) from None
    try:
        marked = MarkedYaml()
        node = loader.get_single_node()
        if node is not None:
            marked.lines[()] = node.start_mark.line + 1
            marked.data = _LineReader(loader, marked).read(node, ())
        return marked
    except yaml.YAMLError as error:
        raise _not_yaml(name, _complaint(error), next_command) from None
    except RecursionError:
        raise _not_yaml(name, "it is nested too deeply", next_command) from None
    finally:
        loader.dispose()


def load_block(text: str, name: str, *, next_command: str | None = None) -> MarkedYaml:
    """Read a YAML text of `key: value` lines.

    Raises:
        InputError: if the text is anything else, or has a key twice.
    """
    marked = load_yaml(text, name, next_command=next_command)
    if not isinstance(marked.data, dict):
        marked.problems.append((1, f"file: {BLOCK}"))
    if marked.problems:
        raise problems_of(name, marked.problems, next_command=next_command)
    return marked


def problems_of(
    name: str, problems: Sequence[Problem], *, next_command: str | None = None
) -> InputError:
    """The error for a text with problems: all of them, in the order of their lines."""
    texts = [f"line {line}: {text}" if line else text for line, text in sorted(set(problems))]
    number = f"{len(texts)} problem{'s' if len(texts) != 1 else ''}"
    return InputError(f"{name} has {number}.", problems=texts, next_command=next_command)


def model_problems(
    error: ValidationError,
    marked: MarkedYaml,
    model: type[BaseModel],
    *,
    left_out: Callable[[str, Location], bool] = lambda _kind, _where: False,
) -> Iterator[Problem]:
    """What a model finds wrong with a text, in plain words.

    Args:
        error: What pydantic found.
        marked: The text.
        model: The model, for the keys that it has.
        left_out: Whether a kind of error at a place is reported elsewhere. Default: none is.
    """
    for details in error.errors(include_url=False):
        # Not empty: each entry has a problem of its own, which is reported.
        if details["type"] == "too_short" and details["input"]:
            continue
        where = tuple(part for part in details["loc"] if part != "[key]")
        if left_out(details["type"], where):
            continue
        yield marked.problem(where, _message(details, where, marked, model))


def _message(
    details: ErrorDetails, where: Location, marked: MarkedYaml, model: type[BaseModel]
) -> str:
    kind, value = details["type"], details["input"]
    if kind == "account_number":
        digits = marked.texts.get(where, str(value))
        return f'{digits} {details["msg"]}: "{digits}"'
    if kind == "extra_forbidden":
        return _unknown_key(where, model)
    if kind == "too_short":
        return "needs at least one entry"
    if kind == "too_long":
        return f"has {len(value)} entries; {details['ctx']['max_length']} are allowed"
    if kind == "greater_than_equal":
        text = f"must be {details['ctx']['ge']:g} or more"
    else:
        text = _PLAIN_WORDS.get(kind, details["msg"].removeprefix("Value error, "))
    if kind in ("missing", "value_error"):
        return text
    return f"{text}, not {value!r}" if isinstance(value, str | int | float | bool) else text


def _unknown_key(where: Location, model: type[BaseModel]) -> str:
    allowed = sorted(_fields(model, where[:-1]))
    close = get_close_matches(str(where[-1]), allowed, n=1)
    hint = f"; did you mean {close[0]!r}?" if close else "."
    return f"is not known{hint} Known here: {', '.join(allowed)}"


def _fields(model: type[BaseModel], where: Location) -> tuple[str, ...]:
    """The keys of the model that describes a place."""
    kind: Any = model
    for part in where:
        if isinstance(part, str) and part in (keys := _keys(kind)):
            kind = keys[part].annotation
        while not hasattr(kind, "model_fields"):
            inner = [one for one in get_args(kind) if one not in (Ellipsis, str, type(None))]
            if not inner:
                return ()
            kind = inner[-1]
    return tuple(_keys(kind))


def _keys(kind: Any) -> dict[str, Any]:
    """The fields of a model by their keys in the file; none for another kind."""
    fields = getattr(kind, "model_fields", {})
    return {field.alias or name: field for name, field in fields.items()}


def _not_yaml(name: str, problem: str, next_command: str | None) -> InputError:
    return InputError(f"{name} is not YAML.", problems=[problem], next_command=next_command)


def _complaint(error: yaml.YAMLError) -> str:
    """What the YAML reader complains about, with its line."""
    if not isinstance(error, yaml.MarkedYAMLError):
        return lines_of(str(error))[0]
    mark = error.problem_mark or error.context_mark
    what = ", ".join(part for part in (error.context, error.problem) if part)
    return f"line {mark.line + 1}: {what}" if mark else what


class _LineReader:
    def __init__(self, loader: yaml.SafeLoader, marked: MarkedYaml) -> None:
        self.loader = loader
        self.marked = marked
        self.open: list[int] = []

    def read(self, node: yaml.Node, where: Location) -> Any:
        if id(node) in self.open:
            self._note(node, where, "this alias refers to what it stands in")
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

    def _note(self, node: yaml.Node, where: Location, what: str) -> None:
        self.marked.problems.append((node.start_mark.line + 1, f"{location_text(where)}: {what}"))

    def _item(self, node: yaml.Node, where: Location) -> Any:
        self.marked.lines.setdefault(where, node.start_mark.line + 1)
        return self.read(node, where)

    def _mapping(self, node: yaml.MappingNode, where: Location) -> dict[str, Any]:
        merged: dict[str, Any] = {}
        data: dict[str, Any] = {}
        # What `<<` merges comes first, as the lines of the mapping's own keys replace its lines.
        for key_node, value_node in sorted(node.value, key=lambda pair: pair[0].tag != MERGE):
            key = str(key_node.value) if isinstance(key_node, yaml.ScalarNode) else "?"
            place = (*where, key)
            if key_node.tag == MERGE:
                merged = {**self._merged(value_node, where), **merged}
            elif key in data:
                first = self.marked.lines[place]
                self._note(key_node, place, f"is given a second time (first on line {first})")
            else:
                self.marked.lines[place] = key_node.start_mark.line + 1
                data[key] = self.read(value_node, place)
        return {**merged, **data}

    def _merged(self, node: yaml.Node, where: Location) -> dict[str, Any]:
        """What `<<` brings in; of several, the first counts."""
        merged: dict[str, Any] = {}
        read = self.read(node, where)
        for source in read if isinstance(read, list) else [read]:
            if isinstance(source, dict):
                merged = {**source, **merged}
            else:
                self._note(node, where, f"<< {BLOCK}")
        return merged

    def _scalar(self, node: yaml.Node, where: Location) -> Any:
        self.marked.texts[where] = str(node.value)
        try:
            return self.loader.construct_object(node)
        except (yaml.YAMLError, ValueError) as error:
            reason = getattr(error, "problem", None) or error
            self._note(node, where, f"{node.value!r} cannot be read: {reason}")
            return None
