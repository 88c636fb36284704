"""Fourier shells: the steps in which a resolution is measured."""

from __future__ import annotations

from dataclasses import dataclass

AT_NYQUIST = 1.02
"""A resolution within 2 % of twice the pixel is the pixel's, not the particles'."""


@dataclass(frozen=True)
class Shells:
    """The shells of a map. RELION's FSC has one value for each; a resolution is one of them.

    Source: RELION's `postprocessing.cpp` walks over `ires` from 0 to half the box and takes
    box * pixel / ires as the resolution of shell `ires`.

    Args:
        box_px: Side of the map in pixels.
        pixel_angstrom: Pixel size.
    """

    box_px: int
    pixel_angstrom: float

    @property
    def side_angstrom(self) -> float:
        """Side of the map; 1 over it is the width of a shell in 1/Å."""
        return self.box_px * self.pixel_angstrom

    def index(self, resolution_angstrom: float) -> int:
        """The shell of a resolution, which may be rounded to two decimals."""
        return round(self.side_angstrom / resolution_angstrom)

    def gain(self, before_angstrom: float, after_angstrom: float) -> int:
        """Shells by which one resolution is better than another; 0 when it is not."""
        return max(self.index(after_angstrom) - self.index(before_angstrom), 0)

    def step(self, resolution_angstrom: float) -> float:
        """How much better the next shell is, in Å."""
        return resolution_angstrom - 1 / (1 / resolution_angstrom + 1 / self.side_angstrom)


def nyquist(pixel_angstrom: float) -> float:
    """The finest resolution that pixels of a size can hold, in Å."""
    return 2 * pixel_angstrom
