"""`gotocloud advise stop` and `collect`: a project, run as people run them."""

from __future__ import annotations

import re
from pathlib import Path

from gotocloud.advisor.progress import STREPTAVIDIN, progress_text
from tests.advisor.imports.test_project_progress import project as relion_jobs
from tests.cli.advising import advise, as_json, elsewhere
from tests.relion.samples import write_particles

__all__ = ["elsewhere"]


def test_stop_gives_the_papers_example_and_its_advice() -> None:
    said = advise("stop", "--example", "--target", "2.0").stdout
    for part in ("177", "3,839", "29,275", "8,475", "Advice      STOP", "2 Å is reached"):
        assert part in said
    found = as_json("stop", "--example", "--target", "2.0")
    assert [round(step["usd_per_angstrom"]) for step in found["steps"]] == [177, 3839, 29275, 8475]
    assert found["verdict"] == "stop"


def test_stop_reads_a_record_that_began_as_the_template(tmp_path: Path) -> None:
    text = advise("stop", "--template").stdout
    assert text == progress_text(STREPTAVIDIN)
    (tmp_path / "mine.csv").write_text(text)
    assert as_json("stop", "--record", "mine.csv", "--target", "1.2")["verdict"] == "stop"


def test_stop_takes_the_record_from_a_projects_folders(tmp_path: Path) -> None:
    jobs = [("Refine3D", 2, 0), ("PostProcess", 0, 4.0), ("Class3D", 0, 0), ("Refine3D", 1, 0)]
    relion_jobs(tmp_path / "p", *jobs, ("PostProcess", 0, 3.5))
    done = advise("stop", "--project", "p", "--target", "3.6")
    assert "3.6 Å is reached" in done.stdout
    assert "after 3 h and 23 USD" in done.stdout
    assert "Not counted, because their time and cost are not known: Class3D/job003" in done.stderr


def test_collect_states_how_many_particles_a_target_needs(tmp_path: Path) -> None:
    Path("mine.csv").write_text(advise("collect", "--template").stdout)
    asked = ("collect", "--record", "mine.csv", "--target", "2.6")
    said = advise(*asked, "--picture", "line.svg").stdout
    assert "COLLECT MORE" in said
    assert "B-factor    103 Å²" in said
    assert "2.6 Å</text>" in Path("line.svg").read_text()
    found = as_json(*asked)
    likely, fewest, most = found["particles_needed"]
    assert fewest < likely < most
    assert found["verdict"] == "collect more"


def test_collect_takes_sub_sets_from_a_projects_folders(tmp_path: Path) -> None:
    folder = relion_jobs(
        tmp_path / "p",
        *[("Refine3D", 1, 0), ("PostProcess", 0, 4.0), ("Refine3D", 1, 0), ("PostProcess", 0, 3.5)],
        ("PostProcess", 0, 3.0),
    )
    halves = {2: "Refine3D/job001/run_half1_class001_unfil.mrc", 5: "External/job009/half1.mrc"}
    halves[4] = halves[2].replace("001/", "003/")
    for number, half in halves.items():
        at = folder / f"PostProcess/job{number:03d}/job.star"
        at.write_text(re.sub(r"(?m)^(\s*fn_in\s+).*$", rf"\g<1>{half}", at.read_text()))
    for number, particles in ((1, 40), (3, 80)):
        at = folder / f"Refine3D/job{number:03d}/job.star"
        name = f"set{number}.star"
        at.write_text(re.sub(r"(?m)^(\s*fn_img\s+).*$", rf"\g<1>{name}", at.read_text()))
        write_particles(folder / name, particles, 64)
    done = advise("collect", "--project", "p")
    assert re.search(r"40 +4 .*\n.*80 +3.5", done.stdout)
    assert "Left out: PostProcess/job005: its half map is of no Refine3D here" in done.stderr


def test_stop_looks_at_a_running_refinement(tmp_path: Path) -> None:
    folder = tmp_path / "Refine3D" / "job020"
    folder.mkdir(parents=True)
    (folder / "run.out").write_text(
        " Auto-refine: Iteration= 12\n Auto-refine: Resolution= 3.1 (no gain for 2 iter) \n"
    )
    said = advise("stop", "--example", "--target", "1.5", "--refinement", str(folder)).stdout
    assert "no gain for 2 iterations" in said
