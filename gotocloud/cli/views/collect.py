"""What `gotocloud advise collect` shows to people."""

from __future__ import annotations

import math

import typer

from gotocloud.advisor.collecting import BFactorLine, CollectAdvice
from gotocloud.advisor.subsets import Subsets
from gotocloud.cli.output import paragraph, table
from gotocloud.cli.views.advise import line


def show_collect(advice: CollectAdvice, subsets: Subsets) -> None:
    """Print what more particles will bring."""
    typer.echo("Refinements of a part of the particles:")
    rows = [
        (f"{one.particles:,}", f"{one.resolution_angstrom:g}", _on(advice.line, one.particles))
        for one in sorted(subsets.subsets, key=lambda one: one.particles)
    ]
    table(("particles", "Å", "on the line"), rows)
    line("Advice", advice.verdict.value.upper())
    paragraph(advice.reason)
    if found := advice.line:
        line("B-factor", _b_words(found))
        if advice.doubled:
            line("Twice", _doubled_words(found, *advice.doubled))
    for note in advice.notes:
        paragraph(note)
    paragraph(f"Source: {subsets.source}")


def _on(found: BFactorLine | None, particles: int) -> str:
    place = found.resolution(particles) if found else None
    return f"{place[0]:.2f}" if place else ""


def _b_words(found: BFactorLine) -> str:
    if found.b_factor is None:
        return "none: the resolution does not grow with the particles"
    text = f"{found.b_factor:.3g} Å²"
    if found.b_interval is None:
        return f"{text} (from {found.points} points; how far they scatter is not known)"
    low, high = found.b_interval
    upper = f"{high:.3g}" if high is not None else "any number"
    return f"{text} ({low:.3g} to {upper}, nine times of ten; {found.points} points)"


def _doubled_words(
    found: BFactorLine, likely: float, best: float | None, worst: float | None
) -> str:
    text = f"{2 * found.particles[1]:,} particles: probably {likely:.2f} Å"
    if best is None or worst is None:
        return text
    upper = f"{worst:.2f}" if math.isfinite(worst) else "any"
    return f"{text} ({best:.2f} to {upper})"
