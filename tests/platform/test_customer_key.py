"""A key of the group's own: which ARN is taken, and what its policy must allow."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import Any

import pytest
import yaml

from gotocloud.errors import InputError
from gotocloud.platform.customer_key import key_arn, key_policy
from gotocloud.platform.load import load_platform
from gotocloud.platform.model import Group
from tests.needs import ROOT

MULTI = "arn:aws:kms:ap-northeast-1:222222222222:key/mrk-1234abcd12ab34cd56ef1234567890ab"
SINGLE = "arn:aws:kms:ap-northeast-1:222222222222:key/1234abcd-12ab-34cd-56ef-1234567890ab"


def group(tmp_path: Any, **changes: Any) -> Group:
    text = (ROOT / "platform.example.yaml").read_text()
    data = yaml.safe_load(text)
    data["groups"][0].update(changes)
    path = tmp_path / "platform.yaml"
    path.write_text(yaml.safe_dump(data))
    return load_platform(path).groups[0]


def test_a_multi_region_key_has_an_arn_in_each_region(tmp_path: Any) -> None:
    found = group(tmp_path, kms_key=MULTI)
    assert key_arn(found, "us-east-1") == MULTI.replace("ap-northeast-1", "us-east-1")
    assert key_arn(group(tmp_path), "us-east-1") is None


@pytest.mark.parametrize(
    ("key", "said"),
    [
        ("alias/lab", "an alias is not enough"),
        ("arn:aws:kms:ap-northeast-1:222222222222:alias/aws/s3", "an alias is not enough"),
        ("arn:aws:s3:::bucket", "not the ARN of a KMS key"),
        (f"{MULTI}\n", "not the ARN of a KMS key"),
        (SINGLE, "needs a multi-Region key"),
        (MULTI.replace("ap-northeast-1", "eu-west-1"), "is a key in eu-west-1"),
    ],
)
def test_another_key_is_refused(tmp_path: Any, key: str, said: str) -> None:
    with pytest.raises(InputError) as caught:
        group(tmp_path, kms_key=key)
    assert said in str(caught.value)


def test_a_group_of_one_region_takes_a_key_of_that_region(tmp_path: Any) -> None:
    assert group(tmp_path, kms_key=SINGLE, regions=["ap-northeast-1"]).kms_key == SINGLE


def test_the_key_policy_lets_services_use_the_key_for_this_account_alone(tmp_path: Any) -> None:
    statements = {one["Sid"]: one for one in key_policy(group(tmp_path, kms_key=MULTI, audit=True))}
    assert set(statements) == {
        "LogGroupsOfGoToCloud",
        "InitialPasswords",
        "DisksOfClusters",
        "RecordsOfTheAudit",
    }
    assert all("222222222222" in str(one["Condition"]) for one in statements.values())
    assert statements["InitialPasswords"]["Condition"]["StringEquals"] == {
        "kms:CallerAccount": "222222222222",
        "kms:ViaService": "secretsmanager.ap-northeast-1.amazonaws.com",
    }
    without = key_policy(group(tmp_path, kms_key=MULTI))
    assert {one["Sid"] for one in without} == {*statements} - {"RecordsOfTheAudit"}


def test_the_key_serves_disks_of_this_account_through_ec2_alone(tmp_path: Any) -> None:
    (disks,) = (one for one in key_policy(group(tmp_path, kms_key=MULTI)) if "Disks" in one["Sid"])
    assert disks["Condition"]["StringEquals"] == {
        "kms:CallerAccount": "222222222222",
        "kms:ViaService": ["ec2.ap-northeast-1.amazonaws.com", "ec2.us-east-1.amazonaws.com"],
    }
    # What EBS needs: https://docs.aws.amazon.com/ebs/latest/userguide/ebs-encryption-requirements.html
    needed = ("CreateGrant", "Decrypt", "DescribeKey", "GenerateDataKeyWithoutPlaintext")
    assert all(
        any(fnmatchcase(f"kms:{call}", pattern) for pattern in disks["Action"])
        for call in (*needed, "ReEncryptFrom", "ReEncryptTo")
    )
