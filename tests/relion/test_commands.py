"""RELION's own command lines with the figures of a route put in.

The lines are what RELION writes: `src/pipeline_jobs.cpp` of the tags 3.1.3, 4.0.1, 5.0.1.
"""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gotocloud.relion.commands import MPI_PROGRAMS, rewritten_command, runs_mpi, starts_unknown_mpi


@dataclass(frozen=True)
class Figures:
    ranks: int
    threads: int
    gpus_per_node: int = 0
    gpu_ids: str = ""


EIGHT_NODES = Figures(33, 6, 4, "0:1:2:3")
ALONE = Figures(1, 4, 4, "0,1,2,3")
POLISH = Figures(16, 16)

CLASS2D_31 = (
    "`which relion_refine_mpi` --o Class2D/job012/run --i Select/job011/particles.star "
    "--dont_combine_weights_via_disc --pool 3 --pad 2  --ctf  --iter 25 --tau2_fudge 2 "
    "--particle_diameter 200 --K 50 --flatten_solvent  --zero_mask  --oversampling 1 "
    "--psi_step 12 --offset_range 5 --offset_step 2 --norm --scale  --j 4 "
    '--gpu "0:1"  --pipeline_control Class2D/job012/'
)
CLASS2D_4 = (
    "`which relion_refine` --o Class2D/job012/run --grad --class_inactivity_threshold 0.1 "
    "--grad_write_iter 10 --iter 200 --i Select/job011/particles.star --pool 3 --pad 2  --ctf "
    '--K 50 --norm --scale  --j 12 --gpu ""  --pipeline_control Class2D/job012/'
)
REFINE3D_5 = (
    "`which relion_refine` --o Refine3D/job025/run --auto_refine --split_random_halves --ios "
    "Extract/job024/optimisation_set.star --ref Class3D/job020/run_it025_class001.mrc "
    "--firstiter_cc --trust_ref_size --ini_high 50 --dont_combine_weights_via_disc "
    "--scratch_dir /scratch --pool 3 --pad 2  --ctf --particle_diameter 200 --sym D2 "
    '--low_resol_join_halves 40 --norm --scale  --j 1 --gpu ""  '
    "--pipeline_control Refine3D/job025/"
)
POLISH_31 = (
    "`which relion_motion_refine_mpi` --i Refine3D/job025/run_data.star --f PostProcess/job026/"
    "postprocess.star --corr_mic MotionCorr/job002/corrected_micrographs.star --first_frame 1 "
    "--last_frame -1 --o Polish/job028/ --params_file Polish/job027/opt_params_all_groups.txt "
    "--combine_frames --bfac_minfreq 20 --bfac_maxfreq -1 --j 8  "
    "--pipeline_control Polish/job028/"
)
INITIALMODEL_5 = (
    "`which relion_refine` --o InitialModel/job015/run --iter 200 --grad --denovo_3dref "
    "--i Select/job014/particles.star --ctf --K 1 --sym C1 --flatten_solvent --zero_mask  "
    '--pool 3 --pad 1  --j 8 --gpu "0"  --pipeline_control InitialModel/job015/'
)
ALIGN_SYMMETRY_5 = (
    "`which relion_align_symmetry` --i InitialModel/job015/run_it200_model.star --o "
    "InitialModel/job015/initial_model.mrc --sym D2 --apply_sym --select_largest_class "
    " --pipeline_control InitialModel/job015/"
)
RECONSTRUCT_TOMO_5 = (
    "`which relion_tomo_reconstruct_particle` --p x.star --o Reconstruct/job031/ --b 196 "
    "--crop 128 --bin 1 --j 4 --j_out 4 --j_in 1  --pipeline_control Reconstruct/job031/"
)


def test_a_command_of_relion_3_1_gets_the_routes_threads_and_gpus() -> None:
    made = rewritten_command(CLASS2D_31, EIGHT_NODES)
    assert made == CLASS2D_31.replace("--j 4", "--j 6").replace('"0:1"', '"0:1:2:3"')


def test_a_command_left_at_one_rank_becomes_an_mpi_command() -> None:
    made = rewritten_command(REFINE3D_5, Figures(17, 6, 8, "0:1:2:3:4:5:6:7"))
    assert made == REFINE3D_5.replace("relion_refine`", "relion_refine_mpi`").replace(
        '--j 1 --gpu ""', '--j 6 --gpu "0:1:2:3:4:5:6:7"'
    )


def test_an_mpi_command_becomes_a_single_process() -> None:
    made = rewritten_command(f"mpirun -n 5 {CLASS2D_31}", ALONE)
    assert made.startswith("`which relion_refine` --o ")
    assert '--j 4 --gpu "0,1,2,3"' in made


def test_vdam_stays_a_single_process_with_threads_over_the_gpus() -> None:
    made = rewritten_command(CLASS2D_4, ALONE)
    assert made == CLASS2D_4.replace('--j 12 --gpu ""', '--j 4 --gpu "0,1,2,3"')


def test_polishing_gets_ranks_and_threads_and_no_gpu() -> None:
    assert rewritten_command(POLISH_31, POLISH) == POLISH_31.replace("--j 8", "--j 16")


