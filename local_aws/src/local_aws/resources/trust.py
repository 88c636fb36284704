"""Who may assume which role: the part of IAM that deployments depend on.

Conditions are not evaluated here; the project's own IAM tests do that.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from fnmatch import fnmatchcase
from typing import Any

from local_aws.engine.site import Site


def service_may_assume(site: Site, role_arn: str, service: str) -> bool:
    """Whether a role exists and trusts an AWS service."""
    return any(
        service in _listed(statement.get("Principal", {}).get("Service", []))
        for statement in _trust(site, role_arn)
        if isinstance(statement.get("Principal"), Mapping)
    )


def account_may_assume(site: Site, role_arn: str, account: str) -> bool:
    """Whether a role exists and trusts an account, or a user or role in it."""
    for statement in _trust(site, role_arn):
        principal = statement.get("Principal", {})
        trusted = _listed(principal.get("AWS", [])) if isinstance(principal, Mapping) else []
        if any(entry == account or f"::{account}:" in entry for entry in trusted):
            return True
    return False


def role_allows(site: Site, role_arn: str, action: str) -> bool:
    """Whether the policies of a role name an action; resources are not looked at."""
    account, name = account_and_name(role_arn)
    iam = site.client("iam", account=account)
    documents = [
        iam.get_role_policy(RoleName=name, PolicyName=policy)["PolicyDocument"]
        for policy in iam.list_role_policies(RoleName=name)["PolicyNames"]
    ]
    for attached in iam.list_attached_role_policies(RoleName=name)["AttachedPolicies"]:
        arn = attached["PolicyArn"]
        version = iam.get_policy(PolicyArn=arn)["Policy"]["DefaultVersionId"]
        found = iam.get_policy_version(PolicyArn=arn, VersionId=version)
        documents.append(found["PolicyVersion"]["Document"])
    return any(
        fnmatchcase(action.lower(), pattern.lower())
        for document in documents
        for statement in _listed(document["Statement"])
        if statement["Effect"] == "Allow"
        for pattern in _listed(statement.get("Action", []))
    )


def account_and_name(role_arn: str) -> tuple[str, str]:
    """Account ID and name of a role."""
    parts = role_arn.split(":")
    return parts[4], parts[5].rpartition("/")[2]


def _trust(site: Site, role_arn: str) -> Iterable[Mapping[str, Any]]:
    account, name = account_and_name(role_arn)
    iam = site.client("iam", account=account)
    try:
        document = iam.get_role(RoleName=name)["Role"]["AssumeRolePolicyDocument"]
    except iam.exceptions.NoSuchEntityException:
        return []
    return [item for item in _listed(document["Statement"]) if item["Effect"] == "Allow"]


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
