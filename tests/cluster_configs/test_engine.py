"""ParallelCluster's version as a value: held against ParallelCluster itself, and passed along."""

from __future__ import annotations

import ast
import dataclasses
import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from gotocloud.cluster_configs.engine import (
    DEFAULT_VERSION,
    ENGINES,
    SUPPORT_WARNING,
    Engine,
    EngineState,
    engine_of,
)
from gotocloud.cluster_configs.model import load_configuration
from gotocloud.cluster_configs.renderer import render
from gotocloud.errors import GoToCloudError, InputError
from gotocloud.platform.model import Platform
from gotocloud.rehearsal import judge as judging
from gotocloud.rehearsal.extension.images import parallelcluster_images
from gotocloud.rehearsal.judge import PYTHON_VARIABLE, judge, pcluster_python
from tests.cluster_configs.sites import SITE
from tests.needs import ROOT, need_parallelcluster

OTHER = dataclasses.replace(
    engine_of(),
    version="9.8.7",
    image_name_parts={"ubuntu2404": "ubuntu-2404-lts-hvm"},
    max_queues=60,
)
"""A ParallelCluster that does not exist, so that nothing can know it but by being given it."""

PLATFORM = {
    "name": "lab",
    "management": {"account": "111111111111", "home_region": "us-east-1"},
    "regions": ["us-east-1"],
}

CONSTANTS = """
import json
from pcluster import constants, utils
from pcluster.validators import cluster_validators as validators
print(json.dumps({
    "version": utils.get_installed_version(),
    "image_name_parts": constants.OS_TO_IMAGE_NAME_PART_MAP,
    "max_queues": constants.MAX_NUMBER_OF_QUEUES,
    "max_compute_resources": constants.MAX_NUMBER_OF_COMPUTE_RESOURCES_PER_CLUSTER,
    "max_name_characters": validators.NAME_MAX_LENGTH,
    "max_cluster_name_characters": constants.PCLUSTER_NAME_MAX_LENGTH,
    "max_cluster_name_characters_with_accounting":
        constants.PCLUSTER_NAME_MAX_LENGTH_SLURM_ACCOUNTING,
    "max_tags": constants.MAX_TAGS_COUNT,
}))
"""


@pytest.mark.pcluster
@pytest.mark.parametrize("version", ENGINES)
def test_an_engine_is_what_parallelclusters_own_code_states(version: str) -> None:
    need_parallelcluster(version)
    python = [str(pcluster_python(version)), "-I", "-W", "ignore", "-c", CONSTANTS]
    done = subprocess.run(python, capture_output=True, text=True, check=True)
    engine = dataclasses.asdict(
        dataclasses.replace(
            ENGINES[version], image_name_parts=dict(ENGINES[version].image_name_parts)
        )
    )
    said = json.loads(done.stdout)
    assert said == {name: engine[name] for name in said}
    assert {*engine} - {*said} == {"released", "supported_until", "differs"}


@pytest.mark.parametrize("version", ENGINES)
def test_every_version_has_locked_validators_of_its_own(version: str) -> None:
    ending = "" if version == DEFAULT_VERSION else f"-{version}"
    how = f"requirements-pcluster{ending}.in; then: make lock"
    required = ROOT / f"requirements-pcluster{ending}.in"
    assert required.exists(), how
    assert required.read_text().strip() == f"aws-parallelcluster=={version}", how
    locked = required.with_suffix(".txt").read_text()
    assert f"\naws-parallelcluster=={version} \\\n    --hash=sha256:" in locked, how


def test_the_default_is_the_newest() -> None:
    assert engine_of().version == DEFAULT_VERSION == next(iter(ENGINES))
    released = [engine.released for engine in ENGINES.values()]
    assert released == sorted(released, reverse=True)


def test_a_version_is_newest_supported_or_ended_by_its_dates() -> None:
    today = date(2027, 6, 30)
    dated = dataclasses.replace(engine_of(), supported_until=date(2027, 6, 30))
    assert dated.state(today) is EngineState.NEWEST
    assert dated.state(today, newest=OTHER.version) is EngineState.SUPPORTED
    assert dated.state(today + timedelta(days=1)) is EngineState.ENDED
    assert dated.ends_soon(today)
    assert not dated.ends_soon(today - SUPPORT_WARNING)
    unknown = dataclasses.replace(engine_of(), supported_until=None)
    assert not unknown.ends_soon(today)


def test_every_version_states_what_differs_and_since_when() -> None:
    for engine in ENGINES.values():
        assert engine.differs
        assert all(text.endswith(".") for text in engine.differs)
        assert date(2026, 1, 1) < engine.released < date(2030, 1, 1)


def test_an_unknown_version_is_refused_with_those_that_are_known() -> None:
    known = re.escape(DEFAULT_VERSION)
    with pytest.raises(InputError, match=rf"No ParallelCluster version named '2\.0'.*{known}"):
        engine_of("2.0")
    with pytest.raises(ValueError, match=r"'2\.0' is not a version that GoToCloud can work with"):
        Platform.model_validate({**PLATFORM, "parallelcluster": "2.0"})


