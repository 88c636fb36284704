"""What `gotocloud software list` shows, as data and as rows of tables."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from gotocloud.software.catalogue import Catalogue
from gotocloud.software.in_force import executable_for

Rows = tuple[Sequence[str], list[Sequence[object]]]


def data(catalogue: Catalogue) -> dict[str, Any]:
    """A catalogue for programs, with every source."""
    return {
        "read": catalogue.read,
        "root": catalogue.root,
        "mpi": asdict(catalogue.mpi) if catalogue.mpi else None,
        "spack": asdict(catalogue.spack) if catalogue.spack else None,
        "packages": [
            {
                "name": package.name,
                "title": package.title,
                "licence": package.licence,
                "homepage": package.homepage,
                "default": package.default,
                "executables": list(package.executables),
                "versions": [
                    {
                        "version": version.number,
                        "how": version.how,
                        "modules": _modules(package.name, version.number, version.builds),
                        "source": version.source,
                        "note": version.note,
                    }
                    for version in package.versions.values()
                ],
            }
            for package in catalogue.packages.values()
        ],
        "hardware": [
            {
                "family": family.name,
                "gpu": family.gpu or None,
                "processor": family.cpu or None,
                "build": family.build,
                "target": catalogue.builds[family.build].target,
                "cuda_arch": catalogue.builds[family.build].cuda_arch,
                "module": executable_for("", f"{family.name}.any", catalogue=catalogue).module,
                "source": catalogue.builds[family.build].source,
            }
            for family in catalogue.families.values()
        ],
    }


def programs(catalogue: Catalogue) -> Rows:
    """Programs and versions as a table, the default version marked."""
    rows: list[Sequence[object]] = []
    for package in catalogue.packages.values():
        for version in package.versions.values():
            default = "default" if version.number == package.default else ""
            builds = ", ".join(version.builds) or "one for all"
            made = {"spack": "Spack", "recipe": "by hand", "system": "there already"}[version.how]
            rows.append((f"{package.name}/{version.number}", default, builds, made, package.title))
    return ("module", "", "builds", "made", "what it is"), rows


def hardware(catalogue: Catalogue) -> Rows:
    """Instance families as a table, with the module that `gotocloud submit` would load."""
    return ("instance family", "hardware", "build", "module of a RELION job"), [
        (
            family.name,
            family.gpu or f"{family.cpu}, {catalogue.builds[family.build].target}",
            family.build,
            executable_for("", f"{family.name}.any", catalogue=catalogue).module,
        )
        for family in catalogue.families.values()
    ]


def _modules(package: str, version: str, builds: tuple[str, ...]) -> list[str]:
    chooser = f"{package}/{version}"
    return [chooser, *(f"{chooser}-{build}" for build in builds)]
