"""The trail of an audited group records objects of projects and locks its records."""

from __future__ import annotations

import pytest

from gotocloud.constructs.audit import Audit
from gotocloud.contract.project_bucket import PROJECT_BUCKETS
from tests.constructs.samples import only, sample_stack

pytestmark = pytest.mark.cdk


def test_every_call_on_an_object_of_a_project_is_recorded_in_every_region() -> None:
    stack = sample_stack()
    Audit(stack, "Audit")
    given = only(stack, "AWS::CloudTrail::Trail")
    assert given["IsLogging"]
    assert given["IsMultiRegionTrail"]
    assert given["EnableLogFileValidation"]
    (selector,) = given["AdvancedEventSelectors"]
    fields = {one.pop("Field"): one for one in selector["FieldSelectors"]}
    # No `readOnly`: reads and writes.
    assert fields == {
        "eventCategory": {"Equals": ["Data"]},
        "resources.type": {"Equals": ["AWS::S3::Object"]},
        "resources.ARN": {"StartsWith": [f"arn:aws:s3:::{PROJECT_BUCKETS}"]},
    }


def test_records_are_locked_kept_and_written_by_the_trail_alone() -> None:
    stack = sample_stack()
    Audit(stack, "Audit")
    bucket = only(stack, "AWS::S3::Bucket")
    rule = bucket["ObjectLockConfiguration"]["Rule"]["DefaultRetention"]
    assert rule == {"Days": 365, "Mode": "GOVERNANCE"}
    policy = only(stack, "AWS::S3::BucketPolicy")
    allowed = [one for one in policy["PolicyDocument"]["Statement"] if one["Effect"] == "Allow"]
    assert {one["Principal"]["Service"] for one in allowed} == {"cloudtrail.amazonaws.com"}
    assert all("aws:SourceArn" in one["Condition"]["StringEquals"] for one in allowed)
