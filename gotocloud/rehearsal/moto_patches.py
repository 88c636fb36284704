"""What moto 5.2.5 does differently from AWS and deployments depend on.

Each patch is one function with its reason; drop it when moto does it.
"""

from __future__ import annotations


def set_default_account(account: str) -> None:
    """Choose the account of keys that belong to no other; call before anything else of moto.

    moto's own variable, MOTO_ACCOUNT_ID, puts every request into that account.
    """
    import moto.core
    import moto.core.models

    moto.core.__dict__["DEFAULT_ACCOUNT_ID"] = account
    moto.core.models.DEFAULT_ACCOUNT_ID = account


def apply() -> None:
    """Apply every patch; call once, after moto was imported."""
    from gotocloud.rehearsal.services import datasync, fsx

    fsx.apply()
    datasync.apply()
