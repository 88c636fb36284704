"""A report made by hand."""

from __future__ import annotations

from gotocloud.cluster_configs.model import load_configuration
from gotocloud.costs.idle import idle_cost
from gotocloud.projects.billed import Billed, BilledKind
from gotocloud.rehearsal.report import DemoReport, Launch, Step
from gotocloud.rehearsal.survey_model import Survey


def report(survey: Survey, *, region: str = "ap-northeast-1") -> DemoReport:
    """The report of a demo that ended with this survey."""
    url = "https://bucket.s3.ap-northeast-1.amazonaws.com/releases/0.1.0/"
    return DemoReport(
        platform="example",
        version="0.1.0",
        finished="2026-11-22 15:30 UTC",
        steps=(Step("Start the local AWS", 2.1), Step("Deploy ManagementStack", 11.4)),
        survey=survey,
        launch=Launch(
            group="membrane-lab",
            account="222222222221",
            region=region,
            scientist="asha",
            role_arn="arn:aws:iam::222222222221:role/gotocloud-scientist",
            project="beta-gal",
            configuration="cryoem-spa",
            release="0.1.0",
            templates=((url + "project.template.json", "ab" * 32),),
            stacks=("gotocloud-project-x", "gotocloud-cluster-x"),
        ),
        cost=idle_cost(load_configuration("cryoem-spa"), region, 2400),
        billed=(
            Billed(BilledKind.MACHINE, "i-0123", state="running", type="m6i.xlarge"),
            Billed(BilledKind.LUSTRE, "fs-0123", type="SCRATCH_2", gib=2400),
        ),
        next_commands=(
            ("gotocloud rehearse up", "Leave such a platform running."),
            ("gotocloud cluster list", "See the cluster configurations."),
        ),
    )
