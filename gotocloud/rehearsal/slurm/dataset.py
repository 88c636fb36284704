"""A small synthetic dataset: a made-up molecule, seen by Debian's RELION.

Everything follows from the seed: the molecule, the orientations, the defocus values and the
noise. Numbers are chosen for speed, not for truth: nothing here is a measurement.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gotocloud.errors import GoToCloudError, InputError
from gotocloud.printed import lines_of

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

PIXEL_ANGSTROM = 4.0
NOISE = 0.5
"""Standard deviation of the noise over that of the pure images."""
BLOBS = 28
SMALLEST_BOX_PX = 24
_MICROGRAPHS = 8
_MAP, _PARTICLES, _STACK, _ANGLES, _REFERENCE = (
    "molecule.mrc",
    "particles.star",
    "particles.mrcs",
    "angles.star",
    "reference.mrc",
)
_OPTICS = """\
data_optics

loop_
_rlnOpticsGroupName
_rlnOpticsGroup
_rlnMicrographPixelSize
_rlnVoltage
_rlnSphericalAberration
_rlnAmplitudeContrast
_rlnImagePixelSize
_rlnImageSize
_rlnImageDimensionality
opticsGroup1 1 {pixel:.3f} 300.0 2.7 0.1 {pixel:.3f} {box} 2
"""
_COLUMNS = (
    *("rlnImageName", "rlnMicrographName", "rlnOpticsGroup"),
    *("rlnDefocusU", "rlnDefocusV", "rlnDefocusAngle"),
    *("rlnAngleRot", "rlnAngleTilt", "rlnAnglePsi", "rlnOriginXAngst", "rlnOriginYAngst"),
)
_POSES = 5
"""Columns at the end with a particle's true orientation; RELION does not get them."""


@dataclass(frozen=True)
class Dataset:
    """Where the parts of a synthetic dataset are.

    Args:
        particles: STAR file of the particles, as RELION imports it.
        molecule: The map that they show.
        reference: A blurred molecule, to start from.
        diameter_angstrom: Diameter of the molecule's mask.
        pixel_angstrom: Size of a pixel.
    """

    particles: Path
    molecule: Path
    reference: Path
    diameter_angstrom: float
    pixel_angstrom: float

    @property
    def names(self) -> dict[str, str]:
        """What the forms of the pipeline's jobs need of it."""
        return {
            "given": self.particles.name,
            "reference": self.reference.name,
            "diameter": f"{self.diameter_angstrom:.0f}",
            "pixel": f"{self.pixel_angstrom:g}",
        }


def make_dataset(
    directory: Path,
    particles: int = 200,
    box_px: int = 32,
    seed: int = 0,
    *,
    defocus_angstrom: tuple[float, float] = (8000.0, 16000.0),
) -> Dataset:
    """Make one in a folder, which becomes a RELION project folder if it is not one.

    Args:
        directory: Made if missing; paths in the STAR file are relative to it.
        particles: Number of particles.
        box_px: Edge of a particle image in pixels; even.
        seed: The same seed gives the same files.
        defocus_angstrom: The least and the largest; each particle has its own in between.

    Raises:
        InputError: if a number cannot be used.
        GoToCloudError: if RELION is not here or fails.
    """
    _check(particles, box_px)
    import numpy as np

    directory.mkdir(parents=True, exist_ok=True)
    random = np.random.default_rng(seed)
    molecule = _molecule(random, box_px)
    write_mrc(directory / _MAP, molecule)
    write_mrc(directory / _REFERENCE, _blurred(molecule, 3.0))
    rows = _rows(random, particles, defocus_angstrom)
    optics = _OPTICS.format(pixel=PIXEL_ANGSTROM, box=box_px)
    (directory / _ANGLES).write_text(_star(optics, rows, len(_COLUMNS)))
    clean = _projected(directory)
    noise = random.normal(0.0, NOISE * float(clean.std()), clean.shape)
    write_mrc(directory / _STACK, (clean + noise).astype(np.float32), is_stack=True)
    (directory / _PARTICLES).write_text(_star(optics, rows, len(_COLUMNS) - _POSES))
    (directory / _ANGLES).unlink()
    return Dataset(
        particles=directory / _PARTICLES,
        molecule=directory / _MAP,
        reference=directory / _REFERENCE,
        diameter_angstrom=0.8 * box_px * PIXEL_ANGSTROM,
        pixel_angstrom=PIXEL_ANGSTROM,
    )


