"""What squeue, sinfo and sacct print, read back."""

from __future__ import annotations

import subprocess
from contextlib import suppress
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gotocloud.cluster_configs.engine import engine_of
from gotocloud.cluster_configs.model import configuration_names, load_configuration
from gotocloud.cluster_configs.partitions import Partition, configured_partitions
from gotocloud.cluster_configs.renderer import render
from gotocloud.errors import GoToCloudError
from gotocloud.platform.placeholders import placeholder_site
from gotocloud.platform.zones import zone_map
from gotocloud.rehearsal.slurm.cluster import RehearsalCluster
from gotocloud.rehearsal.slurm.machines import slurm_queues
from gotocloud.slurm import client
from gotocloud.slurm.accounting import SACCT_FIELDS, SACCT_OPTIONS, parse_sacct
from gotocloud.slurm.queue_state import (
    RECORD,
    SEPARATOR,
    SQUEUE_FORMAT,
    STATE_WORDS,
    QueuedJob,
    parse_squeue,
    seconds,
)
from gotocloud.slurm.sinfo import SINFO_FORMAT, SINFO_OPTIONS, parse_sinfo


def line(
    name: str = "Class2D/job012", state: str = "RUNNING", comment: str = "gotocloud:abc-1"
) -> str:
    fields = (
        *("71", state, "class2d", "None", "8", "1-02:03:04", "ubuntu", "class2d-dy-x-[1-8]"),
        *("2026-11-22T10:00:00", comment, name, "/fsx/project one"),
    )
    return RECORD + SEPARATOR.join(fields) + "\n"


def test_a_job_of_ours_is_read() -> None:
    assert parse_squeue(line()) == (
        QueuedJob(
            slurm_id="71",
            state="RUNNING",
            partition="class2d",
            reason="",
            nodes=8,
            elapsed_s=93784,
            user="ubuntu",
            node_list="class2d-dy-x-[1-8]",
            submitted="2026-11-22T10:00:00",
            token="abc-1",
            name="Class2D/job012",
            directory="/fsx/project one",
        ),
    )


names = st.text(st.characters(blacklist_characters=RECORD, blacklist_categories=["Cs"]), min_size=1)


@given(st.lists(names, max_size=5))
def test_names_come_back_whatever_is_in_them(given_names: list[str]) -> None:
    read = parse_squeue("".join(line(name) for name in given_names))
    assert [job.name for job in read] == given_names


@given(st.text(max_size=300))
def test_other_text_is_refused_with_a_reason_or_read(text: str) -> None:
    with suppress(GoToCloudError):
        assert isinstance(parse_squeue(text), tuple)


@given(st.integers(0, 10**7))
def test_slurms_times_are_read(total: int) -> None:
    days, rest = divmod(total, 86400)
    clock = str(timedelta(seconds=rest))
    short = f"{rest // 60}:{rest % 60:02d}" if rest < 3600 else clock
    assert seconds(f"{days}-{clock}" if days else short) == total


@pytest.mark.parametrize("text", ["", "INVALID", "N/A", "UNLIMITED", "1:2:3:4"])
def test_what_is_no_time_is_unknown(text: str) -> None:
    assert seconds(text) is None


def test_an_unknown_state_is_shown_as_it_is() -> None:
    (job,) = parse_squeue(line(state="HIBERNATING"))
    assert job.state_words == "HIBERNATING"
    assert not job.is_running
    assert not job.is_waiting


def test_a_foreign_comment_is_no_token() -> None:
    assert parse_squeue(line(comment="(null)"))[0].token == ""
    assert parse_squeue(line(comment="by hand"))[0].token == ""


def test_the_states_of_the_slurm_here_are_known(slurm: RehearsalCluster) -> None:
    said = subprocess.run(
        ["squeue", "--states=nonsense"],
        env=slurm.environment(),
        capture_output=True,
        text=True,
        check=False,
    ).stderr
    known = said.rpartition("Valid job states include:")[2].replace("\n", " ").split(",")
    assert len(known) > 10
    assert [one.strip() for one in known if one.strip() not in STATE_WORDS] == []


SINFO_LINE = "class2d-spot|8|48|186777|gpu:t4:4|dynamic,g4dn.12xlarge,g4dn-12xlarge,efa,gpu|"


