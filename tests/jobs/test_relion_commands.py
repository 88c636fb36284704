"""RELION's commands: read from a filled-in template, and changed for another attempt."""

from __future__ import annotations

import shlex

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gotocloud.errors import InputError
from gotocloud.jobs.relion_commands import (
    continued,
    controlled_from,
    finishing,
    parse_filled,
    program,
)
from tests.slurm.relion_jobs import TEMPLATE, class2d, filled, refine3d

NAME = "Class2D/job012/"


def test_what_relion_fills_in_is_read_back() -> None:
    read = parse_filled(
        filled(NAME, ["`which relion_import` --i a", "rm -f b"], {"queuename": "q"})
    )
    assert read.job == NAME
    assert read.queue == "q"
    assert read.commands == (f"`which relion_import` --i a  --pipeline_control {NAME}", "rm -f b")


def test_fields_that_relion_leaves_open_are_missing() -> None:
    read = parse_filled(filled(NAME, ["a"], {"qsub_extra1": "typed"}))
    assert read.extras == ("typed", *[""] * 8)


def test_multibody_s_two_commands_stay_in_order() -> None:
    commands = ["`which relion_refine_mpi` --continue x", "`which relion_flex_analyse` --y"]
    assert [program(one) for one in parse_filled(filled(NAME, commands, {})).commands] == [
        "relion_refine_mpi",
        "relion_flex_analyse",
    ]


def test_the_unfilled_template_is_no_job() -> None:
    with pytest.raises(InputError, match="cannot be used"):
        parse_filled(TEMPLATE.read_text())


@pytest.mark.parametrize("name", ["/etc/job001/", "../job001/", "a/b/job001/", "job001/", ""])
def test_a_job_elsewhere_is_refused(name: str) -> None:
    with pytest.raises(InputError, match="must look like 'Class2D/job012/'"):
        parse_filled(filled(name, ["a"], {}))


@given(st.text())
def test_any_other_text_is_refused_politely(text: str) -> None:
    with pytest.raises(InputError):
        parse_filled(text)


def test_exit_markers_go_to_the_attempt_s_own_folder() -> None:
    command = f"`which relion_refine` --o {NAME}run --pipeline_control {NAME}"
    control = f"{NAME}.gotocloud/2/"
    assert controlled_from(command, NAME, control).endswith(f"--pipeline_control {control}")
    assert f"--o {NAME}run " in controlled_from(command, NAME, control)
    touched = controlled_from(f"touch {NAME}RELION_JOB_EXIT_SUCCESS", NAME, control)
    assert touched == f"touch {control}RELION_JOB_EXIT_SUCCESS"
    dashed = controlled_from(f"relion_x --pipeline-control {NAME}", NAME, control)
    assert dashed == f"relion_x --pipeline-control {control}"


def test_a_continued_classification_keeps_what_relion_s_form_would_pass_on() -> None:
    optimiser = f"{NAME}run_it004_optimiser.star"
    command = continued(class2d(NAME)[0], optimiser=optimiser, root_before=f"{NAME}run")
    words = shlex.split(command)
    assert words[:3] == ["`which", "relion_refine_mpi`", "--continue"]
    assert words[3] == optimiser
    for gone in ("--i", "particles.star", "--K", "--ctf", "--zero_mask"):
        assert gone not in words
    for kept in ("--iter", "--tau2_fudge", "--particle_diameter", "--psi_step", "--pool", "--j"):
        assert kept in words


def test_a_continued_refinement_drops_what_it_would_warn_of() -> None:
    name = "Refine3D/job002/"
    command = continued(
        refine3d(name)[0], optimiser=f"{name}run_it003_optimiser.star", root_before=f"{name}run"
    )
    for gone in ("--auto_refine", "--ref", "--ini_high", "--healpix_order", "--offset_range"):
        assert gone not in command
    assert "--auto_local_healpix_order 0" in command


def test_file_names_stay_while_their_spelling_alternates() -> None:
    """RELION appends _ctN to a root name that is spelled as before."""
    command = class2d(NAME)[0]
    first = continued(command, optimiser="o", root_before=f"{NAME}run")
    assert f"--o {NAME}./run " in first
    second = continued(command, optimiser="o", root_before=f"{NAME}./run")
    assert f"--o {NAME}run " in second


def test_a_continued_run_is_continued_from_elsewhere() -> None:
    command = f"`which relion_refine` --continue {NAME}run_it004_optimiser.star --o {NAME}run_ct4"
    again = continued(command, optimiser=f"{NAME}run_ct4_it006_optimiser.star", root_before="x")
    assert again.count("--continue") == 1
    assert "run_it004" not in again


def test_multibody_keeps_the_resolution_that_it_begins_with() -> None:
    command = "`which relion_refine_mpi` --continue a --o b/run --multibody_masks m --ini_high 9"
    assert "--ini_high 9" in continued(command, optimiser="o", root_before="b/run")


def test_options_with_quoted_values_stay_whole() -> None:
    command = '`which relion_refine` --o a/b/run --gpu "0:1" --scratch_dir "/a b" --i x'
    words = shlex.split(continued(command, optimiser="it's.star", root_before=""))
    assert words[3] == "it's.star"
    assert words[words.index("--gpu") + 1] == "0:1"
    assert words[words.index("--scratch_dir") + 1] == "/a b"


def test_finished_micrographs_are_left_alone_once() -> None:
    assert finishing("relion_run_motioncorr --i a") == (
        "relion_run_motioncorr --i a --only_do_unfinished"
    )
    assert finishing(finishing("x")) == finishing("x")
