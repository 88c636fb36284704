"""Creating, changing and deleting the resources of one stack."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from local_aws.engine.intrinsics import TemplateError
from local_aws.resources.base import (
    ReplacementNeededError,
    Resource,
    ResourceError,
    is_gone,
)
from local_aws.services.faults import FAULTS

log = logging.getLogger(__name__)
Event = Callable[[Resource | str, str, str], None]
"""Notes an event: the resource (or its logical id), its status, the reason."""


class DeploymentError(Exception):
    """A resource failed; the text is the reason."""


class Deployment:
    """The resources of one stack, as they are.

    Args:
        event: Called for everything that happens to a resource.
    """

    def __init__(self, event: Event) -> None:
        self.resources: dict[str, Resource] = {}
        self._half_made: list[Resource] = []
        self._undo: list[Callable[[], str]] = []
        self._event = event

    def reference(self, name: str) -> Any:
        """`Ref` of a resource."""
        return self._existing(name).ref

    def attribute(self, name: str, path: str) -> Any:
        """`Fn::GetAtt` of a resource."""
        return self._existing(name).attribute(path)

    def _existing(self, name: str) -> Resource:
        if name not in self.resources:
            raise TemplateError(f"Unresolved resource dependencies [{name}]")
        return self.resources[name]

    def create(self, order: list[str], make: Callable[[str], Resource]) -> None:
        """Create resources, and remove them again when one fails.

        Args:
            order: Logical ids, dependencies first.
            make: The resource of a logical id, with resolved properties.

        Raises:
            DeploymentError: with the reason of the resource that failed.
        """
        for name in order:
            self._create_one(name, make)

    def _create_one(self, name: str, make: Callable[[str], Resource], replaces: str = "") -> None:
        made: Resource | str = name
        try:
            made = make(name)
            made.replaces = replaces
            self._event(made, "CREATE_IN_PROGRESS", "")
            made.check()
            _strike(made, "create")
            made.create()
        except Exception as error:
            reason = reason_of(error)
            self._event(made, "CREATE_FAILED", reason)
            if isinstance(made, Resource) and made.physical_id and made.begun:
                self._half_made.append(made)
            raise DeploymentError(f"{name}: {reason}") from error
        self.resources[name] = made
        self._event(made, "CREATE_COMPLETE", "")

    def remove(
        self,
        names: list[str],
        retained: Callable[[str], bool],
        needs: Mapping[str, frozenset[str]] = MappingProxyType({}),
    ) -> list[str]:
        """Delete resources, the youngest first.

        What a resource needs that could not be deleted is not touched.

        Args:
            needs: What each resource needs.

        Returns:
            The reasons of those that could not be deleted.
        """
        failures = self._remove_half_made()
        needed = {name for one in self._half_made for name in needs.get(one.logical_id, ())}
        for name in [item for item in reversed(self.resources) if item in names]:
            resource = self.resources[name]
            if name in needed:
                needed |= needs.get(name, frozenset())
                continue
            if retained(name):
                self._event(resource, "DELETE_SKIPPED", "")
                del self.resources[name]
                continue
            problem = self._delete(resource)
            if problem:
                failures.append(f"{name}: {problem}")
                needed |= needs.get(name, frozenset())
            else:
                del self.resources[name]
        return failures

    def _remove_half_made(self) -> list[str]:
        """Delete what a failed creation has begun, as a rollback does."""
        left = []
        failures = []
        for resource in self._half_made:
            if problem := self._delete(resource):
                left.append(resource)
                failures.append(f"{resource.logical_id}: {problem}")
        self._half_made = left
        return failures

    def _delete(self, resource: Resource) -> str:
        self._event(resource, "DELETE_IN_PROGRESS", "")
        try:
            _strike(resource, "delete")
            resource.delete()
        except Exception as error:
            # What is gone is deleted; a handler answers NotFound, which counts as success.
            if not is_gone(error):
                reason = reason_of(error)
                self._event(resource, "DELETE_FAILED", reason)
                return reason
        self._event(resource, "DELETE_COMPLETE", "")
        return ""

    def update(
        self,
        order: list[str],
        make: Callable[[str], Resource],
        retained: Callable[[str], bool],
    ) -> None:
        """Bring the resources to the state of the new template.

        New ones are created and changed ones changed or replaced; only then are old
        ones deleted. When one fails, `undo` takes back what was done.

        Raises:
            DeploymentError: with the reason of the resource that failed.
        """
        self._undo = []
        superseded: list[Resource] = []
        for name in order:
            self._update_one(name, make, superseded)
        for old in superseded:
            if retained(old.logical_id):
                self._event(old, "DELETE_SKIPPED", "")
            else:
                self._delete(old)
        self.remove([name for name in self.resources if name not in order], retained)

    def _update_one(
        self,
        name: str,
        make: Callable[[str], Resource],
        superseded: list[Resource],
    ) -> None:
        old = self.resources.get(name)
        if old is None:
            self._create_one(name, make)
            self._undo.append(lambda: self._drop(name))
            return
        new = make(name)
        if new.properties == old.properties and new.properties_type == old.properties_type:
            return
        try:
            self._change(old, new)
            self.resources[name] = new
            self._undo.append(lambda: self._change_back(old, new))
        except ReplacementNeededError:
            self._create_one(name, make, replaces=str(old.physical_id))
            superseded.append(old)
            self._undo.append(lambda: self._put_back(old))

    def _change(self, old: Resource, new: Resource) -> None:
        changed = {
            key
            for key in {*old.properties, *new.properties}
            if old.properties.get(key) != new.properties.get(key)
        }
        if not changed <= new.changeable or new.properties_type != old.properties_type:
            raise ReplacementNeededError
        new.physical_id, new.attributes = old.physical_id, dict(old.attributes)
        new.notes = dict(old.notes)
        self._event(new, "UPDATE_IN_PROGRESS", "")
        try:
            new.check()
            _strike(new, "update")
            new.update(old.properties)
        except ReplacementNeededError:
            raise
        except Exception as error:
            reason = reason_of(error)
            self._event(new, "UPDATE_FAILED", reason)
            raise DeploymentError(f"{new.logical_id}: {reason}") from error
        self._event(new, "UPDATE_COMPLETE", "")

    def undo(self) -> list[str]:
        """Take back what a failed update has done.

        Returns:
            The reasons of what could not be taken back.
        """
        failures = self._remove_half_made()
        failures += [problem for step in reversed(self._undo) if (problem := step())]
        self._undo = []
        return failures

    def _change_back(self, old: Resource, new: Resource) -> str:
        self.resources[old.logical_id] = old
        try:
            _strike(old, "rollback")
            old.update(new.properties)
        except Exception as error:
            reason = reason_of(error)
            self._event(old, "UPDATE_FAILED", reason)
            return f"{old.logical_id}: {reason}"
        return ""

    # CloudFormation leaves behind what it cannot delete once an update is done or undone.

    def _put_back(self, old: Resource) -> str:
        self._delete(self.resources[old.logical_id])
        self.resources[old.logical_id] = old
        return ""

    def _drop(self, name: str) -> str:
        self._delete(self.resources.pop(name))
        return ""


def _strike(resource: Resource, phase: str) -> None:
    """Let an injected fault strike.

    Raises:
        ResourceError: if one does.
    """
    fault = FAULTS.take(
        "resource-fails",
        logical_id=resource.logical_id,
        resource_type=resource.properties_type,
        stack=resource.site.stack_name,
        phase=phase,
    )
    if fault:
        reported = (
            "Resource handler returned message: internal error (HandlerErrorCode: InternalFailure)"
        )
        raise ResourceError(str(fault.settings.get("message", reported)))


def reason_of(error: Exception) -> str:
    """What to tell about an error: its text, or its kind when it has none."""
    if not isinstance(error, TemplateError) and type(error).__module__ == "builtins":
        log.exception("A model failed")
        return f"{type(error).__name__}: {error}"
    return str(error) or type(error).__name__
