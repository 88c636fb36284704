"""Labels, numbers and folder names lead to RELION's job types."""

from __future__ import annotations

import pytest

from gotocloud.errors import InputError
from gotocloud.relion.job_facts import Parallelism
from gotocloud.relion.job_types import (
    RELION_JOB_TYPES,
    job_type_of_number,
    relion_job_type,
)


@pytest.mark.parametrize(
    ("label", "name"),
    [
        ("relion.class2d", "class2d"),
        ("relion.motioncorr.own", "motioncorr"),
        ("relion.autopick.topaz.pick", "autopick"),
        ("relion.refine3d.tomo", "refine3d"),
        ("Class2D", "class2d"),
        ("MultiBody", "multibody"),
        ("dynamight", "dynamight"),
        ("relion.dynamight", "dynamight"),
        # Tomography shares folders with single particles, which had them first.
        ("Extract", "extract"),
    ],
)
def test_a_label_is_found_as_relion_finds_it(label: str, name: str) -> None:
    assert relion_job_type(label).name == name


@pytest.mark.parametrize("label", ["", "relion", "relion.class4d", "ccpem.molrep", ".", "relion."])
def test_an_unknown_label_is_an_error_that_lists_the_known_ones(label: str) -> None:
    with pytest.raises(InputError, match=r"relion\.class2d"):
        relion_job_type(label)


def test_a_mistyped_label_gets_a_proposal() -> None:
    with pytest.raises(InputError, match=r"Did you mean 'relion\.refine3d'"):
        relion_job_type("relion.refin3d")


@pytest.mark.parametrize(("number", "name"), [(0, "import"), (8, "class2d"), (99, "external")])
def test_numbers_of_3_1_lead_to_types(number: int, name: str) -> None:
    assert job_type_of_number(number).name == name


@pytest.mark.parametrize("number", [6, 11, 17, 50])
def test_numbers_that_3_1_no_longer_has_are_refused(number: int) -> None:
    with pytest.raises(InputError, match="No RELION job type named"):
        job_type_of_number(number)


def test_only_refinements_write_a_state_to_continue_from() -> None:
    assert {one.name for one in RELION_JOB_TYPES.values() if one.continues} == {
        *("class2d", "class3d", "refine3d", "initialmodel", "multibody")
    }


def test_jobs_without_mpi_and_threads_states_it() -> None:
    alone = {one.name for one in RELION_JOB_TYPES.values() if one.parallelism is Parallelism.NONE}
    assert {"import", "select", "postprocess", "modelangelo", "importtomo"} <= alone
