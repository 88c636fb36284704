"""What each stage of a proof does: the commands that people type, and the probes between them."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING

from gotocloud.aws.command_line import CommandLine
from gotocloud.aws.proving import removal
from gotocloud.aws.proving.probes import answer_about
from gotocloud.aws.proving.site import ProfileCloud, ProofSite
from gotocloud.aws.stacks import describe
from gotocloud.contract.stacks import MANAGEMENT_STACK, USER_STACK
from gotocloud.errors import GoToCloudError
from gotocloud.proving.assumptions import Here, of_stage
from gotocloud.proving.payload import FILE, FOLDER, MODE, TIME_S, content
from gotocloud.proving.plan import LUSTRE_GIB, PROJECT
from gotocloud.proving.stages import HOURS, ProofStage
from gotocloud.proving.verdicts import judge

if TYPE_CHECKING:
    from gotocloud.proving.journal import Journal

_DELETION = "deletion-passes-role"
_AFTER_THE_PAUSE = ("proof-of-export", _DELETION, "nothing-bills-after-pause")
_DEPLOY = ("--require-approval=never", "--method=direct")
_SECONDS_PER_HOUR = 3600


@dataclass
class ProofRun:
    """One run of a proof.

    Args:
        site: Where it is made.
        journal: What is kept of it.
        folder: Folder of the journal, the log and the report.
        narrate: Prints what is done.
        now: The time.
        keep_platform: Whether stacks of the platform that it deployed stay.
    """

    site: ProofSite
    journal: Journal
    folder: Path
    narrate: Callable[[str], None]
    now: Callable[[], datetime]
    keep_platform: bool = False

    def run(self, stage: ProofStage) -> None:
        """Run a stage.

        Raises:
            GoToCloudError: if a command of it fails.
        """
        _STAGES[stage](self)
        self.journal.complete(stage)

    def look(self, stage: ProofStage, *, leaving_out: tuple[str, ...] = ()) -> None:
        """Run the probes of a stage and show what AWS answers."""
        for one in of_stage(stage):
            if one.id not in leaving_out:
                self.probe(one.id)

    def probe(self, name: str) -> None:
        """Run one probe."""
        from gotocloud.proving.assumptions import assumption

        one = assumption(name)
        if self.site.local and one.here is Here.ABSENT:
            return
        answer = answer_about(self.site, one)
        self.journal.note(one.id, answer, self.now())
        judged = judge(one, answer, local=self.site.local)
        self.narrate(f"  {judged.verdict}: {one.id}: {judged.answer}")

    def types(self, cloud: ProfileCloud, *arguments: str) -> None:
        """Run a command of ours as a person of a profile."""
        self._commands().gotocloud(arguments, cloud.environment())

    def cdk(self, cloud: ProfileCloud, *arguments: str) -> None:
        """Run the CDK's command line with a profile."""
        self._commands().cdk(arguments, cloud.environment())

    def _commands(self) -> CommandLine:
        longest = max(HOURS.values()) * _SECONDS_PER_HOUR
        log = self.folder / "prove.log"

        def detail(line: str) -> None:
            with log.open("a", encoding="utf-8") as file:
                file.write(line + "\n")

        return CommandLine(self.folder, detail, float(longest))

    def clean(self) -> None:
        """Remove what this proof made, the last made first.

        Raises:
            GoToCloudError: if something cannot be removed; running it again goes on.
        """
        made = set(self.journal.made)
        if {ProofStage.CLUSTER, ProofStage.JOB} & made:
            removal.remove_cluster(self.site, self.narrate)
            self.journal.bill(Decimal(), self.now())
            self.journal.removed(ProofStage.CLUSTER, ProofStage.JOB)
        for stage, remove in (
            (ProofStage.PROJECT, removal.remove_project),
            (ProofStage.GROUP, removal.remove_group),
            (ProofStage.PLATFORM, removal.remove_platform),
        ):
            if stage in made:
                if stage is ProofStage.PROJECT or not self.keep_platform:
                    remove(self.site, self.narrate)
                self.journal.removed(stage)
        self.journal.ended = self.now().isoformat(timespec="seconds")
        self.journal.keep()


def _account(proof: ProofRun) -> None:
    proof.look(ProofStage.ACCOUNT)


def _platform(proof: ProofRun) -> None:
    site, home = proof.site, proof.site.platform.management.home_region
    cfn = site.management.client("cloudformation", home)
    if (
        not describe(MANAGEMENT_STACK, home, cfn=cfn).exists
        or ProofStage.PLATFORM in proof.journal.made
    ):
        proof.journal.makes(ProofStage.PLATFORM)
        account = site.platform.management.account
        regions = dict.fromkeys((home, *site.platform.regions))
        places = [f"aws://{account}/{region}" for region in regions]
        proof.narrate("Deploying the management and region stacks")
        proof.cdk(site.management, "bootstrap", *places, "--app", "")
        _deploy(proof, site.management, "ManagementStack", "RegionStack*")
        file = str(site.platform_path.resolve())
        proof.types(site.management, "platform", "record", "--platform", file)
        proof.types(site.management, "platform", "publish", "--platform", file)
    proof.look(ProofStage.PLATFORM, leaving_out=("release",))


