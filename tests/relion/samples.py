"""Jobs and machines to check: real and derived job files with some settings changed."""

from __future__ import annotations

import re
import struct
from pathlib import Path

from gotocloud.cluster_configs.partitions import Partition
from gotocloud.relion.job import Job, read_job

JOBS = Path(__file__).parent / "jobs"
VERSIONS = ("3.1", "4.0", "5.0")


AUTOMATIC = {"do_queue": "Yes", "queuename": "automatic", "use_gpu": "Yes"} | {
    f"qsub_extra{number}": "automatic" for number in range(1, 5)
}
"""A form in which nothing was chosen but GPUs."""


def job_files(version: str) -> list[Path]:
    """Every `job.star` of a version's project, in the order of the jobs."""
    return sorted((JOBS / version).glob("*/job*/job.star"), key=lambda one: one.parent.name)


def write_job(
    project: Path,
    kind: str,
    changes: dict[str, str] | None = None,
    *,
    version: str = "5.0",
    first: int = 0,
    is_continue: bool = False,
) -> Path:
    """Copy a version's job of a kind into a project with other settings; its folder.

    Args:
        project: The project folder.
        kind: The folder of its kind, for example "Class2D".
        changes: Option -> value; an option that the file does not have is added.
        version: RELION's version.
        first: Which of several jobs of the kind.
        is_continue: What the file says about it.
    """
    source = sorted((JOBS / version / kind).glob("job*/job.star"))[first]
    text = source.read_text(encoding="utf-8")
    for name, value in (changes or {}).items():
        row = f"{name} {_quoted(value)} "
        text, found = re.subn(rf"(?m)^\s*{name}\s.*$", lambda _, row=row: row, text)  # type: ignore[misc]
        if not found:
            text = text.rstrip("\n ") + f"\n{row}\n \n"
    if is_continue:
        text = re.sub(r"(_rlnJobIsContinue\s+)0", r"\g<1>1", text)
    folder = project / kind / source.parent.name
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "job.star").write_text(text, encoding="utf-8")
    return folder


def make_job(
    project: Path,
    kind: str,
    changes: dict[str, str] | None = None,
    *,
    version: str = "5.0",
    first: int = 0,
    is_continue: bool = False,
) -> Job:
    """The job that `write_job` writes, read back."""
    return read_job(
        write_job(project, kind, changes, version=version, first=first, is_continue=is_continue)
    )


def write_particles(path: Path, particles: int, box_px: int, *, dimensions: int = 2) -> None:
    """A particle STAR file as RELION 3.1 and later write it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    rows = "".join(f"{number:06}@parts.mrcs 1 \n" for number in range(1, particles + 1))
    path.write_text(
        "\n# version 30001\n\ndata_optics\n\nloop_ \n_rlnOpticsGroup #1 \n_rlnImageSize #2 \n"
        f"_rlnImageDimensionality #3 \n1 {box_px} {dimensions} \n \n"
        "\n# version 30001\n\ndata_particles\n\nloop_ \n_rlnImageName #1 \n_rlnOpticsGroup #2 \n"
        f"{rows} \n",
        encoding="utf-8",
    )


def write_movies(
    project: Path, movies: int, size: tuple[int, int, int], *, suffix: str = ".mrcs"
) -> str:
    """A STAR file of movies that are all one file of zeros; its name.

    Args:
        project: The project folder.
        movies: How many rows there are.
        size: Width and height in pixels, and frames.
        suffix: ".mrcs", or ".eer": pages of a TIFF.
    """
    width, height, frames = size
    movie = project / f"Movies/m{suffix}"
    movie.parent.mkdir(parents=True, exist_ok=True)
    content = struct.pack("<4i", *size, 2) + bytes(1008)
    if suffix == ".eer":
        entries = struct.pack("<HHHIIHHII", 2, 256, 4, 1, width, 257, 4, 1, height)
        step = len(entries) + 4
        places = [8 + step * page for page in range(1, frames)] + [0]
        pages = (entries + struct.pack("<I", place) for place in places)
        content = b"II" + struct.pack("<HI", 42, 8) + b"".join(pages)
    movie.write_bytes(content)
    rows = f"Movies/m{suffix} 1\n" * movies
    (project / "movies.star").write_text(
        f"\ndata_movies\n\nloop_\n_rlnMicrographMovieName #1\n_rlnOpticsGroup #2\n{rows} \n",
        encoding="utf-8",
    )
    return "movies.star"


def write_micrographs(project: Path, count: int) -> str:
    rows = "".join(f"MotionCorr/job002/m{n}.mrc\n" for n in range(count))
    (project / "m.star").write_text(
        f"\ndata_micrographs\n\nloop_\n_rlnMicrographName #1\n{rows} \n"
    )
    return "m.star"


def write_map(path: Path, box_px: int = 4) -> None:
    """A map of zeros."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        file.write(struct.pack("<4i", box_px, box_px, box_px, 2))
        # What follows takes no room on the disk, however large the map is.
        file.truncate(1024 + 4 * box_px**3)


