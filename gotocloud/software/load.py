"""Reads and writes a catalogue; a broken one is refused with every problem at once."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import MISSING, asdict, fields
from pathlib import Path
from types import MappingProxyType
from typing import Any

from gotocloud.software.catalogue import Build, Catalogue, Family, Mpi, Package, Spack, Version
from gotocloud.yaml_files import BLOCK, MarkedYaml, Problem, load_block, problems_of, read_text

FORMAT = 1
CHECK_COMMAND = "gotocloud software check"
WAYS = ("spack", "recipe", "system")
MIN_SOURCE = 10
"""A source with fewer letters is not one."""

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]*")
_TOP = {"version", "read", "root", "spack", "mpi", "builds", "families", "job_types", "packages"}


def load_catalogue(path: Path) -> Catalogue:
    """Read a catalogue.

    Raises:
        InputError: if it cannot be read or used; names every problem.
    """
    return parse_catalogue(read_text(path, "catalogue", CHECK_COMMAND), str(path))


def parse_catalogue(text: str, name: str = "the catalogue") -> Catalogue:
    """Make a catalogue from YAML.

    Raises:
        InputError: if it cannot be used; names every problem.
    """
    marked = load_block(text, name, next_command=CHECK_COMMAND)
    reader = _CatalogueReader(marked)
    catalogue = reader.catalogue(marked.data)
    if reader.problems or catalogue is None:
        raise problems_of(name, reader.problems, next_command=CHECK_COMMAND)
    return catalogue


def dump_catalogue(catalogue: Catalogue) -> str:
    """A catalogue as YAML, without what is only the default."""
    import yaml

    data: dict[str, Any] = {
        "version": catalogue.version,
        "read": catalogue.read,
        "root": catalogue.root,
    }
    if catalogue.spack:
        data["spack"] = asdict(catalogue.spack)
    if catalogue.mpi:
        data["mpi"] = asdict(catalogue.mpi)
    data["builds"] = {name: _short(build, "name") for name, build in catalogue.builds.items()}
    data["families"] = {name: _short(each, "name") for name, each in catalogue.families.items()}
    data["job_types"] = {
        name: {"package": package, "version": version}
        for name, (package, version) in catalogue.job_types.items()
    }
    data["packages"] = {
        name: _short(package, "name", "versions")
        | {"versions": {key: _short(each, "number") for key, each in package.versions.items()}}
        for name, package in catalogue.packages.items()
    }
    text = yaml.safe_dump(_plain(data), sort_keys=False, width=1000, allow_unicode=True)
    return f"# Written by gotocloud.\n{text}"


def _short(item: Any, *left_out: str) -> dict[str, Any]:
    """The values of an item that differ from its defaults."""
    return {
        each.name: getattr(item, each.name)
        for each in fields(item)
        if each.name not in left_out
        and (each.default is MISSING or getattr(item, each.name) != each.default)
        and getattr(item, each.name) != {}
        and getattr(item, each.name) != ()
    }


def _plain(data: Any) -> Any:
    if isinstance(data, Mapping):
        return {str(key): _plain(value) for key, value in data.items()}
    if isinstance(data, tuple | list):
        return [_plain(value) for value in data]
    return data


class _CatalogueReader:
    """Turns plain data into a catalogue and gathers what is wrong with them."""

    def __init__(self, marked: MarkedYaml) -> None:
        self.marked = marked
        self.problems: list[Problem] = []

    def _problem(self, where: str, what: str) -> None:
        """Note what is wrong at a place such as "packages/relion/versions"."""
        line, _ = self.marked.problem(where.split("/"), what)
        self.problems.append((line, f"{where}: {what}"))

    def catalogue(self, data: dict[str, Any]) -> Catalogue | None:
        if data.get("version") != FORMAT:
            self._problem("version", f"is {data.get('version')!r}; only {FORMAT} is known")
            return None
        self._keys("the catalogue", data, _TOP, {"read", "root", "packages"})
        if not str(data.get("root", "")).startswith("/"):
            self._problem("root", f"{data.get('root')!r} is not an absolute path")
        builds = self._items("builds", data, lambda name, each: Build(name=name, **each), Build)
        families = self._items(
            "families", data, lambda name, each: Family(name=name, **each), Family
        )
        packages = self._items("packages", data, self._package, Package)
        catalogue = Catalogue(
            version=FORMAT,
            read=str(data.get("read", "")),
            root=str(data.get("root", "")).rstrip("/"),
            builds=builds,
            families=families,
            packages=packages,
            job_types=self._job_types(data.get("job_types") or {}),
            mpi=self._one("mpi", data, Mpi),
            spack=self._one("spack", data, Spack),
        )
        self._fits(catalogue)
        return catalogue

    def _items(
        self, key: str, data: Mapping[str, Any], make: Callable[[str, Any], Any], kind: type
    ) -> MappingProxyType[str, Any]:
        given = data.get(key) or {}
        if not isinstance(given, dict):
            self._problem(key, BLOCK)
            return MappingProxyType({})
        made = {}
        for name, each in given.items():
            where = f"{key}/{name}"
            if not _NAME.fullmatch(str(name)):
                self._problem(where, "the name may have letters, digits and . _ + -")
            elif self._usable(where, each, kind, {"name"}):
                made[str(name)] = make(str(name), each)
        return MappingProxyType(made)

    def _usable(self, where: str, given: Any, kind: type, left_out: set[str]) -> bool:
        if not isinstance(given, dict):
            self._problem(where, BLOCK)
            return False
        by_name = {each.name: each for each in fields(kind)}
        needed = {
            name
            for name, each in by_name.items()
            if each.default is MISSING and each.default_factory is MISSING
        }
        before = len(self.problems)
        self._keys(where, given, set(by_name) - left_out, needed - left_out)
        if "source" in by_name and len(str(given.get("source", ""))) < MIN_SOURCE:
            self._problem(where, "source must state where this comes from")
        return len(self.problems) == before

    def _keys(
        self, where: str, given: Mapping[str, Any], allowed: set[str], needed: set[str]
    ) -> None:
        for key in sorted(set(map(str, given)) - allowed):
            self._problem(where, f"{key!r} is not known (known: {', '.join(sorted(allowed))})")
        for key in sorted(needed - set(given)):
            self._problem(where, f"{key} is missing")

    def _one(self, key: str, data: Mapping[str, Any], kind: type) -> Any:
        given = data.get(key)
        if given is None or not self._usable(key, given, kind, set()):
            return None
        return kind(**{name: str(value) for name, value in given.items()})

    def _package(self, name: str, given: dict[str, Any]) -> Package:
        versions = {}
        listed = given["versions"] if isinstance(given["versions"], dict) else {}
        for number, each in listed.items():
            where = f"packages/{name}/{number}"
            if not _NAME.fullmatch(str(number)):
                self._problem(where, "not a version")
            elif self._usable(where, each, Version, {"number"}):
                lists = {key: tuple(map(str, each.get(key) or ())) for key in ("builds", "steps")}
                versions[str(number)] = Version(**{**each, **lists, "number": str(number)})
        rest = {key: value for key, value in given.items() if key != "versions"}
        for key in ("executables", "version_command"):
            rest[key] = tuple(map(str, rest.get(key, ())))
        rest["default"] = str(rest["default"])
        return Package(name=name, versions=MappingProxyType(versions), **rest)

    def _job_types(self, given: Any) -> Mapping[str, tuple[str, str]]:
        made = {}
        for name, each in given.items() if isinstance(given, dict) else ():
            if isinstance(each, dict) and set(each) <= {"package", "version"}:
                made[str(name)] = (
                    str(each.get("package", "relion")),
                    str(each.get("version", "")),
                )
            else:
                self._problem(f"job_types/{name}", "may have package and version")
        return made

    def _fits(self, catalogue: Catalogue) -> None:
        """What refers to something must find it."""
        for family in catalogue.families.values():
            if family.build not in catalogue.builds:
                self._problem(f"families/{family.name}", f"no build {family.build!r}")
        for build in catalogue.builds.values():
            if (build.cuda_arch is None) == (not build.cpu_flag):
                self._problem(f"builds/{build.name}", "needs either cuda_arch or cpu_flag")
        for package in catalogue.packages.values():
            if package.default not in package.versions:
                self._problem(
                    f"packages/{package.name}", f"default {package.default!r} is no version of it"
                )
            for version in package.versions.values():
                self._version_fits(catalogue, package, version)
        for name, (wanted, number) in catalogue.job_types.items():
            if wanted not in catalogue.packages:
                self._problem(f"job_types/{name}", f"no package {wanted!r}")
            elif number and number not in catalogue.packages[wanted].versions:
                self._problem(f"job_types/{name}", f"{wanted} has no version {number!r}")

    def _version_fits(self, catalogue: Catalogue, package: Package, version: Version) -> None:
        where = f"packages/{package.name}/{version.number}"
        if version.how not in WAYS:
            self._problem(where, f"how is {version.how!r}; allowed: {', '.join(WAYS)}")
        for name in version.builds:
            build = catalogue.builds.get(name)
            if build is None:
                self._problem(where, f"no build {name!r}")
            elif version.how == "spack" and not version.spec_of(build):
                kind = "gpu_spec" if build.cuda_arch else "cpu_spec"
                self._problem(where, f"{kind} is missing, which {name} needs")
        for name in sorted({*version.specs} - {*version.builds}):
            self._problem(where, f"specs: {name!r} is none of its builds")
        if version.how == "spack" and not version.builds and not version.spec:
            self._problem(where, "spec is missing")
        if version.how == "spack" and catalogue.spack is None:
            self._problem(where, "the catalogue has no entry for Spack")
        if version.how == "recipe" and not version.steps:
            self._problem(where, "steps are missing")
        if version.how == "system" and not version.prefix:
            self._problem(where, "prefix is missing")
        for executable in package.finds.values():
            if executable not in {
                name for each in catalogue.packages.values() for name in each.executables
            }:
                self._problem(f"packages/{package.name}", f"nothing provides {executable!r}")
