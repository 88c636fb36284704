"""Which executable, module and version serves which job type on which hardware.

Looking something up imports no library but the YAML reader, since every `gotocloud submit` does.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from types import MappingProxyType

from gotocloud.errors import unknown_name

CATALOGUE_VARIABLE = "GOTOCLOUD_SOFTWARE_CATALOGUE"
"""Names another catalogue than the one that this package brings."""

PACKAGED = Path(__file__).parent / "catalogue.yaml"


@dataclass(frozen=True, kw_only=True)
class Build:
    """One way of compiling a program.

    Args:
        name: Ends the module's name, for example "sm86" or "avx512".
        target: Spack's name of the instruction set.
        cuda_arch: CUDA architecture; None for a build without CUDA.
        cpu_flag: What /proc/cpuinfo must list; empty for a build with CUDA.
        source: Where that comes from.
    """

    name: str
    target: str
    cuda_arch: int | None = None
    cpu_flag: str = ""
    source: str = ""


@dataclass(frozen=True, kw_only=True)
class Family:
    """An instance family: its build, and the GPU or the maker of its processor."""

    name: str
    build: str
    gpu: str = ""
    cpu: str = ""


@dataclass(frozen=True, kw_only=True)
class Version:
    """One version of a program.

    Args:
        number: Its number.
        how: How it gets there: "spack", "recipe" (by hand) or "system" (it is there already).
        builds: Its builds by hardware. Default: one for all.
        gpu_spec: Spack spec of the builds with CUDA; architecture and target are added.
        cpu_spec: Spack spec of those without; the target is added.
        spec: Spack spec of a version with one build, whole.
        gpu_python: Version of the Python inside the builds with CUDA; empty if there is none.
        compiler: Compiler, where it differs from the catalogue's.
        prefix: Where it is installed. Default: by package, version and build under the root.
        steps: What to type, when it is made by hand; "{prefix}" is where it belongs.
        note: What one must know.
        source: Where version and steps come from, with the day.
    """

    number: str
    how: str
    source: str
    builds: tuple[str, ...] = ()
    gpu_spec: str = ""
    cpu_spec: str = ""
    spec: str = ""
    gpu_python: str = ""
    compiler: str = ""
    prefix: str = ""
    steps: tuple[str, ...] = ()
    note: str = ""


@dataclass(frozen=True, kw_only=True)
class Package:
    """A program with its versions.

    Args:
        name: Name of its modules.
        title: What it is for, in a sentence.
        licence: Whose leave its use takes.
        homepage: Where it is described.
        executables: What must be there; the first one tells whether a build is.
        version_command: What tells the version; empty if nothing does.
        finds: Variables by which it finds the executables of other packages.
        default: The version that one gets without asking: the latest stable one.
        versions: All of them by number.
    """

    name: str
    title: str
    licence: str
    homepage: str
    executables: tuple[str, ...]
    default: str
    versions: Mapping[str, Version]
    version_command: tuple[str, ...] = ()
    finds: Mapping[str, str] = field(default_factory=dict)

    def version(self, number: str | None = None) -> Version:
        """A version. Default: the default one.

        Raises:
            InputError: if there is none of that number.
        """
        wanted = number or self.default
        if wanted not in self.versions:
            raise unknown_name(
                f"{self.name} version",
                wanted,
                tuple(self.versions),
                next_command="gotocloud software list",
            )
        return self.versions[wanted]


@dataclass(frozen=True, kw_only=True)
class Mpi:
    """The MPI that all builds use, which nodes bring along."""

    name: str
    version: str
    prefix: str
    source: str


@dataclass(frozen=True, kw_only=True)
class Spack:
    """What Spack builds from: a tag of its package repository, and a compiler."""

    packages: str
    tag: str
    compiler: str
    source: str


@dataclass(frozen=True, kw_only=True)
class Software:
    """What runs a job.

    Args:
        package: The program.
        version: Its version.
        module: The module to load, for example "relion/5.0.1-sm86".
        chooser: The module that chooses on the node itself: "relion/5.0.1".
        build: Name of the build; None where it is chosen on the node.
        program: The executable by whose presence one tells whether it is installed; empty
            where the build is chosen on the node.
        executable_suffix: Ends the names of the executables; empty, since every build has
            a folder of its own.
        reason: Why this one, in one sentence.
        source: Where that comes from.
    """

    package: str
    version: str
    module: str
    chooser: str
    build: str | None
    reason: str
    source: str
    program: str = ""
    executable_suffix: str = ""


@dataclass(frozen=True, kw_only=True)
class Catalogue:
    """Everything that a shared file system offers.

    Args:
        version: Version of the format.
        read: The day on which the sources were read.
        root: Where nodes see the shared file system.
        builds: By name, the best for a hardware before the next best.
        families: Instance families by name.
        packages: By name.
        job_types: Job types that another package or version runs: (package, version).
        mpi: The MPI of all builds; None where none is set up.
        spack: What Spack builds from; None where nothing is built.
    """

    version: int
    read: str
    root: str
    builds: Mapping[str, Build]
    families: Mapping[str, Family]
    packages: Mapping[str, Package]
    job_types: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    mpi: Mpi | None = None
    spack: Spack | None = None

    def package(self, name: str) -> Package:
        """A package by name.

        Raises:
            InputError: if there is none.
        """
        if name not in self.packages:
            raise unknown_name(
                "software", name, tuple(self.packages), next_command="gotocloud software list"
            )
        return self.packages[name]

    def prefix(self, package: str, version: Version, build: str | None) -> str:
        """Where a build is installed, as nodes see it."""
        if version.prefix:
            return version.prefix
        ending = f"/{build}" if build else ""
        return f"{self.root}/software/{package}/{version.number}{ending}"

    def choices(
        self, version: Version, *, cuda_arch: int | None, cpu_flags: frozenset[str]
    ) -> tuple[Build, ...]:
        """Builds of a version that run on a hardware, the best first.

        A GPU runs what was compiled for it or for an older one, which CUDA translates when
        the program starts.

        Args:
            cuda_arch: Compute capability of the GPU without the dot; None without a GPU.
            cpu_flags: What the processor can do.
        """
        mine = [self.builds[name] for name in version.builds]
        limit = cuda_arch or 0
        fitting = [build for build in mine if build.cuda_arch and build.cuda_arch <= limit]
        fitting.sort(key=lambda build: -(build.cuda_arch or 0))
        plain = [build for build in mine if build.cuda_arch is None and build.cpu_flag in cpu_flags]
        return (*fitting, *plain)

    def fitting(self, version: Version, family: str) -> tuple[Build, ...]:
        """Builds of a version that run on an instance family, the best first.

        Empty if the catalogue does not know the family.
        """
        if family not in self.families:
            return ()
        wanted = self.builds[self.families[family].build]
        return self.choices(version, cuda_arch=wanted.cuda_arch, cpu_flags=self._flags_with(wanted))

    def _flags_with(self, wanted: Build) -> frozenset[str]:
        """What a processor can do for which a build is the best: its flag and the lesser ones."""
        names = list(self.builds)
        lesser = names[names.index(wanted.name) :] if wanted.cpu_flag else names
        plain = [self.builds[name] for name in lesser if self.builds[name].cpu_flag]
        same = [each for each in plain if wanted.cpu_flag or each.target == wanted.target]
        return frozenset(each.cpu_flag for each in same)


def executable_for(
    job_type: str,
    instance_type: str | None = None,
    *,
    version: str | None = None,
    catalogue: Catalogue | None = None,
) -> Software:
    """What runs a job of a type on a machine.

    Args:
        job_type: Our job type, for example "refine3d"; one that nothing special is said
            about gets the default version of RELION.
        instance_type: EC2's name of the machine, for example "g5.12xlarge". Default, and for
            families that the catalogue does not know: the node chooses when the job starts.
        version: Another version than the default one.
        catalogue: Default: the one in force, see `catalogue_in_force`.

    Raises:
        InputError: if there is no such version.
    """
    known = catalogue or catalogue_in_force()
    package_name, usual = known.job_types.get(job_type, ("relion", ""))
    package = known.package(package_name)
    chosen = package.version(version or usual or None)
    chooser = f"{package.name}/{chosen.number}"
    fitting = known.fitting(chosen, instance_type.partition(".")[0]) if instance_type else ()
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
        reason=f"{chooser.replace('/', ' ')}, compiled {_hardware(build, known, instance_type)}",
        source=build.source,
        program=_program(known, package, chosen, build.name),
    )


def module_to_load(software: Software, modules: Path) -> str | None:
    """The module to load as things are installed: the build's own, or the one that chooses.

    A build that is not installed is left to the chooser, which takes the next best one.

    Args:
        modules: The folder of the module files.

    Returns:
        None if there is no module file for it: what is on PATH is used then.
    """
    installed = software.build is None or os.access(software.program, os.X_OK)
    known = (software.module, software.chooser) if installed else (software.chooser,)
    return next((name for name in known if (modules / name).is_file()), None)


def catalogue_in_force(environment: Mapping[str, str] | None = None) -> Catalogue:
    """The catalogue that the environment names, else the one that this package brings.

    Raises:
        InputError: if it cannot be used; names every problem.
    """
    given = (os.environ if environment is None else environment).get(CATALOGUE_VARIABLE)
    return _read(Path(given) if given else PACKAGED)


def system_catalogue(versions: Mapping[str, tuple[str, str]], *, root: str = "/efs") -> Catalogue:
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
    from gotocloud.software.load import load_catalogue

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