def write_iteration(
    folder: Path, iteration: int, *, halves: bool = False, root: str = "run", particles: int = 3
) -> Path:
    """What `relion_refine` writes after an iteration; the optimiser file.

    Args:
        folder: The job's folder, two levels below the project's.
        iteration: Number of the iteration.
        halves: Whether two halves are refined apart.
        root: How the names start: "run", or "run_ct3" of a continued run of 3.1.
        particles: How many particles there are.
    """
    job = "/".join(folder.parts[-2:])
    name = f"{root}_it{iteration:03}"
    write_particles(folder / f"{name}_data.star", particles, 64)
    models = []
    for half in ("_half1", "_half2") if halves else ("",):
        write_map(folder / f"{name}{half}_class001.mrc")
        (folder / f"{name}{half}_model.star").write_text(
            "\n# version 30001\n\ndata_model_general\n\n_rlnNrClasses 1\n \n"
            "\n# version 30001\n\ndata_model_classes\n\nloop_ \n_rlnReferenceImage #1 \n"
            f"{job}/{name}{half}_class001.mrc \n \n",
            encoding="utf-8",
        )
        models.append(f"{job}/{name}{half}_model.star")
    (folder / f"{name}_sampling.star").write_text(
        "\n# version 30001\n\ndata_sampling_general\n\n_rlnIs3DSampling 1\n \n", encoding="utf-8"
    )
    second = f"_rlnModelStarFile2 {models[-1]}\n" if halves else ""
    path = folder / f"{name}_optimiser.star"
    path.write_text(
        "\n# version 30001\n\ndata_optimiser_general\n\n"
        f"_rlnOutputRootName {job}/{root}\n_rlnModelStarFile {models[0]}\n{second}"
        f"_rlnExperimentalDataStarFile {job}/{name}_data.star\n"
        f"_rlnOrientSamplingStarFile {job}/{name}_sampling.star\n"
        f"_rlnCurrentIteration {iteration}\n_rlnDoSplitRandomHalves {int(halves)}\n \n",
        encoding="utf-8",
    )
    return path


def gpu_queue(
    name: str = "refine3d",
    *,
    gpus: int = 4,
    gpu_memory_gib: float | None = 22.35,
    max_nodes: int = 2,
    vcpus: int = 48,
    spot: bool = False,
    exclusive: bool = True,
) -> Partition:
    """A queue of machines with GPUs; as g5.12xlarge by default."""
    return Partition(
        name=name,
        instance_type="g5.12xlarge",
        max_nodes=max_nodes,
        vcpus=vcpus,
        memory_gib=192,
        gpus=gpus,
        gpu_memory_gib=gpu_memory_gib,
        spot=spot,
        exclusive=exclusive,
    )


def cpu_queue(
    *, max_nodes: int = 4, vcpus: int = 128, memory_gib: float = 256, spot: bool = False
) -> Partition:
    """A queue of machines without GPUs; as c6i.32xlarge by default."""
    return Partition(
        name="polish",
        instance_type="c6i.32xlarge",
        max_nodes=max_nodes,
        vcpus=vcpus,
        memory_gib=memory_gib,
        gpus=0,
        gpu_memory_gib=None,
        spot=spot,
        exclusive=True,
    )


def _quoted(value: str) -> str:
    return f'"{value}"' if not value or " " in value else value
