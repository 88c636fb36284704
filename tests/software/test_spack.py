"""Spack environments: one for each build, in the form that Spack takes."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import jsonschema  # type: ignore[import-untyped]  # ships no types
import pytest
import yaml

from gotocloud.errors import InputError
from gotocloud.software.catalogue import Catalogue
from gotocloud.software.in_force import PACKAGED, system_catalogue
from gotocloud.software.load import load_catalogue
from gotocloud.software.publishing.spack import environments, recipes
from tests.needs import need

OFFICIAL = "GOTOCLOUD_SPACK_SCHEMA"
"""Path of spack.json of the repository spack/schemas, which is not a part of this one."""

_TEXT = {"type": "string", "minLength": 1}

BY_HAND: dict[str, Any] = {
    "type": "object",
    "required": ["spack"],
    "additionalProperties": False,
    "properties": {
        "spack": {
            "type": "object",
            "required": ["specs", "view"],
            "additionalProperties": False,
            "properties": {
                "specs": {"type": "array", "minItems": 1, "items": _TEXT},
                "concretizer": {
                    "additionalProperties": False,
                    "properties": {"unify": {"type": "boolean"}},
                },
                "repos": {
                    "additionalProperties": {
                        "required": ["git", "tag"],
                        "additionalProperties": False,
                        "properties": {"git": _TEXT, "tag": _TEXT},
                    }
                },
                "packages": {
                    "additionalProperties": {
                        "additionalProperties": False,
                        "properties": {
                            "require": {"type": "array", "items": _TEXT},
                            "buildable": {"type": "boolean"},
                            "externals": {
                                "type": "array",
                                "items": {
                                    "required": ["spec", "prefix"],
                                    "additionalProperties": False,
                                    "properties": {"spec": _TEXT, "prefix": _TEXT},
                                },
                            },
                        },
                    }
                },
                "config": {
                    "additionalProperties": False,
                    "properties": {
                        "install_tree": {
                            "additionalProperties": False,
                            "properties": {"root": _TEXT},
                        }
                    },
                },
                "view": {
                    "additionalProperties": {
                        "required": ["root"],
                        "additionalProperties": False,
                        "properties": {
                            "root": _TEXT,
                            "link": {"enum": ["roots", "all", "run"]},
                            "link_type": {"enum": ["symlink", "hardlink", "copy"]},
                        },
                    }
                },
            },
        }
    },
}
"""The part of Spack's schema of an environment that is used, written by hand."""


@pytest.fixture(name="ours")
def the_packaged_catalogue() -> Catalogue:
    return load_catalogue(PACKAGED)


def test_there_is_an_environment_for_every_build_and_for_nothing_else(ours: Catalogue) -> None:
    expected = {
        f"{package.name}-{version.number}" + (f"-{build}" if build else "")
        for package in ours.packages.values()
        for version in package.versions.values()
        if version.how == "spack"
        for build in version.builds or ("",)
    }
    assert set(environments(ours)) == expected
    assert len(expected) == 22


def test_environments_have_the_form_that_spack_takes(ours: Catalogue) -> None:
    for text in environments(ours).values():
        jsonschema.validate(yaml.safe_load(text), BY_HAND)


def test_environments_fit_spack_s_own_schema(ours: Catalogue) -> None:
    given = os.environ.get(OFFICIAL, "")
    if not given:
        pytest.skip(f"{OFFICIAL} does not name spack.json of spack/schemas")
    need(Path(given).is_file(), "Spack's schema", f"set {OFFICIAL} to spack.json of spack/schemas")
    schema = json.loads(Path(given).read_text())
    for text in environments(ours).values():
        jsonschema.validate(yaml.safe_load(text), schema)


def test_a_build_is_requested_with_its_hardware_compiler_and_mpi(ours: Catalogue) -> None:
    made = environments(ours)
    specs = {name: yaml.safe_load(text)["spack"]["specs"] for name, text in made.items()}
    assert specs["relion-5.0.1-sm86"] == [
        "relion@5.0.1 +cuda +python cuda_arch=86 target=x86_64_v3 %gcc@12 "
        "^openmpi@4.1.7 ^cuda@12.3.2"
    ]
    assert specs["relion-3.1.4-avx512"] == [
        "relion@3.1.4 ~cuda +altcpu target=x86_64_v4 %gcc@11 ^openmpi@4.1.7"
    ]


def test_each_build_goes_where_its_module_looks(ours: Catalogue) -> None:
    for name, text in environments(replace(ours, root="/shared")).items():
        package, number, *build = name.split("-")
        wanted = "/".join(("/shared/software", package, number, *build))
        assert yaml.safe_load(text)["spack"]["view"]["default"]["root"] == wanted


def test_each_names_its_sources_and_the_licence(ours: Catalogue) -> None:
    for text in environments(ours).values():
        assert "# Source: " in text
        assert "# Licence of the program: " in text
        assert f"read on {ours.read}" in text


def test_cuda_fits_each_architecture_the_compiler_and_relion_s_python(
    ours: Catalogue,
) -> None:
    """Limits as in the `cuda` build system of Spack at the tag of the catalogue."""
    oldest = {75: (10, 0), 80: (11, 0), 86: (11, 1), 89: (11, 8), 90: (12, 0)}
    oldest |= {120: (12, 8)}
    oldest_for_gcc = {"gcc@11": (11, 4), "gcc@12": (11, 9)}
    newest_for_torch_2_0 = (12, 3)
    for package in ours.packages.values():
        for version in package.versions.values():
            for build in (ours.builds[name] for name in version.builds):
                if build.cuda_arch is None:
                    continue
                spec = version.spec_of(build)
                cuda = tuple(map(int, spec.partition("^cuda@")[2].split(".")[:2]))
                assert ours.spack
                compiler = version.compiler or ours.spack.compiler
                assert oldest[build.cuda_arch] <= cuda, (version.number, build.name)
                assert oldest_for_gcc[compiler] <= cuda, version.number
                assert "+python" not in spec or cuda <= newest_for_torch_2_0


def test_what_spack_cannot_build_has_a_recipe_that_states_where(ours: Catalogue) -> None:
    made = recipes(ours)
    assert set(made) == {"cryolo/1.9.9", "chimerax/1.11.1"}
    for name, steps in made.items():
        assert any(f"/efs/software/{name}" in step for step in steps), name


def test_one_package_only(ours: Catalogue) -> None:
    assert list(environments(ours, "ctffind")) == ["ctffind-4.1.14"]
    assert environments(ours, "chimerax") == {}
    with pytest.raises(InputError, match=r"No software named 'relon'.*Did you mean 'relion'"):
        environments(ours, "relon")


def test_a_machine_s_own_programs_are_not_built() -> None:
    assert environments(system_catalogue({"relion": ("3.1.3", "/usr")})) == {}