def _check(particles: int, box_px: int) -> None:
    problems = []
    if particles < 1:
        problems.append(f"particles: {particles}; at least 1")
    if box_px < SMALLEST_BOX_PX or box_px % 2:
        problems.append(f"box_px: {box_px}; an even number from {SMALLEST_BOX_PX} up")
    if problems:
        raise InputError("No dataset can be made of these numbers.", problems=problems)
    if not shutil.which("relion_project"):
        raise GoToCloudError(
            "RELION is not installed here; Debian and Ubuntu have it.",
            next_command="apt-get install relion",
        )


def write_mrc(path: Path, data: NDArray[np.float32], *, is_stack: bool = False) -> None:
    """Write an image, a map or a stack with the data set's pixel size."""
    import mrcfile

    with mrcfile.new(path, overwrite=True) as file:
        file.set_data(data)
        file.voxel_size = PIXEL_ANGSTROM
        if is_stack:
            file.set_image_stack()
        # The library notes the time of day.
        file.header.label[0] = b"GoToCloud rehearsal: synthetic"


def _molecule(random: np.random.Generator, box_px: int) -> NDArray[np.float32]:
    """Blobs in a lopsided heap, so that no two orientations look alike."""
    import numpy as np

    axis = np.arange(box_px) - box_px // 2
    z, y, x = np.meshgrid(axis, axis, axis, indexing="ij")
    density = np.zeros((box_px,) * 3)
    reach = 0.30 * box_px
    for _ in range(BLOBS):
        centre = random.uniform(-1.0, 1.0, 3) * reach * (1.0, 0.7, 0.45)
        centre += (0.0, 0.12 * box_px * np.sign(centre[0]), 0.0)
        centre *= min(1.0, reach / max(float(np.linalg.norm(centre)), 1e-9))
        squared = (z - centre[2]) ** 2 + (y - centre[1]) ** 2 + (x - centre[0]) ** 2
        density += random.uniform(0.5, 1.0) * np.exp(-squared / (2 * 1.2**2))
    return density.astype(np.float32)


def _blurred(density: NDArray[np.float32], width_px: float) -> NDArray[np.float32]:
    import numpy as np

    frequency = np.fft.fftfreq(density.shape[0])
    squared = sum(part**2 for part in np.meshgrid(frequency, frequency, frequency, indexing="ij"))
    filtered = np.fft.fftn(density) * np.exp(-2 * (np.pi * width_px) ** 2 * squared)
    return np.fft.ifftn(filtered).real.astype(np.float32)


def _rows(
    random: np.random.Generator, particles: int, defocus_angstrom: tuple[float, float]
) -> list[list[str]]:
    """A line for every particle: seen from everywhere, in and out of focus."""
    import numpy as np

    rows = []
    for number in range(1, particles + 1):
        defocus = random.uniform(*defocus_angstrom)
        tilt = np.degrees(np.arccos(random.uniform(-1.0, 1.0)))
        pose = (
            *(random.uniform(-180.0, 180.0), tilt, random.uniform(-180.0, 180.0)),
            *random.normal(0.0, PIXEL_ANGSTROM, 2),
        )
        micrograph = f"mic{number % _MICROGRAPHS + 1:02d}.mrc"
        rows.append(
            [f"{number:06d}@{_STACK}", micrograph, "1"]
            + [f"{value:.3f}" for value in (defocus, defocus, 0.0, *pose)]
        )
    return rows


def _star(optics: str, rows: list[list[str]], columns: int) -> str:
    names = "\n".join(f"_{name}" for name in _COLUMNS[:columns])
    lines = "\n".join(" ".join(row[:columns]) for row in rows)
    return f"{optics}\ndata_particles\n\nloop_\n{names}\n{lines}\n"


def _projected(directory: Path) -> Any:
    """The images without noise, from RELION."""
    import mrcfile

    options = ("--i", _MAP, "--ang", _ANGLES, "--o", "projected", "--ctf")
    done = subprocess.run(
        ["relion_project", *options, "--angpix", str(PIXEL_ANGSTROM)],
        cwd=directory,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    stack = directory / "projected.mrcs"
    if done.returncode or not stack.is_file():
        stated = lines_of(done.stderr or done.stdout)
        raise GoToCloudError("relion_project failed.", problems=stated[-5:])
    images = mrcfile.read(stack)
    stack.unlink()
    (directory / "projected.star").unlink(missing_ok=True)
    return images
