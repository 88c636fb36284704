"""Everything that has to be allowed for a request to be done."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from local_aws.iam.actions import WITHOUT_PERMISSION, action_of
from local_aws.iam.callers import Caller
from local_aws.iam.dependents import dependents
from local_aws.iam.facts import Facts
from local_aws.iam.mapping import Check, checks_for
from local_aws.iam.resources import Place
from local_aws.iam.wire import Call


def checks_of(call: Call, caller: Caller, facts: Facts) -> tuple[Check, ...]:
    """The actions, resources and condition keys that IAM has to decide about.

    Raises:
        UnmappedError: if its permissions are not known.
    """
    if (call.service, call.operation) in WITHOUT_PERMISSION:
        return ()
    place = Place(_with_launch_template(call, caller, facts), caller, facts)
    if (call.service, call.operation) == ("s3", "DeleteObjects"):
        return _deletions(place)
    first = list(checks_for(action_of(call), place))
    return (*first, *dependents(place, first))


READS_OF_OBJECTS = {"GetObject", "GetObjectAttributes", "GetObjectTagging", "HeadObject"}


def listing_of_missing(call: Call, caller: Caller, facts: Facts) -> Iterable[Check]:
    """What S3 looks at before it answers that an object is missing; else the answer is 403.

    Source: Amazon S3 API Reference, GetObject and HeadObject, "Permissions". The request has no
    `s3:prefix`, so that a statement with that condition does not count.
    """
    bucket, key = str(call.parameters.get("Bucket", "")), str(call.parameters.get("Key", ""))
    if call.service != "s3" or call.operation not in READS_OF_OBJECTS:
        return ()
    if facts.object_exists(bucket, key):
        return ()
    listing = replace(call, operation="ListObjectsV2", parameters={"Bucket": bucket})
    return checks_for("s3:ListBucket", Place(listing, caller, facts))


def _with_launch_template(call: Call, caller: Caller, facts: Facts) -> Call:
    """A start of machines with what its launch template has: AWS looks at that as well."""
    named = call.parameters.get("LaunchTemplate")
    if call.operation != "RunInstances" or not named:
        return call
    stated = dict(facts.launch_template(caller.account, call.region, named))
    interfaces = stated.get("NetworkInterfaces") or ()
    subnets = [one["SubnetId"] for one in interfaces if "SubnetId" in one]
    groups = [group for one in interfaces for group in one.get("Groups") or ()]
    placed = {"SubnetIds": subnets, "SecurityGroupIds": list(dict.fromkeys(groups))}
    return replace(call, parameters={**placed, **stated, **call.parameters})


def _deletions(place: Place) -> tuple[Check, ...]:
    bucket = place.call.parameters.get("Bucket", "")
    found: list[Check] = []
    for item in place.call.parameters.get("Delete", {}).get("Objects", ()):
        name = "DeleteObjectVersion" if item.get("VersionId") else "DeleteObject"
        found.extend(checks_for(name, place, [f"arn:aws:s3:::{bucket}/{item['Key']}"]))
    return tuple(found)
