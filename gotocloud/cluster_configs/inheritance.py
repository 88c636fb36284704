"""A cluster configuration that states only what differs from another one.

    name: screening
    version: 1
    inherits: cryoem-spa
    description: "As cryoem-spa, with a smaller queue for 2D classes."
    queues:
      - name: class2d            # the queue of this name, with other machines
        choices: [...]
      - name: train              # a new queue
        choices: [...]
    without_queues: [polish]
    job_types: {polish: prep-cpu}

Queues are matched by name, job types by key; what a queue does not state is inherited.
Everything else that is stated takes the place of what is inherited.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from gotocloud.yaml_files import Location, MarkedYaml

INHERITS = "inherits"
WITHOUT_QUEUES = "without_queues"


def inherited(marked: MarkedYaml, parent: Mapping[str, Any]) -> MarkedYaml:
    """The whole configuration, with the line of each value that the file states.

    Args:
        marked: The file; its data are a mapping.
        parent: The data of the configuration that it inherits from.

    Returns:
        Data of a configuration, and problems of the two keys that only such a file has.
    """
    own = dict(marked.data)
    name = own.pop(INHERITS)
    without = own.pop(WITHOUT_QUEUES, ())
    problems = list(marked.problems)
    parents = {queue["name"]: queue for queue in parent["queues"]}
    if not isinstance(without, list | tuple) or not all(isinstance(one, str) for one in without):
        problems.append(marked.problem((WITHOUT_QUEUES,), "must be a list of names of queues"))
        without = ()
    problems += [
        marked.problem(
            (WITHOUT_QUEUES, number),
            f"{one!r} is no queue of {name} (its queues: {', '.join(parents)})",
        )
        for number, one in enumerate(without)
        if one not in parents
    ]
    queues, places = _queues(own.pop("queues", ()), parents, without)
    data = {**parent, **own, "queues": queues}
    data["job_types"] = _job_types(own.get("job_types"), parent["job_types"], without)
    if isinstance(own.get("acknowledged"), list):
        data["acknowledged"] = [*parent["acknowledged"], *own["acknowledged"]]
    moved: dict[Location, Location] = {
        ("queues", index): ("queues", number) for number, index in enumerate(places)
    }
    return MarkedYaml(data, _moved(marked.lines, places), marked.texts, problems, moved)


def _queues(own: Any, parents: Mapping[str, Any], without: Any) -> tuple[Any, list[int]]:
    """Inherited queues, changed where the file names them, then new ones.

    Returns:
        The queues, and for each one of the file its place among them.
    """
    if not isinstance(own, list | tuple):
        # The model states what is wrong with it.
        return own, []
    merged = {name: dict(queue) for name, queue in parents.items() if name not in without}
    names = list(merged)
    rest: list[Any] = []
    places: list[int] = []
    for queue in own:
        name = queue.get("name") if isinstance(queue, Mapping) else None
        if isinstance(name, str) and name in merged and names.index(name) not in places:
            merged[name].update(queue)
            places.append(names.index(name))
        else:
            places.append(len(names) + len(rest))
            rest.append(queue)
    return [*merged.values(), *rest], places


def _moved(lines: Mapping[Location, int], places: Sequence[int]) -> dict[Location, int]:
    """The lines of a file by the location that each value has in the whole configuration."""
    if not places:
        return dict(lines)
    return {
        (*where[:1], places[int(where[1])], *where[2:])
        if where[:1] == ("queues",) and len(where) > 1
        else where: line
        for where, line in lines.items()
    }


def _job_types(own: Any, parent: Mapping[str, Any], without: Any) -> Any:
    """The map of the parent without the queues that are gone, and the file's own lines."""
    kept = {
        key: left
        for key, queues in parent.items()
        if (left := [one for one in queues if one not in without])
    }
    if own is None:
        return kept
    return {**kept, **own} if isinstance(own, Mapping) else own
