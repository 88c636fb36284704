"""Whether the scripts that machines of a running cluster would run are those of its template."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from gotocloud.aws.cloud import Cloud
from gotocloud.aws.group_facts import GroupFacts
from gotocloud.aws.releases import read_published
from gotocloud.aws.session import explained
from gotocloud.contract.group_facts import Fact
from gotocloud.contract.releases import PREFIX, SCRIPT_DIGESTS
from gotocloud.formats import parse_json
from gotocloud.platform.release import sha256


def changed_scripts(cloud: Cloud, facts: GroupFacts, stack: str) -> tuple[str, ...] | None:
    """Scripts in the distribution bucket that differ from a cluster's template, each with why.

    CloudFormation keeps the template in the group's account, where nothing that happens to the
    bucket changes it. ParallelCluster compares nothing when a machine starts.

    Args:
        facts: The group's facts, which name the bucket.
        stack: The name of a cluster's stack.

    Returns:
        Empty when every script is as it was; None for a template that lists no sums.

    Raises:
        GoToCloudError: if AWS does not answer.
    """
    with explained(f"read the template of {stack}"):
        answer = cloud.client("cloudformation").get_template(StackName=stack)
    template = answer["TemplateBody"]
    if isinstance(template, str):
        template = parse_json(template)
    expected = scripts_of(template)
    if not expected:
        return None
    s3 = cloud.client("s3", facts.releases_region)
    found = []
    for (version, path), digest in sorted(expected.items()):
        content = read_published(s3, facts[Fact.RELEASES_BUCKET], version, path)
        actual = "missing" if content is None else sha256(content)
        if actual != digest:
            found.append(f"{path} of release {version}: {digest} in the template, {actual} now")
    return tuple(found)


def scripts_of(template: Mapping[str, Any]) -> dict[tuple[str, str], str]:
    """The SHA-256 of each script by release and path, of those that the template runs."""
    text = json.dumps(template.get("Resources", {}))
    return {
        (version, path): digest
        for path, digest in template.get("Metadata", {}).get(SCRIPT_DIGESTS, {}).items()
        for version in re.findall(rf"{PREFIX}/([\w.+-]+)/{re.escape(path)}\b", text)
    }
