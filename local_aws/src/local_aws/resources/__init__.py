"""The resource types that the local AWS can deploy, one file per service."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterable

from local_aws.resources.base import MODELS, Resource, ResourceError

CUSTOM = "Custom::"


def load_models(more: Iterable[str] = ()) -> None:
    """Import every module of this package, which registers its models.

    Args:
        more: Modules of extensions; their models take the place of those here.
    """
    for module in pkgutil.iter_modules(__path__):
        importlib.import_module(f"{__name__}.{module.name}")
    for name in more:
        importlib.import_module(name)


def model_of(resource_type: str) -> type[Resource]:
    """The model of a resource type.

    Raises:
        ResourceError: with what to do, if there is none.
    """
    if resource_type not in MODELS:
        raise ResourceError(
            f"The local AWS has no model of {resource_type}. Add one to "
            "local_aws/resources (one file per service), or do without this resource."
        )
    return MODELS[resource_type]
