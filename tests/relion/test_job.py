"""A job's settings, whichever version of RELION wrote them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gotocloud.cluster_configs.model import JOB_TYPES
from gotocloud.errors import InputError
from gotocloud.relion.job import Job, read_job
from gotocloud.relion.job_types import RELION_JOB_TYPES
from gotocloud.relion.rules import check
from tests.relion.samples import VERSIONS, job_files, make_job, write_job, write_particles

ALL = [(version, path) for version in VERSIONS for path in job_files(version)]


def ids(case: tuple[str, Path]) -> str:
    return f"{case[0]}-{case[1].parent.parent.name}-{case[1].parent.name}"


@pytest.mark.parametrize("case", ALL, ids=ids)
def test_every_job_of_every_version_is_read_and_would_not_fail(case: tuple[str, Path]) -> None:
    version, path = case
    job = read_job(path.parent)
    assert job.type.folder == path.parent.parent.name or version == "4.0"
    assert job.queue_job_type in JOB_TYPES
    assert job.ranks >= 1
    assert job.threads >= 1
    assert [str(one) for one in check(job) if one.severity == "error"] == []


def test_the_jobs_cover_every_type_of_every_version() -> None:
    read = {version: {read_job(p.parent).type for p in job_files(version)} for version in VERSIONS}
    assert read["3.1"] == {one for one in RELION_JOB_TYPES.values() if one.number is not None}
    assert read["5.0"] == set(RELION_JOB_TYPES.values())
    assert read["3.1"] < read["4.0"] < read["5.0"]


@pytest.mark.parametrize("version", VERSIONS)
def test_a_refinement_states_the_same_in_every_version(tmp_path: Path, version: str) -> None:
    job = make_job(tmp_path, "Refine3D", {"scratch_dir": "/scratch"}, version=version)
    assert (job.type.name, job.ranks, job.threads, job.gpu_ids) == ("refine3d", 5, 6, "0:1:2:3")
    assert (job.uses_gpu, job.splits_halves, job.pool, job.padding) == (True, True, 30, 2)
    assert (job.scratch, job.queue_job_type) == ("/scratch", "refine3d")
    assert job.project == tmp_path


@pytest.mark.parametrize(
    ("version", "first", "vdam", "queue"),
    [
        ("3.1", 0, False, "class2d"),
        ("4.0", 0, True, "class2d-vdam"),
        ("4.0", 1, False, "class2d"),
        ("5.0", 0, True, "class2d-vdam"),
        ("5.0", 1, False, "class2d"),
    ],
)
def test_the_algorithm_of_class2d_is_found(
    tmp_path: Path, version: str, first: int, vdam: bool, queue: str
) -> None:
    job = make_job(tmp_path, "Class2D", version=version, first=first)
    assert (job.is_vdam, job.queue_job_type) == (vdam, queue)


@pytest.mark.parametrize(("version", "vdam"), [("3.1", False), ("4.0", True), ("5.0", True)])
def test_initial_models_are_made_by_vdam_from_4_on(
    tmp_path: Path, version: str, vdam: bool
) -> None:
    assert make_job(tmp_path, "InitialModel", version=version).is_vdam is vdam


@pytest.mark.parametrize(
    ("kind", "changes", "uses", "queue"),
    [
        ("MotionCorr", {"do_own_motioncor": "Yes"}, False, "prep-cpu"),
        ("MotionCorr", {"do_own_motioncor": "No"}, True, "prep-gpu"),
        ("AutoPick", {"do_log": "Yes"}, False, "prep-cpu"),
        ("AutoPick", {"do_log": "No", "use_gpu": "Yes"}, True, "prep-gpu"),
        ("CtfFind", {}, False, "prep-cpu"),
        ("CtfFind", {"use_gctf": "Yes"}, True, "prep-gpu"),
        ("Class3D", {"dont_skip_align": "No"}, False, "prep-cpu"),
        ("Class3D", {"other_args": "--skip_align"}, False, "prep-cpu"),
        ("Class2D", {"dont_skip_align": "No", "use_gpu": "No"}, False, "prep-cpu"),
        ("Class2D", {"dont_skip_align": "No"}, True, "class2d-vdam"),
        # Without a GPU it belongs on CPUs: a queue of GPUs would idle at their price.
        ("Class3D", {"use_gpu": "No"}, False, "prep-cpu"),
        ("Class3D", {"use_gpu": "No", "other_args": "--gpu 0:1"}, True, "class3d"),
        ("Polish", {}, False, "polish"),
        ("MultiBody", {}, True, "refine3d"),
        # 3dem/DynaMight: without --gpu-id it takes GPU 0.
        ("DynaMight", {"gpu_id": ""}, True, "prep-gpu"),
        ("DynaMight", {"gpu_id": "3"}, True, "prep-gpu"),
        # 3dem/relion 5.0.1 writes "-d" with what the field holds.
        ("ModelAngelo", {"gpu_id": ""}, True, "prep-gpu"),
        ("ModelAngelo", {"gpu_id": "cpu"}, False, "prep-cpu"),
        ("ModelAngelo", {"gpu_id": "0"}, True, "prep-gpu"),
        ("AlignTiltSeries", {"do_aretomo2": "No"}, False, "prep-cpu"),
        ("Denoise", {}, True, "prep-gpu"),
    ],
)
def test_gpu_use_and_queue_follow_the_method(
    tmp_path: Path, kind: str, changes: dict[str, str], uses: bool, queue: str
) -> None:
    job = make_job(tmp_path, kind, changes)
    assert (job.uses_gpu, job.queue_job_type) == (uses, queue)


def test_additional_arguments_count(tmp_path: Path) -> None:
    changes = {"other_args": "--gpu 2:3 --scratch_dir '/a b' --preread_images"}
    job = make_job(tmp_path, "Refine3D", changes)
    assert (job.gpu_ids, job.scratch, job.prereads) == ("2:3", "/a b", True)


def test_an_unbalanced_quote_in_additional_arguments_is_no_error(tmp_path: Path) -> None:
    job = make_job(tmp_path, "Refine3D", {"other_args": "--gpu 0 --note it's"})
    assert "--gpu" in job.arguments


def test_particles_and_boxes_come_from_the_input(tmp_path: Path) -> None:
    job = make_job(tmp_path, "Class3D")
    assert (job.particles, job.box_px) == (None, None)
    write_particles(tmp_path / "Select/job007/particles.star", 12, 256)
    job = make_job(tmp_path, "Class3D")
    assert (job.particles, job.box_px) == (12, 256)


def test_a_continued_job_takes_its_particles_from_its_optimiser(tmp_path: Path) -> None:
    write_particles(tmp_path / "Class3D/job011/run_it003_data.star", 7, 96)
    (tmp_path / "Class3D/job011/run_it003_optimiser.star").write_text(
        "\ndata_optimiser_general\n\n"
        "_rlnExperimentalDataStarFile Class3D/job011/run_it003_data.star\n \n"
    )
    changes = {"fn_cont": "Class3D/job011/run_it003_optimiser.star"}
    assert make_job(tmp_path, "Class3D", changes, is_continue=True).particles == 7


def test_particles_of_tomography_come_from_the_optimisation_set(tmp_path: Path) -> None:
    write_particles(tmp_path / "Extract/job023/particles.star", 9, 64, dimensions=3)
    (tmp_path / "Extract/job023/optimisation_set.star").write_text(
        "\ndata_\n\n_rlnTomoParticlesFile Extract/job023/particles.star\n \n"
    )
    assert make_job(tmp_path, "Reconstruct").particles == 9


def test_a_job_is_found_through_its_alias_and_its_file(tmp_path: Path) -> None:
    folder = write_job(tmp_path, "Class3D")
    alias = tmp_path / "Class3D" / "best"
    alias.symlink_to(folder)
    assert read_job(alias).name == read_job(folder / "job.star").name == "Class3D/job011/"


def test_numbers_are_read_as_relion_reads_them(tmp_path: Path) -> None:
    assert make_job(tmp_path, "Refine3D", {"nr_mpi": "7.0"}).ranks == 7
    assert make_job(tmp_path, "Refine3D", {"nr_mpi": " 7 "}).ranks == 7
    assert make_job(tmp_path, "Refine3D", {"nr_mpi": "7ranks"}).ranks == 7


@pytest.mark.parametrize("value", ["many", "$$ranks", "2.5", "--3", "1e15", "100001"])
def test_what_is_no_whole_number_is_named_with_its_option(tmp_path: Path, value: str) -> None:
    with pytest.raises(InputError, match="nr_mpi"):
        _ = make_job(tmp_path, "Refine3D", {"nr_mpi": value}).ranks


def test_a_missing_job_names_the_next_command(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"no job folder .* name one as RELION does") as error:
        read_job(tmp_path / "Class2D" / "job099")
    assert error.value.next_command


def test_a_folder_without_job_star_is_reported(tmp_path: Path) -> None:
    folder = tmp_path / "Class2D" / "job001"
    folder.mkdir(parents=True)
    with pytest.raises(InputError, match=r"holds no job\.star"):
        read_job(folder)
    (folder / "run.job").touch()
    with pytest.raises(InputError, match=r"run\.job of RELION 3\.0"):
        read_job(folder)


def test_a_project_instead_of_a_job_gets_a_proposal(tmp_path: Path) -> None:
    folder = write_job(tmp_path, "Class3D")
    with pytest.raises(InputError, match=r"holds 1 of them, for example Class3D/job011") as error:
        read_job(tmp_path)
    assert error.value.next_command == f"gotocloud check {folder}"


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("", "is empty"),
        ("#!/bin/bash\necho\n", "no STAR file"),
        ("\ndata_optics\n\n_rlnX 1\n \n", "no table 'data_job'"),
        ("\ndata_job\n\n_rlnJobTypeLabel relion.class2d\n \n", "no table 'data_joboptions_values'"),
        (
            "\ndata_job\n\n_rlnJobTypeLabel relion.class2d\n \n"
            "\ndata_joboptions_values\n\nloop_\n_rlnJobOptionVariable #1\nnr_mpi\n \n",
            "lacks _rlnJobOptionValue",
        ),
        (
            "\ndata_job\n\n_rlnJobIsContinue 0\n \n"
            "\ndata_joboptions_values\n\nloop_\n_rlnJobOptionVariable #1\n_rlnJobOptionValue #2\n"
            "nr_mpi 1\n \n",
            "does not state which type",
        ),
    ],
)
def test_a_foreign_file_is_reported(tmp_path: Path, content: str, said: str) -> None:
    folder = tmp_path / "Class2D" / "job001"
    folder.mkdir(parents=True)
    (folder / "job.star").write_text(content)
    with pytest.raises(InputError, match=said):
        read_job(folder)


def test_an_unknown_job_type_runs_as_typed(tmp_path: Path) -> None:
    folder = write_job(tmp_path, "Class3D")
    text = (folder / "job.star").read_text().replace("relion.class3d", "relion.clas3d")
    (folder / "job.star").write_text(text)
    job = read_job(folder)
    assert (job.type.registered, job.type.label) == (False, "relion.clas3d")
    assert (job.ranks, job.threads, job.queue_job_type) == (5, 6, "prep-cpu")


def test_a_number_of_an_older_relion_runs_as_typed(tmp_path: Path) -> None:
    folder = write_job(tmp_path, "Class3D", version="3.1")
    job_of_3_1 = read_job(folder)
    text = (folder / "job.star").read_text()
    head, _, rest = text.partition("_rlnJobIsContinue")
    (folder / "job.star").write_text(head.replace(" 9", " 77") + "_rlnJobIsContinue" + rest)
    found = read_job(folder)
    assert (found.type.registered, found.label) == (False, "77")
    assert (found.ranks, found.threads) == (job_of_3_1.ranks, job_of_3_1.threads)


@given(st.integers(0, 2_000))
def test_no_cut_job_file_is_taken_for_another_job(
    tmp_path_factory: pytest.TempPathFactory, end: int
) -> None:
    folder = write_job(tmp_path_factory.mktemp("project"), "Class2D")
    path = folder / "job.star"
    whole = read_job(folder)
    path.write_bytes(path.read_bytes()[:end])
    try:
        cut: Job | None = read_job(folder)
    except InputError:
        cut = None
    # RELION reads a file without a last newline, so a cut may shorten the last value.
    options = tuple(cut.options.items())[:-1] if cut else ()
    assert set(options) <= set(whole.options.items())


@pytest.mark.parametrize(
    "written",
    [
        lambda text: text.rstrip(),
        lambda text: text.replace("\n", "\r\n"),
        lambda text: text.rstrip().replace("\n", "\r\n"),
        lambda text: "\ufeff" + text,
        lambda text: text.replace("\n", "\n\n", 1).replace(" \n", "\t \n"),
    ],
    ids=["no last newline", "CRLF", "CRLF without the last", "byte order mark", "blanks"],
)
@pytest.mark.parametrize("version", VERSIONS)
def test_what_relion_reads_is_read(
    tmp_path: Path, version: str, written: Callable[[str], str]
) -> None:
    folder = write_job(tmp_path, "Refine3D", version=version)
    path = folder / "job.star"
    whole = read_job(folder)
    path.write_bytes(written(path.read_text()).encode())
    assert read_job(folder) == whole
