"""The people of a group: their users, and the role with which they work."""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import IPv4Network

from aws_cdk import Duration, RemovalPolicy, Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_secretsmanager as secretsmanager
from constructs import Construct

from gotocloud.constructs.policy import PARTITION, Policy, Statement, acknowledge
from gotocloud.contract.names import (
    NETWORKS_POLICY,
    SCIENTIST_GROUP,
    SCIENTIST_ROLE,
    initial_password,
)

PASSWORD_LENGTH = 24


SIGN_IN_FROM_TERMINAL = ("signin:AuthorizeOAuth2Access", "signin:CreateOAuth2Token")
"""What `aws login` calls. Source: AWS's managed policy SignInLocalDevelopmentAccess."""

SIGN_IN = (*SIGN_IN_FROM_TERMINAL, "sts:GetCallerIdentity", "sts:GetSessionToken")
"""Calls by which a session gets MFA, or shows whose it is: a deny before MFA must let them pass.

`aws configure mfa-login` calls GetSessionToken. Source: IAM's guide, "AWS: Allows MFA-authenticated
IAM users to manage their own MFA device", whose deny excepts it too.
"""


class Scientists(Construct):
    """IAM users with an IAM group that allows two actions without MFA: set MFA up, and
    change their own password. With MFA they may assume the role of scientists.

    Each initial password is generated into Secrets Manager and must be changed at once.

    Args:
        names: User names.
        single_sign_on: Permission set of IAM Identity Center whose people may assume the role
            as well, each under the own name. Whether they need MFA is up to Identity Center:
            such sessions do not state it. Default: none.
        allowed_networks: Networks from which people and their sessions may call AWS.
            Default: any.

    Raises:
        ValueError: if a name occurs twice, or there is none.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        names: Sequence[str],
        single_sign_on: str | None = None,
        allowed_networks: Sequence[IPv4Network] = (),
    ) -> None:
        twice = sorted({name for name in names if list(names).count(name) > 1})
        if twice or not names:
            raise ValueError(f"scientists named twice: {', '.join(twice)}" if twice else "nobody")
        super().__init__(scope, construct_id)
        stack = Stack.of(self)
        self.role = self._role(stack, single_sign_on)
        self.group = iam.Group(self, "Group", group_name=SCIENTIST_GROUP)
        Policy(
            self,
            "Policy",
            description="Set MFA up; with MFA, work as gotocloud-scientist.",
            groups=[self.group],
            statements=user_statements(PARTITION, stack.account),
        )
        if allowed_networks:
            Policy(
                self,
                "Networks",
                name=NETWORKS_POLICY,
                description="Refuses calls of scientists from outside the group's networks.",
                groups=[self.group],
                roles=[self.role],
                statements=[network_statement(allowed_networks)],
            )
        self.users = {name: self._user(name) for name in names}

    def _role(self, stack: Stack, single_sign_on: str | None) -> iam.Role:
        account = iam.AccountPrincipal(stack.account)
        users = account.with_conditions(
            {
                "Bool": {"aws:MultiFactorAuthPresent": "true"},
                # So that every trail of the role names the person.
                "StringEquals": {"sts:RoleSessionName": "${aws:username}"},
            }
        )
        everybody: iam.IPrincipal = users
        if single_sign_on:
            signed_on = single_sign_on_conditions(stack.account, single_sign_on)
            everybody = iam.CompositePrincipal(users, account.with_conditions(signed_on))
        return iam.Role(
            self,
            "Role",
            role_name=SCIENTIST_ROLE,
            description="Scientists work with it, after signing in with MFA.",
            max_session_duration=Duration.hours(12),
            assumed_by=everybody,
        )

    def _user(self, name: str) -> iam.CfnUser:
        place = _construct_name(name)
        secret = secretsmanager.CfnSecret(
            self,
            f"{place}Password",
            name=initial_password(name),
            description=f"Initial password of {name}; it must be changed at the first sign-in.",
            generate_secret_string=secretsmanager.CfnSecret.GenerateSecretStringProperty(
                password_length=PASSWORD_LENGTH, require_each_included_type=True
            ),
        )
        secret.apply_removal_policy(RemovalPolicy.DESTROY)
        rotation = (
            "It is good for one sign-in, at which IAM requires another one that no other "
            "person has: there is nothing left to rotate."
        )
        acknowledge(
            secret,
            {
                "AwsSolutions-SMG4": rotation,
                "NIST.800.53.R5-SecretsManagerRotationEnabled": rotation,
                "NIST.800.53.R5-SecretsManagerUsingKMSKey": "AWS's own key encrypts it. It is "
                "read once, inside this account, and a key of our own has a monthly fee.",
            },
        )
        return iam.CfnUser(
            self,
            place,
            user_name=name,
            groups=[self.group.group_name],
            login_profile=iam.CfnUser.LoginProfileProperty(
                password=f"{{{{resolve:secretsmanager:{secret.ref}:SecretString:::}}}}",
                password_reset_required=True,
            ),
        )


def network_statement(networks: Sequence[IPv4Network]) -> Statement:
    """Refuses every call that does not come from one of the networks.

    What AWS calls for a person, such as CloudFormation when it reads a template, has AWS's own
    address: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_examples_aws_deny-ip.html
    """
    return Statement(
        sid="FromOwnNetworksOnly",
        effect="Deny",
        actions=["*"],
        conditions={
            "NotIpAddress": {"aws:SourceIp": [str(network) for network in networks]},
            "Bool": {"aws:ViaAWSService": "false"},
        },
    )


def single_sign_on_conditions(account: str, permission_set: str) -> dict[str, dict[str, object]]:
    """Who of IAM Identity Center may assume the role of scientists, and under which name.

    Only Identity Center makes roles under that path, and it ends their names with 16 characters
    of its own; so no role of the account's own, and of no other permission set, is like them.

    Args:
        account: The group's account.
        permission_set: Name of the permission set.
    """
    path = f"arn:{PARTITION}:iam::{account}:role/aws-reserved/sso.amazonaws.com"
    role = f"AWSReservedSSO_{permission_set}_{'?' * 16}"
    return {
        # Without a region where Identity Center is in us-east-1.
        "ArnLike": {"aws:PrincipalArn": [f"{path}/{role}", f"{path}/*/{role}"]},
        # A session's user id ends in its name, which is that of the person:
        # https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_variables.html
        "StringLike": {"aws:userid": "*:${sts:RoleSessionName}"},
    }


def _construct_name(user: str) -> str:
    """A construct id that stays the user's own, whatever characters the name has."""
    return "User" + "".join(c if c.isalnum() else f"x{ord(c):02x}" for c in user)


