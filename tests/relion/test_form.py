"""RELION's form: generated from the queues, understood by RELION and by shells."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gotocloud.cluster_configs.model import configuration_names, load_configuration
from gotocloud.cluster_configs.partitions import Partition, configured_partitions
from gotocloud.platform.zones import zone_map
from gotocloud.relion.form import form_environment, form_text, queue_line
from gotocloud.relion.job import read_job
from gotocloud.relion.overrides import FormField, Overrides, overrides_of
from tests.needs import ROOT, need_relion
from tests.relion.routed import route

TEMPLATE = str(ROOT / "gotocloud" / "node" / "relion-submit-template.sh")

READ_BY_RELION = {
    *("RELION_QUEUE_USE", "RELION_QUEUE_NAME", "RELION_QSUB_COMMAND", "RELION_QSUB_TEMPLATE"),
    *("RELION_QSUB_NRMPI", "RELION_QSUB_NRTHREADS", "RELION_MPI_MAX", "RELION_THREAD_MAX"),
    *("RELION_MINIMUM_DEDICATED", "RELION_SCRATCH_DIR", "RELION_QSUB_EXTRA_COUNT"),
    "RELION_ERROR_LOCAL_MPI",
}
"""3dem/relion, src/pipeline_jobs.cpp, `getenv` in the tags 3.1.3, 4.0.1 and 5.0.1."""

PLACES = [(name, region) for name in configuration_names() for region in sorted(zone_map().regions)]


def queues(name: str, region: str) -> tuple[Partition, ...]:
    return configured_partitions(load_configuration(name), zone_map().region(region).best.offered)


@pytest.mark.parametrize(("name", "region"), PLACES)
def test_the_form_names_exactly_the_queues_of_the_configuration(name: str, region: str) -> None:
    partitions = queues(name, region)
    environment = form_environment(partitions, template=TEMPLATE)
    listed = re.findall(r"^  ([a-z0-9-]+): up to (\d+) x (\S+)", _help(environment, 1), re.M)
    assert listed == [(one.name, str(one.max_nodes), one.instance_type) for one in partitions]
    assert environment["RELION_THREAD_MAX"] == str(max(one.vcpus for one in partitions))
    assert f"at most {max(one.max_nodes for one in partitions)} here" in _help(environment, 2)


@pytest.mark.parametrize(("name", "region"), PLACES)
def test_no_route_requests_more_than_the_form_allows(name: str, region: str) -> None:
    from gotocloud.relion.settings import PUBLISHED

    partitions = queues(name, region)
    most = int(form_environment(partitions, template=TEMPLATE)["RELION_MPI_MAX"])
    here = {(one.instance_type, one.max_nodes) for one in partitions}
    ranks = [s.ranks for s in PUBLISHED if (s.instance_type, s.nodes) in here]
    assert max(ranks, default=1) <= most


def test_every_name_is_one_that_relion_reads() -> None:
    environment = form_environment(queues(*PLACES[0]), template=TEMPLATE, head_node_cpus=4)
    extra = {f"RELION_QSUB_EXTRA{number}" for number in range(1, len(FormField) + 1)}
    known = READ_BY_RELION | {
        name + suffix for name in extra for suffix in ("", "_DEFAULT", "_HELP")
    }
    assert set(environment) == known


def test_numbers_that_relion_keeps_in_a_char_fit_it() -> None:
    environment = form_environment(queues(*PLACES[0]), template=TEMPLATE)
    for name in ("RELION_QSUB_NRMPI", "RELION_QSUB_NRTHREADS", "RELION_QSUB_EXTRA_COUNT"):
        assert 1 <= int(environment[name]) <= 127


def test_a_cluster_without_spot_states_it() -> None:
    only = tuple(one for one in queues(*PLACES[0]) if not one.spot)
    assert "no spot machines" in _help(form_environment(only, template=TEMPLATE), 3)


def test_an_unknown_machine_is_called_unknown() -> None:
    line = queue_line(Partition("debug", "", 1, 2, 3.5, 1, None, False, False))
    assert line == "debug: up to 1 x unknown (2 vCPUs, 3.5 GiB, 1 GPU; on-demand)"


@given(
    st.dictionaries(
        st.from_regex(r"\AX[A-Z0-9_]{0,8}\Z"),
        st.text(st.characters(blacklist_characters="\0", blacklist_categories=["Cs"]), max_size=40),
        max_size=3,
    )
)
def test_any_text_survives_the_shell(environment: dict[str, str]) -> None:
    script = form_text(environment) + "".join(f'printf "%s\\0" "${n}"\n' for n in environment)
    said = subprocess.run(["sh"], input=script.encode(), capture_output=True, check=True).stdout
    assert said.decode() == "".join(f"{value}\0" for value in environment.values())


def test_relion_itself_fills_its_form_from_it(tmp_path: Path) -> None:
    """Debian's RELION 3.1.3 makes a job; nothing was chosen in it, so all is automatic."""
    need_relion()
    (tmp_path / "default_pipeline.star").write_text(
        "\ndata_pipeline_general\n\n_rlnPipeLineJobCounter 1\n \n"
    )
    form = form_text(form_environment(queues("cryoem-spa", "us-east-1"), template=TEMPLATE))
    _add_job(tmp_path, form, "fn_img == p.star;use_gpu == Yes")
    _add_job(tmp_path, form, "fn_img == p.star;nr_mpi == 5;qsub_extra1 == typed;qsub_extra2 == 1")
    left, typed = (read_job(tmp_path / "Class2D" / f"job{number:03d}") for number in (1, 2))
    assert left.flag("do_queue")
    assert left.text("queuename") == "automatic"
    assert left.text("qsub") == "gotocloud submit"
    assert left.text("qsubscript") == TEMPLATE
    assert overrides_of(left) == Overrides()
    assert overrides_of(typed) == Overrides(nodes=1, ranks=5, threads=1)
    partitions = queues("cryoem-spa", "us-east-1")
    assert route(left, partitions, overrides_of(left)).ranks == 33
    assert route(typed, partitions, overrides_of(typed)).ranks == 5


def _add_job(project: Path, form: str, options: str) -> None:
    script = f'{form}relion_pipeliner --addJob Class2D --addJobOptions "{options}"\n'
    subprocess.run(
        ["sh"], input=script, text=True, cwd=project, capture_output=True, check=True, timeout=60
    )


def _help(environment: dict[str, str], number: int) -> str:
    return environment[f"RELION_QSUB_EXTRA{number}_HELP"]
