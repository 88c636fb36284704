"""What an update of a stack would do, from the deployed template and the new one. Pure.

CloudFormation replaces a resource when a property changes that its type can only set at creation;
the registry's schemas list these properties (`createOnlyProperties`). What refers to a replaced
resource by such a property is replaced with it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

Template = Mapping[str, Any]

HOLDS_DATA = {
    "AWS::DynamoDB::Table": "its items",
    "AWS::EC2::Volume": "its files",
    "AWS::EFS::FileSystem": "the shared software",
    "AWS::FSx::FileSystem": "the files on Lustre",
    "AWS::IAM::User": "a person's password and MFA device",
    "AWS::KMS::Key": "all that it encrypts",
    "AWS::S3::Bucket": "its objects",
}
"""Types whose replacement or deletion loses what cannot be made again, and what that is."""

CUTS_OFF = {
    "AWS::EC2::Route": "clusters lose a route",
    "AWS::EC2::RouteTable": "clusters lose their routes",
    "AWS::EC2::Subnet": "head nodes stand in it",
    "AWS::EC2::VPC": "clusters stand in it",
    "AWS::EC2::VPCEndpoint": "nodes lose their way to S3 until it is there again",
    "AWS::EC2::VPCPeeringConnection": "nodes lose the shared software until it is there again",
    "AWS::EFS::MountTarget": "nodes lose the shared software until they mount it again",
    "AWS::IAM::Role": "sessions of the old role end",
}
"""Types whose replacement or deletion interrupts what runs, and how."""

PROVIDER = re.compile(r"/parallelcluster/(\d{1,9}\.\d{1,9}\.\d{1,9})/templates/custom_resource/")
KEEPS = ("Retain", "RetainExceptOnCreate")


class Effect(StrEnum):
    """What happens to one resource."""

    ADDED = "added"
    IN_PLACE = "in place"
    MAY_REPLACE = "in place or replaced"
    REPLACED = "replaced"
    REMOVED = "removed"
    LEFT = "kept, but no longer in the stack"


@dataclass(frozen=True)
class ResourceChange:
    """What an update does to one resource.

    Args:
        resource: Its logical id.
        kind: Its type.
        effect: What happens.
        why: The properties that change, or what it follows from.
        interruption: What it interrupts; empty if nothing.
        data: What would be lost; empty if nothing.
    """

    resource: str
    kind: str
    effect: Effect
    why: str
    interruption: str = ""
    data: str = ""

    def as_dict(self) -> dict[str, str]:
        """The change for a JSON report."""
        return {
            "resource": self.resource,
            "type": self.kind,
            "effect": self.effect.value,
            "why": self.why,
            "interruption": self.interruption,
            "data_at_risk": self.data,
        }


@dataclass(frozen=True)
class CreateOnly:
    """Properties of a type that only its creation sets, as paths without "/properties/".

    Args:
        always: A change of one of them replaces the resource.
        perhaps: A change of one of them may replace it.
    """

    always: frozenset[str] = frozenset()
    perhaps: frozenset[str] = frozenset()


def changes(
    deployed: Template, wanted: Template, create_only: Callable[[str], CreateOnly]
) -> tuple[ResourceChange, ...]:
    """Everything that an update would do to the resources of a stack, in the order of their ids.

    Args:
        deployed: The template of the stack as it is; {} if there is none.
        wanted: The new one.
        create_only: Create-only properties by type; empty for a type without schema.
    """
    before, after = _resources(deployed), _resources(wanted)
    effects = {
        name: found
        for name in sorted({*before} | {*after})
        if (found := _effect(name, before.get(name), after.get(name), create_only))
    }
    _spread(effects, after, create_only)
    return tuple(
        _change(name, effect, why, before.get(name) or after[name])
        for name, (effect, why) in sorted(effects.items())
    )


def provider_versions(template: Template) -> frozenset[str]:
    """Versions of ParallelCluster whose providers a template has."""
    urls = (
        str(one.get("Properties", {}).get("TemplateURL", ""))
        for one in _resources(template).values()
        if one["Type"] == "AWS::CloudFormation::Stack"
    )
    return frozenset(match[1] for url in urls if (match := PROVIDER.search(url)))


def lost_providers(
    deployed: Template, wanted: Template, clusters: Mapping[str, str]
) -> tuple[str, ...]:
    """Clusters whose provider an update would take away, so that they could not be deleted.

    Args:
        clusters: The version of ParallelCluster of each running cluster.
    """
    gone = provider_versions(deployed) - provider_versions(wanted)
    return tuple(
        f"cluster {name} runs ParallelCluster {version}, whose provider would go"
        for name, version in sorted(clusters.items())
        if version in gone
    )


def people(template: Template) -> frozenset[str]:
    """Names of the IAM users of a template."""
    return frozenset(
        str(one["Properties"]["UserName"])
        for one in _resources(template).values()
        if one.get("Type") == "AWS::IAM::User" and "UserName" in one.get("Properties", {})
    )


def lost_people(deployed: Template, template: Template) -> tuple[str, ...]:
    """Names of IAM users that an update would delete; a renamed one is deleted, too."""
    return tuple(sorted(people(deployed) - people(template)))


def refusals(found: tuple[ResourceChange, ...]) -> tuple[str, ...]:
    """Why an update must not be made: every replacement or deletion that loses data."""
    return tuple(
        f"{one.resource} ({one.kind}) would be {one.effect}, and with it {one.data}: {one.why}"
        for one in found
        if one.data
    )


def _resources(template: Template) -> Mapping[str, Mapping[str, Any]]:
    resources: Mapping[str, Mapping[str, Any]] = template.get("Resources", {})
    return {name: one for name, one in resources.items() if one["Type"] != "AWS::CDK::Metadata"}


def _effect(
    name: str,
    before: Mapping[str, Any] | None,
    after: Mapping[str, Any] | None,
    create_only: Callable[[str], CreateOnly],
) -> tuple[Effect, str] | None:
    if before is None:
        return Effect.ADDED, "new in the template"
    if after is None:
        kept = before.get("DeletionPolicy") in KEEPS
        return (Effect.LEFT if kept else Effect.REMOVED), "no longer in the template"
    if before["Type"] != after["Type"]:
        return Effect.REPLACED, f"its type was {before['Type']}"
    changed = sorted(_paths(before.get("Properties", {}), after.get("Properties", {})))
    if not changed:
        return None
    only = create_only(after["Type"])
    if always := [path for path in changed if _below(path, only.always)]:
        return Effect.REPLACED, f"{', '.join(always)} can be set at creation only"
    if perhaps := [path for path in changed if _below(path, only.perhaps)]:
        return Effect.MAY_REPLACE, f"{', '.join(perhaps)} may need a new one"
    return Effect.IN_PLACE, ", ".join(changed)


def _spread(
    effects: dict[str, tuple[Effect, str]],
    after: Mapping[str, Mapping[str, Any]],
    create_only: Callable[[str], CreateOnly],
) -> None:
    """Replace, too, what names a replaced resource in a property that only creation sets."""
    spreading = {name for name, (effect, _) in effects.items() if effect is Effect.REPLACED}
    while spreading:
        found = {
            name: source
            for name, one in after.items()
            if effects.get(name, (None, ""))[0] not in (Effect.REPLACED, Effect.ADDED)
            for source in _named_at_creation(one, create_only(one["Type"])) & spreading
        }
        for name, source in found.items():
            effects[name] = (Effect.REPLACED, f"{source} is replaced, which it is made with")
        spreading = set(found)


def _named_at_creation(resource: Mapping[str, Any], only: CreateOnly) -> set[str]:
    names: set[str] = set()
    for path, value in _leaves(resource.get("Properties", {})):
        if _below(path, only.always):
            names |= set(_references(value))
    return names


def _leaves(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    if isinstance(value, Mapping) and not any(key in value for key in ("Ref", "Fn::GetAtt")):
        for key, item in value.items():
            yield from _leaves(item, f"{path}/{key}" if path else key)
    else:
        yield path, value


def _references(value: Any) -> Iterator[str]:
    if isinstance(value, Mapping):
        if isinstance(value.get("Ref"), str):
            yield value["Ref"]
        attribute = value.get("Fn::GetAtt")
        if attribute:
            yield attribute.partition(".")[0] if isinstance(attribute, str) else attribute[0]
        for item in value.values():
            yield from _references(item)
    elif isinstance(value, list):
        for item in value:
            yield from _references(item)


def _paths(before: Any, after: Any, path: str = "") -> Iterator[str]:
    """Paths of the properties that differ; lists are compared whole."""
    if before == after:
        return
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        for key in {*before} | {*after}:
            below = f"{path}/{key}" if path else key
            yield from _paths(before.get(key), after.get(key), below)
    else:
        yield path


def _below(path: str, roots: frozenset[str]) -> bool:
    """Whether a property is one of some, inside one of them, or holds one of them."""
    return any(
        path == root or path.startswith(f"{root}/") or root.startswith(f"{path}/") for root in roots
    )


def _change(name: str, effect: Effect, why: str, resource: Mapping[str, Any]) -> ResourceChange:
    kind = str(resource["Type"])
    ends = effect in (Effect.REPLACED, Effect.REMOVED, Effect.MAY_REPLACE)
    # A replaced resource that is kept stays behind with its data, but the stack uses a new one.
    data = HOLDS_DATA.get(kind, "") if ends else ""
    return ResourceChange(name, kind, effect, why, CUTS_OFF.get(kind, "") if ends else "", data)
