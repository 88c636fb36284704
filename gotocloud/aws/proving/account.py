"""Probes that read an account and make nothing: quotas, zones, regions, roles."""

from __future__ import annotations

from urllib.parse import urlsplit

from gotocloud.aws.clusters import spot_role_of
from gotocloud.aws.proving.site import ProofSite
from gotocloud.aws.quotas import cluster_levels
from gotocloud.aws.session import error_code
from gotocloud.contract.names import SCIENTIST_ROLE
from gotocloud.findings import Severity
from gotocloud.platform.addresses import shard_of
from gotocloud.platform.quota_needs import PEERINGS
from gotocloud.platform.service_quotas import increase_command
from gotocloud.projects.preflight import SPOT_ROLE
from gotocloud.projects.quotas import Level, Quota, quota_finding
from gotocloud.proving.verdicts import ProbeAnswer

_ENABLED = {"opt-in-not-required", "opted-in"}
_SPOT_SERVICE = "spot.amazonaws.com"
_SPOT_PATH = f"/aws-service-role/{_SPOT_SERVICE}/"
_GONE = {"403", "404", "AccessDenied", "NoSuchBucket", "NoSuchKey", "NotFound"}
"""In a bucket that the caller may not list, S3 answers 403 for an object that is missing."""


def accounts(site: ProofSite, _: str) -> ProbeAnswer:
    """Whether each profile acts where it should."""
    wanted = (
        (site.management.profile, site.management, site.platform.management.account, ""),
        (site.account.profile, site.account, site.group.account, ""),
        (
            site.scientist.profile,
            site.scientist,
            site.group.account,
            f":assumed-role/{SCIENTIST_ROLE}/",
        ),
    )
    shown, wrong = [], []
    for profile, cloud, account, role in wanted:
        who = cloud.client("sts").get_caller_identity()
        shown.append(f"{profile}: {who['Arn']}")
        if who["Account"] != account or role not in who["Arn"]:
            wrong.append(f"{profile} is {who['Arn']}, not of {account}{role}")
    return ProbeAnswer("; ".join(wrong or shown), not wrong)


def regions_enabled(site: ProofSite, _: str) -> ProbeAnswer:
    """Whether the regions of the platform are enabled."""
    off = []
    for cloud, regions in (
        (site.management, site.platform.regions),
        (site.account, site.group.regions),
    ):
        listed = cloud.client("ec2").describe_regions(AllRegions=True)["Regions"]
        states = {one["RegionName"]: one.get("OptInStatus", "") for one in listed}
        off += [
            f"{region} in the account of {cloud.profile}: {states.get(region, 'not listed')}"
            for region in regions
            if states.get(region) not in _ENABLED
        ]
    if off:
        return ProbeAnswer("; ".join(off), agrees=False)
    return ProbeAnswer(f"{len(site.platform.regions)} regions are enabled", agrees=True)


def organisation(site: ProofSite, _: str) -> ProbeAnswer:
    """Whether all accounts are members of one organisation."""
    org = site.management.client("organizations", "us-east-1")
    try:
        pages = org.get_paginator("list_accounts").paginate()
        members = {one["Id"] for page in pages for one in page["Accounts"]}
    except org.exceptions.ClientError as error:
        if error_code(error) == "AWSOrganizationsNotInUseException":
            return ProbeAnswer("there is no organisation", agrees=True)
        raise
    wanted = [site.platform.management.account, *(one.account for one in site.platform.groups)]
    missing = [account for account in dict.fromkeys(wanted) if account not in members]
    if len(missing) == len(set(wanted)):
        return ProbeAnswer("none of the accounts is a member of the organisation", agrees=True)
    if missing:
        return ProbeAnswer(f"not a member: {', '.join(missing)}", agrees=False)
    return ProbeAnswer(f"all {len(wanted)} accounts are members", agrees=True)


