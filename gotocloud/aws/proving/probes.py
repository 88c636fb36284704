"""Every probe by its name in the table of assumptions, and how one is run."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from gotocloud.aws.cloud import answer_of
from gotocloud.aws.proving import account, cluster, stacks
from gotocloud.aws.proving.site import ProofSite
from gotocloud.errors import GoToCloudError
from gotocloud.proving.assumptions import Assumption
from gotocloud.proving.verdicts import ProbeAnswer

Probe = Callable[[ProofSite, str], ProbeAnswer]
"""Where, and the argument from the table -> AWS's answer."""

PROBES: Mapping[str, Probe] = {
    probe.__name__: probe
    for probe in (
        account.accounts,
        account.organisation,
        account.peerings,
        account.provider_template,
        account.quota,
        account.regions_enabled,
        account.spot_role,
        account.zone_offers,
        stacks.aws_login,
        stacks.budget_mail,
        stacks.change_set,
        stacks.distribution_policy,
        stacks.group_stack,
        stacks.list_stacks,
        stacks.mfa_condition,
        stacks.peering,
        stacks.record,
        stacks.release,
        stacks.seen_by_a_person,
        stacks.shared_stacks,
        cluster.absent_object,
        cluster.billed_proof,
        cluster.billed_service,
        cluster.cluster_stack,
        cluster.composite_alarm,
        cluster.deletion,
        cluster.desktop_answers,
        cluster.exported,
        cluster.fsx_role,
        cluster.fsx_role_gone,
        cluster.gpus,
        cluster.guard_runs,
        cluster.head_node_answers,
        cluster.head_node_role,
        cluster.imported,
        cluster.mpi_job,
        cluster.nodes_tagged,
        cluster.nothing_bills,
        cluster.project_gone,
        cluster.project_policy,
        cluster.project_stack,
        cluster.proof,
        cluster.root_volume,
        cluster.software_mounted,
        cluster.spot_job,
        cluster.tagged,
    )
}


def answer_about(site: ProofSite, one: Assumption) -> ProbeAnswer:
    """AWS's answer about an assumption; what cannot be read is an answer, too."""
    from botocore.parsers import ResponseParserError

    name, _, argument = one.probe.partition(":")
    try:
        answer, why = answer_of(f"look at {one.id}", lambda: PROBES[name](site, argument))
    except GoToCloudError as error:
        found = "; ".join((error.message, *error.problems))
        return ProbeAnswer(found, None, error.remedy)
    except ResponseParserError as error:
        return ProbeAnswer(f"AWS's answer cannot be read: {str(error)[:100]}", None)
    if answer is not None:
        return answer
    allow = ""
    if why.startswith("no permission"):
        action = why.removeprefix("no permission").removeprefix(" for ") or "the call"
        allow = f"allow {action} to the profile that runs the proof, then run it again"
    return ProbeAnswer(why, None, allow)
