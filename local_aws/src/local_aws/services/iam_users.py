"""IAM: moto deletes a user who still has devices, keys or a password; IAM refuses.

Source: https://docs.aws.amazon.com/IAM/latest/APIReference/API_DeleteUser.html, which lists what
must be deleted before. aws-cdk issue 16511 has the message that a user with MFA leads to.
"""

from __future__ import annotations

from typing import Any
from uuid import uuid4


def apply() -> None:
    """Let moto's IAM refuse as IAM does."""
    from moto.iam.exceptions import DeleteConflictException
    from moto.iam.models import IAMBackend

    original = IAMBackend.delete_user

    def delete_user(self: Any, user_name: str) -> None:
        """DeleteUser."""
        user = self.get_user(user_name)
        held = {
            "login profile": user.password,
            "access keys": user.access_keys,
            "signing certificates": user.signing_certificates,
            "SSH public keys": user.ssh_public_keys,
            "MFA device": user.mfa_devices,
            "service specific credentials": vars(user).get("service_credentials"),
        }
        for what, found in held.items():
            if found:
                raise DeleteConflictException(f"Cannot delete entity, must delete {what} first.")
        if any(user_name in [one.name for one in group.users] for group in self.groups.values()):
            raise DeleteConflictException(
                "Cannot delete entity, must remove user from all groups first."
            )
        original(self, user_name)

    IAMBackend.delete_user = delete_user  # type: ignore[method-assign]
    _credentials_of_services()


def _credentials_of_services() -> None:
    """CreateServiceSpecificCredential, and what lists and deletes them: moto has none."""
    from moto.core.responses import ActionResult, EmptyResult
    from moto.iam.responses import IamResponse

    def of_user(self: Any) -> dict[str, dict[str, str]]:
        user = self.backend.get_user(self._get_param("UserName"))
        found: dict[str, dict[str, str]] = vars(user).setdefault("service_credentials", {})
        return found

    def create_service_specific_credential(self: Any) -> Any:
        """CreateServiceSpecificCredential."""
        held, name = of_user(self), f"ACCA{uuid4().hex[:17].upper()}"
        held[name] = {
            "ServiceSpecificCredentialId": name,
            "ServiceName": self._get_param("ServiceName"),
            "UserName": self._get_param("UserName"),
            "Status": "Active",
        }
        return ActionResult({"ServiceSpecificCredential": held[name]})

    def list_service_specific_credentials(self: Any) -> Any:
        """ListServiceSpecificCredentials."""
        return ActionResult({"ServiceSpecificCredentials": list(of_user(self).values())})

    def delete_service_specific_credential(self: Any) -> Any:
        """DeleteServiceSpecificCredential."""
        of_user(self).pop(self._get_param("ServiceSpecificCredentialId"), None)
        return EmptyResult()

    for operation in (
        create_service_specific_credential,
        list_service_specific_credentials,
        delete_service_specific_credential,
    ):
        setattr(IamResponse, operation.__name__, operation)
