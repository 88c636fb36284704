"""What `gotocloud software` does about the regions: copy to them what changed on the master."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from gotocloud.cli.output import narrate, number_of
from gotocloud.errors import InputError
from gotocloud.platform.load import load_platform
from gotocloud.platform.regions import REGIONS, region_problem

if TYPE_CHECKING:
    from gotocloud.aws.replication import SoftwareCopy

REPLICATE = "gotocloud software replicate"


@dataclass(frozen=True)
class Regions:
    """The regions that receive what is published.

    Args:
        names: AWS regions; none if this machine has no platform file.
    """

    names: tuple[str, ...]

    @classmethod
    def of(cls, platform_path: Path) -> Regions:
        """The regions of a platform; none without its file.

        Raises:
            InputError: if the file cannot be used.
        """
        return cls(load_platform(platform_path).regions if platform_path.exists() else ())

    def receive(self, master: Path, folder: Path, *, wait: bool = False) -> None:
        """Copy one folder of the master to every region; what is elsewhere is not looked at.

        Args:
            master: Where the master is mounted here.
            wait: Whether to return only when every region has it.

        Raises:
            GoToCloudError: if a copy does not start, or fails while it is waited for.
        """
        from gotocloud.aws.replication import start_copies, wait_for

        if not self.names:
            return
        path = f"/{folder.relative_to(master).as_posix()}"
        copies = start_copies(self.names, below=(path,))
        _narrate(copies, path)
        if wait:
            narrate("Waiting until the regions have it …")
            wait_for(copies)


def replicate(
    platform_path: Path, regions: Sequence[str], *, wait: bool
) -> tuple[SoftwareCopy, ...]:
    """Copy everything that changed to some regions of a platform, deletions too.

    Raises:
        InputError: if the platform file or a region cannot be used.
        GoToCloudError: if a copy does not start, or fails while it is waited for.
    """
    from gotocloud.aws.replication import start_copies, wait_for

    if problems := [region_problem(name) for name in regions if name not in REGIONS]:
        raise InputError("These regions have no software share.", problems=problems)
    copies = start_copies(tuple(regions) or load_platform(platform_path).regions)
    _narrate(copies, "everything that changed")
    if wait:
        wait_for(copies)
        narrate("All copies have ended well.")
    return copies


def _narrate(copies: Sequence[SoftwareCopy], what: str) -> None:
    regions = ", ".join(dict.fromkeys(copy.region for copy in copies))
    shares = number_of(len(copies), "share")
    narrate(f"Started the copy of {what} to {shares} in {regions}.")
