"""Service Quotas: moto has those of one service, and none can be raised.

Quotas have AWS's default values, which are those of a new account: no GPU at all. Raising one
takes AWS hours to days; here it is granted at once.
"""

from __future__ import annotations

import csv
import json
from datetime import UTC, datetime
from functools import cache
from importlib.resources import files
from typing import Any
from uuid import uuid4

from moto.core.exceptions import JsonRESTError
from moto.servicequotas import responses
from moto.servicequotas.models import ServiceQuotasBackend

GLOBAL = {"s3": "us-east-1"}
"""Services whose quotas are returned in one region only."""


@cache
def default_quotas() -> tuple[dict[str, str], ...]:
    """The rows of `quotas.csv`."""
    text = files(__package__).joinpath("quotas.csv").read_text(encoding="utf-8")
    rows = csv.DictReader(line for line in text.splitlines() if not line.startswith("#"))
    return tuple(rows)


def apply() -> None:
    """Add what is missing to moto's Service Quotas."""
    for operation in (
        list_service_quotas,
        list_aws_default_service_quotas,
        get_service_quota,
        get_aws_default_service_quota,
        request_service_quota_increase,
    ):
        setattr(responses.ServiceQuotasResponse, operation.__name__, operation)


def list_service_quotas(self: Any) -> str:
    """ListServiceQuotas."""
    return json.dumps({"Quotas": _all(self, _raised(self.backend))})


def list_aws_default_service_quotas(self: Any) -> str:
    """ListAWSDefaultServiceQuotas."""
    return json.dumps({"Quotas": _all(self, {})})


def get_service_quota(self: Any) -> str:
    """GetServiceQuota."""
    return json.dumps({"Quota": _one(self, _raised(self.backend))})


def get_aws_default_service_quota(self: Any) -> str:
    """GetAWSDefaultServiceQuota."""
    return json.dumps({"Quota": _one(self, {})})


def request_service_quota_increase(self: Any) -> str:
    """RequestServiceQuotaIncrease, granted at once."""
    quota = _one(self, _raised(self.backend))
    wanted = float(json.loads(self.body)["DesiredValue"])
    if wanted <= quota["Value"]:
        raise JsonRESTError(
            "IllegalArgumentException",
            f"The desired value {wanted:g} is not more than the quota's {quota['Value']:g}.",
        )
    _raised(self.backend)[quota["QuotaCode"]] = wanted
    now = datetime.now(UTC).timestamp()
    return json.dumps(
        {
            "RequestedQuota": {
                **{
                    key: quota[key] for key in ("ServiceCode", "QuotaCode", "QuotaName", "QuotaArn")
                },
                "Id": uuid4().hex,
                "DesiredValue": wanted,
                "Status": "APPROVED",
                "Created": now,
                "LastUpdated": now,
            }
        }
    )


def _raised(backend: ServiceQuotasBackend) -> dict[str, float]:
    values: dict[str, float] = backend.__dict__.setdefault("raised", {})
    return values


def _all(self: Any, raised: dict[str, float]) -> list[dict[str, Any]]:
    service = json.loads(self.body)["ServiceCode"]
    rows = [row for row in default_quotas() if row["service"] == service]
    if not rows or GLOBAL.get(service, self.region) != self.region:
        raise JsonRESTError(
            "NoSuchResourceException",
            "The request failed because the specified service "
            f"does not exist: {service} in {self.region}.",
        )
    return [_described(self, row, raised) for row in rows]


def _one(self: Any, raised: dict[str, float]) -> dict[str, Any]:
    code = json.loads(self.body)["QuotaCode"]
    for quota in _all(self, raised):
        if quota["QuotaCode"] == code:
            return quota
    raise JsonRESTError("NoSuchResourceException", f"There is no quota {code}.")


def _described(self: Any, row: dict[str, str], raised: dict[str, float]) -> dict[str, Any]:
    place = f"{self.region}:{self.current_account}"
    return {
        "ServiceCode": row["service"],
        "QuotaArn": f"arn:aws:servicequotas:{place}:{row['service']}/{row['code']}",
        "QuotaCode": row["code"],
        "QuotaName": row["name"],
        "Value": raised.get(row["code"], float(row["value"])),
        "Adjustable": True,
        "GlobalQuota": row["service"] in GLOBAL,
    }
