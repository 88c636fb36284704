"""Ends a scientist's access: sessions, desktops, keys and devices; what IAM needs gone first.

IAM deletes no user who has MFA devices, signing certificates, SSH keys or credentials of services,
and CloudFormation deletes none of these (the handlers of AWS::IAM::User in its registry), so that
a deployment without the name would fail: https://github.com/aws/aws-cdk/issues/16511
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from gotocloud.aws.cloud import Cloud, answer_of
from gotocloud.aws.desktop_access import ACCESS_FILTER, close, openings
from gotocloud.aws.session import error_code, explained
from gotocloud.contract.names import SCIENTIST_ROLE
from gotocloud.contract.tag_text import as_tag
from gotocloud.contract.tags import IAM_USER_TAG
from gotocloud.errors import GoToCloudError

LEFT = "gotocloud-left"
"""Inline policy that denies a person everything; with the name, that of the scientists' role."""

LONGEST_SESSION = timedelta(hours=12)
"""No session of a role lasts longer.
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html"""

_TIME = "%Y-%m-%dT%H:%M:%SZ"
ACCESS_KEY = "access key"
_ABSENT = "NoSuchEntity"


@dataclass(frozen=True)
class Held:
    """Something that a user has, and which must be deleted before the user.

    Args:
        what: In words.
        calls: Operations of IAM that delete it, with their parameters.
    """

    what: str
    calls: tuple[tuple[str, dict[str, str]], ...]


def held_by(iam: Any, user: str) -> list[Held] | None:
    """What a user has that signs in or signs requests; None if there is no such user.

    Raises:
        GoToCloudError: if IAM does not answer.
    """
    with explained(f"look up user {user}"):
        try:
            return [*_devices(iam, user), *_keys(iam, user), *_certificates(iam, user)]
        except iam.exceptions.NoSuchEntityException:
            return None


def _listed(iam: Any, operation: str, key: str, **given: str) -> Iterator[Any]:
    """Every item of a list of IAM; botocore has no paginator for the credentials of services."""
    while True:
        answer = getattr(iam, operation)(**given)
        yield from answer[key]
        if not answer.get("IsTruncated"):
            return
        given["Marker"] = answer["Marker"]


def _devices(iam: Any, user: str) -> Iterator[Held]:
    for one in _listed(iam, "list_mfa_devices", "MFADevices", UserName=user):
        serial = one["SerialNumber"]
        calls = [("deactivate_mfa_device", {"UserName": user, "SerialNumber": serial})]
        if ":mfa/" in serial:
            # A virtual device stays in the account, with its name taken, after it is deactivated:
            # https://docs.aws.amazon.com/IAM/latest/APIReference/API_DeleteVirtualMFADevice.html
            calls.append(("delete_virtual_mfa_device", {"SerialNumber": serial}))
        yield Held(f"MFA device {serial}", tuple(calls))


def _keys(iam: Any, user: str) -> Iterator[Held]:
    for one in _listed(iam, "list_access_keys", "AccessKeyMetadata", UserName=user):
        key = {"UserName": user, "AccessKeyId": one["AccessKeyId"]}
        yield Held(f"{ACCESS_KEY} {one['AccessKeyId']}", (("delete_access_key", key),))


def _certificates(iam: Any, user: str) -> Iterator[Held]:
    for one in _listed(iam, "list_signing_certificates", "Certificates", UserName=user):
        given = {"UserName": user, "CertificateId": one["CertificateId"]}
        text = f"signing certificate {one['CertificateId']}"
        yield Held(text, (("delete_signing_certificate", given),))
    for one in _listed(iam, "list_ssh_public_keys", "SSHPublicKeys", UserName=user):
        given = {"UserName": user, "SSHPublicKeyId": one["SSHPublicKeyId"]}
        yield Held(f"SSH key {one['SSHPublicKeyId']}", (("delete_ssh_public_key", given),))
    listed, _ = answer_of(
        "list credentials of services",
        lambda: list(
            _listed(
                iam,
                "list_service_specific_credentials",
                "ServiceSpecificCredentials",
                UserName=user,
            )
        ),
    )
    for one in listed or ():
        name = one["ServiceSpecificCredentialId"]
        given = {"UserName": user, "ServiceSpecificCredentialId": name}
        text = f"credential of {one['ServiceName']}"
        yield Held(text, (("delete_service_specific_credential", given),))


