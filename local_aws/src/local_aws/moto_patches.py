"""What moto 5.2.5 does differently from AWS and deployments depend on.

Each patch is one function with its reason; drop it when moto does it.
"""

from __future__ import annotations

from collections.abc import Sequence
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
        data_repository,
        datasync,
        efs,
        fsx,
        fsx_network,
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
    price_list.apply(spot_prices)
    quotas.apply()
    _leave_conditions_open()
    _let_keys_hold_line_ends()
    _keep_that_a_password_must_be_changed()
    _give_every_session_keys_of_its_own()


def _let_keys_hold_line_ends() -> None:
    """S3: moto's server finds no object whose key has a line end, for its patterns stop there."""
    from moto.moto_server.utilities import RegexConverter

    original = RegexConverter.__init__

    def __init__(self: Any, url_map: Any, *items: Any) -> None:  # noqa: N807 (replaces one)
        original(self, url_map, *items)
        self.regex = f"(?s:{self.regex})"

    RegexConverter.__init__ = __init__  # type: ignore[method-assign]


def _leave_conditions_open() -> None:
    """Let a statement with conditions decide nothing when the request's facts are unknown.

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