def test_a_partition_is_read() -> None:
    assert parse_sinfo(f"{SINFO_LINE}EXCLUSIVE\n") == (
        Partition("class2d-spot", "g4dn.12xlarge", 8, 48, 192, 4, 16, True, True),
    )


def test_an_instance_type_that_is_not_ours_has_what_slurm_states() -> None:
    (one,) = parse_sinfo("big|2|192|2048|gpu:h200:8(S:0-1)|dynamic,p5en.48xlarge,p5en,gpu|NO")
    assert one == Partition("big", "p5en.48xlarge", 2, 192, 2.0, 8, None, False, False)
    (plain,) = parse_sinfo("debug|1|2|1000|(null)|(null)|NO")
    assert (plain.instance_type, plain.gpus) == ("", 0)


def test_sinfo_of_another_form_is_refused() -> None:
    with pytest.raises(GoToCloudError, match="sinfo printed"):
        parse_sinfo("PARTITION AVAIL TIMELIMIT NODES\n")


@pytest.mark.parametrize("name", configuration_names())
@pytest.mark.parametrize("region", ["us-east-1", "ap-northeast-1", "eu-central-1"])
def test_configuration_and_slurm_agree_on_the_partitions(name: str, region: str) -> None:
    configuration = load_configuration(name)
    offered = zone_map().region(region).best.offered
    rendered = render(configuration, placeholder_site(region, engine_of()), offered)
    said = "".join(
        f"{queue.name}|{one.count}|{one.vcpus}|{one.memory_mib}|"
        f"{f'gpu:{one.gpu_model}:{one.gpus}' if one.gpus else '(null)'}|"
        f"{','.join(one.features)}|{'EXCLUSIVE' if queue.exclusive else 'NO'}\n"
        for queue in slurm_queues(rendered)
        for one in queue.resources
    )
    assert parse_sinfo(said) == configured_partitions(configuration, offered)


def test_a_real_slurm_has_the_partitions_of_the_configuration(head_node: RehearsalCluster) -> None:
    said = parse_sinfo(client.partitions(SINFO_FORMAT, *SINFO_OPTIONS))
    offered = zone_map().region("us-east-1").best.offered
    expected = configured_partitions(load_configuration("cryoem-spa"), offered)
    assert sorted(said, key=lambda one: one.name) == sorted(expected, key=lambda one: one.name)


def test_a_real_queue_is_read(head_node: RehearsalCluster, tmp_path: Path) -> None:
    script = tmp_path / "script"
    script.write_text("#!/bin/bash\nsleep 60\n")
    odd = "Ünterschied | one\ttwo"
    number = client.submit(
        script,
        (
            *("--hold", "--partition=polish", "--nodes=2", f"--job-name={odd}"),
            *(f"--chdir={tmp_path}", "--comment=gotocloud:a-1", "--output=/dev/null"),
        ),
    )
    try:
        jobs = {one.slurm_id: one for one in parse_squeue(client.jobs(SQUEUE_FORMAT))}
    finally:
        client.cancel(number)
    mine = jobs[number]
    assert (mine.state, mine.partition, mine.reason) == ("PENDING", "polish", "JobHeldUser")
    assert (mine.nodes, mine.token, mine.directory) == (2, "a-1", str(tmp_path))
    assert mine.name == odd
    assert mine.is_waiting


def test_accounts_are_read() -> None:
    text = (
        "70|COMPLETED|class2d|8|3600|ubuntu|0:0|Class2D/job012|/fsx/a|b\n"
        "71|CANCELLED by 1000|polish|4|61|ubuntu|0:15|Polish/job030|/fsx/p\n"
        "slurmdbd: warning\n"
    )
    first, second = parse_sacct(text)
    assert (first.elapsed_s, first.nodes, first.directory) == (3600, 8, "/fsx/a|b")
    assert (second.state, second.state_words) == ("CANCELLED", "cancelled")


def test_without_accounts_there_are_no_ended_jobs(head_node: RehearsalCluster) -> None:
    assert parse_sacct(client.accounted(SACCT_FIELDS, *SACCT_OPTIONS)) == ()
    assert parse_sacct(None) == ()


@given(st.text(max_size=200))
def test_any_accounts_are_read_without_an_error(text: str) -> None:
    assert isinstance(parse_sacct(text), tuple)
