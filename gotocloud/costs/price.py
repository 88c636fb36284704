"""What one price is: of what, where, since when, and from which source."""

from __future__ import annotations

import datetime as dt
import re
from calendar import monthrange
from dataclasses import asdict, dataclass
from decimal import Decimal
from enum import StrEnum

EVERY_REGION = "*"
"""Region of a price that AWS announced for all regions alike."""

HOURS_PER_MONTH = 730
"""Hours of the month in which AWS quotes GB-month prices: 365 x 24 / 12."""


OLD = dt.timedelta(days=365)
"""From this age on a price is marked wherever it is used."""

_LAST_DAY = re.compile(r"(?<!read )(?<![\d-])(\d{4})(?:-(\d{2}))?(?:-(\d{2}))?$")


class PriceUnit(StrEnum):
    """What one price buys."""

    INSTANCE_HOUR = "instance-hour"
    SPOT_INSTANCE_HOUR = "spot-instance-hour"
    HOUR = "hour"
    GB_MONTH = "GB-month"
    GB = "GB"
    MILLION_CALLS = "million calls"
    MONTH = "month"


class Item(StrEnum):
    """What is charged for besides instances; an instance's item is its type."""

    NAT_GATEWAY = "nat-gateway"
    NAT_TRAFFIC = "nat-traffic"
    PUBLIC_IPV4 = "public-ipv4"
    LUSTRE_SCRATCH_2 = "fsx-lustre-scratch-2"
    LUSTRE_PERSISTENT_2 = "fsx-lustre-persistent-2"
    EBS_GP3 = "ebs-gp3"
    EFS_STANDARD = "efs-standard"
    S3_STANDARD = "s3-standard"
    S3_WRITES = "s3-writes"
    S3_READS = "s3-reads"
    EFS_BACKUP = "efs-backup"
    EFS_ELASTIC_READ = "efs-elastic-read"
    EFS_ELASTIC_WRITE = "efs-elastic-write"
    DATASYNC = "datasync"
    TRANSFER_TO_INTERNET = "transfer-to-internet"
    TRANSFER_TO_REGION = "transfer-to-region"
    TRANSFER_TO_ZONE = "transfer-to-zone"
    LOG_INGESTION = "log-ingestion"
    LOG_STORAGE = "log-storage"
    SECRET = "secret"  # noqa: S105 - the name of an item, no secret
    KMS_KEY = "kms-key"
    CLOUDTRAIL_DATA_EVENT = "cloudtrail-data-event"
    HOSTED_ZONE = "hosted-zone"
    CLOUDWATCH_ALARM = "cloudwatch-alarm"
    COMPOSITE_ALARM = "composite-alarm"
    INTERFACE_ENDPOINT = "interface-endpoint"
    LAMBDA_REQUESTS = "lambda-requests"


Key = tuple[str, str, PriceUnit]
"""Item, region (of a spot price its zone ID, where it has one) and unit of a price."""


@dataclass(frozen=True)
class Price:
    """One row of `prices.csv`.

    Args:
        item: An instance type, or one of `Item`.
        region: AWS region, or `*` for all of them.
        usd: US dollars per `unit`, before tax.
        unit: What that buys.
        source: Address of the publisher.
        date: When the price held: a year, month, day or `first/last` day;
            `read DAY` where the source itself gives no date.
        spread_usd: Standard deviation over the days of a mean; None when it is not known.
        zone_id: Zone of a spot price; empty where a price holds in the whole region.
    """

    item: str
    region: str
    usd: Decimal
    unit: PriceUnit
    source: str
    date: str
    spread_usd: Decimal | None = None
    zone_id: str = ""

    @property
    def key(self) -> Key:
        """What it is the price of."""
        return self.item, self.zone_id or self.region, self.unit

    def is_old(self, today: dt.date) -> bool:
        """Whether it is older than a year, or of unknown age."""
        last = last_day(self.date)
        return last is None or today - last > OLD

    def dated(self, today: dt.date) -> str:
        """Its date as people read it, with a mark if it is older than a year."""
        if last_day(self.date) is None:
            return f"{self.date}, AGE UNKNOWN"
        return f"{self.date}, OVER A YEAR OLD" if self.is_old(today) else self.date

    def as_dict(self) -> dict[str, str | float | None]:
        """The price for a JSON report."""
        spread = None if self.spread_usd is None else float(self.spread_usd)
        return asdict(self) | {
            "usd": float(self.usd),
            "unit": self.unit.value,
            "spread_usd": spread,
        }


def last_day(stated: str) -> dt.date | None:
    """The last day on which a price can have held; None if its source gives no date.

    The day on which a source was read is not a day of its data.

    Args:
        stated: A price's date: a year, month, day or `first/last` day, or `read DAY`.
    """
    match = _LAST_DAY.search(stated)
    if not match:
        return None
    year, month, day = (int(part) if part else None for part in match.groups())
    assert year is not None
    month = month or 12
    return dt.date(year, month, day or monthrange(year, month)[1])


def newer(one: Price, other: Price) -> Price:
    """Of two prices of the same the newer one, whatever its source; the first one of equals."""
    first, second = (last_day(price.date) or dt.date.min for price in (one, other))
    return one if first >= second else other
