"""The picture of what exists where, drawn from a survey: accounts, networks, peerings, stores.

Every region is a lane, every account a row. The trunk at a lane's left edge is what its
share VPC is peered with.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape

from gotocloud.contract.stacks import ClusterOutput
from gotocloud.contract.tag_text import from_tag
from gotocloud.contract.tags import PROJECT_TAG
from gotocloud.rehearsal.picture_parts import Box, Pairs, PictureRow, stacked, tops
from gotocloud.rehearsal.survey_model import (
    AccountSurvey,
    ClusterQueue,
    FileSystem,
    Peering,
    RegionSurvey,
    Stack,
    Survey,
    SurveyedLustre,
    Vpc,
)

NARROW_LANE = 372
WIDE_LANES = {1: 640, 2: 560}
"""Lane width by number of regions beside each other; more regions make them narrower."""
MANY_LANES = 400
TWO_COLUMNS = 500
"""Lane width from which queues stand in two columns."""
GUTTER = 30
"""Room at a lane's left edge for the trunk of the peerings."""
MARGIN = 12
LANE_HEAD = 34
ROW_HEAD = 50
ROW_GAP = 14
CDK_PREFIX = "cdk-"
TIMES = "\N{MULTIPLICATION SIGN}"


@dataclass(frozen=True)
class Cell:
    """What one account has in one region, ready to be drawn."""

    region: str
    parts: tuple[PictureRow | Pairs | Box, ...]

    @property
    def height(self) -> int:
        return sum(part.height + (8 if isinstance(part, Box) else 0) for part in self.parts)


def wide_picture(survey: Survey) -> str:
    """The regions side by side: for a screen."""
    return _svg(survey, [survey.regions], "wide", _wide_lane(survey))


def wide_width(survey: Survey) -> int:
    """Width of the wide picture in its own units, which are meant to be pixels."""
    return MARGIN + len(survey.regions) * (_wide_lane(survey) + MARGIN)


def narrow_picture(survey: Survey) -> str:
    """The regions below each other: for a phone."""
    return _svg(survey, [(region,) for region in survey.regions], "narrow", NARROW_LANE)


def description(survey: Survey) -> str:
    """The picture in words, for those who cannot see it."""
    peerings = survey.peerings()
    active = sum(1 for _, peering in peerings if peering.state == "active")
    clusters = sum(
        1 for _, region in survey.everywhere() for stack in region.stacks if stack.queues
    )
    return (
        f"{counted(len(survey.accounts), 'account')} in {counted(len(survey.regions), 'region')}: "
        f"{', '.join(account.name for account in survey.accounts)}. "
        f"{active} of {counted(len(peerings), 'peering')} between group networks and share "
        f"networks {'is' if active == 1 else 'are'} active. "
        f"{counted(clusters, 'cluster')}. The tables below show the same."
    )


def _wide_lane(survey: Survey) -> int:
    return WIDE_LANES.get(len(survey.regions), MANY_LANES)


def _svg(survey: Survey, panels: Sequence[Sequence[str]], name: str, lane: int) -> str:
    width = MARGIN + max(len(regions) for regions in panels) * (lane + MARGIN)
    y: float = 0
    drawn = []
    for regions in panels:
        panel, height = _panel(survey, regions, y, lane)
        drawn.append(panel)
        y += height
    return (
        f'<svg class="picture {name}" viewBox="0 0 {width} {y:g}" role="img" '
        f'aria-labelledby="{name}-title {name}-desc" xmlns="http://www.w3.org/2000/svg">'
        f'<title id="{name}-title">Accounts, networks, peerings and stores as deployed</title>'
        f'<desc id="{name}-desc">{escape(description(survey))}</desc>{"".join(drawn)}</svg>'
    )


def _panel(survey: Survey, regions: Sequence[str], top: float, lane: int) -> tuple[str, float]:
    """Some regions side by side, and the panel's height."""
    lanes = {region: MARGIN + i * (lane + MARGIN) for i, region in enumerate(regions)}
    heads = "".join(
        f'<text class="region" x="{x:g}" y="{top + 24:g}">{region}</text>'
        for region, x in lanes.items()
    )
    y = top + LANE_HEAD
    frames, contents = [], []
    ends: dict[str, list[tuple[str, float]]] = {region: [] for region in regions}
    for account in survey.accounts:
        cells = _cells(survey, account, regions, 2 if lane >= TWO_COLUMNS else 1)
        if not cells:
            continue
        height = ROW_HEAD + max(cell.height for cell in cells) + 6
        frames.append(_frame(account, [lanes[cell.region] for cell in cells], y, lane, height))
        for cell in cells:
            x = lanes[cell.region] + GUTTER
            contents.append(stacked(cell.parts, x, y + ROW_HEAD, lane - GUTTER - 10))
            ends[cell.region] += _peering_ends(cell.parts, y + ROW_HEAD)
        y += height + ROW_GAP
    links = "".join(_links(survey, region, lanes[region], ends[region]) for region in regions)
    return heads + "".join([*frames, *contents]) + links, y - top


