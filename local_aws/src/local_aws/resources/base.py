"""What every resource model has in common."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from typing import Any, ClassVar

from botocore import xform_name
from botocore.exceptions import ClientError

from local_aws.engine.site import Site
from local_aws.engine.values import fitted

MODELS: dict[str, type[Resource]] = {}
"""Resource type -> its model; filled as the modules are imported."""


class ResourceError(Exception):
    """A resource cannot be made, changed or deleted; the text goes into the stack's events."""


class ReplacementNeededError(Exception):
    """The change cannot be made in place."""


_READS = ("Describe", "Get", "Head", "List")
_GONE = re.compile(r"NoSuch|NotFound|DoesNotExist")


def is_gone(error: Exception) -> bool:
    """Whether a service reports that something does not exist."""
    return isinstance(error, ClientError) and bool(_GONE.search(error.response["Error"]["Code"]))


class Resource:
    """One resource of a stack, made through the API of the local AWS.

    A subclass names its `type`, the `known` properties it acts upon and those that
    are `changeable` in place; it sets `physical_id` and `attributes` in `create`.

    Args:
        site: Where the stack is.
        logical_id: Name in the template.
        properties: Resolved properties.
    """

    type: ClassVar[str] = ""
    supported: ClassVar[frozenset[str]] = frozenset()
    changeable: ClassVar[frozenset[str]] = frozenset()
    made_by_cloudformation: ClassVar[bool] = True
    """Whether its calls are CloudFormation's own, made with the permissions of `site.acting`."""

    def __init__(self, site: Site, logical_id: str, properties: Mapping[str, Any]) -> None:
        self.site = site
        self.logical_id = logical_id
        self.properties = dict(properties)
        self.physical_id = ""
        self.attributes: dict[str, Any] = {}
        self.notes: dict[str, Any] = {}
        self.begun = False
        """Whether something has been made, so that a rollback has to delete it."""
        self.replaces = ""
        """Physical id of the resource in whose place this one is made."""

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if cls.type:
            MODELS[cls.type] = cls

    def check(self) -> None:
        """Refuse properties that this model would have to ignore.

        Raises:
            ResourceError: naming each of them.
        """
        unknown = sorted(set(self.properties) - self.supported)
        if unknown:
            raise ResourceError(
                f"The local AWS has no model of {', '.join(unknown)} of {self.type}. "
                f"Add it to the model in local_aws/resources, or leave it out."
            )

    def create(self) -> None:
        """Make the resource."""
        raise NotImplementedError

    def update(self, before: Mapping[str, Any]) -> None:
        """Change the resource in place; `properties` are the new ones.

        Raises:
            ReplacementNeededError: when that is not possible.
        """
        raise ReplacementNeededError

    def delete(self) -> None:
        """Remove the resource."""

    @property
    def ref(self) -> Any:
        """What `Ref` gives."""
        return self.physical_id

    def attribute(self, name: str) -> Any:
        """What `Fn::GetAtt` gives.

        Raises:
            ResourceError: if the type has no such attribute.
        """
        if name not in self.attributes:
            raise ResourceError(f"Attribute '{name}' does not exist on {self.type}.")
        return self.attributes[name]

    def call(self, service: str, operation: str, /, **parameters: Any) -> dict[str, Any]:
        """Call an API operation (its API name), with values fitted to its parameters."""
        return self.call_as(service, operation, parameters)

    def look(self, service: str, operation: str, /, **parameters: Any) -> dict[str, Any]:
        """Read what CloudFormation does not request: the service has it itself.

        So no permission is needed for it.
        """
        client = self.site.client(service)
        answer: dict[str, Any] = getattr(client, xform_name(operation))(**parameters)
        return answer

    def call_as(
        self,
        service: str,
        operation: str,
        parameters: Mapping[str, Any],
        *,
        account: str = "",
        region: str = "",
    ) -> dict[str, Any]:
        """Call an API operation in another account or region."""
        acting = self.site.acting if self.made_by_cloudformation else ""
        client = self.site.client(service, account=account, region=region, acting=acting)
        shape = client.meta.service_model.operation_model(operation).input_shape
        given = {name: value for name, value in parameters.items() if value is not None}
        answer: dict[str, Any] = getattr(client, xform_name(operation))(**fitted(shape, given))
        self.begun = self.begun or not operation.startswith(_READS)
        return answer

    def drop(self, service: str, operation: str, /, **parameters: Any) -> None:
        """Call an operation that removes something; nothing to do where it is gone."""
        try:
            self.call_as(service, operation, parameters)
        except ClientError as error:
            if not is_gone(error):
                raise

    def given(self, *names: str) -> dict[str, Any]:
        """Those of the named properties that the template sets."""
        return {name: self.properties[name] for name in names if name in self.properties}

    def tags(self, key: str = "Tags") -> list[dict[str, str]]:
        """The resource's tags: the stack's, and its own which win."""
        merged = dict(self.site.stack_tags)
        own = self.properties.get(key) or []
        if isinstance(own, Mapping):
            merged.update({str(name): str(value) for name, value in own.items()})
        else:
            merged.update({str(tag["Key"]): str(tag["Value"]) for tag in own})
        return [{"Key": name, "Value": value} for name, value in sorted(merged.items())]

    def made_up_name(self, *, longest: int = 64, lower: bool = False) -> str:
        """The name that CloudFormation invents when the template gives none."""
        seed = f"{self.site.stack_id}/{self.logical_id}/{self.replaces}".encode()
        suffix = hashlib.sha256(seed).hexdigest()[:12].upper()
        stem = f"{self.site.stack_name}-{self.logical_id}"[: longest - len(suffix) - 1]
        name = f"{stem}-{suffix}"
        return name.lower() if lower else name

    # moto's answers describe a stack's resources by these names.
    @property
    def logical_resource_id(self) -> str:
        return self.logical_id

    @property
    def physical_resource_id(self) -> str:
        return str(self.physical_id)

    @property
    def cf_resource_type(self) -> str:
        return self.properties_type

    @property
    def properties_type(self) -> str:
        """The type as the template writes it (a custom resource has its own)."""
        return str(self.notes.get("type", self.type))
