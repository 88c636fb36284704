"""Validates cluster configurations in regions, by ParallelCluster's own validators.

Every configuration is judged twice: as rendered, and as CloudFormation hands it to
the provider, with every number and boolean turned into a string.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from gotocloud.cluster_configs.engine import Engine
from gotocloud.cluster_configs.model import Acknowledgement, ClusterConfiguration
from gotocloud.cluster_configs.renderer import render, stringified
from gotocloud.cluster_configs.selection import select
from gotocloud.files import scratch_folder
from gotocloud.platform.zones import RankedZone, ZoneMap, zone_map
from gotocloud.rehearsal.judge import Message, Request, judge_many, pcluster_python
from gotocloud.rehearsal.local_aws import LocalAws
from gotocloud.rehearsal.validation_site import validation_site

Form = Literal["plain", "stringified"]
FORMS: tuple[Form, ...] = ("plain", "stringified")


@dataclass(frozen=True)
class Accepted:
    """A warning that the configuration acknowledges."""

    message: Message
    reason: str


@dataclass(frozen=True)
class ValidationResult:
    """What the validators reported for one configuration in one region.

    Args:
        configuration: Its name.
        region: AWS region.
        zone_id: Zone of the zone map that it was judged in.
        form: As rendered, or with every value a string.
        left_out: Queues that the zone's instance types do not allow.
        findings: Errors, and warnings without acknowledgement.
        accepted: Acknowledged warnings.
        seconds: Time that judging took.
    """

    configuration: str
    region: str
    zone_id: str
    form: Form
    left_out: tuple[str, ...]
    findings: tuple[Message, ...]
    accepted: tuple[Accepted, ...]
    seconds: float

    @property
    def passed(self) -> bool:
        """Whether nothing stands against it."""
        return not self.findings


@dataclass(frozen=True)
class _Case:
    configuration: ClusterConfiguration
    region: str
    zone: RankedZone
    form: Form
    request: Request


def validate(
    configurations: Sequence[ClusterConfiguration],
    regions: Sequence[str],
    engine: Engine,
    zones: ZoneMap | None = None,
) -> Iterator[ValidationResult]:
    """Judge configurations in regions by one ParallelCluster, in a local AWS of their own.

    Yields a verdict for every configuration, region and form, as soon as it is known.

    Args:
        zones: Which instance types each region offers. Default: the shipped zone map.

    Raises:
        GoToCloudError: if ParallelCluster is not set up or no local AWS comes up.
    """
    pcluster_python(engine.version)
    with scratch_folder("validate") as folder:
        local_aws = LocalAws.start(folder)
        try:
            places = [(region, (zones or zone_map()).region(region).best) for region in regions]
            yield from _verdicts(local_aws, configurations, places, engine)
        finally:
            local_aws.stop()


def _verdicts(
    local_aws: LocalAws,
    configurations: Sequence[ClusterConfiguration],
    places: Sequence[tuple[str, RankedZone]],
    engine: Engine,
) -> Iterator[ValidationResult]:
    cases = [case for place in places for case in _cases(local_aws, configurations, place, engine)]
    if not cases:
        return
    answers = judge_many(
        [case.request for case in cases],
        version=engine.version,
        endpoint_url=local_aws.endpoint_url,
        environment=local_aws.environment(local_aws.account, cases[0].region),
    )
    begun = time.monotonic()
    for case, messages in zip(cases, answers, strict=True):
        now = time.monotonic()
        yield _verdict(case, messages, now - begun)
        begun = time.monotonic()


def _cases(
    local_aws: LocalAws,
    configurations: Iterable[ClusterConfiguration],
    place: tuple[str, RankedZone],
    engine: Engine,
) -> Iterator[_Case]:
    region, zone = place
    site = validation_site(
        lambda service, place: local_aws.client(service, local_aws.account, place),
        region=region,
        zone_id=zone.zone_id,
        engine=engine,
    )
    for configuration in configurations:
        rendered = render(configuration, site, zone.offerings)
        for form in FORMS:
            content = rendered if form == "plain" else stringified(rendered)
            request = Request(f"{configuration.name}-{form}", region, content)
            yield _Case(configuration, region, zone, form, request)


def _verdict(case: _Case, messages: Iterable[Message], seconds: float) -> ValidationResult:
    findings = []
    accepted = []
    for message in messages:
        reason = acknowledged(message, case.configuration.acknowledged)
        if reason:
            accepted.append(Accepted(message, reason))
        elif message.level != "INFO":
            findings.append(message)
    left_out = select(case.configuration, case.zone.offerings).left_out
    return ValidationResult(
        configuration=case.configuration.name,
        region=case.region,
        zone_id=case.zone.zone_id,
        form=case.form,
        left_out=tuple(queue.name for queue in left_out),
        findings=tuple(findings),
        accepted=tuple(accepted),
        seconds=round(seconds, 2),
    )


def acknowledged(message: Message, acknowledgements: Iterable[Acknowledgement]) -> str | None:
    """The reason why a warning is accepted; an error never is."""
    if message.level != "WARNING":
        return None
    return next(
        (
            one.reason
            for one in acknowledgements
            if one.validator == message.validator and one.text in message.text
        ),
        None,
    )
