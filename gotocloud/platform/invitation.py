"""What a new scientist gets from the management group."""

from __future__ import annotations

from gotocloud.contract.sign_in import login_command, sign_in_address
from gotocloud.platform.model import Group

PROGRAM = "gotocloud"
"""Folder of the program in a person's home."""


def invitation(group: Group, user: str, *, password: str, install_from: str) -> str:
    """The text for one scientist: where to sign in, with what, and each command after it.

    Args:
        password: The initial password; empty if the scientist has changed it already.
        install_from: S3 address of the published installation.
    """
    profile, region = "--profile gotocloud", group.home_region
    role = f"arn:aws:iam::{group.account}:role/gotocloud-scientist"
    lines = [
        f"For {user}, of group {group.name}. Keep this to yourself, and delete it afterwards.",
        "",
        f"1. Sign in at {sign_in_address(group.account)}",
        f"   User name: {user}",
        f"   Password:  {password or 'the one that you chose'}",
        "   Choose a password of your own, and register an MFA device (your name, top right,",
        '   "Security credentials"). Sign out, and in again with MFA.',
        "2. Install version 2.32 or newer of the AWS command line:",
        "   https://docs.aws.amazon.com/cli/latest/userguide/getting-started-install.html",
        "3. Install gotocloud (docs/signing-in.md explains the commands):",
        f"   aws login --profile gotocloud-sign-in --region {region}",
        f"   aws configure set region {region} --profile gotocloud-sign-in",
        f"   aws configure set region {region} {profile}",
        f"   aws configure set source_profile gotocloud-sign-in {profile}",
        f"   aws configure set role_arn {role} {profile}",
        f"   aws configure set role_session_name {user} {profile}",
        f"   aws s3 cp --recursive {install_from} gotocloud-install {profile}",
        f"   python3 -m venv ~/{PROGRAM}",
        f"   cd gotocloud-install && ~/{PROGRAM}/bin/pip install -r requirements.txt",
        "4. Sign in, now and whenever a sign-in has ended:",
        f"   {login_command(group.account, region, user)}",
        "   export AWS_PROFILE=gotocloud",
        "   gotocloud doctor",
    ]
    return "\n".join(lines) + "\n"
