from __future__ import annotations

from gotocloud.projects.deployed_stack import DeployedStack
from gotocloud.projects.jobs_now import JobsNow
from gotocloud.projects.overview import Node, ProjectRow, project_rows, total, with_jobs
from gotocloud.projects.states import State

REGION = "us-east-1"


def project(name: str, scientist: str = "ann", status: str = "CREATE_COMPLETE") -> DeployedStack:
    return DeployedStack(
        f"gotocloud-project-{scientist}-{name}",
        status,
        parameters={"BucketName": f"{scientist}-{name}"},
        tags={"gtc:iam-user": scientist, "gtc:project": name},
    )


def cluster(name: str, scientist: str = "ann", status: str = "CREATE_COMPLETE") -> DeployedStack:
    return DeployedStack(
        f"gotocloud-cluster-{scientist}-{name}",
        status,
        description=f"GoToCloud cluster cryoem-spa 0.1.0 in {REGION}. Billed by the hour.",
        parameters={"ClusterName": f"{scientist}-{name}", "LustreGib": "2400"},
        tags={"gtc:iam-user": scientist, "gtc:project": name},
    )


def rows(*stacks: DeployedStack, nodes: tuple[Node, ...] | None = ()) -> tuple[ProjectRow, ...]:
    return project_rows(stacks, REGION, "ann", nodes)


def test_own_projects_come_first() -> None:
    found = rows(project("a", "zoe"), project("z"), project("b"))
    assert [(row.project, row.mine) for row in found] == [("b", True), ("z", True), ("a", False)]


def test_the_next_command_follows_from_the_state() -> None:
    def following(*stacks: DeployedStack) -> str:
        return rows(*stacks)[0].next_command

    assert following(project("p", status="CREATE_IN_PROGRESS")) == "gotocloud setup p"
    assert following(project("p")) == "gotocloud start p"
    assert following(project("p"), cluster("p", status="CREATE_IN_PROGRESS")) == "gotocloud start p"
    assert following(project("p"), cluster("p")) == "gotocloud connect p"
    assert following(project("p"), cluster("p", status="UPDATE_FAILED")) == "gotocloud pause p"
    assert following(project("p", "zoe")) == ""
    assert following(project("my protein")) == "gotocloud start 'my protein'"


def test_a_cluster_that_lost_its_project_is_still_seen() -> None:
    (row,) = rows(cluster("p"))
    assert row.state is State.ABSENT
    assert row.cluster is not None


def test_a_price_is_not_made_up_from_a_plan() -> None:
    (row,) = rows(project("p"), cluster("p"))
    assert row.cluster is not None
    assert row.cluster.cost.known_usd_per_hour == 0
    assert str(row.cluster.cost).startswith("at least")


def test_nodes_without_a_state_are_unknown() -> None:
    found = rows(project("p"), cluster("p"), nodes=None)
    assert total(found).unknown
    assert found[0].as_dict()["cluster"]["nodes"] is None


def test_a_cluster_of_an_unknown_configuration_has_an_unknown_price() -> None:
    strange = DeployedStack("gotocloud-cluster-x", "CREATE_COMPLETE", description="Something else")
    (row,) = rows(strange)
    assert row.cluster is not None
    assert row.cluster.configuration is None
    assert row.cluster.cost.unknown


def test_jobs_are_reported_to_be_unknown() -> None:
    found = rows(project("p"), cluster("p"))
    assert found[0].as_dict()["cluster"]["jobs"] is None
    assert found[0].as_dict()["cluster"]["jobs_unknown"]
    stack = found[0].cluster and found[0].cluster.stack
    told = with_jobs(found, {str(stack): JobsNow(running=2)})
    assert told[0].as_dict()["cluster"]["jobs"]["running"] == 2
