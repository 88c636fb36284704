"""Which executable, module and version serves which job type on which hardware.

Looking something up imports no library but the YAML reader, since every `gotocloud submit` does.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from types import MappingProxyType

from gotocloud.contract.head_node import SOFTWARE_MOUNT
from gotocloud.software.catalogue import Build, Catalogue, Package, Software, Version
from gotocloud.software.load import load_catalogue

CATALOGUE_VARIABLE = "GOTOCLOUD_SOFTWARE_CATALOGUE"
"""Names another catalogue than the one that this package brings."""

PACKAGED = Path(__file__).parent / "catalogue.yaml"


def executable_for(
    job_type: str,
    instance_type: str | None = None,
    *,
    version: str | None = None,
    catalogue: Catalogue | None = None,
) -> Software:
    """What runs a job of a type on a machine.

    Args:
        job_type: Our job type, for example "refine3d"; one without an entry of its own
            about gets the default version of RELION.
        instance_type: EC2's name of the machine, for example "g5.12xlarge". Default, and for
            families that the catalogue does not know: the node chooses when the job starts.
        version: Another version than the default one.
        catalogue: Default: the one in force, see `catalogue_in_force`.

    Raises:
        InputError: if there is no such version.
    """
    in_force = catalogue or catalogue_in_force()
    package_name, usual = in_force.job_types.get(job_type, ("relion", ""))
    package = in_force.package(package_name)
    chosen = package.version(version or usual or None)
    chooser = f"{package.name}/{chosen.number}"
    fitting = in_force.fitting(chosen, instance_type.partition(".")[0]) if instance_type else ()
    if not fitting or instance_type is None:
        return Software(
            package=package.name,
            version=chosen.number,
            module=chooser,
            chooser=chooser,
            build=None,
            reason=_unchosen(package.name, chosen, instance_type),
            source=chosen.source,
        )
    build = fitting[0]
    return Software(
        package=package.name,
        version=chosen.number,
        module=f"{chooser}-{build.name}",
        chooser=chooser,
        build=build.name,
        reason=f"{chooser.replace('/', ' ')}, compiled {_hardware(build, in_force, instance_type)}",
        source=build.source,
        program=_program(in_force, package, chosen, build.name),
    )


def module_to_load(software: Software, modules: Path) -> str | None:
    """The module to load with what is installed: the build's own, or the one that chooses.

    A build that is not installed is left to the chooser, which takes the next best one.

    Args:
        modules: The folder of the module files.

    Returns:
        None if there is no module file for it: what is on PATH is used then.
    """
    installed = software.build is None or os.access(software.program, os.X_OK)
    files = (software.module, software.chooser) if installed else (software.chooser,)
    return next((name for name in files if (modules / name).is_file()), None)


def has_python(module: str, catalogue: Catalogue | None = None) -> bool | None:
    """Whether a module's build has RELION's Python; None for a module that is not our own.

    Args:
        module: For example "relion/5.0.1" or "relion/4.0.1-sm86".
        catalogue: Default: the one in force.
    """
    package_name, _, rest = module.partition("/")
    in_force = catalogue or catalogue_in_force()
    package = in_force.packages.get(package_name)
    if package is None:
        return None
    version = next(
        (
            one
            for number, one in package.versions.items()
            if rest == number or rest in {f"{number}-{build}" for build in one.builds}
        ),
        None,
    )
    # What a machine has already was not looked into.
    return None if version is None or version.how == "system" else bool(version.python)


def catalogue_in_force(environment: Mapping[str, str] | None = None) -> Catalogue:
    """The catalogue that the environment names, else the one that this package brings.

    Raises:
        InputError: if it cannot be used; names every problem.
    """
    given = (os.environ if environment is None else environment).get(CATALOGUE_VARIABLE)
    return _read(Path(given) if given else PACKAGED)


def system_catalogue(
    versions: Mapping[str, tuple[str, str]], *, root: str = SOFTWARE_MOUNT
) -> Catalogue:
    """A catalogue of programs that a machine has already: no builds, no hardware.

    Args:
        versions: Package to its version and the folder above its `bin`, for example
            {"relion": ("3.1.3", "/usr")}. Packages are those of our own catalogue.
        root: Where the shared file system would be.

    Raises:
        InputError: if a package is not known.
    """
    ours = _read(PACKAGED)
    packages = {}
    for name, (number, prefix) in versions.items():
        package = ours.package(name)
        source = f"Found on this machine under {prefix}."
        packages[name] = Package(
            name=name,
            title=package.title,
            licence=package.licence,
            homepage=package.homepage,
            executables=_found(package, Path(prefix) / "bin"),
            version_command=package.version_command,
            default=number,
            versions={number: Version(number=number, how="system", prefix=prefix, source=source)},
        )
    return Catalogue(
        version=ours.version,
        read=ours.read,
        root=root,
        builds={},
        families={},
        packages=MappingProxyType(packages),
    )


@cache
def _read(path: Path) -> Catalogue:
    return load_catalogue(path)


def _found(package: Package, folder: Path) -> tuple[str, ...]:
    """The executables of a package that a folder has; its first one in any case."""
    first, *others = package.executables
    return (first, *(name for name in others if os.access(folder / name, os.X_OK)))


def _program(catalogue: Catalogue, package: Package, version: Version, build: str) -> str:
    return f"{catalogue.prefix(package.name, version, build)}/bin/{package.executables[0]}"


def _unchosen(package: str, version: Version, instance_type: str | None) -> str:
    name = f"{package} {version.number}"
    if not version.builds:
        return f"{name}, which has one build for all machines"
    if instance_type is None:
        return f"{name}, whose build the node chooses by its own hardware"
    family = instance_type.partition(".")[0]
    return (
        f"{name}, whose build the node chooses by its own hardware: the catalogue does not "
        f"know the family {family}"
    )


def _hardware(build: Build, catalogue: Catalogue, instance_type: str) -> str:
    family = catalogue.families[instance_type.partition(".")[0]]
    if build.cuda_arch:
        return f"for CUDA architecture {build.cuda_arch} ({family.gpu} of {family.name})"
    return f"for {build.target} ({family.cpu} processors of {family.name})"