def _group(proof: ProofRun) -> None:
    site = proof.site
    cfn = site.account.client("cloudformation")
    if (
        not describe(USER_STACK, site.region, cfn=cfn).exists
        or ProofStage.GROUP in proof.journal.made
    ):
        proof.journal.makes(ProofStage.GROUP)
        places = [f"aws://{site.group.account}/{region}" for region in site.group.regions]
        proof.narrate(f"Deploying the stacks of {site.group.name}")
        proof.cdk(site.account, "bootstrap", *places, "--app", "")
        _deploy(proof, site.account, "UserStack*", context=f"group={site.group.name}")
    # A group reads the release; before it is deployed there is no group.
    proof.probe("release")
    proof.look(ProofStage.GROUP)


def _deploy(proof: ProofRun, cloud: ProfileCloud, *stacks: str, context: str = "") -> None:
    given = [f"platform={proof.site.platform_path.resolve()}", *([context] if context else [])]
    words = [word for one in given for word in ("--context", one)]
    output = proof.folder / "cdk.out"
    proof.cdk(cloud, "deploy", *stacks, *words, f"--output={output.resolve()}", *_DEPLOY)


def _project(proof: ProofRun) -> None:
    proof.journal.makes(ProofStage.PROJECT)
    proof.narrate(f"Setting the project {PROJECT} up, as a scientist")
    proof.types(proof.site.scientist, "setup", PROJECT)
    proof.look(ProofStage.PROJECT)


def _cluster(proof: ProofRun) -> None:
    site = proof.site
    proof.journal.makes(ProofStage.CLUSTER)
    proof.journal.bill(site.plan.usd_per_hour, proof.now())
    proof.narrate(f"Starting a {site.plan.configuration} cluster, as a scientist")
    words = ("--config", site.plan.configuration, "--lustre-gib", str(LUSTRE_GIB), "--yes")
    proof.types(site.scientist, "start", PROJECT, *words, "--json")
    proof.look(ProofStage.CLUSTER)


def _job(proof: ProofRun) -> None:
    site = proof.site
    if site.local:
        proof.narrate("  no node starts on the local AWS")
        return
    price = site.plan.prices[ProofStage.JOB]
    proof.journal.bill(price.usd / price.hours, proof.now())
    proof.look(ProofStage.JOB)
    proof.journal.bill(site.plan.usd_per_hour, proof.now())


def _data(proof: ProofRun) -> None:
    site = proof.site
    proof.types(site.scientist, "upload", str(_payload(proof.folder)), "--project", PROJECT)
    proof.look(ProofStage.DATA, leaving_out=_AFTER_THE_PAUSE)
    proof.narrate("Pausing the cluster, as a scientist")
    try:
        proof.types(site.scientist, "pause", PROJECT, "--cancel-jobs", "--yes", "--json")
    except GoToCloudError:
        # Whether CloudFormation was allowed to delete the stack is an answer of AWS as well.
        proof.probe(_DELETION)
        raise
    for name in _AFTER_THE_PAUSE:
        proof.probe(name)
    proof.journal.bill(Decimal(), proof.now())
    proof.journal.removed(ProofStage.CLUSTER, ProofStage.JOB)


def _payload(folder: Path) -> Path:
    """The folder that is uploaded, with its one file as the probe expects it."""
    upload = folder.resolve() / FOLDER
    upload.mkdir(exist_ok=True)
    file = upload / FILE
    file.write_bytes(content())
    file.chmod(MODE)
    os.utime(file, (TIME_S, TIME_S))
    return upload


def _finish(proof: ProofRun) -> None:
    proof.narrate("Finishing the project, as a scientist")
    proof.types(proof.site.scientist, "finish", PROJECT, "--confirm", PROJECT)
    proof.journal.removed(ProofStage.PROJECT)
    proof.look(ProofStage.FINISH)


def _bill(proof: ProofRun) -> None:
    proof.look(ProofStage.BILL)


_STAGES: dict[ProofStage, Callable[[ProofRun], None]] = {
    ProofStage.ACCOUNT: _account,
    ProofStage.PLATFORM: _platform,
    ProofStage.GROUP: _group,
    ProofStage.PROJECT: _project,
    ProofStage.CLUSTER: _cluster,
    ProofStage.JOB: _job,
    ProofStage.DATA: _data,
    ProofStage.FINISH: _finish,
    ProofStage.BILL: _bill,
}


def require_budget(proof: ProofRun, stage: ProofStage, budget_usd: Decimal) -> None:
    """Refuse a stage that could exceed the budget, with what is spent up to now.

    Raises:
        GoToCloudError: if it could.
    """
    from gotocloud.proving.stages import require_affordable

    spent = proof.journal.spent(proof.now())
    require_affordable(proof.site.plan.prices[stage], spent, budget_usd)


def failed(error: GoToCloudError) -> str:
    """An error in one line, for the report."""
    return "; ".join((error.message, *error.problems[-3:]))
