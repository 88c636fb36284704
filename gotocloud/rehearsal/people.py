"""Scientists of a local AWS who sign in as they do at AWS: with a key and an MFA code."""

from __future__ import annotations

from typing import Any

from gotocloud.contract.names import SCIENTIST_ROLE
from gotocloud.rehearsal.local_aws import LocalAws
from local_aws.engine.access import no_real_account
from local_aws.engine.site import session_without_profile

CODE = "123456"
"""A code of an MFA device; the local AWS takes any six digits."""
SESSION_S = 12 * 3600
"""As long as the scientists' role allows."""


def enrol(local: LocalAws, account: str, region: str, user: str) -> dict[str, Any]:
    """Give an IAM user a new access key and, unless there is one, an MFA device.

    A real user does the second with nothing but a password; the first is a shortcut for
    `aws login`, which the local AWS does not have.

    Returns:
        `AccessKeyId` and `SecretAccessKey`.
    """
    iam = local.client("iam", account, region)
    for old in iam.list_access_keys(UserName=user)["AccessKeyMetadata"]:
        iam.delete_access_key(UserName=user, AccessKeyId=old["AccessKeyId"])
    keys: dict[str, Any] = iam.create_access_key(UserName=user)["AccessKey"]
    serials = [item["SerialNumber"] for item in iam.list_mfa_devices(UserName=user)["MFADevices"]]
    if mfa_device(account, user) not in serials:
        made = iam.list_virtual_mfa_devices()["VirtualMFADevices"]
        if mfa_device(account, user) not in [item["SerialNumber"] for item in made]:
            iam.create_virtual_mfa_device(VirtualMFADeviceName=user)
        codes = {"AuthenticationCode1": CODE, "AuthenticationCode2": CODE[::-1]}
        iam.enable_mfa_device(UserName=user, SerialNumber=mfa_device(account, user), **codes)
    return keys


def mfa_device(account: str, user: str) -> str:
    """ARN of the MFA device that `enrol` makes."""
    return f"arn:aws:iam::{account}:mfa/{user}"


def sign_in(
    local: LocalAws, account: str, region: str, user: str, keys: dict[str, Any], **more: Any
) -> dict[str, Any]:
    """Credentials of the scientists' role, assumed with MFA under the user's own name.

    Args:
        local: The local AWS.
        account: The group's account.
        region: Any region.
        user: The scientist's user name.
        keys: The user's access key, from `enrol`.
        more: Further parameters of AssumeRole.
    """
    sts = session_without_profile().client(
        "sts",
        region_name=region,
        endpoint_url=local.endpoint_url,
        aws_access_key_id=keys["AccessKeyId"],
        aws_secret_access_key=keys["SecretAccessKey"],
    )
    answer = sts.assume_role(
        RoleArn=f"arn:aws:iam::{account}:role/{SCIENTIST_ROLE}",
        RoleSessionName=user,
        DurationSeconds=SESSION_S,
        SerialNumber=mfa_device(account, user),
        TokenCode=CODE,
        **more,
    )
    return dict(answer["Credentials"])


def scientist_environment(local: LocalAws, account: str, region: str, user: str) -> dict[str, str]:
    """Environment in which commands act as a scientist only."""
    keys = sign_in(local, account, region, user, enrol(local, account, region, user))
    return {
        **no_real_account(),
        "AWS_ACCESS_KEY_ID": keys["AccessKeyId"],
        "AWS_SECRET_ACCESS_KEY": keys["SecretAccessKey"],
        "AWS_SESSION_TOKEN": keys["SessionToken"],
        "AWS_DEFAULT_REGION": region,
        "AWS_ENDPOINT_URL": local.endpoint_url,
        "AWS_REGION": region,
    }
