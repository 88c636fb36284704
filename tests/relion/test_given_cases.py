"""Small jobs of public projects and bug reports that were once answered wrongly.

Each stands for a kind; the tests of the kinds have more of them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pytest

from gotocloud.cluster_configs.partitions import Partition
from gotocloud.findings import Finding, Severity
from gotocloud.jobs.cluster import Cluster, described_cluster
from gotocloud.relion.commands import runs_mpi
from gotocloud.relion.job import read_job
from gotocloud.relion.job_types import relion_job_type
from gotocloud.relion.overrides import overrides_of
from gotocloud.relion.routed_job import check_routed
from gotocloud.relion.routing import Route
from gotocloud.slurm.causes import cause_of
from gotocloud.slurm.recovery import AttemptEvidence, AttemptOutcome, judge
from gotocloud.software.in_force import catalogue_in_force
from tests.relion.routed import route
from tests.relion.samples import write_movies, write_particles

FORM = {
    **dict.fromkeys(("qsub_extra1", "qsub_extra2", "qsub_extra3", "qsub_extra4"), "automatic"),
    "queuename": "automatic",
    "do_queue": "Yes",
}
REFINEMENT = {
    "fn_img": "small.star",
    "fn_ref": "there.mrc",
    "use_gpu": "Yes",
    "gpu_ids": "",
    "nr_pool": "30",
    "nr_mpi": "3",
    "nr_threads": "4",
    "do_parallel_discio": "Yes",
    "dont_skip_align": "Yes",
}
EM = {**REFINEMENT, "do_em": "Yes", "do_grad": "No", "nr_classes": "50"}
GIB = 2**30


@dataclass(frozen=True)
class Answer:
    """What is answered about a job."""

    route: Route
    queue: Partition
    findings: tuple[Finding, ...]

    @property
    def rules(self) -> set[str]:
        return {one.check for one in self.findings if one.severity is not Severity.NOTE}


@pytest.fixture(scope="module")
def cluster() -> Cluster:
    return described_cluster("cryoem-spa", "us-east-1")


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("project")
    (folder / "there.mrc").touch()
    write_particles(folder / "small.star", 2_000, 64)
    write_particles(folder / "large-box.star", 2_000, 512)
    write_particles(folder / "stacks.star", 9_000, 192)
    text = (folder / "stacks.star").read_text()
    # RELION 5: a subtomogram is a stack of the 17 images of a tilt series that are good.
    text = text.replace(
        "_rlnOpticsGroup #2 \n0", "_rlnOpticsGroup #2 \n_rlnTomoVisibleFrames #3 \n0"
    )
    shown = f"parts.mrcs 1 [{','.join('1' * 17)}] \n"
    general = "\n# version 50001\n\ndata_general\n\n_rlnTomoSubTomosAre2DStacks 1\n \n"
    (folder / "stacks.star").write_text(general + text.replace("parts.mrcs 1 \n", shown))
    write_movies(folder, 1, (8, 8, 50))
    return folder


def answer(project: Path, cluster: Cluster, label: str, **options: str) -> Answer:
    folder = project / label.rpartition(".")[2] / "job001"
    folder.mkdir(parents=True, exist_ok=True)
    rows = "\n".join(
        f'{name} "{value}"' if not value or " " in value else f"{name} {value}"
        for name, value in {**FORM, **options}.items()
    )
    (folder / "job.star").write_text(
        f"\ndata_job\n\n_rlnJobTypeLabel {label}\n_rlnJobIsContinue 0\n\n"
        "data_joboptions_values\n\nloop_\n_rlnJobOptionVariable #1\n_rlnJobOptionValue #2\n"
        f"{rows}\n"
    )
    job = read_job(folder)
    found = route(job, cluster.partitions, overrides_of(job), configuration=cluster.configuration)
    queue = cluster.partition(found.queue)
    assert queue is not None
    return Answer(found, queue, check_routed(job, found, queue))


Ask = Callable[..., Answer]


@pytest.fixture
def ask(project: Path, cluster: Cluster) -> Ask:
    return partial(answer, project, cluster)


def test_2a_an_average_of_subtomograms_of_512_px_fits_its_machine(ask: Ask) -> None:
    found = ask(
        "relion.reconstructparticletomo",
        in_optimisation="there.mrc",
        box_size="512",
        nr_mpi="5",
        nr_threads="12",
    )
    needed = 24 * 512**3 * found.route.threads * max(found.route.layout)
    assert needed < found.queue.memory_gib * GIB
    assert found.rules == set()


def test_2b_ctf_refinement_of_512_px_fits_its_machine(ask: Ask) -> None:
    found = ask("relion.ctfrefine", fn_data="large-box.star", fn_post="there.mrc", nr_mpi="1")
    assert 128 * 512**3 * max(found.route.layout) < found.queue.memory_gib * GIB
    assert found.rules == set()


def test_3_every_rank_of_motioncor2_has_an_entry_in_the_list_of_gpus(ask: Ask) -> None:
    found = ask(
        "relion.motioncorr.motioncor2",
        input_star_mics="movies.star",
        do_own_motioncor="No",
        gpu_ids="0",
        nr_mpi="1",
        nr_threads="1",
        qsub_extra2="2",
    )
    assert (found.route.nodes, found.route.ranks, found.route.gpu_ids) == (2, 2, "0:0")


def test_4a_going_back_to_the_original_particles_runs_with_one_rank(ask: Ask) -> None:
    found = ask(
        "relion.subtract", do_fliplabel="Yes", fn_fliplabel="small.star", fn_opt="", nr_mpi="1"
    )
    assert (found.route.ranks, found.rules) == (1, set())


def test_4b_the_gpu_field_does_not_count_in_automatic(ask: Ask) -> None:
    found = ask("relion.denoisetomo", in_tomoset="there.mrc", gpu_ids="1", do_cryocare_train="Yes")
    assert (found.route.gpu_ids, found.rules) == ("0", set())


def test_4c_threads_of_motion_correction_divide_50_frames(ask: Ask) -> None:
    found = ask(
        "relion.motioncorr.own",
        input_star_mics="movies.star",
        do_own_motioncor="Yes",
        first_frame_sum="1",
        last_frame_sum="-1",
        nr_mpi="1",
        nr_threads="1",
    )
    assert (found.route.threads, found.rules) == (10, set())


def test_5a_two_thousand_small_particles_get_one_gpu(ask: Ask) -> None:
    found = ask("relion.class2d", **EM)
    assert (found.route.nodes, found.queue.gpus, found.rules) == (1, 1, set())


def test_5b_a_box_that_is_not_ticked_costs_no_gpu(ask: Ask) -> None:
    found = ask("relion.class3d", **{**REFINEMENT, "use_gpu": "No", "nr_classes": "4"})
    assert (found.queue.gpus, found.rules) == (0, {"gpu-not-ticked"})


def test_6_blush_without_alignment_runs_on_processors_with_relions_python(ask: Ask) -> None:
    options = {**REFINEMENT, "use_gpu": "No", "dont_skip_align": "No", "do_blush": "Yes"}
    assert ask("relion.class3d", **options).queue.gpus == 0
    relion = catalogue_in_force().package("relion")
    version = relion.version(None)
    assert "+python" in version.cpu_spec
    assert version.python


def test_10_a_half_map_that_is_not_there_is_found_before_a_machine_starts(ask: Ask) -> None:
    missing = "Refine3D/job9/run_half1_class001_unfil.mrc"
    found = ask("relion.postprocess", fn_in=missing, fn_mask="there.mrc")
    assert found.rules == {"input-missing"}


def test_10_particles_that_are_not_there_are_found_before_machines_start(ask: Ask) -> None:
    found = ask(
        "relion.polish", fn_data="Refine3D/job9/run_data.star", fn_mic="there.mrc", nr_mpi="1"
    )
    assert found.rules == {"input-missing"}


def test_11_a_job_of_another_site_runs_as_automatic_with_a_warning(ask: Ask) -> None:
    other = {"queuename": "openmpi", "qsub_extra1": "24:00:00", "qsub_extra2": "4"}
    found = ask("relion.class2d", **EM, **other, qsub_extra3="gpu")
    assert (found.route.nodes, found.rules) == (1, {"fields-foreign"})


def test_12_a_job_type_that_no_table_has_runs_as_typed_with_a_warning(ask: Ask) -> None:
    found = ask("relion.cooccurrence", nr_mpi="1", nr_threads="1")
    assert (found.route.ranks, found.route.threads) == (1, 1)
    assert found.rules == {"type-unknown"}


def test_12_a_program_that_no_table_has_runs_with_mpi_by_relions_own_rule() -> None:
    assert runs_mpi("`which relion_find_amyloid_mpi` --odir AutoPick/job034/ --j 18")
    assert not runs_mpi("`which relion_find_amyloid` --odir AutoPick/job034/ --j 18")


def test_13_preread_subtomograms_count_every_image_for_every_rank(ask: Ask) -> None:
    options = {**REFINEMENT, "fn_img": "stacks.star", "do_preread_images": "Yes"}
    found = ask("relion.refine3d", **options)
    all_images = 9_000 * 17 * 192**2 * 4
    assert all_images * max(found.route.layout) < found.queue.memory_gib * GIB
    assert found.rules == set()


def test_14_a_program_of_ones_own_may_use_the_gpus_of_its_queue(ask: Ask) -> None:
    found = ask("relion.external", fn_exe="/bin/true", nr_threads="1", queuename="prep-gpu")
    assert (found.route.gpus_per_node, found.rules) == (1, set())


def test_14_more_typed_threads_than_vcpus_are_a_warning(ask: Ask) -> None:
    typed = {"qsub_extra1": "typed", "qsub_extra2": "1", "nr_mpi": "5", "nr_threads": "16"}
    found = ask("relion.class3d", **{**REFINEMENT, **typed, "nr_classes": "2"})
    assert (found.queue.vcpus, found.rules) == (48, {"threads-many"})


def test_14_modelangelo_on_the_head_node_has_no_gpu(ask: Ask) -> None:
    found = ask("modelangelo", fn_map="there.mrc", gpu_id="0", do_queue="No")
    assert found.rules == {"head-node"}


def test_15_a_window_in_a_queue_is_a_warning(ask: Ask) -> None:
    assert ask("relion.excludetilts", in_tiltseries="there.mrc").rules == {"window"}
    assert relion_job_type("relion.excludetilts").programs[0].window


FRAME = "-" * 74


def test_7_a_killed_rank_is_named_with_its_machine() -> None:
    noticed = (
        "mpirun noticed that process rank 2 with PID 0 on node n1 exited on signal 9 (Killed)."
    )
    assert cause_of(f"{FRAME}\n{noticed}\n{FRAME}\n") == (
        "rank 2 on n1 was killed (signal 9): most often too little memory"
    )


def test_7_too_few_slots_are_named_and_not_the_line_of_dashes() -> None:
    text = (
        f"{FRAME}\nThere are not enough slots available in the system to satisfy the 40\n"
        "slots that were requested by the application:\n\n  relion_refine_mpi\n\n"
        f"Either request fewer slots for your application, or make more slots\n{FRAME}\n"
    )
    assert (cause_of(text) or "").startswith("There are not enough slots available")


def test_8_the_end_of_a_step_is_a_failure_and_not_a_cancellation() -> None:
    log = (
        "ERROR: model file is not there\nsrun: error: n1: task 1: Exited with exit code 3\n"
        "slurmstepd-n1: error: *** STEP 15.0 ON n1 CANCELLED AT 2026-11-30T03:23:09 ***\n"
    )
    assert (
        judge(AttemptEvidence(exit_status=3, started=True, log=log)).outcome
        is AttemptOutcome.FAILED
    )
    whole = log.replace("STEP 15.0", "JOB 15")
    assert (
        judge(AttemptEvidence(exit_status=3, started=True, log=whole)).outcome
        is AttemptOutcome.CANCELLED
    )


@pytest.mark.parametrize("use_gpu", ["Yes", "No"])
def test_gpus_of_an_unknown_job_type_are_not_called_useless(ask: Ask, use_gpu: str) -> None:
    found = ask("relion.teleport", nr_mpi="4", nr_threads="3", use_gpu=use_gpu)
    assert (found.route.ranks, found.route.threads) == (4, 3)
    assert found.rules == {"type-unknown"}


@pytest.mark.parametrize(
    ("options", "queue", "gpus"),
    [
        ({"use_gpu": "Yes", "gpu_ids": ""}, "prep-gpu", 1),
        ({"use_gpu": "Yes", "gpu_ids": "0:1:2:3"}, "class2d", 4),
        ({"use_gpu": "Yes", "gpu_ids": "6"}, "refine3d", 8),
        ({"gpu_id": "0"}, "prep-gpu", 1),
        ({"other_args": "--gpu 0,3"}, "class2d", 4),
        # More ranks than four machines with one GPU take.
        ({"use_gpu": "Yes", "nr_mpi": "33", "nr_threads": "6"}, "class2d", 4),
        ({"use_gpu": "No", "gpu_ids": "0"}, "small", 0),
        ({"gpu_id": "cpu"}, "small", 0),
        ({"use_gpu": "Yes", "gpu_ids": "99"}, "prep-cpu", 0),
    ],
)
def test_an_unknown_job_type_gets_the_gpus_that_its_settings_name(
    ask: Ask, options: dict[str, str], queue: str, gpus: int
) -> None:
    found = ask("relion.teleport", **options)
    assert (found.route.queue, found.queue.gpus) == (queue, gpus)
    assert found.route.gpus_per_node == gpus
    assert "type-unknown" in found.rules


def test_a_queue_that_is_typed_stays_for_an_unknown_job_type_that_names_gpus(ask: Ask) -> None:
    assert ask("relion.teleport", use_gpu="Yes", queuename="prep-cpu").route.queue == "prep-cpu"


@pytest.mark.parametrize("gpu_id", ["", "0", "3", "cpu"])
def test_dynamight_gets_a_gpu_with_every_setting(ask: Ask, gpu_id: str) -> None:
    found = ask("dynamight", fn_star="small.star", fn_map="there.mrc", gpu_id=gpu_id)
    assert (found.route.queue, found.route.gpu_ids) == ("prep-gpu", "0")
    assert found.rules == set()


def test_the_window_of_dynamight_is_a_warning_in_a_queue(ask: Ask, project: Path) -> None:
    found = ask("dynamight", fn_star="small.star", fn_map="there.mrc", do_visualize="Yes")
    assert found.rules == set()
    text = (project / "dynamight/job001/job.star").read_text()
    (project / "dynamight/job001/job.star").write_text(
        text.replace("_rlnJobIsContinue 0", "_rlnJobIsContinue 1")
    )
    assert read_job(project / "dynamight/job001").program.window


@pytest.mark.parametrize(
    ("gpu_id", "queue", "broken"),
    [("", "prep-gpu", True), ("0", "prep-gpu", False), ("0,1,2,3", "class2d", False)],
)
def test_typed_gpus_of_modelangelo_are_one_or_several(
    ask: Ask, gpu_id: str, queue: str, broken: bool
) -> None:
    typed = {"qsub_extra1": "typed", "queuename": queue}
    found = ask("modelangelo", fn_map="there.mrc", gpu_id=gpu_id, **typed)
    assert ("gpu-ids-one" in found.rules) == broken


def test_modelangelo_on_cpus_is_left_there(ask: Ask) -> None:
    found = ask("modelangelo", fn_map="there.mrc", gpu_id="cpu")
    assert (found.queue.gpus, found.rules) == (0, set())
