"""What moto 5.2.5 does differently from AWS and deployments depend on.

Each patch is one function with its reason; drop it when moto does it.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

from local_aws.additions import SpotPrice


def set_default_account(account: str) -> None:
    """Choose the account of keys that belong to no other; call before anything else of moto.

    moto's own variable, MOTO_ACCOUNT_ID, puts every request into that account.
    """
    import moto.core
    import moto.core.models

    moto.core.__dict__["DEFAULT_ACCOUNT_ID"] = account
    moto.core.models.DEFAULT_ACCOUNT_ID = account


def apply(state_dir: Path, spot_prices: Sequence[SpotPrice] = ()) -> None:
    """Apply every patch; call once, after moto was imported.

    Args:
        state_dir: Where the files of file systems and nodes go.
        spot_prices: Those that EC2 shows. Default: none.
    """
    from local_aws.services import (
        budgets,
        cloudwatch,
        data_repository,
        datasync,
        efs,
        fsx,
        fsx_network,
        iam_users,
        placement_groups,
        price_list,
        quotas,
        run_command,
    )

    fsx.apply()
    fsx_network.apply()
    data_repository.apply(state_dir)
    run_command.apply(state_dir)
    datasync.apply()
    efs.apply()
    cloudwatch.apply()
    placement_groups.apply()
    price_list.apply(spot_prices)
    quotas.apply()
    budgets.apply()
    iam_users.apply()
    _name_the_role_for_spot()
    _leave_conditions_open()
    _read_forms_in_forms_only()
    _let_keys_hold_line_ends()
    _keep_that_a_password_must_be_changed()
    _give_every_session_keys_of_its_own()
    _take_device_mappings_as_ec2_does()
    _give_every_key_pair_a_type()
    _read_the_policies_of_aws_once()


def _read_forms_in_forms_only() -> None:
    """Every service: moto reads any body as a form, so `a&Action=B&c` in a JSON text is its action.

    Bodies that are forms by their type have been read when it comes to that.
    """
    from moto.core import responses

    def parse_qsl(text: str, **_: Any) -> list[tuple[str, str]]:
        return [(text, "")]

    responses.__dict__["parse_qsl"] = parse_qsl


ROOT_VOLUME_GIB = 8
"""Size of the root volume of moto's images."""


def _take_device_mappings_as_ec2_does() -> None:
    """RunInstances: moto needs `Ebs` and a size in every device mapping.

    EC2 takes `VirtualName` instead, and gives a root volume the size that its image has.
    """
    from moto.ec2.responses.instances import InstanceResponse

    original = InstanceResponse._parse_block_device_mapping

    def _parse_block_device_mapping(self: Any) -> Any:
        """The mappings that have a volume; virtual devices cost nothing and are not kept."""
        given = self._get_param("BlockDeviceMappings", [])
        if not given and (template := self._get_param("LaunchTemplate", {})):
            found = self.ec2_backend._get_template_from_args(template)
            given = found.data.get("BlockDeviceMappings", [])
        kept = [_sized(item) for item in given if not item.get("VirtualName")]
        get_param = self._get_param
        self._get_param = lambda name, *rest, **named: (
            kept if name == "BlockDeviceMappings" else get_param(name, *rest, **named)
        )
        try:
            return original(self)
        finally:
            del self._get_param

    InstanceResponse._parse_block_device_mapping = (  # type: ignore[method-assign]
        _parse_block_device_mapping
    )


def _sized(mapping: dict[str, Any]) -> dict[str, Any]:
    volume = mapping.get("Ebs")
    if not volume or "SnapshotId" in volume or "VolumeSize" in volume:
        return mapping
    return {**mapping, "Ebs": {**volume, "VolumeSize": ROOT_VOLUME_GIB}}


def _give_every_key_pair_a_type() -> None:
    """CreateKeyPair: moto keeps no type when none is given; EC2 makes an RSA key."""
    from moto.ec2.models.key_pairs import KeyPairBackend

    original = KeyPairBackend.create_key_pair

    def create_key_pair(self: Any, name: str, key_type: str, tags: dict[str, str]) -> Any:
        """CreateKeyPair."""
        return original(self, name, key_type or "rsa", tags)

    KeyPairBackend.create_key_pair = create_key_pair  # type: ignore[method-assign]


