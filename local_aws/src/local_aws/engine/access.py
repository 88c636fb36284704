"""Environments in which AWS tools reach the local AWS, and nothing else."""

from __future__ import annotations

import os

from local_aws.engine.site import Endpoint, client

ADMINISTRATOR_ROLE = "OrganizationAccountAccessRole"
"""The role that AWS Organizations puts into a new account."""

_KEPT = (
    "HOME",
    "LANG",
    "LC_ALL",
    "LOCAL_AWS_NODE_MODULES",
    "PATH",
    "TERM",
    "TMPDIR",
    "USER",
    "VIRTUAL_ENV",
)


def administrator_role(account: str) -> str:
    """ARN of the role with which everything in an account may be done."""
    return f"arn:aws:iam::{account}:role/{ADMINISTRATOR_ROLE}"


def credentials(endpoint: Endpoint, account: str) -> dict[str, str]:
    """Keys that act in an account, by assuming a role of it."""
    sts = client("sts", account, "us-east-1", endpoint)
    found = sts.assume_role(RoleArn=administrator_role(account), RoleSessionName="rehearsal")
    keys = found["Credentials"]
    return {
        "AWS_ACCESS_KEY_ID": keys["AccessKeyId"],
        "AWS_SECRET_ACCESS_KEY": keys["SecretAccessKey"],
        "AWS_SESSION_TOKEN": keys["SessionToken"],
    }


def no_real_account() -> dict[str, str]:
    """This process's environment without anything that leads to a real account."""
    return {
        **{name: os.environ[name] for name in _KEPT if name in os.environ},
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
    }


def environment(endpoint: Endpoint, account: str, region: str) -> dict[str, str]:
    """Environment variables that make any AWS tool act in an account of the local AWS."""
    return {
        **no_real_account(),
        **credentials(endpoint, account),
        "AWS_DEFAULT_REGION": region,
        "AWS_ENDPOINT_URL": endpoint.url,
        "AWS_REGION": region,
    }
