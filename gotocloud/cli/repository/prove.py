"""What `gotocloud platform prove` does: stage by stage, within a budget, and it removes all."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from pathlib import Path

from gotocloud import __version__
from gotocloud.aws.proving.site import EarlierProof, ProfileCloud, ProofSite, stands_in_for_aws
from gotocloud.cli.confirm import agree
from gotocloud.cli.output import narrate
from gotocloud.cli.repository.proving import ProofRun, failed, require_budget
from gotocloud.cluster_configs.model import configuration_names, load_configuration
from gotocloud.errors import GoToCloudError, InputError, shell_line, unknown_name
from gotocloud.files import write_file
from gotocloud.formats import usd_text
from gotocloud.platform.load import load_platform
from gotocloud.platform.model import Group, Platform
from gotocloud.platform.zones import zone_map
from gotocloud.proving.assumptions import assumption
from gotocloud.proving.journal import Journal, alone, open_journal, utc_now
from gotocloud.proving.page import page
from gotocloud.proving.plan import cheapest_plan
from gotocloud.proving.report import LOCAL, ProofReport, report_of
from gotocloud.proving.stages import ProofStage, until
from gotocloud.proving.verdicts import Verdict

_NAME = "proof"
REPORT, PAGE = f"{_NAME}.json", f"{_NAME}.html"
_NEEDS_YES = (
    ProofStage.PLATFORM,
    ProofStage.GROUP,
    ProofStage.PROJECT,
    ProofStage.CLUSTER,
    ProofStage.JOB,
    ProofStage.DATA,
)


@dataclass(frozen=True)
class ProofRequest:
    """What is to be proven.

    Args:
        platform_path: The platform file.
        group: The group in whose account it is proven. Default: the first.
        region: One of its regions. Default: its first.
        management_profile: Profile of the management account.
        group_profile: Profile of the group's administrator. Default: the group's name.
        scientist_profile: Profile of a scientist. Default: the group's name and `-scientist`.
        last: The stage after which it ends.
        budget_usd: What it may cost.
        yes: Whether every stage is confirmed.
        folder: Folder of state and report.
        seen: Assumptions that a person has confirmed.
        remove: Whether only what an earlier run made is removed.
        keep_platform: Whether stacks of the platform that the proof deployed stay.
    """

    platform_path: Path
    group: str | None
    region: str | None
    management_profile: str
    group_profile: str | None
    scientist_profile: str | None
    last: ProofStage
    budget_usd: Decimal
    yes: bool
    folder: Path
    seen: tuple[str, ...]
    remove: bool
    keep_platform: bool


def prove(wanted: ProofRequest, *, now: Callable[[], datetime] = utc_now) -> ProofReport:
    """Prove what only AWS can confirm, and remove what that made.

    Raises:
        InputError: if something that was given cannot be used.
        GoToCloudError: if something that was made cannot be removed; running it again goes on.
    """
    names = [assumption(name).id for name in wanted.seen]
    site = site_of(wanted)
    try:
        wanted.folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(
            f"{str(wanted.folder)!r} cannot be used as a folder: {error.strerror}.",
            advice="Select another folder with --output.",
        ) from None
    with alone(wanted.folder):
        journal = open_journal(
            wanted.folder, _subject(site), now(), bill=wanted.last is ProofStage.BILL
        )
        journal.seen.update(dict.fromkeys(names, now().date().isoformat()))
        journal.failure = ""
        journal.keep()
        site.seen, site.earlier = journal.seen, _earlier(journal)
        proof = ProofRun(
            site, journal, wanted.folder, narrate, now, keep_platform=wanted.keep_platform
        )
        try:
            _run(proof, wanted)
        except GoToCloudError as error:
            journal.failure = failed(error)
            narrate(f"Stopped: {error}")
            _clean(proof)
        except KeyboardInterrupt:
            raise _interrupted(proof) from None
        finally:
            report = _written(proof, wanted)
    return report


def _run(proof: ProofRun, wanted: ProofRequest) -> None:
    if wanted.remove:
        _clean(proof)
        return
    if wanted.last is ProofStage.BILL:
        proof.run(ProofStage.BILL)
        return
    for stage in until(wanted.last):
        if stage in proof.journal.done:
            narrate(f"{stage}: done by an earlier run")
            continue
        price = proof.site.plan.prices[stage]
        narrate(f"{stage}: {price}")
        require_budget(proof, stage, wanted.budget_usd)
        if stage in _NEEDS_YES:
            agree(
                f"Run the stage {stage}?",
                yes=wanted.yes,
                refusal=f"The stage {stage} makes something.",
                retry=_with_yes(),
                otherwise="gotocloud platform prove --remove",
            )
        proof.run(stage)
    proof.clean()


def _clean(proof: ProofRun) -> None:
    try:
        proof.clean()
    except GoToCloudError as error:
        proof.journal.failure = "; ".join(filter(None, (proof.journal.failure, failed(error))))
        proof.journal.keep()
        raise


def _with_yes() -> str:
    return shell_line("gotocloud", *(word for word in sys.argv[1:] if word != "--yes"), "--yes")


def _interrupted(proof: ProofRun) -> GoToCloudError:
    rate = proof.journal.usd_per_hour
    billed = f"a cluster is billed at USD {usd_text(rate)} an hour" if rate else "nothing runs"
    return GoToCloudError(
        f"Stopped; {billed}. What was made is kept in {proof.journal.path}.",
        problems=[f"made and not removed: {stage}" for stage in proof.journal.made],
        advice="The same command goes on; with --remove it removes what was made.",
        again=True,
    )


def site_of(wanted: ProofRequest) -> ProofSite:
    """The accounts and the plan of a proof.

    Raises:
        InputError: if there is no such group, region or profile.
        GoToCloudError: if no configuration can be proven there.
    """
    platform = load_platform(wanted.platform_path)
    group = _group(platform, wanted.group)
    region = wanted.region or group.home_region
    if region not in group.regions:
        raise unknown_name(
            f"region of {group.name}",
            region,
            group.regions,
            advice="Select one with --region.",
        )
    zones = zone_map(wanted.platform_path).region(region)
    configurations = [load_configuration(name) for name in configuration_names()]
    best = zones.best
    plan = cheapest_plan(configurations, region, best.zone_id, best.offerings)
    management = ProfileCloud(wanted.management_profile, platform.management.home_region)
    account = ProfileCloud(wanted.group_profile or group.name, region)
    scientist = ProfileCloud(wanted.scientist_profile or f"{group.name}-scientist", region)
    local = stands_in_for_aws((management, account, scientist))
    return ProofSite(
        platform, wanted.platform_path, group, plan, management, account, scientist, local
    )


def _group(platform: Platform, name: str | None) -> Group:
    if name:
        return platform.group(name)
    if not platform.groups:
        raise InputError(
            "The platform has no group; a proof is made in a group's account.",
            advice="Add a group to platform.yaml.",
            next_command="gotocloud platform check",
        )
    return platform.groups[0]


def _subject(site: ProofSite) -> dict[str, str]:
    return {
        "platform": site.platform.name,
        "group": site.group.name,
        "account": site.group.account,
        "region": site.region,
        "answers": LOCAL if site.local else "AWS",
    }


def _earlier(journal: Journal) -> EarlierProof:
    def day(text: str) -> datetime | None:
        return datetime.fromisoformat(text) if text else None

    began, ended = day(journal.began), day(journal.ended)
    return EarlierProof(
        began.date() if began else None, ended.date() if ended else None, journal.spent_usd
    )


def _written(proof: ProofRun, wanted: ProofRequest) -> ProofReport:
    """Write the report and the page, whatever has happened."""
    report = report_of(
        proof.journal,
        proof.site.plan.prices,
        version=__version__,
        finished=proof.now().strftime("%Y-%m-%d %H:%M UTC"),
        spent_usd=proof.journal.spent(proof.now()),
        budget_usd=wanted.budget_usd,
    )
    text = json.dumps(report.as_dict(), indent=2, ensure_ascii=False) + "\n"
    write_file(wanted.folder / REPORT, text)
    write_file(wanted.folder / PAGE, page(report))
    return report


def rows(report: ProofReport) -> tuple[Sequence[str], list[Sequence[object]]]:
    """Every assumption that was looked at, with its verdict, for a table."""
    return ("stage", "assumption", "verdict", "answer"), [
        (one.assumption.stage.value, one.assumption.id, one.verdict.value, one.answer)
        for one in report.judged
        if one.verdict is not Verdict.NOT_REACHED
    ]


def outcome(report: ProofReport, folder: Path) -> None:
    """Print where the report is, and end with an error if an assumption does not hold.

    Raises:
        GoToCloudError: if one does not, or the proof stopped.
    """
    counted = ", ".join(f"{count} {verdict}" for verdict, count in report.counts.items() if count)
    narrate(f"{counted}. See {folder / PAGE}; {folder / REPORT} is for programs.")
    if report.holds:
        return
    problems: Sequence[str] = [
        f"{one.assumption.id}: {one.verdict}: {one.answer}"
        + (f" Remedy: {one.remedy}" if one.remedy else "")
        for one in report.against
    ]
    raise GoToCloudError(
        report.failure or f"{len(problems)} of the assumptions are not confirmed by AWS.",
        problems=problems,
        advice="Put that right first; what is done is kept.",
        again=True,
    )
