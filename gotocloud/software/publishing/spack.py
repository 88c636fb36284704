"""Spack environments for the builds of a catalogue: one `spack.yaml` each, values in, text out.

Each is written for Spack 1.0 or later, pins its package repository to a tag, and puts a view
where the module files look. None has been built in this repository's tests.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gotocloud.software.catalogue import Build, Catalogue, Mpi, Package, Spack, Version

FILE = "spack.yaml"


def environments(catalogue: Catalogue, package: str | None = None) -> dict[str, str]:
    """The text of every environment by its name, for example "relion-5.0.1-sm86".

    Args:
        package: Only those of this package.

    Raises:
        InputError: if there is no such package.
    """
    if catalogue.spack is None:
        return {}
    chosen = [catalogue.package(package)] if package else list(catalogue.packages.values())
    made = {}
    for each in chosen:
        for version in each.versions.values():
            if version.how != "spack":
                continue
            builds: list[Build | None] = [catalogue.builds[name] for name in version.builds]
            for build in builds or [None]:
                ending = f"-{build.name}" if build else ""
                made[f"{each.name}-{version.number}{ending}"] = _text(
                    catalogue, catalogue.spack, each, version, build
                )
    return made


def spec(version: Version, build: Build | None, spack: Spack, mpi: Mpi | None) -> str:
    """The Spack spec: version, variants, hardware, compiler and MPI."""
    compiler = f"%{version.compiler or spack.compiler}"
    if build is None:
        root, _, rest = version.spec.partition(" ^")
    else:
        root, _, rest = version.spec_of(build).partition(" ^")
        if build.cuda_arch:
            root += f" cuda_arch={build.cuda_arch}"
        root += f" target={build.target}"
    words = [root, compiler]
    if build is not None and mpi:
        words.append(f"^{mpi.name}@{mpi.version}")
    return " ".join([*words, *([f"^{rest}"] if rest else [])])


def recipes(catalogue: Catalogue, package: str | None = None) -> dict[str, list[str]]:
    """What is made by hand, as steps by "name/version"; the place is filled in."""
    chosen = [catalogue.package(package)] if package else list(catalogue.packages.values())
    return {
        f"{each.name}/{version.number}": [
            step.replace("{prefix}", catalogue.prefix(each.name, version, None))
            for step in version.steps
        ]
        for each in chosen
        for version in each.versions.values()
        if version.how == "recipe"
    }


def _text(
    catalogue: Catalogue, spack: Spack, package: Package, version: Version, build: Build | None
) -> str:
    import yaml

    name = f"{package.name}/{version.number}" + (f"-{build.name}" if build else "")
    sources = [version.source, *([build.source] if build else []), spack.source]
    if build is not None and catalogue.mpi:
        sources.append(catalogue.mpi.source)
    head = [
        f"# {package.title}: the module {name}.",
        "# Written by gotocloud from its software catalogue; changes are lost.",
        f"# Licence of the program: {package.licence}.",
        *(f"# Source: {source}" for source in sources),
        f"# Sources read on {catalogue.read}. Not built in GoToCloud's own tests.",
    ]
    prefix = catalogue.prefix(package.name, version, build.name if build else None)
    data: dict[str, dict[str, Any]] = {
        "spack": {
            "specs": [spec(version, build, spack, catalogue.mpi)],
            "concretizer": {"unify": True},
            "repos": {"builtin": {"git": spack.packages, "tag": spack.tag}},
            "packages": _packages(catalogue.mpi) if build else {},
            "config": {"install_tree": {"root": f"{catalogue.root}/spack/store"}},
            # Modules are GoToCloud's own: Spack's would choose other names.
            "view": {"default": {"root": prefix, "link": "run", "link_type": "symlink"}},
        }
    }
    if not data["spack"]["packages"]:
        del data["spack"]["packages"]
    text = yaml.safe_dump(data, sort_keys=False, width=1000, allow_unicode=True)
    return "\n".join(head) + "\n" + text


def _packages(mpi: Mpi | None) -> Mapping[str, Any]:
    """Nodes have their own MPI, built for their network and their Slurm."""
    if mpi is None:
        return {}
    return {
        "mpi": {"require": [f"{mpi.name}@{mpi.version}"]},
        mpi.name: {
            "buildable": False,
            "externals": [{"spec": f"{mpi.name}@{mpi.version}", "prefix": mpi.prefix}],
        },
    }
