"""Which zones of a region to use, by zone ID, and why.

The map is dated data: it ships with the package, and a `platform.zones.json` beside the
platform file, written by `gotocloud platform zones --refresh`, overrides it by region.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from gotocloud.cluster_configs.offerings import REFRESH_COMMAND, Offerings
from gotocloud.errors import InputError, unknown_name
from gotocloud.formats import parse_json
from gotocloud.origin import require_from_aws, stated_endpoint
from gotocloud.platform.regions import REGIONS, REGIONS_WITHOUT_PARALLELCLUSTER, region_problem
from gotocloud.platform.strict import StrictModel
from gotocloud.yaml_files import MarkedYaml, model_problems, problems_of, read_text

ZONE_ID = re.compile(r"^[a-z]+[0-9]{1,9}-az[0-9]{1,9}$")
"""Availability zones; local and wavelength zones have longer ids."""

SHIPPED = "zone_map.json"


class RankedZone(StrictModel):
    """One zone and what it has.

    Args:
        offered: Instance types that the cluster configurations use and the zone offers.
        missing: Those that it does not.
        reason: Why it stands where it stands.
    """

    zone_id: str
    offered: tuple[str, ...]
    missing: tuple[str, ...]
    reason: str

    @property
    def offerings(self) -> Offerings:
        """What it offers, where a type without data is an error."""
        return Offerings(self.zone_id, frozenset(self.offered), frozenset(self.missing))


class RegionZones(StrictModel):
    """The zones of a region, the best first."""

    date: date
    source: str
    ranked: tuple[RankedZone, ...]

    def chosen(self, count: int = 2) -> tuple[str, ...]:
        """Zone IDs that get mount targets; the first one is the zone of the groups' subnets."""
        return tuple(zone.zone_id for zone in self.ranked if zone.offered)[:count]

    @property
    def best(self) -> RankedZone:
        """The zone of the groups' subnets."""
        return self.ranked[0]


class ZoneMap(StrictModel):
    """The zones of every region in which the cluster configurations work.

    Args:
        left_out: Why the other regions are not in it.
    """

    regions: dict[str, RegionZones]
    left_out: dict[str, str]

    @property
    def date(self) -> date:
        """The day of the oldest entry."""
        return min(region.date for region in self.regions.values())

    @property
    def sources(self) -> tuple[str, ...]:
        """Where the entries come from, each source once."""
        return tuple(sorted({region.source for region in self.regions.values()}))

    @property
    def source(self) -> str:
        """The sources in one line."""
        return "; ".join(self.sources)

    def from_aws(self) -> ZoneMap:
        """The map without the regions that an endpoint in AWS's place answered for."""
        invented = {k for k, v in self.regions.items() if stated_endpoint(v.source)}
        left_out = {k: v for k, v in self.left_out.items() if not stated_endpoint(v)}
        kept = {k: v for k, v in self.regions.items() if k not in invented}
        return ZoneMap(regions=kept, left_out=left_out)

    def region(self, name: str, existing: Collection[str] = ()) -> RegionZones:
        """The zones of a region.

        Args:
            existing: Regions that exist on AWS, whatever is known of them.

        Raises:
            InputError: if it is not in the map; with the reason, if known.
        """
        if name in self.regions:
            return self.regions[name]
        refresh = f"{REFRESH_COMMAND} {name}"
        if name in self.left_out:
            raise InputError(
                f"Region {name!r} cannot be used by these data: {self.left_out[name]}.",
                next_command=refresh,
            )
        if name in REGIONS_WITHOUT_PARALLELCLUSTER:
            raise InputError(
                f"Region {name!r} cannot be used: {region_problem(name)}.",
                next_command="gotocloud platform zones",
            )
        if name in REGIONS or name in existing:
            raise InputError(
                f"Region {name!r} exists, but the zone map has no data on it.",
                next_command=refresh,
            )
        raise unknown_name(
            "region", name, list(self.regions), next_command="gotocloud platform zones"
        )


@dataclass(frozen=True)
class Need:
    """Something that a zone must be able to run.

    Args:
        label: What it is, for example "cryoem-spa refine3d".
        instance_types: What it can run on, the preferred one first.
    """

    label: str
    instance_types: tuple[str, ...]


def zones_path(platform_path: Path) -> Path:
    """Where a platform's own zone map lies: platform.yaml -> platform.zones.json."""
    return platform_path.with_name(f"{platform_path.stem}.zones.json")


def zone_map(platform_path: Path | None = None) -> ZoneMap:
    """The shipped zone map, overridden by what lies beside a platform file.

    Args:
        platform_path: The platform file. Default: the shipped map alone.

    Raises:
        InputError: if the file beside the platform is not a zone map.
    """
    shipped = _shipped_map()
    if platform_path is None or not zones_path(platform_path).exists():
        return shipped
    path = zones_path(platform_path)
    own = parse_map(read_text(path, "zone map", REFRESH_COMMAND), str(path))
    for source in own.sources:
        require_from_aws(path, stated_endpoint(source), REFRESH_COMMAND)
    return merged(shipped, own)


@cache
def _shipped_map() -> ZoneMap:
    return parse_map(files(__package__).joinpath(SHIPPED).read_text(encoding="utf-8"), SHIPPED)


