"""A group's own key encrypts what the group's stack stores."""

from __future__ import annotations

import pytest
from aws_cdk import aws_logs as logs
from aws_cdk.assertions import Template

from gotocloud.constructs.audit import Audit
from gotocloud.constructs.customer_key import encrypt_with
from gotocloud.constructs.scientists import Scientists
from tests.constructs.samples import sample_stack

pytestmark = pytest.mark.cdk

KEY = "arn:aws:kms:ap-northeast-1:222222222222:key/1234abcd-12ab-34cd-56ef-1234567890ab"
KINDS = {
    "AWS::Logs::LogGroup": "KmsKeyId",
    "AWS::SecretsManager::Secret": "KmsKeyId",
    "AWS::CloudTrail::Trail": "KMSKeyId",
}


@pytest.mark.parametrize("key", [KEY, None])
def test_logs_secrets_and_the_trail_have_the_key_that_is_given(key: str | None) -> None:
    stack = sample_stack()
    Audit(stack, "Audit")
    Scientists(stack, "Scientists", names=["ann"])
    logs.CfnLogGroup(stack, "Log")
    if key:
        encrypt_with(stack, key)
    template = Template.from_stack(stack)
    for kind, name in KINDS.items():
        (made,) = template.find_resources(kind).values()
        assert made.get("Properties", {}).get(name) == key, kind
