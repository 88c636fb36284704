"""What moto 5.2.5 does differently from AWS and deployments depend on.

Each patch is one function with its reason; drop it when moto does it.
"""

from __future__ import annotations

from collections.abc import Callable

_PATCHES: list[Callable[[], None]] = []


def apply() -> None:
    """Apply every patch; call once, after moto was imported."""
    for patch in _PATCHES:
        patch()


def set_default_account(account: str) -> None:
    """Choose the account of keys that belong to no other; call before anything else of moto.

    moto's own variable, MOTO_ACCOUNT_ID, puts every request into that account.
    """
    import moto.core
    import moto.core.models

    moto.core.DEFAULT_ACCOUNT_ID = account
    moto.core.models.DEFAULT_ACCOUNT_ID = account
