"""The bill of materials lists every locked package with hashes and an allowed licence."""

from __future__ import annotations

import json
import re
from importlib.resources import files
from typing import Any

import pytest
from jsonschema import Draft7Validator  # type: ignore[import-untyped]  # ships no types
from packaging.utils import canonicalize_name
from referencing import Registry, Resource

from bill_of_materials.__main__ import bill, licences
from bill_of_materials.components import (
    ENVIRONMENTS,
    Component,
    npm_packages,
    python_packages,
    tools,
)
from bill_of_materials.licences import expression_of, refused
from tests.needs import ROOT, need

LOCK = "requirements.txt"


@pytest.fixture(scope="module")
def packages() -> list[Component]:
    environment = ROOT / ENVIRONMENTS[LOCK]
    need(environment.is_dir(), f"the packages in {environment.name}", "make env")
    return [*python_packages(LOCK, environment)]


def hashes(component: Component) -> set[str]:
    distributions = [
        one for one in component["externalReferences"] if one["type"] == "distribution"
    ]
    return {one["content"] for place in distributions for one in place["hashes"]}


def test_each_locked_package_is_there_with_its_hashes(packages: list[Component]) -> None:
    text = (ROOT / LOCK).read_text()
    locked = {}
    for entry in re.split(r"^(?=\S)", text, flags=re.MULTILINE):
        if found := re.match(r"([\w.-]+)(?:\[[^]]*\])?==([^\s;]+)", entry):
            locked[canonicalize_name(found[1]), found[2]] = set(
                re.findall(r"sha256:([0-9a-f]{64})", entry)
            )
    assert len(locked) > 100
    listed = {(canonicalize_name(one["name"]), one["version"]): hashes(one) for one in packages}
    assert listed == locked


def test_each_lock_file_of_the_repository_is_read() -> None:
    assert sorted(ENVIRONMENTS) == sorted(path.name for path in ROOT.glob("requirements*.txt"))


def test_npm_packages_have_the_hashes_of_their_lock_file() -> None:
    found = {one["name"]: one for one in npm_packages()}
    assert "aws-cdk" in found
    assert all(len(one["hashes"][0]["content"]) == 128 for one in found.values())
    assert {one["hashes"][0]["alg"] for one in found.values()} == {"SHA-512"}


def test_the_bill_is_cyclonedx(packages: list[Component]) -> None:
    document = bill([*packages, *npm_packages(), *tools()])
    assert problems(document) == []
    wrong = {**document, "components": [{"name": "without a type"}]}
    assert problems(wrong)


def problems(document: dict[str, Any]) -> list[str]:
    folder = files("cyclonedx.schema") / "_res"
    names = ("bom-1.6", "jsf-0.82", "spdx")
    schemas = {
        name: json.loads((folder / f"{name}.SNAPSHOT.schema.json").read_text()) for name in names
    }
    registry = Registry().with_resources(
        (one["$id"], Resource.from_contents(one)) for one in schemas.values()
    )
    validator = Draft7Validator(schemas["bom-1.6"], registry=registry)
    return [error.message for error in validator.iter_errors(document)]


def test_a_package_of_two_lock_files_is_listed_once_and_names_both(
    packages: list[Component],
) -> None:
    first = packages[0]
    other = {**first, "properties": [{"name": "gotocloud:pinned-in", "value": "other.txt"}]}
    (one,) = bill([first, other])["components"]
    assert [place["value"] for place in one["properties"]] == [LOCK, "other.txt"]


def test_each_licence_is_allowed(packages: list[Component]) -> None:
    assert refused(licences([*packages, *npm_packages(), *tools()])) == []


@pytest.mark.parametrize(
    ("expression", "said"),
    [
        ("GPL-3.0-only", "not allowed"),
        ("AGPL-3.0-or-later", "not allowed"),
        ("MIT AND GPL-3.0-only", "not allowed"),
        ("As is, but ask first", "not allowed"),
        ("", "no licence"),
    ],
)
def test_another_licence_is_refused(expression: str, said: str) -> None:
    (problem,) = refused({"new-package": expression})
    assert said in problem


@pytest.mark.parametrize("expression", ["MIT", "MIT OR GPL-3.0-only", "Apache-2.0 AND MIT"])
def test_a_licence_with_a_choice_that_is_allowed_is_not_refused(expression: str) -> None:
    assert refused({"new-package": expression}) == []


@pytest.mark.parametrize(
    ("given", "expression"),
    [
        ([{"license": {"id": "MIT"}}], "MIT"),
        ([{"expression": "MIT OR ISC"}], "MIT OR ISC"),
        (
            [
                {"license": {"id": "ISC"}},
                {"license": {"name": "License :: OSI Approved :: BSD License"}},
            ],
            "ISC",
        ),
        ([{"license": {"name": "License :: OSI Approved :: BSD License"}}], "BSD-3-Clause"),
        ([{"license": {"name": "License :: Other"}}], "License :: Other"),
        ([], ""),
    ],
)
def test_the_licence_is_read_in_all_its_forms(given: list[Any], expression: str) -> None:
    assert expression_of("some-package", {"licenses": given}) == expression
