"""Module files, loaded by Environment Modules itself."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from gotocloud.software.catalogue import Catalogue
from gotocloud.software.in_force import PACKAGED, system_catalogue
from gotocloud.software.load import load_catalogue
from gotocloud.software.modules import INSTANCE_TYPE_VARIABLE, module_files, tcl
from gotocloud.software.publishing.release import write_tree
from tests.needs import MODULES_INIT, need_modules, need_relion


@dataclass
class Machine:
    """A machine with a shared file system, some builds of RELION, and hardware of our choice."""

    folder: Path
    catalogue: Catalogue

    def hardware(self, *, flags: str = "sse avx2", gpus: Iterable[str] | None = None) -> None:
        (self.folder / "cpuinfo").write_text(f"processor : 0\nflags\t\t: fpu {flags} last\n")
        query = self.folder / "bin" / "nvidia-smi"
        query.parent.mkdir(exist_ok=True)
        if gpus is not None:
            lines = "\n".join(gpus)
            query.write_text(f"#!/bin/sh\necho a warning >&2\ncat <<'EOT'\n{lines}\nEOT\n")
            query.chmod(0o755)

    def install(self, *builds: str, version: str = "5.0.1") -> None:
        relion = self.catalogue.packages["relion"]
        for build in builds:
            place = Path(self.catalogue.prefix("relion", relion.version(version), build)) / "bin"
            place.mkdir(parents=True)
            for name in relion.executables:
                (place / name).write_text(f"#!/bin/sh\necho {version} {build}\n")
                (place / name).chmod(0o755)

    def shell(
        self, script: str, environment: Mapping[str, str] | None = None
    ) -> tuple[int, str, str]:
        done = subprocess.run(
            ["bash", "-c", f". {MODULES_INIT}; module use '{self.folder}/modulefiles'; {script}"],
            env={
                "PATH": f"{self.folder}/bin:/usr/bin:/bin",
                "HOME": str(self.folder),
                **(environment or {}),
            },
            capture_output=True,
            text=True,
            check=False,
        )
        return done.returncode, done.stdout, done.stderr


@pytest.fixture(name="machine")
def a_machine(tmp_path: Path) -> Machine:
    """Its shared file system has a blank in its path: nothing may depend on there being none."""
    need_modules()
    root = tmp_path / "shared files"
    catalogue = replace(load_catalogue(PACKAGED), root=str(root))
    write_tree(tmp_path / "modulefiles", catalogue, cpuinfo=str(tmp_path / "cpuinfo"))
    machine = Machine(tmp_path, catalogue)
    machine.hardware()
    return machine


@pytest.mark.parametrize(
    ("instance_type", "build"),
    [
        ("g4dn.metal", "sm75"),
        ("g5.12xlarge", "sm86"),
        ("g6.48xlarge", "sm89"),
        ("p4d.24xlarge", "sm80"),
        ("p5.48xlarge", "sm90"),
        ("g7e.48xlarge", "sm120"),
        ("c8i.48xlarge", "avx512"),
        ("hpc7a.96xlarge", "avx512"),
        ("c7i.48xlarge", "avx512"),
        ("c6a.48xlarge", "avx2"),
    ],
)
def test_the_instance_type_chooses_the_build(
    machine: Machine, instance_type: str, build: str
) -> None:
    machine.install("sm75", "sm80", "sm86", "sm89", "sm90", "sm120", "avx512", "avx2")
    told = {INSTANCE_TYPE_VARIABLE: instance_type}
    script = 'module load relion && relion_refine && echo "$GOTOCLOUD_RELION_BUILD"'
    assert machine.shell(script, told) == (0, f"5.0.1 {build}\n{build}\n", "")


@pytest.mark.parametrize(
    ("gpus", "flags", "build"),
    [
        (["8.6", "8.6"], "avx2", "sm86"),
        (["8.9", "7.5"], "avx2", "sm75"),
        (["10.0"], "avx2 avx512f", "sm90"),
        (["12.0"], "avx2 avx512f", "sm120"),
        (["No devices were found"], "avx2 avx512f", "avx512"),
        (None, "avx2 avx512f", "avx512"),
        (None, "avx2", "avx2"),
    ],
)
def test_without_an_instance_type_the_hardware_itself_chooses(
    machine: Machine, gpus: list[str] | None, flags: str, build: str
) -> None:
    machine.install("sm75", "sm86", "sm89", "sm90", "sm120", "avx512", "avx2")
    machine.hardware(flags=flags, gpus=gpus)
    assert machine.shell("module load relion/5.0.1 && relion") == (0, f"5.0.1 {build}\n", "")


def test_a_build_that_is_not_installed_gives_way_to_the_next_best_with_a_word(
    machine: Machine,
) -> None:
    machine.install("sm75", "avx2")
    told = {INSTANCE_TYPE_VARIABLE: "g6.48xlarge"}
    status, out, err = machine.shell("module load relion && relion", told)
    assert (status, out) == (0, "5.0.1 sm75\n")
    assert "the build sm89, which suits this machine best, is not installed; sm75 is used" in err


def test_a_gpu_never_gets_a_build_for_a_newer_one(machine: Machine) -> None:
    machine.install("sm90")
    status, out, err = machine.shell(
        "module load relion && relion", {INSTANCE_TYPE_VARIABLE: "g4dn.metal"}
    )
    assert (status, out) == (1, "")
    assert "It could run: sm75, avx2. Installed: sm90. Next: gotocloud software check" in err


def test_a_build_may_be_requested_by_name(machine: Machine) -> None:
    machine.install("sm75", "sm86")
    status, out, _ = machine.shell("module load relion/5.0.1-sm75 && relion && module list -t 2>&1")
    assert (status, "5.0.1 sm75" in out, "relion/5.0.1-sm75" in out) == (0, True, True)
    status, out, err = machine.shell("module load relion/5.0.1-sm89")
    assert (status, out) == (1, "")
    assert "relion/5.0.1-sm89 is not installed: there is no " in err


def test_a_build_that_would_crash_on_the_processor_is_refused(machine: Machine) -> None:
    machine.install("avx512", "avx2")
    status, _, err = machine.shell("module load relion/5.0.1-avx512")
    assert status == 1
    assert "needs a processor with avx512f, which this machine has not. Next: module load" in err
    machine.hardware(flags="avx2 avx512f")
    assert machine.shell("module load relion/5.0.1-avx512 && relion")[1] == "5.0.1 avx512\n"


def test_unloading_leaves_nothing_behind(machine: Machine) -> None:
    machine.install("sm86")
    mine = "env | sort | grep -vE '^(_|__MODULES_|LOADEDMODULES|_LMFILES_)'"
    script = (
        f"before=$({mine}); module load relion; module unload relion; "
        f'diff <(echo "$before") <({mine})'
    )
    assert machine.shell(script, {INSTANCE_TYPE_VARIABLE: "g5.xlarge"}) == (0, "", "")


def test_what_a_job_inherits_from_the_desktop_can_be_replaced(machine: Machine) -> None:
    machine.install("sm86", "avx2")
    script = (
        "module load relion; relion; export GOTOCLOUD_INSTANCE_TYPE=g5.xlarge; "
        f"bash -c '. {MODULES_INIT}; module unload relion; module load relion/5.0.1-sm86; relion'"
    )
    assert machine.shell(script)[1] == "5.0.1 avx2\n5.0.1 sm86\n"


def test_two_versions_are_not_loaded_at_once(machine: Machine) -> None:
    machine.install("avx2")
    machine.install("avx2", version="4.0.1")
    status, out, err = machine.shell("module load relion/4.0.1; module load relion; relion")
    assert (status, out) == (0, "4.0.1 avx2\n")
    assert "Conflicting relion is loaded" in err


def test_relion_finds_ctffind_where_it_is_installed(machine: Machine) -> None:
    machine.install("avx2")
    script = 'module load relion; echo "${RELION_CTFFIND_EXECUTABLE:-none}"'
    assert machine.shell(script)[1] == "none\n"
    program = Path(machine.catalogue.root) / "software/ctffind/4.1.14/bin/ctffind"
    program.parent.mkdir(parents=True)
    program.write_text("")
    program.chmod(0o755)
    assert machine.shell(script)[1] == f"{program}\n"


@pytest.mark.parametrize("build", ["sm86", "avx2"])
def test_every_build_brings_relion_s_python_and_its_weights(machine: Machine, build: str) -> None:
    machine.install("sm86", "avx2")
    script = f'module load relion/5.0.1-{build}; echo "$PYTHONPATH|$TORCH_HOME"'
    modules, weights = machine.shell(script)[1].strip().split("|")
    assert modules.endswith(f"/relion/5.0.1/{build}/lib/python3.10/site-packages")
    assert weights.endswith(f"/relion/5.0.1/{build}/share/torch")


def test_versions_without_relion_s_python_set_no_weights(machine: Machine) -> None:
    machine.install("avx2")
    script = 'module load relion/4.0.1-avx2; echo "${PYTHONPATH:-none} ${TORCH_HOME:-none}"'
    assert machine.shell(script)[1] == "none none\n"


def test_every_module_file_can_be_shown_and_described(machine: Machine) -> None:
    names = [name for name in module_files(machine.catalogue) if not name.endswith(".modulerc")]
    status, _, err = machine.shell(f"module whatis {' '.join(names)}")
    assert (status, err.count("Licence")) == (0, len(names))
    status, _, err = machine.shell(f"module show {' '.join(names)}")
    assert (status, "ERROR" in err) == (0, False)


def test_the_default_version_is_marked(machine: Machine) -> None:
    _, _, err = machine.shell("module avail -t -d relion")
    assert "relion/5.0.1(default)" in err


def test_a_rehearsal_loads_the_relion_of_the_machine_itself(tmp_path: Path) -> None:
    need_modules()
    program = tmp_path / "usr" / "bin" / "relion_refine"
    program.parent.mkdir(parents=True)
    program.write_text("#!/bin/sh\necho this machine\n")
    program.chmod(0o755)
    system = system_catalogue({"relion": ("3.1.3", str(tmp_path / "usr"))})
    write_tree(tmp_path / "modulefiles", system)
    machine = Machine(tmp_path, system)
    assert machine.shell("module load relion/3.1.3 && relion_refine") == (0, "this machine\n", "")


def test_programs_of_the_machine_leave_path_as_it_is(tmp_path: Path) -> None:
    """What stands before them on PATH, such as a rehearsal's own mpirun, still hides them."""
    need_modules()
    need_relion()
    write_tree(tmp_path / "modulefiles", system_catalogue({"relion": ("3.1.3", "/usr")}))
    machine = Machine(tmp_path, system_catalogue({"relion": ("3.1.3", "/usr")}))
    script = 'before=$PATH; module load relion && [ "$PATH" = "$before" ] && module unload relion'
    assert machine.shell(f'{script} && [ "$PATH" = "$before" ]') == (0, "", "")


@pytest.mark.parametrize(
    "value",
    ["plain", "two words", "a{b", "a}b", '$HOME [exit] "q"', "back\\slash", "a\nb", "a;b", ""],
)
def test_any_value_reaches_tcl_as_it_is(value: str) -> None:
    need_modules()
    script = f"puts -nonewline {tcl(value)}"
    done = subprocess.run(
        ["tclsh"], input=script, capture_output=True, text=True, check=True, env=dict(os.environ)
    )
    assert done.stdout == value
