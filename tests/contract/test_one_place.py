"""A name that deployed stacks and their readers share stands in `gotocloud/contract` only."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path

import pytest

from gotocloud.contract import group_facts, head_node, names, project_bucket, releases, stacks, tags
from gotocloud.contract.group_facts import FACTS_FOR_PEOPLE, Fact
from gotocloud.contract.stacks import FOR_PEOPLE

ROOT = Path(__file__).parent.parent.parent
PACKAGE = ROOT / "gotocloud"
CONTRACT = PACKAGE / "contract"
WRITERS = ("constructs", "stacks")
OUTPUTS = (
    stacks.ManagementOutput,
    stacks.ShareOutput,
    stacks.UserOutput,
    stacks.ProjectOutput,
    stacks.ClusterOutput,
)
PARAMETERS = (stacks.ProjectParameter, stacks.ClusterParameter)

AWS_OWN = {"VpcId", "BucketName", "ClusterName", "Project", "HeadNode", "FileSystemId", "Capacity"}
AWS_OWN |= {"RouteTableId", "MountTargets"}
"""Names of ours that AWS and ParallelCluster use as well, for keys of their own."""

WORDS = {"on-demand", "spot", "new", "kept", "none", "node", "until", "withdrawn", "desktop"}
WORDS |= {"install", "software", "cryoem", "releases", "stack_id", "Cidr"}
"""Values that are words of other things, too."""

BEGINNINGS = re.compile(
    r"gtc:|parallelcluster:(?!custom_resource)|aws:cloudformation:|(?<![\w.])/gotocloud/|\.gotocloud/"
    r"|gotocloud-(project|cluster|peering-acceptor|share)-"
)
"""A text that holds one of these is a shared name, whatever follows.

