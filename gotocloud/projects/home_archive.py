"""The archive of what people wrote on the head node's own disks, as the head node reports it.

The format is that of `gotocloud/node/home_archive.py`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from gotocloud.formats import parse_json, size_text
from gotocloud.printed import lines_of

LIMIT_GIB = 100
"""Of all files in an archive. Our own choice: twice what the root volume of ParallelCluster's
images holds, so that only a larger volume or a local disk (/scratch) reaches it."""

CODE_TOO_LARGE = 3
"""Exit code of the script where the archive would be larger, or Lustre is full."""


@dataclass(frozen=True)
class HomeArchive:
    """What was archived, or would be.

    Args:
        digest: SHA-256 over names, kinds, sizes, times, modes and owners.
        places: Folder of a person, or other place -> number of files and their bytes.
        left_out: Caches and keys of the cluster that are not in it -> bytes.
        mounted: Folders below /home in which other file systems are mounted.
        special: Sockets, pipes and devices, which are not in it either.
        differs: How the archive and the live files differ; empty when they agree.
        id: Of the archive; empty where none was written.
    """

    entries: int
    files: int
    bytes: int
    digest: str
    places: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    left_out: Mapping[str, int] = field(default_factory=dict)
    mounted: tuple[str, ...] = ()
    special: int = 0
    differs: tuple[str, ...] = ()
    id: str = ""

    @property
    def elsewhere(self) -> dict[str, tuple[int, int]]:
        """Places other than /home, which the next head node does not restore."""
        return {place: size for place, size in self.places.items() if _elsewhere(place)}


def read_home(text: str) -> HomeArchive:
    """Read what the script printed.

    Raises:
        ValueError: if it is anything else.
    """
    try:
        given = parse_json(lines_of(text.strip())[-1])
        figures: dict[str, Any] = {
            name: given[name] for name in HomeArchive.__dataclass_fields__ if name in given
        }
        figures["places"] = {
            place: (int(n), int(size)) for place, (n, size) in given["places"].items()
        }
        figures["mounted"] = tuple(given.get("mounted", ()))
        figures["differs"] = tuple(given.get("differs", ()))
        return HomeArchive(**figures)
    except (ValueError, LookupError, TypeError, AttributeError) as error:
        raise ValueError(f"the head node answered {text[-500:]!r}") from error


def home_notes(home: HomeArchive) -> tuple[str, ...]:
    """What is not brought back by the next start."""
    stated = []
    for place, (count, size) in sorted(home.elsewhere.items()):
        stated.append(
            f"{count} files ({size_text(size)}) of people in {place} are in the archive of the "
            "head node; the next start restores /home only."
        )
    if home.left_out:
        names = ", ".join(sorted(home.left_out))
        total = size_text(sum(home.left_out.values()))
        stated.append(f"Caches and keys of this cluster are not archived ({total}): {names}.")
    if home.mounted:
        names = ", ".join(sorted(f"/{name}" for name in home.mounted))
        stated.append(f"Not on the head node's disks, so not archived: {names}.")
    if home.special:
        stated.append(f"{home.special} sockets, pipes or devices in /home are not kept.")
    return tuple(stated)


def _elsewhere(place: str) -> bool:
    return place != "/home" and not place.startswith("/home/")
