"""The access keys that were given out in this run, with their secrets."""

from __future__ import annotations

import hmac
from dataclasses import dataclass, field

ADMINISTRATOR_KEY = "AKIALOCALAWSOWNER001"
"""Id of the key that may do everything in every account; its secret is the run's."""


@dataclass(frozen=True)
class AccessKey:
    """An access key.

    Args:
        secret: Its secret.
        token: The session token that must come with it; None for a long-term key.
    """

    secret: str = field(repr=False)
    token: str | None = field(default=None, repr=False)

    def takes(self, token: str) -> bool:
        """Whether a request brings the right session token."""
        return hmac.compare_digest((self.token or "").encode(), token.encode())


class Keyring:
    """Finds the secret of an access key: of this run, of IAM's users, of STS's sessions.

    Args:
        secret: Of the administrator's key.
    """

    def __init__(self, secret: str) -> None:
        self._given_out = {ADMINISTRATOR_KEY: AccessKey(secret)}

    def add(self, access_key: str, key: AccessKey) -> None:
        """Take in a key that moto does not keep."""
        self._given_out[access_key] = key

    def find(self, access_key: str) -> AccessKey | None:
        """A key by its id; None if it was never given out, is deleted or disabled."""
        from moto.iam.models import iam_backends
        from moto.sts.models import sts_backends

        if found := self._given_out.get(access_key):
            return found
        # Copies, because other requests change the stores meanwhile.
        for account, partitions in list(iam_backends.items()):
            for partition, backend in list(partitions.items()):
                kept = backend.access_keys.get(access_key)
                if kept is None or kept.status != "Active":
                    continue
                role = sts_backends[account][partition].get_assumed_role_from_access_key(access_key)
                return AccessKey(kept.secret_access_key, role.session_token if role else None)
        return None
