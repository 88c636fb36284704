"""Which instance types a zone offers: yes, no, or no data."""

from __future__ import annotations

from collections.abc import Container, Iterable
from dataclasses import dataclass

from gotocloud.errors import GoToCloudError

REFRESH_COMMAND = "gotocloud platform zones --refresh"


@dataclass(frozen=True)
class Offerings(Container[str]):
    """What is known of one zone; `in` is an error for a type without data.

    Args:
        place: The zone, for messages.
        offered: Instance types that it offers.
        missing: Instance types that it does not offer.
    """

    place: str
    offered: frozenset[str]
    missing: frozenset[str]

    def __contains__(self, instance_type: object) -> bool:
        """Whether the zone offers the instance type.

        Raises:
            GoToCloudError: if there are no data on it.
        """
        self.require([str(instance_type)])
        return instance_type in self.offered

    def require(self, instance_types: Iterable[str]) -> None:
        """Check that there are data on all the instance types.

        Raises:
            GoToCloudError: with every one that has none.
        """
        unknown = sorted({*instance_types} - self.offered - self.missing)
        if unknown:
            raise GoToCloudError(
                f"The zone map has no data on {', '.join(unknown)} in {self.place}, so it is "
                "not known whether the zone offers them.",
                problems=[
                    "a platform's own map (platform.zones.json): run the command below",
                    "the map of the package (gotocloud/platform/zone_map.json): run "
                    "GOTOCLOUD_UPDATE=1 pytest tests/aws/test_shipped_zone_map.py",
                ],
                next_command=REFRESH_COMMAND,
            )