def quota(site: ProofSite, name: str) -> ProbeAnswer:
    """Whether there is enough of a quota for the proof."""
    kind = Quota[name]
    ec2 = site.account.client("ec2")
    pages = ec2.get_paginator("describe_subnets").paginate()
    subnets = [one for page in pages for one in page["Subnets"]]
    levels = cluster_levels(site.account, site.plan.zone_id, subnets)
    level = levels.get(kind, Level(why="it is not listed"))
    needed = site.plan.needed(kind)
    found = quota_finding(kind, needed, level, site.region, "the proof")
    agrees = None if found.severity is Severity.UNKNOWN else found.severity is Severity.OK
    return ProbeAnswer(found.text, agrees, found.remedy)


def peerings(site: ProofSite, _: str) -> ProbeAnswer:
    """Whether the share's VPC takes a peering with each group of its region."""
    quotas = site.management.client("service-quotas", site.region)
    kind = PEERINGS.kind
    value = quotas.get_service_quota(ServiceCode=kind.service, QuotaCode=kind.code)
    limit = int(value["Quota"]["Value"])
    shard = shard_of(site.group.number)
    needed = sum(1 for one in site.platform.groups_in(site.region) if shard_of(one.number) == shard)
    text = f"the share needs {needed} of {limit} {kind.unit}"
    if needed <= limit:
        return ProbeAnswer(text, agrees=True)
    return ProbeAnswer(text, False, increase_command(kind, PEERINGS.highest or needed, site.region))


def zone_offers(site: ProofSite, _: str) -> ProbeAnswer:
    """Whether the zone offers the proof's types."""
    ec2 = site.account.client("ec2")
    pages = ec2.get_paginator("describe_instance_type_offerings").paginate(
        LocationType="availability-zone-id",
        Filters=[
            {"Name": "location", "Values": [site.plan.zone_id]},
            {"Name": "instance-type", "Values": list(site.plan.types)},
        ],
    )
    offered = {one["InstanceType"] for page in pages for one in page["InstanceTypeOfferings"]}
    missing = [name for name in site.plan.types if name not in offered]
    if missing:
        return ProbeAnswer(f"{site.plan.zone_id} does not offer {', '.join(missing)}", agrees=False)
    return ProbeAnswer(f"{site.plan.zone_id} offers {', '.join(site.plan.types)}", agrees=True)


def spot_role(site: ProofSite, _: str) -> ProbeAnswer:
    """Whether EC2's role for spot exists, and is EC2's."""
    role = spot_role_of(site.account)
    if role is None:
        return ProbeAnswer(f"the account has no role {SPOT_ROLE}", agrees=False)
    trusted: set[str] = set()
    for statement in role["AssumeRolePolicyDocument"]["Statement"]:
        named = statement.get("Principal", {}).get("Service", "another principal")
        trusted |= {named} if isinstance(named, str) else set(named)
    services = ", ".join(sorted(trusted))
    if role["Path"] != _SPOT_PATH or trusted != {_SPOT_SERVICE}:
        return ProbeAnswer(
            f"{SPOT_ROLE} lies under {role['Path']} and trusts {services}: it is not EC2's",
            agrees=False,
        )
    return ProbeAnswer(f"{role['Arn']} exists", agrees=True)


def provider_template(site: ProofSite, _: str) -> ProbeAnswer:
    """Whether AWS's template of the provider is where it should be."""
    suffix = "amazonaws.com"
    url = site.platform.engine.provider_template_url(site.region, suffix)
    parts = urlsplit(url)
    bucket, key = str(parts.hostname).split(".s3.")[0], parts.path.lstrip("/")
    s3 = site.account.client("s3", site.region)
    try:
        size = s3.head_object(Bucket=bucket, Key=key)["ContentLength"]
    except s3.exceptions.ClientError as error:
        if error_code(error) in _GONE:
            return ProbeAnswer(f"{url} is not there ({error_code(error)})", agrees=False)
        raise
    return ProbeAnswer(f"{url} has {size:,} bytes", agrees=True)