def _frame(
    account: AccountSurvey, lanes: Sequence[float], y: float, lane: int, height: float
) -> str:
    x, width = min(lanes), max(lanes) - min(lanes) + lane
    head = stacked(
        [
            PictureRow(account.name, note=account.account, style="title"),
            PictureRow(_people(account), style="small"),
        ],
        x + GUTTER,
        y + 5,
        lane - GUTTER - 10,
    )
    return (
        f'<rect class="account" x="{x:g}" y="{y:g}" width="{width:g}" height="{height:g}" rx="10"/>'
        f"{head}"
    )


def _people(account: AccountSurvey) -> str:
    shared = any(region.file_systems for region in account.regions)
    parts = ["shared software and networks"] if shared else []
    parts += [counted(len(account.users), "scientist")] if account.users else []
    parts += [f"budget USD {budget.usd:,.0f} a month" for budget in account.budgets[:1]]
    return " · ".join(parts)


def _cells(
    survey: Survey, account: AccountSurvey, regions: Sequence[str], columns: int
) -> list[Cell]:
    return [
        Cell(region.region, parts)
        for region in account.regions
        if region.region in regions and (parts := tuple(_cell(survey, region, columns)))
    ]


def _cell(survey: Survey, region: RegionSurvey, columns: int) -> Iterable[PictureRow | Pairs | Box]:
    for vpc in region.vpcs:
        yield _vpc_box(survey, region, vpc, columns)
    inside = {target.vpc_id for fs in region.file_systems for target in fs.mount_targets}
    for fs in region.file_systems:
        if not {target.vpc_id for target in fs.mount_targets} & inside:
            yield _efs_row(fs)
    for bucket in region.buckets:
        # The CDK's own: every account and region has one, and nothing of ours depends on it.
        if not bucket.startswith(CDK_PREFIX):
            yield PictureRow(bucket, symbol="s3", style="small")


def _vpc_box(survey: Survey, region: RegionSurvey, vpc: Vpc, columns: int) -> Box:
    peerings = [p for p in region.peerings if vpc.id in (p.requester_vpc, p.accepter_vpc)]
    requested = [p for p in peerings if p.requester_vpc == vpc.id]
    accepted = [p for p in peerings if p.accepter_vpc == vpc.id]
    parts: list[PictureRow | Pairs | Box] = [
        PictureRow(f"{'Share ' if accepted else ''}VPC {vpc.cidr}", note=vpc.id, style="title")
    ]
    parts += [_peering_row(survey, peering) for peering in requested]
    if accepted:
        active = sum(1 for p in accepted if p.state == "active" and survey.routed(vpc.id, p.id))
        parts.append(
            PictureRow(
                f"{active} of {counted(len(accepted), 'peering')} active, routed back",
                symbol="linked" if active == len(accepted) else "unlinked",
            )
        )
    for subnet in vpc.subnets:
        kind = "public" if subnet.public else "private"
        parts.append(
            PictureRow(f"{kind} {subnet.cidr}", note=subnet.zone_id, symbol="subnet", style="small")
        )
    for fs in region.file_systems:
        if any(target.vpc_id == vpc.id for target in fs.mount_targets):
            parts += [_efs_row(fs), *_copy_rows(region, fs)]
    parts += _cluster_boxes(region, vpc, columns)
    return Box(
        "share" if accepted else "vpc", tuple(parts), peering=requested[0].id if requested else ""
    )


def _peering_row(survey: Survey, peering: Peering) -> PictureRow:
    there = survey.routed(peering.requester_vpc, peering.id)
    back = survey.routed(peering.accepter_vpc, peering.id)
    routes = {
        (True, True): "routes both ways",
        (True, False): "no route back",
        (False, True): "no route there",
        (False, False): "no routes",
    }[there, back]
    whole = peering.state == "active" and there and back
    return PictureRow(
        f"Peering {peering.state}, {routes}", symbol="linked" if whole else "unlinked"
    )