def strings(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for key, item in value.items():
            yield from (key, *strings(item))
    elif isinstance(value, list):
        for item in value:
            yield from strings(item)
    elif isinstance(value, str):
        yield value


def versions_in(value: Any) -> set[str]:
    """Every known version of ParallelCluster that stands somewhere in a value."""
    found = set()
    for text in strings(value):
        found |= {version for version in (*ENGINES, OTHER.version) if version in text}
    return found


def test_the_renderer_takes_the_limits_of_the_engine_that_it_is_given() -> None:
    site = dataclasses.replace(SITE, engine=OTHER)
    assert versions_in(render(load_configuration("tutorial"), site)) == set()
    small = dataclasses.replace(OTHER, max_queues=1, image_name_parts={})
    with pytest.raises(InputError) as caught:
        render(load_configuration("tutorial"), dataclasses.replace(SITE, engine=small))
    assert versions_in(list(caught.value.problems)) == {OTHER.version}


@pytest.mark.cdk
def test_the_construct_nests_the_provider_of_the_engine_that_it_is_given() -> None:
    import aws_cdk as cdk
    from aws_cdk import aws_ec2 as ec2
    from aws_cdk.assertions import Template

    from gotocloud.constructs import ClusterProvider, ParallelCluster

    stack = cdk.Stack(cdk.App(analytics_reporting=False), "Stack")
    vpc = ec2.Vpc(stack, "Vpc", max_azs=1)
    ParallelCluster(
        stack,
        "Cluster",
        configuration=load_configuration("tutorial"),
        vpc=vpc,
        head_node_subnet=vpc.public_subnets[0],
        compute_subnets=vpc.private_subnets,
        provider=ClusterProvider.get_or_create(stack, engine=OTHER),
    )
    assert versions_in(Template.from_stack(stack).to_json()) == {OTHER.version}


@pytest.mark.cdk
def test_a_platform_passes_its_engine_to_the_templates_and_to_the_groups_providers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import aws_cdk as cdk

    from gotocloud.stacks import templates
    from tests.stacks.conftest import synthesise

    monkeypatch.setattr("gotocloud.platform.model.ENGINES", {**ENGINES, OTHER.version: OTHER})
    for name in ("platform.example.yaml", "platform.example.record.yaml"):
        shutil.copy(ROOT / name, tmp_path)
    file = tmp_path / "platform.example.yaml"
    file.write_text(f"{file.read_text()}\nparallelcluster: {OTHER.version}\n")
    groups = synthesise(tmp_path / "out", platform=str(file), group="membrane-lab")
    assert len(groups) == 2
    assert [versions_in(group) for group in groups.values()] == [{OTHER.version}] * 2

    given: list[Engine] = []
    monkeypatch.setattr(templates, "ClusterStack", lambda *_, engine, **__: given.append(engine))
    platform = Platform.model_validate({**PLATFORM, "parallelcluster": OTHER.version})
    templates.add_templates(cdk.App(), platform=platform, version="1.2.3")
    assert len(given) == 2
    assert all(engine is OTHER for engine in given)


def test_the_rehearsal_offers_the_images_of_the_engines_that_it_is_given() -> None:
    images = parallelcluster_images([OTHER])
    assert len(images) == 2
    assert versions_in(images) == {OTHER.version}


def test_the_validators_of_a_version_are_those_of_its_own_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(PYTHON_VARIABLE, raising=False)
    monkeypatch.setattr(judging, "_REPOSITORY", tmp_path)
    with pytest.raises(GoToCloudError, match=r"\.venv-pcluster/bin/python does not exist"):
        pcluster_python(OTHER.version)
    for folder in (".venv-pcluster", f".venv-pcluster-{OTHER.version}"):
        (tmp_path / folder / "bin").mkdir(parents=True)
        (tmp_path / folder / "bin" / "python").touch()
        assert pcluster_python(OTHER.version).parts[-3] == folder
    assert pcluster_python(DEFAULT_VERSION).parts[-3] == ".venv-pcluster"


@pytest.mark.pcluster
def test_validators_of_another_version_refuse_to_answer() -> None:
    need_parallelcluster()
    with pytest.raises(GoToCloudError) as caught:
        judge(
            {},
            version=OTHER.version,
            name="a",
            region="us-east-1",
            endpoint_url="http://localhost:1",
            environment={},
        )
    assert f"has ParallelCluster {DEFAULT_VERSION}, not {OTHER.version}" in str(caught.value)


def code_strings(path: Path) -> Iterator[str]:
    """Strings that a Python file works with: all but docstrings and those that stand alone."""
    tree = ast.parse(path.read_text())
    alone = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in alone:
            yield node.value


def test_no_code_names_a_version_which_the_files_of_engines_do() -> None:
    short = DEFAULT_VERSION.rpartition(".")[0]
    files = [
        *(ROOT / "gotocloud").rglob("*.py"),
        *(ROOT / "local_aws" / "src").rglob("*.py"),
        ROOT / "app.py",
    ]
    naming = {path.name for path in files for text in code_strings(path) if short in text}
    assert naming == set()
    scripts = [*(ROOT / "gotocloud").rglob("*.sh"), *(ROOT / "gotocloud").rglob("*.html")]
    assert [path.name for path in scripts if short in path.read_text()] == []