@pytest.mark.parametrize(
    "launcher", ["mpirun -n 5", "/opt/bin/mpiexec -np 5", "srun --mpi=pmi2 -n 5"]
)
def test_the_number_of_the_launcher_follows(launcher: str) -> None:
    made = rewritten_command(f"{launcher} {CLASS2D_31}", EIGHT_NODES)
    assert made.startswith(launcher.replace("5", "33") + " `which relion_refine_mpi`")


def test_both_thread_counts_of_a_tomogram_reconstruction_follow() -> None:
    made = rewritten_command(RECONSTRUCT_TOMO_5, Figures(24, 8))
    assert "relion_tomo_reconstruct_particle_mpi` " in made
    assert "--j 8 --j_out 8 --j_in 1 " in made


def test_only_the_program_of_the_job_changes_among_several() -> None:
    both = f"{INITIALMODEL_5} && {ALIGN_SYMMETRY_5} --j 3 --gpu 0\n"
    made = rewritten_command(both, ALONE)
    assert made.endswith(f"{ALIGN_SYMMETRY_5} --j 3 --gpu 0\n")
    assert '--j 4 --gpu "0,1,2,3"' in made


def test_options_of_a_path_or_a_quoted_text_are_no_options() -> None:
    odd = "relion_refine --o 'a --j 3'/run --i \"x --gpu 1.star\" --j 2"
    assert rewritten_command(odd, ALONE) == odd.replace("--j 2", "--j 4")


def test_what_is_not_there_is_not_added() -> None:
    plain = "relion_postprocess --i half.mrc --o PostProcess/job030/postprocess"
    assert rewritten_command(plain, Figures(1, 8, 4, "0:1")) == plain


def test_a_gpu_stays_as_typed_where_the_route_has_none() -> None:
    assert '--gpu "0:1"' in rewritten_command(CLASS2D_31, Figures(5, 4))


@pytest.mark.parametrize(
    "foreign",
    ["", "echo `which relion_refine`er", "python relion_refine.py --j 3", "mpirun -n 5 ls"],
)
def test_commands_that_are_not_relions_stay(foreign: str) -> None:
    assert rewritten_command(foreign, EIGHT_NODES) == foreign


def test_the_programs_own_path_is_kept() -> None:
    made = rewritten_command("/efs/relion/5.0/bin/relion_refine --j 1", EIGHT_NODES)
    assert made == "/efs/relion/5.0/bin/relion_refine_mpi --j 6"


def test_mpi_commands_are_distinguished_from_others() -> None:
    assert runs_mpi(POLISH_31)
    assert runs_mpi(f"srun {CLASS2D_31}")
    assert not runs_mpi(REFINE3D_5)
    assert not runs_mpi("relion_flex_analyse_mpi --model x")


figures = st.builds(
    Figures,
    ranks=st.integers(1, 200),
    threads=st.integers(1, 192),
    gpus_per_node=st.sampled_from([0, 1, 4, 8]),
    gpu_ids=st.from_regex(r"\A[0-7](:[0-7]){0,7}\Z"),
)


@given(st.sampled_from([CLASS2D_31, CLASS2D_4, REFINE3D_5, POLISH_31]), figures, figures)
def test_the_last_route_counts(command: str, first: Figures, last: Figures) -> None:
    if last.gpus_per_node:
        twice = rewritten_command(rewritten_command(command, first), last)
        assert twice == rewritten_command(command, last)


@given(st.text(alphabet="`'\"\\-j gpurelion_refine\n;|&5"), figures)
def test_any_text_comes_out_again_without_an_error(text: str, route: Figures) -> None:
    assert isinstance(rewritten_command(text, route), str)


def test_every_mpi_program_has_both_forms() -> None:
    for name in MPI_PROGRAMS:
        assert rewritten_command(name, EIGHT_NODES) == f"{name}_mpi"
        assert rewritten_command(f"{name}_mpi", ALONE) == name


@pytest.mark.parametrize(
    ("command", "unknown"),
    [
        ("`which relion_find_amyloid_mpi` --odir AutoPick/job034/ --j 18", True),
        ("mpirun -n 4 `which relion_new_mpi` --o a", True),
        ("`which relion_refine_mpi` --o a", False),
        ("`which relion_find_amyloid` --j 18", False),
        ("echo relion_new_mpi", False),
    ],
)
def test_a_program_with_mpi_that_is_in_no_table_is_seen(command: str, unknown: bool) -> None:
    assert starts_unknown_mpi(command) == unknown


@pytest.mark.parametrize("end", ["", " --pipeline_control ModelAngelo/job041/", " && echo done"])
def test_an_empty_gpu_of_modelangelo_is_filled_in(end: str) -> None:
    # 3dem/relion 5.0.1, getCommandsModelAngeloJob: "-d" with what the field holds.
    line = "relion_python_modelangelo build -pf p.fasta -v map.mrc -o ModelAngelo/job041/ -d "
    assert rewritten_command(f"{line} {end}", Figures(1, 1, 1, "0")).split()[8:10] == ["-d", "0"]
    typed = f"{line}2 {end}"
    assert rewritten_command(typed, Figures(1, 1, 4, "0,1")).split()[8:10] == ["-d", "0,1"]
    # Without GPUs the command stays.
    assert rewritten_command(f"{line} {end}", Figures(1, 1)) == f"{line} {end}"