def lock_out(cloud: Cloud, user: str) -> Iterator[str]:
    """Deny everything to a user and to the sessions of the scientists' role that are theirs.

    The deny on the user stays until the user is deleted, so that no session of a browser makes a
    new device. That on the role concerns sessions that began before now: it goes with the first
    removal after the last of them has ended, since all inline policies of a role together may
    have no more than 10,240 characters.
    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html

    Yields:
        What was done.

    Raises:
        GoToCloudError: if IAM refuses.
    """
    iam = cloud.client("iam")
    everything = {"Sid": "Left", "Effect": "Deny", "Action": "*", "Resource": "*"}
    now = datetime.now(UTC)
    of_them = {
        # A session's user id is ROLE_ID:SESSION_NAME, and the name is that of the person:
        # https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_variables.html
        "StringLike": {"aws:userid": f"*:{user}"},
        # Sessions cannot be deleted; a deny by their start is what AWS's console writes, too:
        # https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_use_revoke-sessions.html
        "DateLessThan": {"aws:TokenIssueTime": now.strftime(_TIME)},
    }
    with explained(f"lock {user} out"):
        try:
            iam.put_user_policy(UserName=user, PolicyName=LEFT, PolicyDocument=_policy(everything))
            yield f"{user} is denied everything"
        except iam.exceptions.NoSuchEntityException:
            yield f"there is no user {user}"
        _drop_ended(iam, now)
        iam.put_role_policy(
            RoleName=SCIENTIST_ROLE,
            PolicyName=f"{LEFT}-{user}"[:128],
            PolicyDocument=_policy({**everything, "Condition": of_them}),
        )
        yield f"sessions of {SCIENTIST_ROLE} named {user} are ended"


def _drop_ended(iam: Any, now: datetime) -> None:
    """Delete the denies of the scientists' role whose sessions have all ended."""
    role = {"RoleName": SCIENTIST_ROLE}
    for name in list(_listed(iam, "list_role_policies", "PolicyNames", **role)):
        if not name.startswith(f"{LEFT}-"):
            continue
        with suppress(iam.exceptions.NoSuchEntityException):
            found = iam.get_role_policy(**role, PolicyName=name)["PolicyDocument"]["Statement"]
            before = found["Condition"]["DateLessThan"]["aws:TokenIssueTime"]
            if now - datetime.strptime(before, _TIME).replace(tzinfo=UTC) > LONGEST_SESSION:
                iam.delete_role_policy(**role, PolicyName=name)


def _policy(statement: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": statement})


def end_connections(cloud: Cloud, account: str, user: str) -> Iterator[str]:
    """Close a person's desktops in the cloud's region, and end the shells there.

    Raises:
        GoToCloudError: if AWS does not answer.
    """
    ec2 = cloud.client("ec2")
    theirs = {"Name": f"tag:{IAM_USER_TAG}", "Values": [as_tag(user)]}
    with explained(f"look for desktops of {user}"):
        pages = ec2.get_paginator("describe_security_groups").paginate(
            Filters=[ACCESS_FILTER, theirs]
        )
        groups = [group["GroupId"] for page in pages for group in page["SecurityGroups"]]
    for one in openings(cloud, groups):
        close(cloud, one)
        yield f"desktop closed to {one.network} in {cloud.region}"
    yield from _end_shells(cloud, account, user)


def _end_shells(cloud: Cloud, account: str, user: str) -> Iterator[str]:
    ssm = cloud.client("ssm")
    owner = f"arn:aws:sts::{account}:assumed-role/{SCIENTIST_ROLE}/{user}"
    of_them = [{"key": "Owner", "value": owner}]
    listed, why = answer_of(
        "list the shells",
        lambda: [
            one
            for page in ssm.get_paginator("describe_sessions").paginate(
                State="Active", Filters=of_them
            )
            for one in page["Sessions"]
        ],
    )
    if listed is None:
        yield f"shells in {cloud.region} could not be listed ({why}); each ends with its session"
    for one in listed or ():
        with explained(f"end session {one['SessionId']}"):
            ssm.terminate_session(SessionId=one["SessionId"])
        yield f"shell {one['SessionId']} ended in {cloud.region}"


def give_back(iam: Any, held: list[Held]) -> Iterator[str]:
    """Delete what a user has; what is gone already is passed over.

    Raises:
        GoToCloudError: if IAM refuses.
    """
    for one in held:
        for operation, given in one.calls:
            with explained(f"delete {one.what}"):
                try:
                    getattr(iam, operation)(**given)
                except iam.exceptions.ClientError as error:
                    if error_code(error) != _ABSENT:
                        raise
        yield f"{one.what} deleted"


def remove_access(cloud: Cloud, user: str) -> Iterator[str]:
    """Lock a user out and delete what keeps IAM from deleting the user.

    Raises:
        GoToCloudError: if IAM refuses; running it again goes on.
    """
    yield from lock_out(cloud, user)
    iam = cloud.client("iam")
    yield from give_back(iam, held_by(iam, user) or [])
    if held_by(iam, user):
        raise GoToCloudError(f"{user} has new keys or devices: they were made meanwhile.")
