"""A command about a project that is not here names where it is, and changes nothing."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gotocloud.contract.project_names import ProjectNames
from gotocloud.contract.stacks import ProjectParameter
from gotocloud.errors import GoToCloudError, InputError
from gotocloud.projects.deployed_stack import DeployedStack
from gotocloud.projects.whereabouts import Search, require_here, require_nowhere_else

HERE, TOKYO, OREGON = "us-east-1", "ap-northeast-1", "us-west-2"
PLACES = (HERE, TOKYO, OREGON)
MINE = ProjectNames("ann", "123456789012", "apoferritin")


def stack(
    names: ProjectNames, *, cluster: bool = False, status: str = "CREATE_COMPLETE"
) -> DeployedStack:
    return DeployedStack(
        names.cluster_stack if cluster else names.project_stack,
        status,
        tags=names.tags,
        parameters={ProjectParameter.BUCKET_NAME: names.bucket},
    )


def search(unread: dict[str, str] | None = None, **stacks: tuple[DeployedStack, ...]) -> Search:
    places = {"here": HERE, "tokyo": TOKYO, "oregon": OREGON}
    gone = unread or {}
    return Search(
        HERE,
        "ann",
        {place: stacks.get(name, ()) for name, place in places.items() if place not in gone},
        gone,
    )


@pytest.mark.parametrize("cluster", [False, True])
def test_a_project_of_another_region_is_left_alone_and_its_region_named(cluster: bool) -> None:
    found = search(tokyo=(stack(MINE, cluster=cluster),))
    with pytest.raises(InputError, match=f"is in {TOKYO}") as caught:
        require_here(found, MINE, "finish", bucket_region="")
    assert caught.value.next_command == f"AWS_REGION={TOKYO} gotocloud finish apoferritin"


def test_a_stack_here_does_not_hide_a_cluster_elsewhere() -> None:
    found = search(here=(stack(MINE),), tokyo=(stack(MINE, cluster=True),))
    with pytest.raises(InputError, match=TOKYO):
        require_here(found, MINE, "finish", bucket_region=HERE)


def test_a_bucket_elsewhere_is_not_deleted_from_here() -> None:
    with pytest.raises(InputError, match=f"is in {OREGON}"):
        require_here(search(), MINE, "finish", bucket_region=OREGON)


def test_a_typing_error_is_no_paused_cluster() -> None:
    typed = ProjectNames("ann", "123456789012", "apoferitin")
    with pytest.raises(InputError, match="Did you mean 'apoferritin'"):
        require_here(search(here=(stack(MINE),)), typed, "pause", bucket_region="")


def test_the_owner_of_a_colleagues_project_is_named() -> None:
    theirs = ProjectNames("ben", "123456789012", "apoferritin")
    found = search(tokyo=(stack(theirs),))
    with pytest.raises(InputError, match=f"in {TOKYO} is ben's"):
        require_here(found, MINE, "pause", bucket_region="")


def test_a_region_that_cannot_be_read_is_not_taken_for_empty() -> None:
    found = search({TOKYO: "no permission"})
    for refuse in (require_here, require_nowhere_else):
        with pytest.raises(GoToCloudError) as caught:
            refuse(found, MINE, "pause", bucket_region="")
        assert caught.value.problems == (f"{TOKYO}: no permission",)
        assert caught.value.exit_code != 0


def test_what_is_here_can_be_worked_on_while_another_region_is_silent() -> None:
    require_here(search({TOKYO: "no answer"}, here=(stack(MINE),)), MINE, "pause", bucket_region="")


def test_a_stack_that_was_deleted_is_none() -> None:
    gone = stack(MINE, status="DELETE_COMPLETE")
    require_nowhere_else(search(tokyo=(gone,)), MINE, "setup", bucket_region="")


@given(
    own=st.sets(st.sampled_from(PLACES)),
    clusters=st.sets(st.sampled_from(PLACES)),
    bucket=st.sampled_from(("", *PLACES)),
    unread=st.sets(st.sampled_from((TOKYO, OREGON))),
)
def test_a_command_goes_on_only_where_everything_of_the_project_is(
    own: set[str], clusters: set[str], bucket: str, unread: set[str]
) -> None:
    stacks = {
        place: (
            *((stack(MINE),) if place in own else ()),
            *((stack(MINE, cluster=True),) if place in clusters else ()),
        )
        for place in PLACES
        if place not in unread
    }
    found = Search(HERE, "ann", stacks, dict.fromkeys(unread, "no answer"))
    seen = ((own | clusters) - unread) | ({bucket} - {""})
    try:
        require_here(found, MINE, "finish", bucket_region=bucket)
    except GoToCloudError:
        assert seen != {HERE}
    else:
        assert seen == {HERE}
