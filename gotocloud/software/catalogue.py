"""What a catalogue of software holds: programs, their versions, and builds by hardware."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from gotocloud.errors import unknown_name


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
        specs: Spack specs of builds that need another one than their kind, by build.
        spec: Spack spec of a version with one build, whole.
        python: Version of the Python inside the builds; empty if there is none.
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
    specs: Mapping[str, str] = field(default_factory=dict)
    spec: str = ""
    python: str = ""
    compiler: str = ""
    prefix: str = ""
    steps: tuple[str, ...] = ()
    note: str = ""

    def spec_of(self, build: Build) -> str:
        """Spack spec of a build, without architecture and target; empty if there is none."""
        kind = self.gpu_spec if build.cuda_arch else self.cpu_spec
        return self.specs.get(build.name, kind)


@dataclass(frozen=True, kw_only=True)
class Package:
    """A program with its versions.

    Args:
        name: Name of its modules.
        title: What it is for, in a sentence.
        licence: Whose leave its use takes.
        homepage: Where it is described.
        executables: What must be there; the first one shows whether a build is installed.
        version_command: Prints the version; empty if no command does.
        finds: Variables by which it finds the executables of other packages.
        default: The version without a choice: the latest stable one.
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
        program: The executable whose presence shows that it is installed; empty
            where the build is chosen on the node.
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

    def _flags_with(self, build: Build) -> frozenset[str]:
        """What a processor can do for which a build is the best: its flag and the lesser ones."""
        names = list(self.builds)
        lesser = names[names.index(build.name) :] if build.cpu_flag else names
        plain = [self.builds[name] for name in lesser if self.builds[name].cpu_flag]
        same = [each for each in plain if build.cpu_flag or each.target == build.target]
        return frozenset(each.cpu_flag for each in same)
