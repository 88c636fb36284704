"""A few small synthetic movies: the particles of a data set on frames that drift."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

from gotocloud.rehearsal.slurm.dataset import PIXEL_ANGSTROM, make_dataset, write_mrc

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

BOX_PX = 32
EDGE_PX = 512
FRAMES = 6
PER_SIDE = 6
"""Particles lie on a square grid, with so many on a side."""

DRIFT_PX = 1.5
"""Of each frame, in x; the motion correction has to find it."""

NOISE = 2.0
"""Standard deviation of a frame's noise over that of the particle images."""

DEFOCUS_ANGSTROM = 12_000.0
SEARCHED_ANGSTROM = (5_000.0, 19_000.0)
"""Where the defocus is looked for: the stand-in for CTFFIND returns the middle."""


@dataclass(frozen=True)
class Movies:
    """Where a project's synthetic movies are.

    Args:
        pattern: Their names, as RELION imports them.
        programs: Folder with the stand-in for CTFFIND, for the jobs' PATH.
        particles: How many there are on all movies.
    """

    pattern: str
    programs: Path
    particles: int

    @property
    def names(self) -> dict[str, str]:
        """What the forms of the pipeline's jobs need of them."""
        return {
            "movies": self.pattern,
            "ctffind": str(self.programs / "ctffind"),
            "pixel": f"{PIXEL_ANGSTROM:g}",
            "diameter": f"{0.8 * BOX_PX * PIXEL_ANGSTROM:.0f}",
            "smallest_diameter": f"{0.5 * BOX_PX * PIXEL_ANGSTROM:.0f}",
            "box": str(BOX_PX),
            "least_defocus": f"{SEARCHED_ANGSTROM[0]:.0f}",
            "largest_defocus": f"{SEARCHED_ANGSTROM[1]:.0f}",
        }


def make_movies(directory: Path, movies: int = 3, seed: int = 0) -> Movies:
    """Make them in a folder, which becomes a RELION project folder if it is not one.

    Args:
        directory: Made if missing.
        movies: How many.
        seed: The same seed gives the same files.

    Raises:
        InputError: if a number cannot be used.
        GoToCloudError: if RELION is not here or fails.
    """
    import mrcfile
    import numpy as np

    count = movies * PER_SIDE**2
    made = directory / "synthetic"
    make_dataset(made, count, BOX_PX, seed, defocus_angstrom=(DEFOCUS_ANGSTROM,) * 2)
    # As on a micrograph: particles are darker than the ice.
    images = -mrcfile.read(made / "particles.mrcs")
    shutil.rmtree(made)
    random = np.random.default_rng(seed)
    (directory / "Movies").mkdir(exist_ok=True)
    for number, own in enumerate(np.split(images, movies), start=1):
        name = directory / "Movies" / f"movie{number:03d}.mrcs"
        write_mrc(name, _frames(random, own), is_stack=True)
    return Movies("Movies/*.mrcs", _programs(directory / "bin"), count)


def _frames(random: np.random.Generator, images: NDArray[np.float32]) -> NDArray[np.float32]:
    """The frames of one movie: each shows the same particles, further to the right."""
    import numpy as np

    step = EDGE_PX // PER_SIDE
    still = np.zeros((EDGE_PX, EDGE_PX))
    for position, image in enumerate(images):
        corner = np.array(divmod(position, PER_SIDE)) * step + (step - BOX_PX) // 2
        y, x = corner + random.integers(-8, 9, 2)
        still[y : y + BOX_PX, x : x + BOX_PX] += image
    spread = NOISE * float(images.std())
    frames = [
        np.roll(still, round(number * DRIFT_PX), axis=1) + random.normal(0.0, spread, still.shape)
        for number in range(FRAMES)
    ]
    return np.stack(frames).astype(np.float32)


def _programs(folder: Path) -> Path:
    """A folder with a stand-in for CTFFIND, and a C shell if this machine has none."""
    folder.mkdir(exist_ok=True)
    stand_in = files(__package__).joinpath("assets", "ctffind-stand-in.sh").read_bytes()
    programs = {"ctffind": stand_in}
    if not shutil.which("csh"):
        # RELION runs CTFFIND from a script for csh that is one for sh as well.
        programs["csh"] = b'#!/bin/sh\nexec sh "$@"\n'
    for name, text in programs.items():
        (folder / name).write_bytes(text)
        (folder / name).chmod(0o755)
    return folder.resolve()
