"""Who is calling: users, sessions of roles, administrators; and the policies they carry."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from local_aws.authentication.keys import ADMINISTRATOR_KEY, Keyring
from local_aws.iam.evaluator import NamedPolicy

ADMINISTRATOR_POLICY = "arn:aws:iam::aws:policy/AdministratorAccess"
_NOTHING = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": {
            "Effect": "Allow",
            "Action": "sts:GetCallerIdentity",
            "Resource": "arn:aws:iam::000000000000:nothing",
        },
    }
)
"""What a boundary allows whose policy is gone."""


_INVALID = ("InvalidClientTokenId", "The security token included in the request is invalid.")


class CredentialsError(Exception):
    """Credentials that AWS would not take; the code is AWS's."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True)
class Session:
    """Temporary credentials, as STS gave them out.

    Args:
        account: Account that they act in.
        name: Role name, or user name of a user's own session.
        is_role: Whether it is a role's session.
        session_name: RoleSessionName; empty for a user's own session.
        issued: When.
        expires: Until when.
        mfa: When the code of an MFA device was given; None if it was not.
        policies: Session policies.
        tags: Session tags.
        source_identity: As set by the one who assumed the role.
        long_term_key: The user's key behind a user's own session.
        role_id: Unique id of the role; empty if there was no such role when it was assumed.
    """

    account: str
    name: str
    is_role: bool
    session_name: str
    issued: datetime
    expires: datetime
    mfa: datetime | None = None
    policies: tuple[NamedPolicy, ...] = ()
    tags: Mapping[str, str] = field(default_factory=dict)
    source_identity: str = ""
    long_term_key: str = ""
    role_id: str = ""


@dataclass(frozen=True)
class Caller:
    """Who makes a request, with everything that policies may ask about it.

    Args:
        account: The caller's account.
        arn: As `GetCallerIdentity` returns it; empty for an unsigned request.
        principal_arn: The user's or role's own ARN, with its path.
        kind: User, AssumedRole, Account (an administrator) or Anonymous.
        user_id: `aws:userid`.
        user_name: `aws:username`; empty for roles.
        identity: Identity policies.
        boundary: Permissions boundary.
        session: The session, if the credentials are temporary.
        tags: `aws:PrincipalTag`.
    """

    account: str
    arn: str
    principal_arn: str
    kind: str
    user_id: str = ""
    user_name: str = ""
    identity: tuple[NamedPolicy, ...] = ()
    boundary: NamedPolicy | None = None
    session: Session | None = None
    tags: Mapping[str, str] = field(default_factory=dict)

    @property
    def is_administrator(self) -> bool:
        """Whether nothing is denied to it."""
        return self.kind == "Account"

    @property
    def mfa_age_s(self) -> int | None:
        """Seconds since the MFA code was given; None without one."""
        if self.session is None or self.session.mfa is None:
            return None
        return int((datetime.now(UTC) - self.session.mfa).total_seconds())

    def context(self) -> dict[str, str | list[str]]:
        """The condition keys that are about the caller."""
        if self.kind == "Anonymous":
            return {"aws:PrincipalType": "Anonymous"}
        found: dict[str, str | list[str]] = {
            "aws:PrincipalAccount": self.account,
            "aws:PrincipalArn": self.principal_arn,
            "aws:PrincipalType": self.kind,
            "aws:userid": self.user_id,
            **{f"aws:PrincipalTag/{key}": value for key, value in self.tags.items()},
        }
        if self.user_name:
            found["aws:username"] = self.user_name
        if self.session is not None:
            found.update(_session_context(self.session, self.mfa_age_s))
        return found


def _session_context(session: Session, mfa_age_s: int | None) -> dict[str, str]:
    """AWS: keys about MFA exist for temporary credentials only, never for long-term ones."""
    found = {
        "aws:MultiFactorAuthPresent": "false" if mfa_age_s is None else "true",
        "aws:TokenIssueTime": session.issued.strftime("%Y-%m-%dT%H:%M:%SZ"),
    }
    if mfa_age_s is not None:
        found["aws:MultiFactorAuthAge"] = str(mfa_age_s)
    if session.source_identity:
        found["aws:SourceIdentity"] = session.source_identity
    return found