def merged(base: ZoneMap, newer: ZoneMap) -> ZoneMap:
    """The map in which newer entries, region by region, replace those of the base."""
    reported = {*newer.regions, *newer.left_out}
    return ZoneMap(
        regions={**{k: v for k, v in base.regions.items() if k not in reported}, **newer.regions},
        left_out={
            **{k: v for k, v in base.left_out.items() if k not in reported},
            **newer.left_out,
        },
    )


def parse_map(text: str, name: str) -> ZoneMap:
    """A zone map from its text.

    Raises:
        InputError: if it is not one; names every problem.
    """
    try:
        data = parse_json(text)
        return ZoneMap.model_validate(data)
    except json.JSONDecodeError as error:
        problems = [(error.lineno, error.msg)]
    except ValidationError as error:
        problems = list(model_problems(error, MarkedYaml(data), ZoneMap))
    raise problems_of(name, problems, next_command=REFRESH_COMMAND)


def dump_map(zones: ZoneMap) -> str:
    """The text of a zone map: the same bytes for the same map."""
    data: dict[str, Any] = {
        "regions": {
            name: region.model_dump(mode="json") for name, region in sorted(zones.regions.items())
        },
        "left_out": dict(sorted(zones.left_out.items())),
    }
    return json.dumps(data, indent=1, ensure_ascii=False) + "\n"


def rank_zones(
    offerings: Mapping[str, Collection[str]], needs: Sequence[Need]
) -> tuple[RankedZone, ...]:
    """Rank the zones of a region.

    First the zones that run most of what is needed, then those with most of the preferred
    instance types, then those with most of all used types; equals stand in order of zone ID.

    Args:
        offerings: Offered instance types by zone ID.
        needs: What the cluster configurations need.
    """
    used = sorted({name for need in needs for name in need.instance_types})
    zones = {zone: set(types) for zone, types in offerings.items() if ZONE_ID.match(zone)}

    def place(zone: str) -> tuple[int, int, int, str]:
        types = zones[zone]
        return (
            len(unmet(types, needs)),
            sum(need.instance_types[0] not in types for need in needs),
            sum(name not in types for name in used),
            zone,
        )

    return tuple(
        RankedZone(
            zone_id=zone,
            offered=tuple(name for name in used if name in zones[zone]),
            missing=tuple(name for name in used if name not in zones[zone]),
            reason=_reason(zones[zone], needs, used),
        )
        for zone in sorted(zones, key=place)
    )


def unmet(types: Collection[str], needs: Sequence[Need]) -> tuple[Need, ...]:
    """The needs for which none of the instance types will do."""
    return tuple(need for need in needs if not set(need.instance_types) & set(types))


def make_map(
    offerings: Mapping[str, Mapping[str, Collection[str]]],
    needs: Sequence[Need],
    *,
    day: date,
    source: str,
) -> ZoneMap:
    """The zone map of some regions; a region whose best zone leaves a need unmet is left out.

    Args:
        offerings: Offered instance types by region and zone ID.
        needs: What the cluster configurations need.
        day: Day of the data.
        source: Where the data come from.
    """
    regions = {}
    left_out = {}
    for name, zones in offerings.items():
        ranked = rank_zones(zones, needs)
        if not ranked:
            left_out[name] = f"{source} has no offerings by zone ID for it"
        elif lacking := unmet(ranked[0].offered, needs):
            left_out[name] = (
                f"no single zone runs everything; the best, {ranked[0].zone_id}, lacks "
                + ", ".join(_lack(need) for need in lacking)
            )
        else:
            regions[name] = RegionZones(date=day, source=source, ranked=ranked)
    return ZoneMap(regions=regions, left_out=left_out)


def map_changes(before: ZoneMap, after: ZoneMap) -> list[str]:
    """What differs between two maps, a sentence each."""
    changes = []
    for name in sorted({*before.regions, *before.left_out, *after.regions, *after.left_out}):
        old, new = before.regions.get(name), after.regions.get(name)
        if old and not new:
            changes.append(f"{name}: left out now: {after.left_out.get(name, 'reason unknown')}")
        elif new and not old:
            changes.append(f"{name}: new, zones {', '.join(new.chosen())}")
        elif old and new:
            changes += [f"{name}: {text}" for text in _zone_changes(old, new)]
    return changes


def _zone_changes(old: RegionZones, new: RegionZones) -> list[str]:
    found = []
    if old.chosen() != new.chosen():
        found.append(f"chosen zones {', '.join(old.chosen())} -> {', '.join(new.chosen())}")
    earlier = {zone.zone_id: set(zone.offered) for zone in old.ranked}
    for zone in new.ranked:
        had, has = earlier.get(zone.zone_id, set()), set(zone.offered)
        if had != has:
            gone = [f"+{name}" for name in sorted(has - had)]
            gone += [f"-{name}" for name in sorted(had - has)]
            found.append(f"{zone.zone_id}: {' '.join(gone)}")
    return found


def _lack(need: Need) -> str:
    return f"{need.label} ({' or '.join(need.instance_types)})"


def _reason(types: Collection[str], needs: Sequence[Need], used: Sequence[str]) -> str:
    offered = sum(name in types for name in used)
    first = sum(need.instance_types[0] in types for need in needs)
    text = f"{offered} of {len(used)} instance types, first choice for {first} of {len(needs)} uses"
    lacking = unmet(types, needs)
    if lacking:
        text += f"; nothing for {', '.join(need.label for need in lacking)}"
    return text