`parallelcluster:custom_resource` is a tag of ParallelCluster's own provider, which the rehearsal
plays.
"""


def constants(path: Path) -> Iterator[tuple[int, str]]:
    """Text in a file, without its docstrings."""
    tree = ast.parse(path.read_text("utf-8"))
    strings = {id(n.value) for n in ast.walk(tree) if isinstance(n, ast.Expr)}
    for node in ast.walk(tree):
        if (
            isinstance(node, ast.Constant)
            and isinstance(node.value, str)
            and id(node) not in strings
        ):
            yield node.lineno, node.value


def shared_names() -> frozenset[str]:
    """Every text value of the contract that is worth looking for."""
    found: set[str] = set()
    for module in (group_facts, head_node, names, project_bucket, releases, stacks, tags):
        for value in vars(module).values():
            if isinstance(value, str) and not isinstance(value, StrEnum):
                found.add(value)
    found |= {str(member) for kind in (*OUTPUTS, *PARAMETERS, Fact) for member in kind}
    return frozenset(found - AWS_OWN - WORDS - {str(vars(names)["__name__"])})


def strays(path: Path, wanted: frozenset[str]) -> list[str]:
    return [
        f"{path.relative_to(PACKAGE.parent)}:{line} {text!r}"
        for line, text in constants(path)
        if text in wanted or BEGINNINGS.search(text)
    ]


def test_no_shared_name_is_written_outside_the_contract() -> None:
    wanted = frozenset(n for n in shared_names() if "\n" not in n and len(n) > 3)
    others = [
        path
        for path in sorted(PACKAGE.rglob("*.py"))
        if path.relative_to(PACKAGE).parts[0] not in {"contract", "node"}
    ]
    assert len(others) > 100
    found = [stray for path in others for stray in strays(path, wanted)]
    assert "\n".join(found) == "", "take these from gotocloud/contract"


@pytest.mark.parametrize(
    "line",
    [
        'outputs["HeadNodeInstanceId"]',
        'tag = {"Key": "gtc:project"}',
        'f"gotocloud-cluster-{name}"',
        'ssm.get_parameter(Name="/gotocloud/network/vpc-id")',
        's3.get_object(Key=".gotocloud/keep-until.json")',
    ],
)
def test_the_search_finds_a_name_written_by_hand(
    line: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(f"{__name__}.PACKAGE", tmp_path / "gotocloud")
    source = tmp_path / "hand.py"
    source.write_text(line)
    assert len(strays(source, shared_names())) == 1


def readings(kind: type[StrEnum]) -> set[str]:
    """Members of an enumeration that a file outside constructs and stacks takes by name."""
    files = [
        path
        for path in PACKAGE.rglob("*.py")
        if CONTRACT not in path.parents and path.relative_to(PACKAGE).parts[0] not in WRITERS
    ]
    pattern = re.compile(rf"\b{kind.__name__}\.([A-Z][A-Z_0-9]*)\b")
    return {name for path in files for name in pattern.findall(path.read_text("utf-8"))}


@pytest.mark.parametrize("kind", OUTPUTS, ids=lambda kind: kind.__name__)
def test_an_output_is_read_by_a_program_or_marked_for_people(kind: type[StrEnum]) -> None:
    read = {kind[name] for name in readings(kind)}
    # Members of two enumerations are equal when their text is.
    for_people = {member for member in kind if any(member is one for one in FOR_PEOPLE)}
    assert set(kind) - read - for_people == set(), "nothing reads these outputs"
    assert read & for_people == set(), "programs read these outputs: they are not for people only"


def test_a_fact_is_read_by_a_template_or_a_program_or_marked_for_people() -> None:
    launched = (PACKAGE / "stacks" / "launched.py").read_text("utf-8")
    read = readings(Fact) | set(re.findall(r"\bFact\.([A-Z_0-9]+)\b", launched))
    assert {fact.name for fact in Fact} - read == {fact.name for fact in FACTS_FOR_PEOPLE}


def test_the_head_nodes_script_takes_the_facts_of_the_contract_and_writes_their_file() -> None:
    script = (PACKAGE / "node" / "configure-head-node.sh").read_text("utf-8")
    keys = re.search(r'^readonly KEYS="([^"]+)"', script, re.MULTILINE)
    assert keys
    assert tuple(keys[1].split()) == head_node.FACT_KEYS
    assert f"put {head_node.FACTS_FILE} " in script


def test_a_fact_of_a_head_node_is_read_by_a_program_or_marked_for_people() -> None:
    pattern = re.compile(r"\bfacts(?:\(\))?\.([a-z_]+)\b")
    rooms = ("jobs", "slurm", "aws/guarding.py", "cli/commands/guard.py")
    sources = [f for room in rooms for f in [PACKAGE / room, *(PACKAGE / room).rglob("*.py")]]
    read = {
        name
        for source in sources
        if source.is_file()
        for name in pattern.findall(source.read_text("utf-8"))
    }
    keys = set(head_node.FACT_KEYS)
    assert keys - read == head_node.FACTS_FOR_PEOPLE


def test_a_head_node_leaves_the_reserved_folder_out_of_its_list() -> None:
    from gotocloud.node import inventory

    assert inventory.RESERVED.decode() + "/" == project_bucket.RESERVED
    assert tuple(one.decode() for one in inventory.UNPROVEN) == project_bucket.UNPROVEN


def test_a_head_node_archives_its_disks_where_the_contract_has_it() -> None:
    from gotocloud.node import home

    assert f"{home.FOLDER.decode()}/{home.ARCHIVE.decode()}" == project_bucket.HOME_ARCHIVE


@pytest.mark.parametrize(
    "path", [releases.MOUNT_SOFTWARE, releases.KEEP_HOME, releases.CONFIGURE_HEAD_NODE]
)
def test_the_scripts_of_a_release_are_there(path: str) -> None:
    assert (PACKAGE / "node" / path.removeprefix(f"{releases.NODE_SCRIPTS}/")).is_file()


def test_the_contract_imports_nothing_of_ours_but_itself_errors_and_formats() -> None:
    for path in CONTRACT.glob("*.py"):
        ours = re.findall(r"^from gotocloud\.(\w+)", path.read_text("utf-8"), re.MULTILINE)
        assert set(ours) <= {"contract", "errors", "formats"}, path.name