class Callers:
    """Finds out who calls, from the local AWS's own users, roles and sessions."""

    def __init__(self, default_account: str, keyring: Keyring) -> None:
        self.keyring = keyring
        self.sessions: dict[str, Session] = {}
        self.user_boundaries: dict[tuple[str, str], str] = {}
        self._default_account = default_account

    def identify(self, access_key: str | None, named_account: str = "") -> Caller:
        """The caller behind an access key.

        Args:
            access_key: None for an unsigned request.
            named_account: The account that moto's header names; only the local AWS's own
                parts and administrators name one.

        Raises:
            CredentialsError: for a key that is expired, disabled or was never given out.
        """
        if access_key is None:
            return Caller("", "", "", "Anonymous")
        if session := self.sessions.get(access_key):
            return self._of_session(session)
        found = self._of_user_key(access_key)
        if found is not None:
            return found
        if access_key == ADMINISTRATOR_KEY:
            return administrator(named_account or self._default_account)
        raise CredentialsError(*_INVALID)

    def acting(self, whose: str, session_name: str) -> Caller:
        """A service that works with the permissions of others.

        Args:
            whose: ARN of the role that was handed over, or the access key of the one who called.
            session_name: The session's name, where it is a role's.

        Raises:
            CredentialsError: if the role is gone, or the key no longer holds.
        """
        caller = self._of_role(whose, session_name) if ":" in whose else self.identify(whose)
        limited = caller.boundary or (caller.session and caller.session.policies)
        if not limited and ADMINISTRATOR_POLICY in {policy.name for policy in caller.identity}:
            # The role of the CDK's deployments: there is nothing to decide.
            return administrator(caller.account, caller.session)
        return caller

    def _of_role(self, role_arn: str, session_name: str) -> Caller:
        role = role_of_arn(role_arn)
        if role is None:
            raise CredentialsError(
                "ValidationError", f"Role {role_arn} is invalid or cannot be assumed"
            )
        now = datetime.now(UTC)
        session = Session(
            role_arn.split(":")[4],
            role.name,
            True,
            session_name,
            issued=now,
            expires=now + timedelta(hours=1),
            role_id=role.id,
        )
        return self._of_session(session)

    def _of_session(self, session: Session) -> Caller:
        if datetime.now(UTC) >= session.expires:
            raise CredentialsError(
                "ExpiredToken", "The security token included in the request is expired"
            )
        if not session.is_role:
            return self._user(session.account, session.name, session)
        if not session.role_id:
            return administrator(session.account, session)
        role = _backend(session.account).roles_by_name(session.name)
        if role is None or role.id != session.role_id:
            raise CredentialsError(*_INVALID)
        return Caller(
            account=session.account,
            arn=f"arn:aws:sts::{session.account}:assumed-role/{role.name}/{session.session_name}",
            principal_arn=role.arn,
            kind="AssumedRole",
            user_id=f"{role.id}:{session.session_name}",
            identity=_policies_of(role),
            boundary=_boundary(session.account, role.permissions_boundary_arn),
            session=session,
            tags={**tags_of(role.tags), **session.tags},
        )

    def _of_user_key(self, access_key: str) -> Caller | None:
        from moto.iam.models import iam_backends

        for account in list(iam_backends):
            for user in list(iam_backends[account]["aws"].users.values()):
                for key in user.access_keys:
                    if key.access_key_id != access_key:
                        continue
                    if key.status != "Active":
                        raise CredentialsError(*_INVALID)
                    return self._user(account, user.name, None)
        return None

    def _user(self, account: str, name: str, session: Session | None) -> Caller:
        backend = _backend(account)
        user = backend.iam.users.get(name)
        if user is None:
            raise CredentialsError(*_INVALID)
        policies = [*_policies_of(user)]
        for group in backend.iam.get_groups_for_user(name):
            policies.extend(_policies_of(group))
        return Caller(
            account=account,
            arn=user.arn,
            principal_arn=user.arn,
            kind="User",
            user_id=user.id,
            user_name=name,
            identity=tuple(policies),
            boundary=_boundary(account, self.user_boundaries.get((account, name))),
            session=session,
            tags=tags_of(backend.iam.tagger.list_tags_for_resource(user.arn)["Tags"]),
        )

    def has_mfa_device(self, caller: Caller, serial_number: str) -> bool:
        """Whether an MFA device is enabled for a user."""
        user = _backend(caller.account).iam.users.get(caller.user_name)
        return user is not None and serial_number in user.mfa_devices


def administrator(account: str, session: Session | None = None) -> Caller:
    """A caller to whom everything is allowed in an account."""
    root = f"arn:aws:iam::{account}:root"
    arn = root
    if session is not None:
        arn = f"arn:aws:sts::{account}:assumed-role/{session.name}/{session.session_name}"
    return Caller(account, arn, root, "Account", user_id=account, session=session)


@dataclass(frozen=True)
class _Backend:
    iam: Any

    def roles_by_name(self, name: str) -> Any | None:
        return next((role for role in list(self.iam.roles.values()) if role.name == name), None)


def _backend(account: str) -> _Backend:
    from moto.iam.models import iam_backends

    return _Backend(iam_backends[account]["aws"])


def role_of_arn(arn: str) -> Any | None:
    """The role of an ARN in the local AWS, or None."""
    parts = arn.split(":")
    if len(parts) < 6 or not parts[5].startswith("role/"):
        return None
    role = _backend(parts[4]).roles_by_name(parts[5].rpartition("/")[2])
    return role if role is not None and role.arn == arn else None


def _policies_of(holder: Any) -> tuple[NamedPolicy, ...]:
    inline = [
        NamedPolicy(f"{holder.name}/{name}", text_of(document))
        for name, document in list(holder.policies.items())
    ]
    attached = [managed_policy(policy) for policy in list(holder.managed_policies.values())]
    return (*inline, *attached)


def _boundary(account: str, arn: str | None) -> NamedPolicy | None:
    if not arn:
        return None
    policy = _backend(account).iam.managed_policies.get(arn)
    return managed_policy(policy) if policy else NamedPolicy(arn, _NOTHING)


def managed_policy(policy: Any) -> NamedPolicy:
    """A managed policy of moto in its default version."""
    document = next(
        v.document for v in policy.versions if v.version_id == policy.default_version_id
    )
    return NamedPolicy(policy.arn, text_of(document))


def text_of(document: Any) -> str:
    """A policy document as JSON text, however moto keeps it."""
    return document if isinstance(document, str) else json.dumps(document)


def tags_of(given: Any) -> dict[str, str]:
    """Tags as a mapping, however moto keeps them."""
    if isinstance(given, Mapping):
        return {
            key: str(value.get("Value", "") if isinstance(value, Mapping) else value)
            for key, value in given.items()
        }
    listed: Iterable[Mapping[str, str]] = given or ()
    return {tag["Key"]: tag["Value"] for tag in listed}
