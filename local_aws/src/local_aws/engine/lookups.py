"""What a template may ask of its account: parameters, secrets, exports, zones."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from local_aws.engine.intrinsics import TemplateError
from local_aws.engine.site import Site


class Lookups:
    """Answers from the local AWS.

    Args:
        site: The account and region that are read.
        exports: The exports of every stack of this account and region.
    """

    def __init__(self, site: Site, exports: Callable[[], Mapping[str, str]]) -> None:
        self._site = site
        self._exports = exports

    def stored(self, name: str) -> str:
        """The value of an SSM parameter.

        Raises:
            TemplateError: if there is none.
        """
        ssm = self._site.client("ssm")
        try:
            return str(ssm.get_parameter(Name=name, WithDecryption=True)["Parameter"]["Value"])
        except ssm.exceptions.ParameterNotFound:
            raise TemplateError(
                f"Unable to fetch parameters [{name}] from parameter store for this account."
            ) from None

    def imported(self, name: str) -> str:
        """The value that another stack exports.

        Raises:
            TemplateError: if none does.
        """
        exports = self._exports()
        if name not in exports:
            raise TemplateError(f"No export named {name} found.")
        return exports[name]

    def zones(self, region: str) -> list[str]:
        """Names of the zones of a region, as this account sees them."""
        found = self._site.client("ec2", region=region).describe_availability_zones()
        return [zone["ZoneName"] for zone in found["AvailabilityZones"]]

    def dynamic(self, service: str, rest: str) -> str:
        """A dynamic reference such as `{{resolve:secretsmanager:…}}`.

        Raises:
            TemplateError: if it leads nowhere.
        """
        if service != "secretsmanager":
            return self.stored(
                rest.rpartition(":")[0] if rest.rpartition(":")[2].isdigit() else rest
            )
        secret_id, _, picked = rest.partition(":SecretString")
        client = self._site.client("secretsmanager")
        try:
            text = str(client.get_secret_value(SecretId=secret_id)["SecretString"])
        except client.exceptions.ResourceNotFoundException:
            raise TemplateError(f"Secrets Manager can't find the secret {secret_id}.") from None
        key = next(iter(_parts(picked)), "")
        if not key:
            return text
        values: Mapping[str, Any] = json.loads(text)
        if key not in values:
            raise TemplateError(f"Could not find a value associated with JSON key {key}.")
        return str(values[key])


def _parts(text: str) -> Iterable[str]:
    return (part for part in text.split(":") if part)
