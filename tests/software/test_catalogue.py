"""Which software serves which job on which hardware, and what a catalogue may say."""

from __future__ import annotations

import gzip
import json
import subprocess
import sys
from dataclasses import replace
from importlib.resources import files
from pathlib import Path

import pytest
import yaml

from gotocloud.cluster_configs.instances import instance_types
from gotocloud.cluster_configs.model import JOB_TYPES
from gotocloud.errors import InputError
from gotocloud.software.catalogue import Catalogue
from gotocloud.software.in_force import (
    CATALOGUE_VARIABLE,
    PACKAGED,
    catalogue_in_force,
    executable_for,
    module_to_load,
    system_catalogue,
)
from gotocloud.software.load import dump_catalogue, load_catalogue, parse_catalogue


@pytest.fixture(name="ours")
def the_packaged_catalogue() -> Catalogue:
    return load_catalogue(PACKAGED)


@pytest.mark.parametrize(
    ("instance_type", "module"),
    [
        ("g4dn.metal", "relion/5.0.1-sm75"),
        ("g5.12xlarge", "relion/5.0.1-sm86"),
        ("g6.48xlarge", "relion/5.0.1-sm89"),
        ("p4d.24xlarge", "relion/5.0.1-sm80"),
        ("p5.48xlarge", "relion/5.0.1-sm90"),
        ("p5.4xlarge", "relion/5.0.1-sm90"),
        ("g6e.12xlarge", "relion/5.0.1-sm89"),
        ("g7.12xlarge", "relion/5.0.1-sm120"),
        ("g7e.12xlarge", "relion/5.0.1-sm120"),
        ("m8i.48xlarge", "relion/5.0.1-avx512"),
        ("c6i.32xlarge", "relion/5.0.1-avx512"),
        ("m5.xlarge", "relion/5.0.1-avx512"),
        ("c6a.48xlarge", "relion/5.0.1-avx2"),
        ("x9.large", "relion/5.0.1"),
        (None, "relion/5.0.1"),
    ],
)
def test_each_hardware_gets_the_build_made_for_it(
    ours: Catalogue, instance_type: str | None, module: str
) -> None:
    found = executable_for("refine3d", instance_type, catalogue=ours)
    assert (found.module, found.chooser, found.version) == (module, "relion/5.0.1", "5.0.1")
    assert found.build == (module.partition("-")[2] or None)
    assert len(found.source) > 10


def test_a_version_without_a_build_for_a_gpu_gives_the_newest_that_this_gpu_can_run(
    ours: Catalogue,
) -> None:
    for instance_type in ("g6.48xlarge", "p5.48xlarge"):
        found = executable_for("class3d", instance_type, version="3.1.4", catalogue=ours)
        assert found.module == "relion/3.1.4-sm86"


def test_the_reason_names_the_hardware(ours: Catalogue) -> None:
    known = executable_for("class2d", "g5.12xlarge", catalogue=ours)
    assert known.reason == "relion 5.0.1, compiled for CUDA architecture 86 (A10G of g5)"
    unknown = executable_for("class2d", "x9.large", catalogue=ours)
    assert "does not know the family x9" in unknown.reason


def test_a_job_type_may_have_a_version_of_its_own(ours: Catalogue) -> None:
    special = replace(ours, job_types={"polish": ("relion", "4.0.1")})
    assert executable_for("polish", "c6i.32xlarge", catalogue=special).version == "4.0.1"
    assert executable_for("refine3d", "c6i.32xlarge", catalogue=special).version == "5.0.1"


def test_a_version_that_is_not_there_is_refused_with_those_that_are(ours: Catalogue) -> None:
    with pytest.raises(InputError, match=r"No relion version named '5\.0'.*3\.1\.4, 4\.0\.1"):
        executable_for("refine3d", "g5.12xlarge", version="5.0", catalogue=ours)


def test_every_machine_that_a_configuration_may_use_has_a_build(ours: Catalogue) -> None:
    for name in instance_types():
        for job_type in JOB_TYPES:
            assert executable_for(job_type, name, catalogue=ours).build, name


def test_gpus_and_makers_of_processors_are_those_that_ec2_names(ours: Catalogue) -> None:
    data = gzip.decompress((files("moto.ec2") / "resources/instance_types.json.gz").read_bytes())
    by_family: dict[str, dict[str, set[str]]] = {}
    for name, each in json.loads(data).items():
        facts = by_family.setdefault(name.partition(".")[0], {"gpu": set(), "cpu": set()})
        facts["cpu"].add(each["ProcessorInfo"].get("Manufacturer", ""))
        facts["gpu"] |= {gpu["Name"] for gpu in each.get("GpuInfo", {}).get("Gpus", [])}
    for family in ours.families.values():
        if family.gpu:
            assert by_family[family.name]["gpu"] == {family.gpu}, family
        else:
            assert by_family[family.name] == {"gpu": set(), "cpu": {family.cpu}}, family


