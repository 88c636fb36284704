"""Reads a suggested command as a shell and the program that it names would."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterator
from functools import cache
from typing import Any

import typer
from typer._click.exceptions import UsageError

from gotocloud.cli.main import app
from tests.needs import ROOT

_JOINTS = {"&&", ";"}
_SETTING = re.compile(r"[A-Z_]+=.*")
_PLACEHOLDER = re.compile(r"[A-Z][A-Z_.]{2,}|<.*>|.*….*|\.\.\.")
_SHELL = {"cd", "export", "source", "ls", "less", "tail", "mv", "echo", "chmod", "unset"}
_SHELL |= {"cp", "mkdir", "rm", "file", "df", "sudo", "git", "pip"}
_MACHINE = {
    "sacct",
    "squeue",
    "sinfo",
    "scancel",
    "scontrol",
    "module",
    "apt-get",
    "spack",
    "relion",
}
_AWS_ALONE = {("configure",), ("configure", "list-profiles"), ("sso", "login")}


def problem_of(line: str) -> str:
    """Why a line is no command that can be pasted; empty when it is one."""
    if not line.strip() or "\n" in line:
        return "it is not one line"
    try:
        commands = list(_commands(line))
    except ValueError as error:
        return f"a shell cannot read it: {error}"
    return next(filter(None, map(_problem, commands)), "")


def _commands(line: str) -> Iterator[tuple[str, ...]]:
    reader = shlex.shlex(line, posix=True, punctuation_chars=True)
    reader.whitespace_split, reader.commenters = True, ""
    words: list[str] = []
    for word in reader:
        if word in _JOINTS:
            yield tuple(words)
            words = []
        else:
            words.append(word)
    yield tuple(words)


@cache
def _problem(words: tuple[str, ...]) -> str:
    if words[:1] == ("env",):
        words = words[1:]
    while words and _SETTING.fullmatch(words[0]):
        words = words[1:]
    if not words:
        return "it is empty"
    # `unset` names variables, which look like placeholders.
    if words[0] != "unset" and (odd := [one for one in words if _PLACEHOLDER.fullmatch(one)]):
        return f"{odd[0]} is to be replaced first"
    program, *rest = words
    if program in _READERS:
        return str(_READERS[program](rest))
    if program in _SHELL or program in _MACHINE:
        return next((f"{one} is prose" for one in rest if one in {"or", "and", "then"}), "")
    return f"there is no program {program}"


def _gotocloud(words: list[str]) -> str:
    group: Any = typer.main.get_command(app)
    context = group.context_class(group, info_name="gotocloud")
    while hasattr(group, "resolve_command"):
        if not words:
            return "" if group.no_args_is_help else "it names no command"
        if words[0].startswith("-"):
            return "" if words[0] in {"--version", "--help"} else f"no option {words[0]}"
        try:
            _, group, words = group.resolve_command(context, words)
        except UsageError as error:
            return error.format_message()
    if words == ["--help"]:
        return ""
    try:
        group.make_context(str(group.name), list(words), parent=context)
    except UsageError as error:
        text = error.format_message()
        return "" if "does not exist" in text and "Path" in text else text
    return ""


def _aws(words: list[str]) -> str:
    from botocore import xform_name

    if tuple(words) in _AWS_ALONE or words[:1] == ["s3"]:
        return ""
    if len(words) < 2:
        return "it has no operation"
    service, operation, *options = words
    known = _operations(service)
    name = operation.replace("-", "_")
    if name not in known:
        return f"aws {service} has no {operation}"
    members = {xform_name(one).replace("_", "-") for one in known[name]}
    given = [one.partition("=")[0][2:] for one in options if one.startswith("--")]
    return next(
        (f"{operation} has no --{one}" for one in given if one not in {*members, "region"}), ""
    )


@cache
def _operations(service: str) -> dict[str, list[str]]:
    import botocore.session
    from botocore import xform_name

    model = botocore.session.Session().get_service_model(service)
    found = {}
    for name in model.operation_names:
        shape = model.operation_model(name).input_shape
        found[xform_name(name)] = list(shape.members) if shape else []
    return found


@cache
def _cdk_options() -> dict[str, set[str]]:
    """Of each command of the CDK, from the list in its own package."""
    path = ROOT / "node_modules/aws-cdk/lib/cli/cli-type-registry.json"
    if not path.exists():
        return {}
    registry = json.loads(path.read_text(encoding="utf-8"))

    def words(options: dict[str, Any]) -> set[str]:
        found: set[str] = set()
        for name, described in options.items():
            alias = described.get("alias", [])
            short = [alias] if isinstance(alias, str) else alias
            found |= {f"--{name}", *(f"-{one}" for one in short)}
        return found

    everywhere = words(registry["globalOptions"])
    return {
        name: everywhere | words(described.get("options") or {})
        for name, described in registry["commands"].items()
    }


def _cdk(words: list[str]) -> str:
    known = _cdk_options()
    if not words or (known and words[0] not in known):
        return f"cdk has no {words[:1]}"
    odd = [one for one in words[1:] if one.startswith("-") and known and one not in known[words[0]]]
    return f"cdk {words[0]} has no {odd[0]}" if odd else ""


def _make(words: list[str]) -> str:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z-]+):", makefile, re.MULTILINE))
    return next((f"no target {word}" for word in words if word not in targets), "")


_READERS = {"gotocloud": _gotocloud, "aws": _aws, "cdk": _cdk, "make": _make}
