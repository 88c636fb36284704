"""ParallelCluster's own validators as a judge: that they are really asked, and only moto's own
messages are dropped."""

from __future__ import annotations

import copy
import os
import stat
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from gotocloud.cluster_configs.engine import engine_of
from gotocloud.cluster_configs.model import (
    Acknowledgement,
    configuration_names,
    load_configuration,
    used_instance_types,
)
from gotocloud.cluster_configs.renderer import render, stringified
from gotocloud.cluster_configs.site import ClusterSite
from gotocloud.errors import ExitCode, GoToCloudError
from gotocloud.rehearsal.judge import (
    PYTHON_VARIABLE,
    Message,
    Request,
    judge,
    judge_many,
)
from gotocloud.rehearsal.local_aws import LocalAws
from gotocloud.rehearsal.validation import acknowledged
from gotocloud.rehearsal.validation_site import validation_site
from tests.needs import need_parallelcluster

REGION = "us-east-1"
VERSION = engine_of().version
OFFERED = frozenset(used_instance_types())


@pytest.fixture(scope="module")
def local_aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalAws]:
    need_parallelcluster()
    running = LocalAws.start(tmp_path_factory.mktemp("judge"))
    yield running
    running.stop()


@pytest.fixture(scope="module")
def site(local_aws: LocalAws) -> ClusterSite:
    return validation_site(
        lambda service, region: local_aws.client(service, local_aws.account, region),
        region=REGION,
        zone_id="use1-az4",
        engine=engine_of(),
    )


Configuration = dict[str, Any]


def _queues(configuration: Configuration) -> list[dict[str, Any]]:
    queues: list[dict[str, Any]] = configuration["Scheduling"]["SlurmQueues"]
    return queues


def no_choice_of_placement_group(configuration: Configuration) -> None:
    del _queues(configuration)[0]["Networking"]["PlacementGroup"]


def efa_on_a_type_without_it(configuration: Configuration) -> None:
    queue = next(one for one in _queues(configuration) if one["Name"] == "prep-gpu")
    queue["ComputeResources"][0]["Efa"]["Enabled"] = True


def too_many_queues(configuration: Configuration) -> None:
    first = _queues(configuration)[0]
    queues = [{**first, "Name": f"queue{number}"} for number in range(51)]
    configuration["Scheduling"]["SlurmQueues"] = queues


def upper_case_queue(configuration: Configuration) -> None:
    _queues(configuration)[0]["Name"] = "Refine3D"


def underscore_in_queue(configuration: Configuration) -> None:
    _queues(configuration)[0]["Name"] = "refine_3d"


def long_queue(configuration: Configuration) -> None:
    _queues(configuration)[0]["Name"] = "a-name-that-is-longer-than-25"


def misspelt_key(configuration: Configuration) -> None:
    configuration["HeadNode"]["InstancType"] = configuration["HeadNode"].pop("InstanceType")


def unknown_subnet(configuration: Configuration) -> None:
    configuration["HeadNode"]["Networking"]["SubnetId"] = "subnet-0123456789abcdef0"


def unreachable_lustre(configuration: Configuration) -> None:
    for queue in _queues(configuration):
        del queue["Networking"]["AdditionalSecurityGroups"]


def unpublished_script(configuration: Configuration) -> None:
    scripts = configuration["HeadNode"]["CustomActions"]["OnNodeConfigured"]["Sequence"]
    scripts[0]["Script"] += ".missing"


def world_wide_desktop(configuration: Configuration) -> None:
    del configuration["HeadNode"]["Dcv"]["AllowedIps"]


def idle_time_of_a_queue(configuration: Configuration) -> None:
    _queues(configuration)[0]["ScaledownIdletime"] = 5


def suspend_time_of_a_queue(configuration: Configuration) -> None:
    _queues(configuration)[0]["CustomSlurmSettings"] = {"SuspendTime": 300}


BREAKAGES: tuple[Callable[[Configuration], None], ...] = (
    no_choice_of_placement_group,
    efa_on_a_type_without_it,
    too_many_queues,
    upper_case_queue,
    underscore_in_queue,
    long_queue,
    misspelt_key,
    unknown_subnet,
    unreachable_lustre,
    unpublished_script,
    world_wide_desktop,
    idle_time_of_a_queue,
    suspend_time_of_a_queue,
)


