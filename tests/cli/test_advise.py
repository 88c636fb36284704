"""`gotocloud advise …`, run as people run it."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from gotocloud.advisor import extras
from gotocloud.advisor.places import load_records
from gotocloud.advisor.records import BenchmarkRecord, records_text
from gotocloud.advisor.tables import read_records
from gotocloud.cli.commands.advise import app
from gotocloud.errors import GoToCloudError, InputError
from gotocloud.jobs.measuring import add_to
from tests.advisor.imports.relion_project import log, refinement
from tests.advisor.measured import on_nodes, record
from tests.cli.advising import RUNNER, advise, as_json, elsewhere

__all__ = ["elsewhere"]

PAPER = {
    "refine3d": "16@2x g4dn(8,96)",
    "class3d": "30@8x g5(4,48)",
    "class2d": "30@8x g4dn(4,48)",
    "class2d-vdam": "4@1x g5(4,48)",
    "polish": "256@4x c6i(0,128)",
}
RECORDS = [
    *(on_nodes(n, 600 + 12_000 / n) for n in (1, 2, 4, 8, 8)),
    *(record(instance_type="g5.12xlarge", gpus=8, ranks=9, in_job_s=s) for s in (3900, 4100)),
]


def own(*records: BenchmarkRecord) -> None:
    Path("gotocloud-benchmarks.csv").write_text(records_text(records or RECORDS))


@pytest.mark.parametrize("job", PAPER)
def test_every_optimum_of_the_paper_comes_out_with_its_citation(job: str) -> None:
    said = advise(job).stdout
    assert f"[{PAPER[job]}]" in said
    assert "doi 10.1038/s42003-024-07031-6" in said
    assert "it is the paper's setting" in said
    assert "No benchmark for this: the paper's timings are not public" in said


def test_what_was_never_measured_states_it() -> None:
    said = advise("motioncorr").stdout
    assert "No benchmark for this: neither you nor the paper has measured it." in said
    assert "4 x c7i.48xlarge" in said
    assert as_json("motioncorr")["basis"] == "nothing"


def test_ones_own_measurements_give_time_cost_interval_runner_up_and_front() -> None:
    own()
    done = advise("Refine3D")
    said = done.stdout
    for part in (
        "Refine3D, particles 100,000, box 256 px; on demand in us-east-1",
        "Use         8 GPUs on 2 x g5.12xlarge, 9 ranks x 6 threads   [8@2x g5(4,48)]",
        "nine runs of ten",
        "price of 2026-01-20",
        "Known from  mean of 2 measured runs: a test, 2026-11",
        "Queue       refine3d of cryoem-spa",
        "Next best",
        "(Pareto front)",
        "between measured node counts",
        "The paper's setting, on its own data: 16 GPUs on 2 x g4dn.metal.",
    ):
        assert part in said
    assert "7 benchmark records from gotocloud-benchmarks.csv" in done.stderr
    found = as_json("refine3d")
    low, high = found["recommended"]["hours_interval"]
    assert low < found["recommended"]["hours"] < high
    assert found["interval_rate"] == 0.9
    assert found["recommended"]["sources"] == ["a test, 2026-11"]


@pytest.mark.parametrize(
    ("choice", "label"),
    [
        (("--priority", "speed"), "64@8x g4dn(8,96)"),
        (("--priority", "cost"), "8@2x g5(4,48)"),
        (("--weight", "1"), "64@8x g4dn(8,96)"),
        (("--priority", "speed", "--budget", "20"), "8@2x g5(4,48)"),
        (("--deadline", "0.8"), "64@8x g4dn(8,96)"),
    ],
)
def test_the_option_decides(choice: tuple[str, ...], label: str) -> None:
    own()
    assert as_json("refine3d", *choice)["recommended"]["label"] == label


def test_a_request_that_nothing_meets_fails_with_what_comes_nearest() -> None:
    own()
    done = RUNNER.invoke(app, ["refine3d", "--deadline", "0.01"])
    assert done.exit_code == 1
    assert isinstance(done.exception, GoToCloudError)
    assert "the fastest takes 40 min" in str(done.exception)
    assert "(Pareto front)" in done.stdout


def test_a_size_out_of_reach_is_refused_and_the_paper_given() -> None:
    own()
    said = advise("refine3d", "--particles", "9000000").stdout
    assert "Your measurements give no answer: particles 9,000,000: measured 100,000" in said
    assert "16@2x g4dn(8,96)" in said


def test_the_region_is_typed_or_known_or_the_papers(monkeypatch: pytest.MonkeyPatch) -> None:
    done = advise("refine3d")
    assert "15.65 USD per hour" in done.stdout
    assert "Prices are those of us-east-1" in done.stderr
    monkeypatch.setenv("AWS_REGION", "ap-northeast-1")
    assert "21.12 USD per hour" in advise("refine3d").stdout
    assert "unknown in eu-west-3" in advise("refine3d", "--region", "eu-west-3").stdout
    assert isinstance(RUNNER.invoke(app, ["refine3d", "--region", "tokyo"]).exception, InputError)


def test_spot_prices_are_requested() -> None:
    assert "7.46 USD per hour for all nodes (2026-01-20/2026-01-29)" in (
        advise("refine3d", "--spot").stdout
    )


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("refien3d",), "Did you mean 'refine3d'?"),
        (("prep-cpu",), "is a queue of several jobs"),
        (("refine3d", "--priority", "best"), "not one of speed, balanced, cost"),
        (("refine3d", "--benchmarks", "none.csv"), "There is no file 'none.csv'"),
        (("stop",), "give one of --record FILE, --project FOLDER and --example"),
        (("collect",), "give one of --record FILE, --project FOLDER and --example"),
        (("collect", "--example", "--pixel", "0"), "--pixel 0 must be more than 0"),
        (("collect", "--example", "--picture", "a.html"), "must be one of svg, pdf, png"),
        (("stop", "--example", "--target", "-1"), "--target -1 must be more than 0"),
        (("stop", "--example", "--refinement", "."), "There is no run.out"),
        (("import", "none.csv"), "There is no file 'none.csv'"),
        (("import", ".", "--set", "nodes"), "'nodes' is not NAME=VALUE"),
    ],
)
def test_mistakes_are_explained(arguments: tuple[str, ...], said: str) -> None:
    done = RUNNER.invoke(app, arguments)
    assert isinstance(done.exception, InputError), done.output
    assert said in str(done.exception)


def test_the_public_run_can_be_read() -> None:
    found = as_json("initialmodel", "--benchmarks", "public")
    assert found["recommended"]["usd"] == pytest.approx(0.475, abs=1e-3)
    assert load_records("public")[1]


def test_a_project_shows_every_step_and_the_worked_example() -> None:
    own()
    said = advise("project", "--polish-cycles", "2").stdout
    for part in (
        "MotionCorr",
        "Polish",
        "at least",
        "Not known",
        "177",
        "3,839",
        "29,275",
        "8,475",
    ):
        assert part in said
    found = as_json("project", "--polish-cycles", "2")
    refine = next(step for step in found["steps"] if step["job"] == "refine3d")
    assert refine["times"] == 3
    assert found["known_hours"] == pytest.approx(refine["hours"])
    assert "Polish" in found["hours_unknown_for"]


def test_import_prints_a_table_that_advise_reads(tmp_path: Path) -> None:
    refinement(tmp_path / "p", log(body="Elapsed (Unix time): 3600\n"))
    text = advise("import", "p", "--instance-type", "g4dn.12xlarge", "--source", "us").stdout
    Path("gotocloud-benchmarks.csv").write_text(text)
    assert as_json("refine3d")["recommended"]["label"] == "8@2x g4dn(4,48)"


def test_import_adds_to_a_table_once(tmp_path: Path) -> None:
    refinement(tmp_path / "p", log(body="Elapsed (Unix time): 3600\n"))
    arguments = ("import", "p", "--instance-type", "g4dn.12xlarge", "--to", "mine.csv")
    assert "1 record added to mine.csv" in advise(*arguments).stderr
    assert "0 records added to mine.csv; it had 1 already" in advise(*arguments).stderr
    assert len(read_records(Path("mine.csv"))) == 1


def test_records_added_at_the_same_time_are_all_kept(tmp_path: Path) -> None:
    table = tmp_path / "mine.csv"
    wanted = [record(in_job_s=float(seconds)) for seconds in range(600, 616)]
    with ThreadPoolExecutor(len(wanted)) as pool:
        list(pool.map(lambda one: add_to(table, [one]), wanted))
    assert sorted(one.in_job_s for one in read_records(table)) == [r.in_job_s for r in wanted]


def test_adding_records_keeps_what_a_person_has_noted(tmp_path: Path) -> None:
    table = tmp_path / "mine.csv"
    headline, _, rest = records_text(RECORDS[:1]).partition("\n")
    table.write_text(f"{headline}\n# The old microscope.\n{rest}# until here\n")
    add_to(table, RECORDS[:2])
    kept = table.read_text()
    assert kept.count(headline) == 1
    assert "\n# The old microscope.\n# until here\n" in kept
    assert len(read_records(table)) == 2


def test_a_disk_that_is_full_leaves_the_table_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    table = tmp_path / "mine.csv"
    table.write_text(before := records_text(RECORDS[:1]))

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(InputError, match="No space left on device"):
        add_to(table, RECORDS)
    assert table.read_text() == before
    assert {one.name for one in tmp_path.iterdir()} == {"mine.csv", ".mine.csv.lock"}


def test_import_states_what_it_leaves_out_and_fails_with_nothing(tmp_path: Path) -> None:
    refinement(tmp_path / "p", log(), status="Running", exit_file="")
    done = RUNNER.invoke(app, ["import", "p"])
    assert "Left out: Refine3D/job012: it has not ended" in done.stderr
    assert str(done.exception).startswith("Nothing could be imported.")


def test_columns_lists_what_a_table_holds() -> None:
    said = advise("columns").stdout
    assert "# gotocloud-benchmarks 1" in said
    assert "usd_per_node_hour" in said
    assert len(as_json("columns")) > 20


def test_without_the_libraries_the_install_command_is_taught(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    own()
    monkeypatch.setitem(sys.modules, "numpy", None)
    done = RUNNER.invoke(app, ["refine3d"])
    assert isinstance(done.exception, GoToCloudError)
    assert done.exception.next_command == extras.install_command()
    assert "'numpy', which is not installed" in str(done.exception)


def test_the_papers_advice_needs_no_library() -> None:
    script = (
        "import sys; sys.modules['numpy'] = sys.modules['scipy'] = None;"
        "sys.argv = ['gotocloud', 'advise', 'refine3d'];"
        "from gotocloud.cli.main import main; main()"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=False
    )
    assert "16@2x g4dn(8,96)" in done.stdout, done.stderr


def test_the_command_line_takes_job_types_as_commands() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "gotocloud", "advise", "refien3d"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert "Did you mean 'refine3d'?" in done.stderr


@pytest.mark.parametrize("ending", ["svg", "pdf", "png", "html"])
def test_what_was_measured_can_be_drawn(ending: str) -> None:
    picture = Path(f"refine.{ending}")
    done = RUNNER.invoke(app, ["class3d", "--benchmarks", "public", "--picture", str(picture)])
    assert done.exit_code == 0, done.exception
    assert picture.stat().st_size > 5_000


def test_the_paper_alone_cannot_be_drawn_and_explains_why() -> None:
    done = RUNNER.invoke(app, ["refine3d", "--picture", "a.svg"])
    assert isinstance(done.exception, InputError)
    assert "raw timings are not published" in str(done.exception)
    assert not Path("a.svg").exists()


def test_a_picture_that_cannot_be_drawn_is_refused_first() -> None:
    done = RUNNER.invoke(app, ["stop", "--example", "--picture", "no/such/folder/a.gif"])
    assert isinstance(done.exception, InputError)
    assert len(done.exception.problems) == 2
    assert done.stdout == ""


def test_a_projects_resolution_can_be_drawn() -> None:
    for name in ("a.svg", "a.html"):
        done = RUNNER.invoke(app, ["stop", "--example", "--picture", name])
        assert done.exit_code == 0, done.exception
        assert "Class3D without alignment, final refinement" in Path(name).read_text("utf-8")


@pytest.mark.parametrize(
    "words",
    [
        ("refine3d", "--benchmarks", "."),
        ("refine3d", "--region", "mars"),
        ("refine3d", "--picture", "plot.gif"),
        ("stop", "--project", "."),
        ("stop", "--example", "--refinement", "."),
        ("import", "."),
        ("import", "empty.csv"),
        ("import", ".", "--set", "nodes"),
    ],
)
def test_every_refusal_names_the_next_command(tmp_path: Path, words: tuple[str, ...]) -> None:
    (tmp_path / "empty.csv").touch()
    refused = RUNNER.invoke(app, words).exception
    assert isinstance(refused, GoToCloudError)
    assert refused.next_command
