"""Where a project is: in which region of its group, and whose it is.

A project's name is unique in its account, but stacks are regional: "there is none here" means
nothing until every region of the group was looked at.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from gotocloud.contract.project_names import ProjectNames
from gotocloud.errors import GoToCloudError, InputError, shell_line, unknown_name
from gotocloud.projects.deployed_stack import DeployedStack
from gotocloud.projects.overview import ProjectRow, project_rows
from gotocloud.projects.states import State

LIST = "gotocloud status"


@dataclass(frozen=True)
class Search:
    """What was found in the regions of a group.

    Args:
        here: Region of the command.
        scientist: The user of the command.
        stacks: Stacks of projects and clusters, by region.
        unread: Why a region could not be read, by region.
    """

    here: str
    scientist: str
    stacks: Mapping[str, tuple[DeployedStack, ...]]
    unread: Mapping[str, str] = field(default_factory=dict)

    @property
    def regions(self) -> tuple[str, ...]:
        """All regions of the group, those that could not be read included."""
        return (*self.stacks, *self.unread)

    def regions_of(self, names: ProjectNames) -> tuple[str, ...]:
        """Where a project has a stack of its own or of its cluster, the command's region first."""
        wanted = {names.project_stack, names.cluster_stack}
        found = [
            region
            for region, stacks in self.stacks.items()
            if any(one.name in wanted and one.state is not State.ABSENT for one in stacks)
        ]
        return tuple(sorted(found, key=lambda region: region != self.here))

    def rows(self) -> tuple[tuple[str, ProjectRow], ...]:
        """Every project with its region."""
        return tuple(
            (region, row)
            for region, stacks in self.stacks.items()
            for row in project_rows(stacks, region, self.scientist, None)
        )


def require_here(search: Search, names: ProjectNames, verb: str, *, bucket_region: str) -> None:
    """Refuse a command about a project that is not here, and name where it is.

    Args:
        search: All regions of the group.
        names: The project as it was typed.
        verb: The command, for example "pause".
        bucket_region: Where the project's bucket is; empty without one, or where the command
            does not touch it.

    Raises:
        InputError: if it is in another region, another person's, or does not exist.
        GoToCloudError: if a region could not be read and it is in none of the others.
    """
    found = search.regions_of(names)
    elsewhere = [region for region in found if region != search.here]
    if bucket_region not in ("", search.here):
        elsewhere.insert(0, bucket_region)
    if elsewhere:
        raise _elsewhere(search, names, verb, elsewhere[0])
    if found or bucket_region:
        return
    if search.unread:
        raise _unread(search, names, verb)
    raise _unknown(search, names, verb)


def require_nowhere_else(
    search: Search, names: ProjectNames, verb: str, *, bucket_region: str
) -> None:
    """Refuse to make in this region what the project has in another one.

    Raises:
        InputError: if a stack or the bucket of the project is in another region.
        GoToCloudError: if a region could not be read.
    """
    if search.regions_of(names) or bucket_region:
        require_here(search, names, verb, bucket_region=bucket_region)
    if search.unread:
        raise _unread(search, names, verb)


def _elsewhere(search: Search, names: ProjectNames, verb: str, region: str) -> InputError:
    return InputError(
        f"The project {names.project!r} is in {region}; this command works in {search.here}. "
        "Nothing was changed.",
        next_command=f"AWS_REGION={region} {shell_line('gotocloud', verb, names.project)}",
    )


def _unread(search: Search, names: ProjectNames, verb: str) -> GoToCloudError:
    return GoToCloudError(
        f"Whether {names.project!r} is in another region of the group is not known. "
        "Nothing was changed.",
        problems=[f"{region}: {why}" for region, why in search.unread.items()],
        next_command=shell_line("gotocloud", verb, names.project),
    )


def _unknown(search: Search, names: ProjectNames, verb: str) -> InputError:
    rows = search.rows()
    for region, row in rows:
        if row.project == names.project:
            return InputError(
                f"The project {row.project!r} in {region} is {row.scientist}'s. Only its owner "
                f"can {verb} it. Nothing was changed.",
                next_command=LIST,
            )
    return unknown_name(
        "project of yours",
        names.project,
        [row.project for _, row in rows if row.mine],
        next_command=LIST,
    )
