"""IAM: roles, policies, users, groups, instance profiles."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, ClassVar

from local_aws.resources.base import Resource, ResourceError

SIZE_LIMITS = {"role": 10_240, "group": 5_120, "user": 2_048, "trust": 2_048, "managed": 6_144}
"""Characters of policy text without white space. Source: IAM user guide, "IAM quotas"."""


def _document(value: Any) -> str:
    return json.dumps(value)


def _within(kind: str, *documents: Any) -> None:
    size = sum(len(json.dumps(document, separators=(",", ":"))) for document in documents)
    if size > SIZE_LIMITS[kind]:
        raise ResourceError(f"Cannot exceed quota for {kind} policies: {size} characters.")


class _Principal(Resource):
    """What roles, users and groups have in common: inline and attached policies."""

    kind: ClassVar[str]
    names: ClassVar[str]

    def _named(self, **more: Any) -> dict[str, Any]:
        return {self.names: self.physical_id, **more}

    def _put_policies(self) -> None:
        inline = self.properties.get("Policies", [])
        _within(self.kind, *(entry["PolicyDocument"] for entry in inline))
        for entry in inline:
            document = _document(entry["PolicyDocument"])
            named = self._named(PolicyName=entry["PolicyName"], PolicyDocument=document)
            self.call_as("iam", f"Put{self.kind.title()}Policy", named)
        for arn in self.properties.get("ManagedPolicyArns", []):
            self.call_as("iam", f"Attach{self.kind.title()}Policy", self._named(PolicyArn=arn))

    def _drop_policies(self) -> None:
        kind = self.kind.title()
        for name in self.call_as("iam", f"List{kind}Policies", self._named())["PolicyNames"]:
            self.call_as("iam", f"Delete{kind}Policy", self._named(PolicyName=name))
        found = self.call_as("iam", f"ListAttached{kind}Policies", self._named())
        for policy in found["AttachedPolicies"]:
            arn = policy["PolicyArn"]
            self.call_as("iam", f"Detach{kind}Policy", self._named(PolicyArn=arn))

    def _swap_policies(self, before: Mapping[str, Any]) -> None:
        kind = self.kind.title()
        for entry in before.get("Policies", []):
            named = self._named(PolicyName=entry["PolicyName"])
            self.call_as("iam", f"Delete{kind}Policy", named)
        for arn in before.get("ManagedPolicyArns", []):
            self.call_as("iam", f"Detach{kind}Policy", self._named(PolicyArn=arn))
        self._put_policies()


class Role(_Principal):
    """AWS::IAM::Role."""

    type = "AWS::IAM::Role"
    kind, names = "role", "RoleName"
    changeable = frozenset(
        {
            "AssumeRolePolicyDocument",
            "Policies",
            "ManagedPolicyArns",
            "PermissionsBoundary",
            "Description",
            "MaxSessionDuration",
            "Tags",
        }
    )
    supported = changeable | {"RoleName", "Path"}

    def create(self) -> None:
        trust = self.properties["AssumeRolePolicyDocument"]
        _within("trust", trust)
        self.physical_id = self.properties.get("RoleName") or self.made_up_name()
        made = self.call(
            "iam",
            "CreateRole",
            RoleName=self.physical_id,
            AssumeRolePolicyDocument=_document(trust),
            Tags=self.tags(),
            **self.given("Path", "PermissionsBoundary", "Description", "MaxSessionDuration"),
        )["Role"]
        self.attributes = {"Arn": made["Arn"], "RoleId": made["RoleId"]}
        self._put_policies()

    def update(self, before: Mapping[str, Any]) -> None:
        trust = self.properties["AssumeRolePolicyDocument"]
        _within("trust", trust)
        self.call(
            "iam",
            "UpdateAssumeRolePolicy",
            RoleName=self.physical_id,
            PolicyDocument=_document(trust),
        )
        if boundary := self.properties.get("PermissionsBoundary"):
            named = self._named(PermissionsBoundary=boundary)
            self.call_as("iam", "PutRolePermissionsBoundary", named)
        elif "PermissionsBoundary" in before:
            self.call_as("iam", "DeleteRolePermissionsBoundary", self._named())
        settings = self.given("Description", "MaxSessionDuration")
        if settings != {key: before[key] for key in settings if key in before}:
            self.call("iam", "UpdateRole", RoleName=self.physical_id, **settings)
        self._swap_policies(before)
        self.call("iam", "TagRole", RoleName=self.physical_id, Tags=self.tags())

    def delete(self) -> None:
        self._drop_policies()
        self.call("iam", "DeleteRole", RoleName=self.physical_id)


class User(_Principal):
    """AWS::IAM::User, with its login profile."""

    type = "AWS::IAM::User"
    kind, names = "user", "UserName"
    changeable = frozenset({"Policies", "ManagedPolicyArns", "Groups", "LoginProfile", "Tags"})
    supported = changeable | {"UserName", "Path", "PermissionsBoundary"}

    def create(self) -> None:
        self.physical_id = self.properties.get("UserName") or self.made_up_name()
        made = self.call(
            "iam",
            "CreateUser",
            UserName=self.physical_id,
            Tags=self.tags(),
            **self.given("Path", "PermissionsBoundary"),
        )["User"]
        self.attributes = {"Arn": made["Arn"]}
        self._put_policies()
        self._join(self.properties.get("Groups", []))
        if profile := self.properties.get("LoginProfile"):
            self.call_as("iam", "CreateLoginProfile", self._named(**profile))

    def _join(self, groups: list[str]) -> None:
        for group in groups:
            self.call_as("iam", "AddUserToGroup", self._named(GroupName=group))

    def update(self, before: Mapping[str, Any]) -> None:
        self._swap_policies(before)
        if tags := self.tags():
            self.call_as("iam", "TagUser", self._named(Tags=tags))
        for group in before.get("Groups", []):
            self.call_as("iam", "RemoveUserFromGroup", self._named(GroupName=group))
        self._join(self.properties.get("Groups", []))
        if self.properties.get("LoginProfile") != before.get("LoginProfile"):
            self._drop_login()
            if profile := self.properties.get("LoginProfile"):
                self.call_as("iam", "CreateLoginProfile", self._named(**profile))

    def _drop_login(self) -> None:
        self.drop("iam", "DeleteLoginProfile", **self._named())

    def delete(self) -> None:
        # What CloudFormation's handler deletes, by its permissions in the registry's schema: not
        # MFA devices, signing certificates, SSH keys or credentials of services.
        self._drop_policies()
        for group in self.call_as("iam", "ListGroupsForUser", self._named())["Groups"]:
            self.call_as("iam", "RemoveUserFromGroup", self._named(GroupName=group["GroupName"]))
        for key in self.call_as("iam", "ListAccessKeys", self._named())["AccessKeyMetadata"]:
            self.call_as("iam", "DeleteAccessKey", self._named(AccessKeyId=key["AccessKeyId"]))
        self._drop_login()
        self.call_as("iam", "DeleteUser", self._named())


class Group(_Principal):
    """AWS::IAM::Group."""

    type = "AWS::IAM::Group"
    kind, names = "group", "GroupName"
    changeable = frozenset({"Policies", "ManagedPolicyArns"})
    supported = changeable | {"GroupName", "Path"}

    def create(self) -> None:
        self.physical_id = self.properties.get("GroupName") or self.made_up_name(longest=128)
        made = self.call_as("iam", "CreateGroup", self._named(**self.given("Path")))["Group"]
        self.attributes = {"Arn": made["Arn"]}
        self._put_policies()

    def update(self, before: Mapping[str, Any]) -> None:
        self._swap_policies(before)

    def delete(self) -> None:
        self._drop_policies()
        self.call_as("iam", "DeleteGroup", self._named())


class UserToGroupAddition(Resource):
    """AWS::IAM::UserToGroupAddition."""

    type = "AWS::IAM::UserToGroupAddition"
    supported = frozenset({"GroupName", "Users"})
    changeable = frozenset({"Users"})

    def create(self) -> None:
        self.physical_id = self.made_up_name()
        self._each("AddUserToGroup", self.properties["Users"])

    def _each(self, operation: str, users: list[str]) -> None:
        for user in users:
            self.call("iam", operation, GroupName=self.properties["GroupName"], UserName=user)

    def update(self, before: Mapping[str, Any]) -> None:
        old, new = set(before["Users"]), set(self.properties["Users"])
        self._each("RemoveUserFromGroup", sorted(old - new))
        self._each("AddUserToGroup", sorted(new - old))

    def delete(self) -> None:
        for user in self.properties["Users"]:
            named = {"GroupName": self.properties["GroupName"], "UserName": user}
            self.drop("iam", "RemoveUserFromGroup", **named)


_HOLDERS = (("Roles", "Role"), ("Users", "User"), ("Groups", "Group"))


class Policy(Resource):
    """AWS::IAM::Policy: the same inline policy for several principals."""

    type = "AWS::IAM::Policy"
    supported = frozenset({"PolicyName", "PolicyDocument", "Roles", "Users", "Groups"})
    changeable = frozenset({"PolicyDocument", "Roles", "Users", "Groups"})

    def create(self) -> None:
        self.physical_id = self.made_up_name()
        if not any(self.properties.get(key) for key, _ in _HOLDERS):
            raise ResourceError("At least one of [Groups,Roles,Users] must be non-empty.")
        document = _document(self.properties["PolicyDocument"])
        for key, kind in _HOLDERS:
            for name in self.properties.get(key, []):
                self._put(kind, name, document)

    def _put(self, kind: str, name: str, document: str) -> None:
        _within(kind.lower(), json.loads(document))
        policy = {"PolicyName": self.properties["PolicyName"], "PolicyDocument": document}
        self.call_as("iam", f"Put{kind}Policy", {f"{kind}Name": name, **policy})

    def update(self, before: Mapping[str, Any]) -> None:
        for key, kind in _HOLDERS:
            for name in set(before.get(key, [])) - set(self.properties.get(key, [])):
                self._drop(kind, name)
        made = self.physical_id
        self.create()
        self.physical_id = made

    def _drop(self, kind: str, name: str) -> None:
        named = {f"{kind}Name": name, "PolicyName": self.properties["PolicyName"]}
        self.drop("iam", f"Delete{kind}Policy", **named)

    def delete(self) -> None:
        for key, kind in _HOLDERS:
            for name in self.properties.get(key, []):
                self._drop(kind, name)


class ManagedPolicy(Resource):
    """AWS::IAM::ManagedPolicy."""

    type = "AWS::IAM::ManagedPolicy"
    changeable = frozenset({"PolicyDocument", "Roles", "Users", "Groups", "Tags"})
    supported = changeable | {"ManagedPolicyName", "Path", "Description"}

    def create(self) -> None:
        document = self.properties["PolicyDocument"]
        _within("managed", document)
        made = self.call(
            "iam",
            "CreatePolicy",
            PolicyName=self.properties.get("ManagedPolicyName") or self.made_up_name(longest=128),
            PolicyDocument=_document(document),
            Tags=self.tags(),
            **self.given("Path", "Description"),
        )["Policy"]
        self.physical_id = made["Arn"]
        self.attributes = {"PolicyArn": made["Arn"], "PolicyId": made["PolicyId"]}
        self._attach()

    def _attach(self) -> None:
        for key, kind in _HOLDERS:
            for name in self.properties.get(key, []):
                named = {f"{kind}Name": name, "PolicyArn": self.physical_id}
                self.call_as("iam", f"Attach{kind}Policy", named)

    def _detach(self, properties: Mapping[str, Any]) -> None:
        for key, kind in _HOLDERS:
            for name in properties.get(key, []):
                named = {f"{kind}Name": name, "PolicyArn": self.physical_id}
                self.drop("iam", f"Detach{kind}Policy", **named)

    def update(self, before: Mapping[str, Any]) -> None:
        document = self.properties["PolicyDocument"]
        _within("managed", document)
        if document != before["PolicyDocument"]:
            self._drop_old_versions()
            self.call(
                "iam",
                "CreatePolicyVersion",
                PolicyArn=self.physical_id,
                PolicyDocument=_document(document),
                SetAsDefault=True,
            )
        self._detach(before)
        self._attach()

    def _drop_old_versions(self) -> None:
        found = self.call("iam", "ListPolicyVersions", PolicyArn=self.physical_id)["Versions"]
        for version in found:
            if not version["IsDefaultVersion"]:
                self.call(
                    "iam",
                    "DeletePolicyVersion",
                    PolicyArn=self.physical_id,
                    VersionId=version["VersionId"],
                )

    def delete(self) -> None:
        self._detach(self.properties)
        self._drop_old_versions()
        self.call("iam", "DeletePolicy", PolicyArn=self.physical_id)


class InstanceProfile(Resource):
    """AWS::IAM::InstanceProfile."""

    type = "AWS::IAM::InstanceProfile"
    supported = frozenset({"InstanceProfileName", "Path", "Roles"})

    def create(self) -> None:
        self.physical_id = self.properties.get("InstanceProfileName") or self.made_up_name()
        named = {"InstanceProfileName": self.physical_id}
        made = self.call_as("iam", "CreateInstanceProfile", {**named, **self.given("Path")})
        self.attributes = {"Arn": made["InstanceProfile"]["Arn"]}
        for role in self.properties["Roles"]:
            self.call_as("iam", "AddRoleToInstanceProfile", {**named, "RoleName": role})

    def delete(self) -> None:
        named = {"InstanceProfileName": self.physical_id}
        for role in self.properties["Roles"]:
            self.drop("iam", "RemoveRoleFromInstanceProfile", **named, RoleName=role)
        self.call_as("iam", "DeleteInstanceProfile", named)