def test_only_families_with_gpus_get_builds_with_cuda(ours: Catalogue) -> None:
    for family in ours.families.values():
        assert bool(ours.builds[family.build].cuda_arch) == bool(family.gpu), family


def test_the_default_is_the_newest_version(ours: Catalogue) -> None:
    for package in ours.packages.values():
        newest = max(package.versions, key=lambda number: [int(x) for x in number.split(".")])
        assert package.default == newest, package.name


def test_what_is_written_reads_back_the_same(ours: Catalogue) -> None:
    assert parse_catalogue(dump_catalogue(ours)) == ours
    system = system_catalogue({"relion": ("3.1.3", "/usr")})
    assert parse_catalogue(dump_catalogue(system)) == system


def test_a_machine_s_own_program_has_one_module_for_all_hardware() -> None:
    system = system_catalogue({"relion": ("3.1.3", "/usr")})
    found = executable_for("refine3d", "g5.12xlarge", catalogue=system)
    assert (found.module, found.build) == ("relion/3.1.3", None)
    assert "one build for all machines" in found.reason


def test_the_environment_may_name_another_catalogue(tmp_path: Path) -> None:
    path = tmp_path / "catalogue.yaml"
    path.write_text(dump_catalogue(system_catalogue({"relion": ("3.1.3", "/usr")})))
    assert catalogue_in_force({CATALOGUE_VARIABLE: str(path)}).packages["relion"].default == "3.1.3"
    assert catalogue_in_force({}).packages["relion"].default == "5.0.1"
    with pytest.raises(InputError, match="There is no catalogue"):
        catalogue_in_force({CATALOGUE_VARIABLE: str(tmp_path / "gone.yaml")})


def test_a_build_that_is_not_installed_is_left_to_the_chooser(
    ours: Catalogue, tmp_path: Path
) -> None:
    here = replace(ours, root=str(tmp_path))
    modules = tmp_path / "modulefiles"
    wanted = executable_for("refine3d", "g5.12xlarge", catalogue=here)
    assert module_to_load(wanted, modules) is None
    (modules / "relion").mkdir(parents=True)
    for name in (wanted.module, wanted.chooser):
        (modules / name).write_text("")
    assert module_to_load(wanted, modules) == "relion/5.0.1"
    program = Path(wanted.program)
    program.parent.mkdir(parents=True)
    program.write_text("")
    program.chmod(0o755)
    assert module_to_load(wanted, modules) == "relion/5.0.1-sm86"


def test_a_broken_catalogue_is_refused_with_every_problem_at_once() -> None:
    data = yaml.safe_load(PACKAGED.read_text())
    data["root"] = "efs"
    data["surplus"] = 1
    data["families"]["g5"]["build"] = "sm87"
    data["builds"]["sm75"]["source"] = "?"
    data["builds"]["avx2"]["cuda_arch"] = 50
    data["packages"]["relion"]["default"] = "6"
    del data["packages"]["relion"]["versions"]["4.0.1"]["cpu_spec"]
    data["packages"]["topaz"]["versions"]["0.3.18"]["how"] = "magic"
    data["packages"]["cryolo"]["versions"]["1.9.9"]["steps"] = []
    data["packages"]["chimerax"]["licence"] = None
    del data["packages"]["chimerax"]["licence"]
    data["job_types"] = {"polish": {"package": "motioncor2"}}
    with pytest.raises(InputError) as caught:
        parse_catalogue(yaml.safe_dump(data), "mine.yaml")
    told = str(caught.value)
    for words in (
        "mine.yaml has 15 problems",
        "'efs' is not an absolute path",
        "'surplus' is not known",
        "families/g5: no build 'sm87'",
        "builds/sm75: source must state",
        "builds/avx2: needs either cuda_arch or cpu_flag",
        "default '6' is no version of it",
        "relion/4.0.1: cpu_spec is missing, which avx512 needs",
        "how is 'magic'; allowed: spack, recipe, system",
        "cryolo/1.9.9: steps are missing",
        "packages/chimerax: licence is missing",
        "job_types/polish: no package 'motioncor2'",
    ):
        assert words in told, words


@pytest.mark.parametrize(
    "text", ["", "[]", "version: 2", "version: 1", "a: b: c", "version: 1\nbuilds: 3"]
)
def test_nonsense_is_refused_in_words(text: str) -> None:
    with pytest.raises(InputError):
        parse_catalogue(text)


def test_looking_up_a_module_loads_no_heavy_library() -> None:
    code = (
        "import sys; from gotocloud.software.in_force import executable_for; "
        "executable_for('refine3d', 'g5.12xlarge'); "
        "print(sorted({'pydantic', 'boto3', 'rich', 'typer', 'subprocess'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