def user_statements(partition: str, account: str) -> list[Statement]:
    """What a scientist's IAM user may do.

    Args:
        partition: AWS partition.
        account: The group's account.
    """
    iam_arn = f"arn:{partition}:iam::{account}"
    me = f"{iam_arn}:user/${{aws:username}}"
    open_to_newcomers = [
        "iam:ChangePassword",
        "iam:CreateVirtualMFADevice",
        "iam:EnableMFADevice",
        "iam:GetAccountPasswordPolicy",
        "iam:GetUser",
        "iam:ListMFADevices",
        "iam:ListVirtualMFADevices",
        "iam:ResyncMFADevice",
    ]
    # Calls with an access key have no such key: with a leaked one, a thief would enrol a device
    # of the own and pass MFA with it. Sessions of GetSessionToken have it, but IAM takes none
    # without MFA (API reference of GetSessionToken).
    signed_in = {"Null": {"aws:MultiFactorAuthPresent": "false"}}
    return [
        Statement(
            sid="SeePasswordRules",
            actions=["iam:GetAccountPasswordPolicy", "iam:ListVirtualMFADevices"],
            why="Read-only, and IAM has no resource for either action.",
        ),
        Statement(
            sid="SeeOwnSignIn",
            actions=["iam:GetUser", "iam:ListMFADevices"],
            resources=[me],
        ),
        Statement(
            # Not only after a sign-in: whether the change of a password that IAM requires at the
            # first one has the key is not documented. The call itself needs the old password.
            sid="ChangeOwnPassword",
            actions=["iam:ChangePassword"],
            resources=[me],
        ),
        Statement(
            sid="ManageOwnMfaDevice",
            actions=["iam:EnableMFADevice", "iam:ResyncMFADevice"],
            resources=[me],
            conditions=signed_in,
        ),
        Statement(
            sid="NameOwnMfaDevice",
            actions=["iam:CreateVirtualMFADevice"],
            resources=[f"{iam_arn}:mfa/*"],
            conditions=signed_in,
            why="People name their device as they like; a device that belongs to no user "
            "opens nothing, and EnableMFADevice is limited to one's own user.",
        ),
        Statement(
            sid="ReplaceOwnMfaDevice",
            actions=["iam:DeactivateMFADevice"],
            resources=[me],
            conditions={"Bool": {"aws:MultiFactorAuthPresent": "true"}},
        ),
        Statement(
            sid="SignInFromTerminal",
            actions=list(SIGN_IN_FROM_TERMINAL),
            resources=[f"arn:{partition}:signin:*:{account}:oauth2/public-client/*"],
            # No MFA condition: AWS's own SignInLocalDevelopmentAccess has none, and whether the
            # calls carry the key is not documented. What the session may do needs MFA all the same.
            why="`aws login` gives a terminal short-lived credentials of the person who is "
            "signed in, so that no user needs an access key.",
        ),
        Statement(
            sid="WorkAsScientist",
            actions=["sts:AssumeRole"],
            resources=[f"{iam_arn}:role/{SCIENTIST_ROLE}"],
            conditions={"Bool": {"aws:MultiFactorAuthPresent": "true"}},
        ),
        _nothing_else_without_mfa(open_to_newcomers),
    ]


def _nothing_else_without_mfa(open_to_newcomers: Sequence[str]) -> Statement:
    return Statement(
        sid="NothingElseWithoutMfa",
        effect="Deny",
        not_actions=[*open_to_newcomers, *SIGN_IN],
        conditions={"BoolIfExists": {"aws:MultiFactorAuthPresent": "false"}},
    )