def _read_the_policies_of_aws_once() -> None:
    """IAM: moto reads 1,300 policies for each account in each of eight partitions, seconds in all.

    There is one partition here.
    """
    from moto.iam import models
    from moto.iam.aws_managed_policies import aws_managed_policies_data
    from moto.settings import load_iam_aws_managed_policies

    @cache
    def policies() -> tuple[tuple[str, dict[str, Any]], ...]:
        return tuple(json.loads(aws_managed_policies_data).items())

    def _init_aws_policies(self: Any) -> list[Any]:
        """The policies that AWS manages."""
        if self.partition != "aws" or not load_iam_aws_managed_policies():
            return []
        return [
            models.AWSManagedPolicy.from_data(name, self.account_id, self.region_name, data)
            for name, data in policies()
        ]

    models.IAMBackend._init_aws_policies = _init_aws_policies  # type: ignore[method-assign]


def _let_keys_hold_line_ends() -> None:
    """S3: moto's server finds no object whose key has a line end, for its patterns stop there."""
    from moto.moto_server.utilities import RegexConverter

    original = RegexConverter.__init__

    def __init__(self: Any, url_map: Any, *items: Any) -> None:  # noqa: N807 (replaces one)
        original(self, url_map, *items)
        self.regex = f"(?s:{self.regex})"

    RegexConverter.__init__ = __init__  # type: ignore[method-assign]


def _name_the_role_for_spot() -> None:
    """moto makes a name of a service's name, and lacks the one that EC2's role for spot has."""
    from moto.iam import models

    models.SERVICE_NAME_CONVERSION["spot"] = "EC2Spot"


def _leave_conditions_open() -> None:
    """Let a statement with conditions decide nothing when the request's facts are unknown.

    A statement about services decides nothing about people either.
    moto takes a bucket policy's `Deny` unless `aws:SecureTransport` as a `Deny` of
    everything, because it decides without the facts that the condition is about.
    """
    from moto.iam.access_control import IAMPolicyStatement, PermissionResult

    original = IAMPolicyStatement.is_action_permitted

    def is_action_permitted(
        self: Any,
        action: str,
        resource: str = "*",
        principal: str | None = None,
        incoming_condition_values: dict[str, str] | None = None,
    ) -> Any:
        """Whether the statement permits an action."""
        named = self._statement.get("Principal")
        if isinstance(named, dict) and "AWS" not in named and "*" not in named.values():
            return PermissionResult.NEUTRAL
        if incoming_condition_values is None and self._statement.get("Condition"):
            return PermissionResult.NEUTRAL
        return original(self, action, resource, principal, incoming_condition_values)

    IAMPolicyStatement.is_action_permitted = is_action_permitted  # type: ignore[method-assign]


def _keep_that_a_password_must_be_changed() -> None:
    """CreateLoginProfile: moto drops `PasswordResetRequired`, UpdateLoginProfile keeps it."""
    from moto.iam.responses import IamResponse

    original = IamResponse.create_login_profile

    def create_login_profile(self: Any) -> Any:
        """CreateLoginProfile."""
        answer = original(self)
        user = self.backend.get_user(self._get_param("UserName"))
        wanted = self._get_param("PasswordResetRequired")
        user.password_reset_required = wanted in {True, "true"}
        return answer

    IamResponse.create_login_profile = create_login_profile  # type: ignore[method-assign]


def _give_every_session_keys_of_its_own() -> None:
    """GetSessionToken, GetFederationToken: moto gives out one key, which everyone can read."""
    from moto.iam.models import iam_backends
    from moto.sts.responses import TokenResponse

    def with_own_keys(original: Any) -> Any:
        def operation(self: Any) -> Any:
            answer = original(self)
            made = iam_backends[self.current_account][self.partition].create_temp_access_key()
            answer.result["Credentials"] |= {
                "AccessKeyId": made.access_key_id,
                "SecretAccessKey": made.secret_access_key,
                "SessionToken": "",
            }
            return answer

        return operation

    for name in ("get_session_token", "get_federation_token"):
        setattr(TokenResponse, name, with_own_keys(getattr(TokenResponse, name)))
