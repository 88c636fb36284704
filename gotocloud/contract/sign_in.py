"""Where people of a group sign in, and what they type."""

from __future__ import annotations

YOUR_NAME = "YOUR_USER_NAME"


def sign_in_address(account: str) -> str:
    """Page on which IAM users of an account sign in to the console.

    Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/console_sign-in-url.html
    """
    return f"https://{account}.signin.aws.amazon.com/console"


def login_command(account: str, region: str, user: str = YOUR_NAME) -> str:
    """The first command of a scientist."""
    return f"gotocloud login --account {account} --region {region} --user {user}"
