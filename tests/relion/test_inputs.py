"""Which files a job opens, and which of them holds its particles."""

from __future__ import annotations

from pathlib import Path

import pytest

from gotocloud.relion.inputs import input_files
from gotocloud.relion.job import Job
from gotocloud.relion.job_types import relion_job_type


def job(label: str, **options: str) -> Job:
    kind = relion_job_type(label)
    return Job(Path(f"/project/{kind.folder}/job012"), label, kind, options)


ONE, OTHER = "Refine3D/job9/run_half1_unfil.mrc", "Refine3D/job9/run_half2_unfil.mrc"


@pytest.mark.parametrize(
    ("wanted", "also"),
    [
        (job("postprocess", fn_in=ONE), OTHER),
        (job("postprocess", fn_in=OTHER), ONE),
        (job("localres", fn_in=ONE), OTHER),
        (job("localres", fn_in=ONE, do_resmap_locres="Yes"), OTHER),
        (job("ctfrefinetomo", in_halfmaps=ONE), OTHER),
        (job("framealigntomo", in_halfmaps=ONE), OTHER),
    ],
)
def test_a_program_for_two_half_maps_opens_the_one_that_the_form_does_not_name(
    wanted: Job, also: str
) -> None:
    assert also in [*input_files(wanted)]


@pytest.mark.parametrize(
    "wanted",
    [
        job("maskcreate", fn_in=ONE),
        job("refine3d", fn_ref=ONE),
        job("class3d", fn_ref=ONE),
        job("postprocess", fn_mask=ONE),
        job("external", in_3dref=ONE),
    ],
)
def test_a_half_map_elsewhere_is_a_map_like_any_other(wanted: Job) -> None:
    assert [*input_files(wanted)] == [ONE]


@pytest.mark.parametrize(
    ("wanted", "particles"),
    [
        (job("extract", do_reextract="Yes", fndata_reextract="a.star"), "a.star"),
        (job("extract", do_reextract="No", fndata_reextract="a.star"), None),
        (job("subtract", do_data="Yes", fn_data="a.star"), "a.star"),
        (job("subtract", do_data="No", fn_data="a.star"), None),
        (job("refine3d", fn_img="a.star"), "a.star"),
        (job("refine3d", in_particles="a.star", use_direct_entries="Yes"), "a.star"),
        (job("refine3d", in_particles="a.star", use_direct_entries="No"), None),
        (job("maskcreate", fn_img="a.star"), None),
    ],
)
def test_particles_are_read_from_a_field_that_counts(wanted: Job, particles: str | None) -> None:
    found = wanted.input_particles
    assert found == (particles and Path("/project") / particles)
