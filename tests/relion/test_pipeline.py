"""The pipeline of a project, as 3.1 and as 4 and 5 write it."""

from __future__ import annotations

from pathlib import Path

import pytest

from gotocloud.relion.pipeline import ProcessStatus, read_pipeline, with_status
from gotocloud.relion.star import StarError

GENERAL = "\n# version 30001\n\ndata_pipeline_general\n\n_rlnPipeLineJobCounter      4\n \n"
OLD = (
    "\n# version 30001\n\ndata_pipeline_processes\n\nloop_ \n_rlnPipeLineProcessName #1 \n"
    "_rlnPipeLineProcessAlias #2 \n_rlnPipeLineProcessType #3 \n_rlnPipeLineProcessStatus #4 \n"
    "Import/job001/       None            0            2 \n"
    "Class2D/job002/ Class2D/first_try/            8            0 \n"
    "Refine3D/job003/       None           10            3 \n \n"
)
NEW = (
    "\n# version 50001\n\ndata_pipeline_processes\n\nloop_ \n_rlnPipeLineProcessName #1 \n"
    "_rlnPipeLineProcessAlias #2 \n_rlnPipeLineProcessTypeLabel #3 \n"
    "_rlnPipeLineProcessStatusLabel #4 \n"
    "Import/job001/       None relion.import.movies    Succeeded \n"
    "Class2D/job002/ Class2D/first_try/ relion.class2d    Running \n"
    "Refine3D/job003/       None relion.refine3d    Failed \n \n"
)


@pytest.mark.parametrize("processes", [OLD, NEW])
def test_both_dialects_give_the_same(tmp_path: Path, processes: str) -> None:
    (tmp_path / "default_pipeline.star").write_text(GENERAL + processes)
    found = read_pipeline(tmp_path)
    assert [(one.name, one.alias, one.type and one.type.name, one.status) for one in found] == [
        ("Import/job001/", None, "import", ProcessStatus.SUCCEEDED),
        ("Class2D/job002/", "Class2D/first_try/", "class2d", ProcessStatus.RUNNING),
        ("Refine3D/job003/", None, "refine3d", ProcessStatus.FAILED),
    ]
    assert [one.number for one in found] == [1, 2, 3]


@pytest.mark.parametrize("processes", [OLD, NEW])
@pytest.mark.parametrize("status", [ProcessStatus.RUNNING, ProcessStatus.SUCCEEDED])
def test_a_process_gets_another_status_and_nothing_else_changes(
    tmp_path: Path, processes: str, status: ProcessStatus
) -> None:
    path = tmp_path / "default_pipeline.star"
    path.write_text(GENERAL + processes)
    before = read_pipeline(tmp_path)
    path.write_text(with_status(path.read_text(), "Refine3D/job003/", status))
    after = read_pipeline(tmp_path)
    assert after[:2] == before[:2]
    assert (after[2].name, after[2].status) == ("Refine3D/job003/", status)
    assert with_status(path.read_text(), "Refine3D/job004/", status) == path.read_text()


def test_a_project_without_jobs_has_no_processes(tmp_path: Path) -> None:
    (tmp_path / "default_pipeline.star").write_text(GENERAL)
    assert read_pipeline(tmp_path) == ()


def test_a_type_and_a_status_of_a_later_version_do_not_hide_the_others(tmp_path: Path) -> None:
    text = NEW.replace("relion.refine3d", "relion.future").replace("Failed", "Paused")
    (tmp_path / "default_pipeline.star").write_text(GENERAL + text)
    last = read_pipeline(tmp_path)[-1]
    assert (last.type, last.status) == (None, ProcessStatus.UNKNOWN)


def test_a_folder_that_is_no_project_is_reported(tmp_path: Path) -> None:
    with pytest.raises(StarError, match="no RELION project"):
        read_pipeline(tmp_path)
    (tmp_path / "default_pipeline.star").write_text("\ndata_other\n\n_rlnX 1\n \n")
    with pytest.raises(StarError, match="no table 'data_pipeline_general'"):
        read_pipeline(tmp_path)
