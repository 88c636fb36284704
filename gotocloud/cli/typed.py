"""The command that is running, as it can be typed again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gotocloud.cli.place import TYPED
from gotocloud.errors import shell_line

if TYPE_CHECKING:
    import typer

ONCE = frozenset({"dry_run"})
"""Options that are not repeated: after a look at what would happen follows the command itself."""


def typed_again(context: typer.Context, command: str, *more: object, **arguments: object) -> str:
    """The command that is running, with every option that was typed.

    Args:
        context: Of the command.
        command: Its words after "gotocloud", for example "start".
        more: An option to add with its value, unless it was typed.
        arguments: Values of its arguments and options that count instead of what was typed,
            for example `project` where it was found out.
    """
    words: list[object] = []
    options: list[object] = []
    for param in context.command.params:
        name = str(param.name)
        value = arguments.get(name)
        if value is None and _was_typed(context, name):
            value = context.params.get(name, context.meta.get(TYPED, {}).get(name))
        if value is None or name in ONCE:
            continue
        if param.param_type_name == "argument":
            words += _several(value)
        else:
            options += _option(param, value)
    if more and more[0] not in options:
        options += more
    if any(str(word).startswith("-") for word in words):
        return shell_line("gotocloud", *command.split(), *options, "--", *words)
    return shell_line("gotocloud", *command.split(), *words, *options)


def _was_typed(context: typer.Context, name: str) -> bool:
    source = context.get_parameter_source(name)
    return source is not None and source.name == "COMMANDLINE"


def _option(param: Any, value: object) -> list[object]:
    flag = max(param.opts, key=len)
    if param.is_flag:
        return [flag] if value else list(param.secondary_opts[:1])
    # With "=", since a value may begin with a hyphen.
    return [
        word
        for one in _several(value)
        for word in ([f"{flag}={one}"] if str(one).startswith("-") else [flag, one])
    ]


def _several(value: object) -> list[object]:
    return list(value) if isinstance(value, tuple | list) else [value]