def _efs_row(fs: FileSystem) -> PictureRow:
    zones = ", ".join(target.zone_id for target in fs.mount_targets)
    text = f"EFS in {zones}" if zones else "EFS without mount targets"
    return PictureRow(text, note=fs.id, symbol="efs", style="small")


def _copy_rows(region: RegionSurvey, fs: FileSystem) -> list[PictureRow]:
    """From which file system DataSync fills this one."""
    return [
        PictureRow(
            f"copied from {copy.source_region}", note=copy.source, symbol="copy", style="small"
        )
        for copy in region.copies
        if copy.target == fs.id
    ]


def _cluster_boxes(region: RegionSurvey, vpc: Vpc, columns: int) -> list[Box]:
    clusters = [stack for stack in region.stacks if stack.queues]
    file_systems = [lustre for lustre in region.lustre if lustre.vpc_id == vpc.id]
    heads = [instance for instance in region.instances if instance.vpc_id == vpc.id]
    gateways = [gateway for gateway in region.nat_gateways if gateway.vpc_id == vpc.id]
    if not (clusters or file_systems or heads or gateways):
        return []
    rows: list[PictureRow | Pairs | Box] = [_cluster_title(stack) for stack in clusters]
    rows += [
        PictureRow(
            f"Head node {_unless(head.type, head.state, 'running')}",
            note=head.public_ip or "",
            symbol="head",
        )
        for head in heads
    ]
    rows += [
        PictureRow(
            _unless("NAT gateway", gateway.state, "available"),
            note=gateway.public_ip or "",
            symbol="gateway",
        )
        for gateway in gateways
    ]
    rows += [_lustre_row(lustre) for lustre in file_systems]
    for stack in clusters:
        rows += [
            PictureRow(_queues_title(stack.queues), style="small"),
            Pairs(tuple(_queue_pair(queue) for queue in _on_demand(stack.queues)), columns),
        ]
    return [Box("cluster", tuple(rows))]


def _cluster_title(stack: Stack) -> PictureRow:
    project = from_tag(stack.tags.get(PROJECT_TAG, ""))
    name = project or stack.outputs.get(ClusterOutput.CLUSTER_NAME) or stack.name
    return PictureRow(
        f"Cluster of {name}", note=stack.status.replace("_", " ").lower(), style="title"
    )


def _unless(text: str, state: str, usual: str) -> str:
    return text if state == usual else f"{text}, {state}"


def _lustre_row(lustre: SurveyedLustre) -> PictureRow:
    bound = " ⇄ S3" if lustre.repositories else ""
    return PictureRow(
        f"Lustre {lustre.gib:,} GiB{bound}", note=lustre.deployment_type, symbol="lustre"
    )


def _queues_title(queues: Sequence[ClusterQueue]) -> str:
    spot = len(queues) - len(_on_demand(queues))
    return f"{counted(len(_on_demand(queues)), 'queue')}" + (
        f", {spot} more on spot" if spot else ""
    )


def _on_demand(queues: Sequence[ClusterQueue]) -> list[ClusterQueue]:
    return [queue for queue in queues if queue.capacity != "SPOT"]


def _queue_pair(queue: ClusterQueue) -> tuple[str, str]:
    return queue.name, f"{queue.max_nodes} {TIMES} {' | '.join(queue.instance_types)}"


def _peering_ends(parts: Sequence[PictureRow | Pairs | Box], y: float) -> list[tuple[str, float]]:
    """Where the trunk meets the boxes: ("", y) for the share, (peering, y) for a group."""
    return [
        (part.peering, top + 18)
        for part, top in tops(parts, y)
        if isinstance(part, Box) and (part.peering or part.style == "share")
    ]


def _links(survey: Survey, region: str, lane: float, ends: Sequence[tuple[str, float]]) -> str:
    states = {peering.id: peering.state for where, peering in survey.peerings() if where == region}
    shares = [y for peering, y in ends if not peering]
    if not shares:
        return ""
    trunk, edge = lane + GUTTER / 2, lane + GUTTER
    drawn = []
    for peering, y in ends:
        if peering:
            state = "active" if states.get(peering) == "active" else "waiting"
            drawn.append(
                f'<path class="link {state}" d="M{edge:g} {shares[0]:g}H{trunk + 6:g}'
                f'q-6 0 -6 6V{y - 6:g}q0 6 6 6H{edge:g}"/>'
                f'<circle class="end {state}" cx="{edge:g}" cy="{y:g}" r="4.5"/>'
            )
    return "".join(drawn) + f'<circle class="end active" cx="{edge:g}" cy="{shares[0]:g}" r="4.5"/>'


def counted(number: int, noun: str) -> str:
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"