def judged(local_aws: LocalAws, requests: Sequence[Request]) -> list[list[Message]]:
    answers = judge_many(
        requests,
        version=VERSION,
        endpoint_url=local_aws.endpoint_url,
        environment=local_aws.environment(local_aws.account, REGION),
    )
    return list(answers)


@pytest.fixture(scope="module")
def messages(local_aws: LocalAws, site: ClusterSite) -> dict[str, list[Message]]:
    """What was said of every shipped and every broken configuration; one process judges all."""
    whole = render(load_configuration("cryoem-spa"), site, OFFERED)
    contents: dict[str, Configuration] = {}
    for name in configuration_names():
        contents[name] = render(load_configuration(name), site, OFFERED)
        contents[f"{name}-stringified"] = stringified(contents[name])
    for breakage in BREAKAGES:
        broken = copy.deepcopy(whole)
        breakage(broken)
        contents[breakage.__name__.replace("_", "-")] = broken
    requests = [Request(name, REGION, content) for name, content in contents.items()]
    requests.append(Request("a" * 61, REGION, whole))
    requests.append(Request("elsewhere", "eu-west-1", {**whole, "Region": "eu-west-1"}))
    requests.append(Request("back-again", REGION, whole))
    answers = judged(local_aws, requests)
    return {one.name: answer for one, answer in zip(requests, answers, strict=True)}


def errors(messages: list[Message]) -> str:
    return "\n".join(f"{one.validator}: {one.text}" for one in messages if one.level == "ERROR")


@pytest.mark.pcluster
@pytest.mark.parametrize("form", ["", "-stringified"])
@pytest.mark.parametrize("name", configuration_names())
def test_a_shipped_configuration_passes(
    messages: dict[str, list[Message]], name: str, form: str
) -> None:
    shipped = load_configuration(name)
    said = messages[name + form]
    assert [one for one in said if not acknowledged(one, shipped.acknowledged)] == []


@pytest.mark.pcluster
@pytest.mark.parametrize("name", configuration_names())
def test_every_acknowledged_warning_is_still_given(
    messages: dict[str, list[Message]], name: str
) -> None:
    given = {one.validator for one in messages[name]}
    assert {one.validator for one in load_configuration(name).acknowledged} == given


@pytest.mark.pcluster
@pytest.mark.parametrize(
    ("breakage", "said"),
    [
        (no_choice_of_placement_group, "EfaPlacementGroupValidator: "),
        (efa_on_a_type_without_it, "EfaValidator: Instance type 'g6.4xlarge' does not support EFA"),
        (too_many_queues, "MaxCountValidator: Invalid number of SlurmQueues (51)"),
        (upper_case_queue, "NameValidator: "),
        (underscore_in_queue, "NameValidator: "),
        (long_queue, "NameValidator: "),
        (misspelt_key, "ConfigSchemaValidator: "),
        (unknown_subnet, "subnet-0123456789abcdef0"),
        (unreachable_lustre, "ExistingFsxNetworkingValidator: "),
        # So all queues of a cluster share one idle time (docs/advice.md).
        (idle_time_of_a_queue, "ScaledownIdletime"),
        (suspend_time_of_a_queue, "CustomSlurmSettingsValidator: "),
    ],
)
def test_a_broken_configuration_gets_parallelclusters_own_error(
    messages: dict[str, list[Message]], breakage: Callable[[Configuration], None], said: str
) -> None:
    assert said in errors(messages[breakage.__name__.replace("_", "-")])


@pytest.mark.pcluster
@pytest.mark.parametrize(
    ("breakage", "validator"),
    [(unpublished_script, "AsyncTimedUrlValidator"), (world_wide_desktop, "DcvValidator")],
)
def test_a_careless_configuration_gets_a_warning_that_is_not_acknowledged(
    messages: dict[str, list[Message]],
    breakage: Callable[[Configuration], None],
    validator: str,
) -> None:
    accepted = load_configuration("cryoem-spa").acknowledged
    said = messages[breakage.__name__.replace("_", "-")]
    left = [one for one in said if not acknowledged(one, accepted)]
    assert [(one.level, one.validator) for one in left] == [("WARNING", validator)]


