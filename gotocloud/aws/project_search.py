"""Looks for projects in every region of a group, and for the region of a bucket."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from gotocloud.aws.adoption import Whose, head_of_bucket, whose_bucket
from gotocloud.aws.cloud import Cloud, answer_of
from gotocloud.aws.group_facts import GroupFacts, regions_of_group
from gotocloud.aws.live_status import stacks_in
from gotocloud.aws.projects import Place
from gotocloud.aws.session import explained
from gotocloud.contract.group_facts import Fact
from gotocloud.contract.project_names import ProjectNames
from gotocloud.errors import GoToCloudError
from gotocloud.projects.deployed_stack import DeployedStack
from gotocloud.projects.whereabouts import Search

_REGION_HEADER = "x-amz-bucket-region"


def group_regions(facts: GroupFacts) -> tuple[str, ...]:
    """The regions in which a group works, the command's own first.

    A group that was deployed by an earlier release has no list: then every region is looked at.
    """
    listed = facts.values.get(Fact.REGIONS)
    others = listed.split(",") if listed else regions_of_group(facts.region)
    return (facts.region, *(region for region in others if region != facts.region))


def search(cloud: Cloud, where: Place) -> Search:
    """The stacks of the group's projects and clusters, in all of its regions.

    Raises:
        GoToCloudError: if the command's own region does not answer.
    """
    regions = group_regions(where.facts)
    with ThreadPoolExecutor(len(regions)) as pool:
        answers = dict(
            zip(regions, pool.map(lambda one: _stacks(cloud, one), regions), strict=True)
        )
    stacks, why = answers[cloud.region]
    if stacks is None:
        raise GoToCloudError(f"Cannot list the stacks in {cloud.region}: {why}.")
    return Search(
        here=cloud.region,
        scientist=where.caller.name,
        stacks={one: found for one, (found, _) in answers.items() if found is not None},
        unread={one: why for one, (found, why) in answers.items() if found is None},
    )


def bucket_region(cloud: Cloud, names: ProjectNames) -> str:
    """The region of a project's bucket, from S3 itself; empty without a bucket of the group.

    S3 answers HeadBucket for a bucket anywhere, and names its region also where it redirects.
    Source: https://docs.aws.amazon.com/AmazonS3/latest/API/API_HeadBucket.html

    Raises:
        GoToCloudError: if S3 does not answer.
    """
    if whose_bucket(cloud, names) is not Whose.OURS:
        return ""
    with explained(f"look at bucket {names.bucket}"):
        answer = head_of_bucket(cloud, names)
    if answer is None:
        return ""
    headers = answer["ResponseMetadata"]["HTTPHeaders"]
    return str(answer.get("BucketRegion") or headers.get(_REGION_HEADER) or cloud.region)


def _stacks(cloud: Cloud, region: str) -> tuple[tuple[DeployedStack, ...] | None, str]:
    try:
        return answer_of(f"list the stacks in {region}", lambda: stacks_in(cloud, region))
    except GoToCloudError as error:
        return None, error.message
