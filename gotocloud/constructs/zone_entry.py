"""The region's entry of the zone map, where it can be looked up."""

from __future__ import annotations

import json

from aws_cdk import aws_ssm as ssm
from constructs import Construct

from gotocloud.contract.names import ZONE_MAP_PARAMETER
from gotocloud.platform.zones import RegionZones

MAX_PARAMETER_CHARACTERS = 4096
"""Size of a standard parameter (AWS, "Managing parameter tiers"); larger ones have a fee."""


class ZoneEntry(Construct):
    """Which zones of the region the platform uses, and what each zone lacks.

    Args:
        zones: The region's entry of the zone map.
        chosen: Zones that have mount targets.

    Raises:
        ValueError: if it does not fit a standard parameter.
    """

    def __init__(
        self, scope: Construct, construct_id: str, *, zones: RegionZones, chosen: tuple[str, ...]
    ) -> None:
        text = zone_entry(zones, chosen)
        if len(text) > MAX_PARAMETER_CHARACTERS:
            raise ValueError(
                f"the zone map's entry has {len(text)} characters; "
                f"a standard parameter holds {MAX_PARAMETER_CHARACTERS}"
            )
        super().__init__(scope, construct_id)
        ssm.CfnParameter(
            self,
            "Parameter",
            name=ZONE_MAP_PARAMETER,
            type="String",
            value=text,
            description="Zones that the platform uses in this region, by zone ID",
        )


def zone_entry(zones: RegionZones, chosen: tuple[str, ...]) -> str:
    """The entry as compact JSON."""
    return json.dumps(
        {
            "date": zones.date.isoformat(),
            "source": zones.source,
            "chosen": list(chosen),
            "missing": {zone.zone_id: list(zone.missing) for zone in zones.ranked},
        },
        separators=(",", ":"),
    )
