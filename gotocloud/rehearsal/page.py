"""The demo's page: one file without anything external, the same bytes for the same report."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape

from gotocloud.contract.names import OURS
from gotocloud.costs.price import Price
from gotocloud.costs.prices import price_usd_per_hour, spot_price_usd_per_hour
from gotocloud.formats import rate_text, usd_text
from gotocloud.pages.parts import frame, identifier, identifiers, lines, section
from gotocloud.rehearsal.picture import narrow_picture, wide_picture, wide_width
from gotocloud.rehearsal.picture_parts import SYMBOLS
from gotocloud.rehearsal.report import DemoReport
from gotocloud.rehearsal.survey_model import ClusterQueue, RegionSurvey, Vpc

UNKNOWN = '<span class="unknown">unknown</span>'

LEGEND = (
    ("linked", "peering active, routes both ways"),
    ("unlinked", "peering or route missing"),
    ("subnet", "subnet"),
    ("efs", "EFS: shared software"),
    ("copy", "copy of the shared software, by DataSync"),
    ("lustre", "Lustre: working data"),
    ("s3", "S3 bucket"),
    ("head", "head node with desktop"),
    ("gateway", "NAT gateway"),
)


def page(report: DemoReport) -> str:
    """The page as HTML."""
    wide = wide_width(report.survey)
    sections = (
        _picture(report),
        _idle_cost(report),
        _queues(report),
        _networks(report),
        _stores(report),
        _access(report),
        _stacks(report),
        _next(report),
        _steps(report),
    )
    return frame(
        title=f"GoToCloud: the platform {report.platform}, as deployed",
        lead=_lead(report),
        numbers=_numbers(report),
        sections=sections,
        footer=(
            f"GoToCloud {report.version}, {report.finished}. Everything here was read from the "
            "local AWS through its own APIs after the deployment."
        ),
        wide_width=wide,
        # Below this the letters of the wide picture would be smaller than 10 pixels.
        breakpoint_px=min(1000, round(wide * 0.8)),
    )


def _lead(report: DemoReport) -> str:
    launch = report.launch
    return (
        f'<p class="lead">Deployed in {report.seconds:.0f} seconds on a local AWS by the real CDK '
        f"command line. Then <strong>{escape(launch.scientist)}</strong> of "
        f"<strong>{escape(launch.group)}</strong> launched the project "
        f"<strong>{escape(launch.project)}</strong> and a <strong>"
        f"{escape(launch.configuration)}</strong> cluster from the published, reviewed templates "
        f"of release {escape(launch.release)}, in the role "
        f"<code>{escape(launch.role_arn.rsplit('/', 1)[-1])}</code>.</p>"
    )


def _numbers(report: DemoReport) -> tuple[tuple[object, str], ...]:
    survey = report.survey
    peerings = survey.peerings()
    active = sum(1 for _, peering in peerings if peering.state == "active")
    cost = report.cost
    total = usd_text(cost.known_total_usd_per_hour, rounded=True)
    return (
        (len(survey.accounts), "accounts"),
        (len(survey.regions), "regions"),
        (sum(len(region.vpcs) for _, region in survey.everywhere()), "networks"),
        (f"{active} of {len(peerings)}", "peerings active"),
        (sum(len(region.stacks) for _, region in survey.everywhere()), "stacks"),
        (f"≥ {total}" if cost.unknown else total, "USD per hour, cluster idle"),
    )


def _picture(report: DemoReport) -> str:
    legend = "".join(
        f'<li><svg viewBox="0 0 16 16" aria-hidden="true"><g class="symbol {symbol}">'
        f"{SYMBOLS[symbol]}</g></svg>{words}</li>"
        for symbol, words in LEGEND
    )
    return (
        "<section><h2>What exists where</h2><p>Each row is an AWS account, each column a region. "
        "The line at a column&rsquo;s edge is the peering of the region&rsquo;s share network, "
        "which holds the software, with the groups&rsquo; networks.</p>"
        f'<ul class="legend">{legend}</ul><div class="figure">'
        f"{wide_picture(report.survey)}{narrow_picture(report.survey)}</div></section>"
    )


def _idle_cost(report: DemoReport) -> str:
    cost = report.cost
    rows = [
        (
            escape(item.name),
            escape(item.quantity),
            UNKNOWN if item.usd_per_hour is None else rate_text(item.usd_per_hour),
            _price_cell(item.price),
            _source(item.price),
        )
        for item in cost.items
    ]
    words = (
        "Compute nodes count nothing while no job runs: Slurm shuts them down. Delete the cluster "
        "and all of this stops."
    )
    if cost.unknown:
        words += (
            f" No public price is on record for: {', '.join(cost.unknown)}. "
            f"The total is a lower bound, not an estimate."
        )
    sign = "at least " if cost.unknown else ""
    total = (
        "Total",
        "",
        f"{sign}{rate_text(cost.known_total_usd_per_hour)}",
        "",
        "",
    )
    columns = ("Item", "Quantity", "USD per hour", "Price and its date", "Source")
    return section(
        f"What the cluster costs while idle, in {cost.region}", words, columns, rows, total, {2}
    )


def _queues(report: DemoReport) -> str:
    rows = [
        row
        for _, region in report.survey.everywhere()
        for stack in region.stacks
        for row in _queue_rows(stack.queues, region.region)
    ]
    return section(
        "The cluster&rsquo;s queues",
        "One queue for each kind of RELION job. Prices are those on record for one node; spot "
        "prices move, so look at their dates.",
        ("Queue", "Instance type", "Most nodes", "EFA", "On demand, USD/h", "Spot, USD/h"),
        rows,
        numeric={2, 4, 5},
    )


def _queue_rows(queues: Sequence[ClusterQueue], region: str) -> Iterable[Sequence[str]]:
    spot = {queue.name for queue in queues if queue.capacity == "SPOT"}
    for queue in queues:
        if queue.capacity == "SPOT":
            continue
        first = queue.instance_types[0]
        yield (
            escape(queue.name) + (" <span class=dim>and -spot</span>" if spot else ""),
            escape(", ".join(queue.instance_types)),
            str(queue.max_nodes),
            "yes" if queue.efa else "no",
            _dated(price_usd_per_hour(first, region)),
            _dated(spot_price_usd_per_hour(first, region)),
        )


def _networks(report: DemoReport) -> str:
    survey = report.survey
    rows = [
        (
            escape(account.name),
            region.region,
            identifier(vpc.id),
            vpc.cidr,
            identifiers(
                f"{subnet.cidr} {subnet.zone_id} {'public' if subnet.public else 'private'}"
                for subnet in vpc.subnets
            ),
            _peering_lines(report, region, vpc),
        )
        for account, region in survey.everywhere()
        for vpc in region.vpcs
    ]
    return section(
        "Networks and peerings",
        "Zones are given by id: zone names differ between accounts, ids name the same place.",
        ("Account", "Region", "VPC", "Addresses", "Subnets", "Peerings and their routes"),
        rows,
    )


def _peering_lines(report: DemoReport, region: RegionSurvey, vpc: Vpc) -> str:
    found = []
    for peering in region.peerings:
        if vpc.id not in (peering.requester_vpc, peering.accepter_vpc):
            continue
        far = ({peering.requester_vpc, peering.accepter_vpc} - {vpc.id}) or {vpc.id}
        routes = [r.destination for r in vpc.peering_routes if r.peering_id == peering.id]
        route = f"route to {', '.join(sorted(set(routes)))}" if routes else "no route"
        found.append(f"{peering.id} {peering.state}, to {far.pop()}, {route}")
    return lines(found)


def _stores(report: DemoReport) -> str:
    rows: list[Sequence[str]] = []
    for account, region in report.survey.everywhere():
        where = (escape(account.name), region.region)
        for fs in region.file_systems:
            ways_in = identifiers(f"{t.ip} in {t.zone_id}" for t in fs.mount_targets)
            sealed = "encrypted" if fs.encrypted else "not encrypted"
            rows.append((*where, "EFS", identifier(fs.id), sealed, ways_in))
        for lustre in region.lustre:
            size = f"{lustre.gib:,} GiB {lustre.deployment_type}"
            bound = identifiers(lustre.repositories)
            rows.append((*where, "FSx for Lustre", identifier(lustre.id), size, bound))
        rows += [(*where, "S3 bucket", identifier(bucket), "", "") for bucket in region.buckets]
    return section(
        "Stores",
        "Where data and software are kept.",
        ("Account", "Region", "Kind", "Id", "Facts", "Mount targets, or bound to"),
        rows,
    )


def _access(report: DemoReport) -> str:
    rows = [
        (
            escape(account.name),
            account.account,
            lines(account.users),
            lines(account.groups),
            lines(role for role in account.roles if role.startswith(OURS)),
            lines(f"USD {budget.usd:,.0f} a month" for budget in account.budgets),
            lines(name for region in account.regions for name in region.secrets),
        )
        for account in report.survey.accounts
    ]
    return section(
        "People, roles and budgets",
        "Secrets by name only.",
        ("Account", "Id", "Users", "IAM groups", "Our roles", "Budgets", "Secrets"),
        rows,
    )


def _stacks(report: DemoReport) -> str:
    rows = [
        (
            escape(account.name),
            region.region,
            identifier(stack.name),
            escape(stack.status),
        )
        for account, region in report.survey.everywhere()
        for stack in region.stacks
    ]
    hashes = "; ".join(
        f"<code>{escape(url.rsplit('/releases/', 1)[-1])}</code> SHA-256 <code>{sha[:16]}…</code>"
        for url, sha in report.launch.templates
    )
    return section(
        "Stacks",
        f"Launched by the scientist, equal to the release&rsquo;s manifest: {hashes}.",
        ("Account", "Region", "Stack", "Status"),
        rows,
    )


def _next(report: DemoReport) -> str:
    steps = "".join(
        f"<li><code>{escape(command)}</code><br>{escape(why)}</li>"
        for command, why in report.next_commands
    )
    return f'<section><h2>What to type next</h2><ol class="next">{steps}</ol></section>'


def _steps(report: DemoReport) -> str:
    rows = [(escape(step.name), f"{step.seconds:.1f}") for step in report.steps]
    return section(
        "How long it took",
        "On this machine, this time.",
        ("Step", "Seconds"),
        rows,
        ("Total", f"{report.seconds:.1f}"),
        {1},
    )


def _price_cell(price: Price | None) -> str:
    if price is None:
        return UNKNOWN
    return f'{price.usd} per {price.unit} <span class="dim">({escape(price.date)})</span>'


def _dated(price: Price | None) -> str:
    if price is None:
        return UNKNOWN
    return f'{price.usd}<br><span class="dim">{escape(price.date)}</span>'


def _source(price: Price | None) -> str:
    if price is None:
        return ""
    host = price.source.removeprefix("https://").split("/")
    short = "/".join(host[:3]) if host[0] == "github.com" else host[0]
    return f'<a href="{escape(price.source)}" rel="noreferrer">{escape(short)}</a>'