@pytest.mark.pcluster
def test_a_cluster_name_that_is_too_long_is_found(messages: dict[str, list[Message]]) -> None:
    assert "ClusterNameValidator" in errors(messages["a" * 61])


@pytest.mark.pcluster
def test_one_process_judges_each_in_its_own_region(messages: dict[str, list[Message]]) -> None:
    assert "does not exist" in errors(messages["elsewhere"])
    assert errors(messages["back-again"]) == ""


@pytest.mark.pcluster
def test_no_message_comes_from_the_local_aws(local_aws: LocalAws, site: ClusterSite) -> None:
    """moto alone refuses virtual devices, volumes without a size and key pairs without a type."""
    ec2 = local_aws.client("ec2", local_aws.account, REGION)
    ec2.create_key_pair(KeyName="spike", KeyType="ed25519")
    # EC2 makes an RSA key where no type is given, and Ubuntu 24.04 refuses those.
    ec2.create_key_pair(KeyName="default")
    requests = []
    for key in ("spike", "default"):
        configuration = render(load_configuration("tutorial"), site, OFFERED)
        configuration["HeadNode"]["Ssh"]["KeyName"] = key
        requests.append(Request(key, REGION, configuration))
    good, rsa = judged(local_aws, requests)
    assert errors(good) == ""
    assert "ubuntu2404 does not support RSA keys" in errors(rsa)


def test_an_error_is_never_acknowledged_and_a_warning_only_by_its_text() -> None:
    accepted = (
        Acknowledgement(
            validator="DcvValidator",
            text="does not have a GPU",
            reason="a reason that is long enough",
        ),
    )
    said = "… does not have a GPU …"
    assert acknowledged(Message("WARNING", "DcvValidator", said), accepted)
    assert acknowledged(Message("ERROR", "DcvValidator", said), accepted) is None
    assert acknowledged(Message("WARNING", "DcvValidator", "open to the world"), accepted) is None
    assert acknowledged(Message("WARNING", "OtherValidator", said), accepted) is None


def test_without_parallelcluster_the_error_names_make_env(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(PYTHON_VARIABLE, "/nowhere/python")
    with pytest.raises(GoToCloudError) as caught:
        judge(
            {},
            version=VERSION,
            name="a",
            region=REGION,
            endpoint_url="http://localhost:1",
            environment={},
        )
    assert "/nowhere/python does not exist" in str(caught.value)
    assert caught.value.next_command == "make env"
    assert caught.value.exit_code is ExitCode.FAILED


def test_a_judge_that_dies_is_an_error_with_its_last_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    python = tmp_path / "python"
    python.write_text("#!/bin/bash\necho 'No module named pcluster' >&2\nexit 1\n")
    python.chmod(python.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv(PYTHON_VARIABLE, str(python))
    with pytest.raises(GoToCloudError) as caught:
        judge(
            {},
            version=VERSION,
            name="spike",
            region=REGION,
            endpoint_url="http://localhost:1",
            environment={},
        )
    assert "stopped at 'spike' in us-east-1" in str(caught.value)
    assert "No module named pcluster" in str(caught.value)


def test_no_key_or_profile_of_this_machine_reaches_the_judge(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    python = tmp_path / "python"
    python.write_text(f"#!/bin/bash\nenv >{tmp_path}/seen\necho '[]'\ncat >/dev/null\n")
    python.chmod(python.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv(PYTHON_VARIABLE, str(python))
    monkeypatch.setenv("AWS_PROFILE", "real")
    monkeypatch.setenv("AWS_SESSION_TOKEN", "real")
    judge(
        {},
        version=VERSION,
        name="spike",
        region=REGION,
        endpoint_url="http://localhost:1",
        environment={"AWS_ACCESS_KEY_ID": "local"},
    )
    seen = (tmp_path / "seen").read_text().splitlines()
    assert "AWS_ACCESS_KEY_ID=local" in seen
    assert f"AWS_CONFIG_FILE={os.devnull}" in seen
    assert not any("real" in line.split("=", 1)[1] for line in seen if line.startswith("AWS_"))
