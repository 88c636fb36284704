"""Tables of others: columns are mapped, units converted, nonsense refused."""

from __future__ import annotations

import pytest

from gotocloud.advisor.imports.foreign import SCHEMES, parse_foreign
from gotocloud.errors import InputError

SCHEMES_TABLE = (
    "JobType/JobID,Job Name,GPUs,MPI,Thread,MPIs/Node,Nodes,Process time(hh:mm:ss),"
    "Running time(hh:mm:ss),EC2 Instance Type,Cost/hours(USD)\n"
    "Import/job001/,010010_Import,NaN,NaN,NaN,NaN,NaN,0:00:01,0:00:01,NaN,NaN\n"
    "MotionCorr/job002/,010020_MotionCorr,NaN,24.0,8.0,24.0,1.0,1:10:39,0:00:44,"
    "c7i.48xlarge,8.568\n"
    "Refine3D/job035/,070070_Refine3D,1.0,3.0,4.0,2.0,1.0,0:20:07,0:15:53,g6.4xlarge,1.3232\n"
)
SAID = {"source": "somebody", "date": "2024", "region": "us-east-1"}


def test_the_cost_calculators_table_is_known() -> None:
    records, silent = parse_foreign(SCHEMES_TABLE, "cc.csv", constants=SAID)
    assert silent == 1
    motion, refine = records
    assert (motion.job_type, motion.ranks, motion.threads) == ("motioncorr", 24, 8)
    assert (motion.in_job_s, motion.submit_to_exit_s) == (44, 4239)
    assert refine.usd_in_job == pytest.approx(0.350, abs=5e-4)
    assert refine.gpus is None, "its count of GPUs is the number of digits in gpu_ids"
    assert "GPUs" not in SCHEMES


def test_times_in_hours_minutes_and_clocks_become_seconds() -> None:
    for column, value in (("in_job_h", "0.5"), ("in_job_min", "30"), ("in_job_clock", "0:30:00")):
        text = f"job_type,instance_type,nodes,{column}\nclass2d,g4dn.12xlarge,1,{value}\n"
        (record,), _ = parse_foreign(text, "x.csv", constants=SAID)
        assert record.in_job_s == 1800


def test_columns_can_be_named_by_hand() -> None:
    text = "what,where,how many,Stunden\nclass2d,g4dn.12xlarge,8,1.5\n"
    columns = {
        "what": "job_type",
        "where": "instance_type",
        "how many": "nodes",
        "Stunden": "in_job_h",
    }
    (record,), _ = parse_foreign(text, "x.csv", columns=columns, constants=SAID)
    assert (record.nodes, record.in_job_s) == (8, 5400)


def test_everything_that_is_missing_or_wrong_is_reported_at_once() -> None:
    with pytest.raises(InputError) as caught:
        parse_foreign("a,b\n1,2\n", "x.csv", columns={"a": "nodes", "c": "colour"})
    said = str(caught.value)
    assert "there is no column 'c'" in said
    assert "'colour' is none of our columns" in said
    assert "nothing gives in_job_s: name a column with --column THEIRS=in_job_s" in said


def test_bad_rows_are_named_with_their_lines() -> None:
    text = (
        "job_type,instance_type,nodes,in_job_min\nclass2d,g4dn.12xlarge,1,-3\n"
        "class2d,g4dn.12xlarge,0.5,3\nnonsense,g4dn.12xlarge,1,3\nclass2d,g4dn.12xlarge,1,soon\n"
    )
    with pytest.raises(InputError) as caught:
        parse_foreign(text, "x.csv", constants=SAID)
    said = str(caught.value)
    assert "line 2: in_job_s -180.0 is negative" in said
    assert "line 3: nodes 0.5" in said
    assert "line 4: No RELION job type named 'nonsense'" in said
    assert "line 5: in_job_min: 'soon' is not a number" in said


def test_a_table_of_jobs_on_no_node_is_no_benchmark() -> None:
    text = "job_type,instance_type,nodes,in_job_s\nimport,,1,3\n"
    with pytest.raises(InputError, match="no row has a job on a node"):
        parse_foreign(text, "x.csv", constants=SAID)
    with pytest.raises(InputError, match="no header and no row"):
        parse_foreign("", "x.csv")
