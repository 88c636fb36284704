"""Secrets Manager: secrets, generated ones included."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from local_aws.resources.base import Resource

_GENERATOR = (
    "ExcludeCharacters",
    "ExcludeLowercase",
    "ExcludeNumbers",
    "ExcludePunctuation",
    "ExcludeUppercase",
    "IncludeSpace",
    "PasswordLength",
    "RequireEachIncludedType",
)


class Secret(Resource):
    """AWS::SecretsManager::Secret; `Ref` gives its ARN."""

    type = "AWS::SecretsManager::Secret"
    changeable = frozenset({"Description", "KmsKeyId", "Tags"})
    supported = changeable | {"GenerateSecretString", "Name", "SecretString"}

    def create(self) -> None:
        made = self.call(
            "secretsmanager",
            "CreateSecret",
            Name=self.properties.get("Name") or self.made_up_name(longest=512),
            SecretString=self._content(),
            Tags=self.tags() or None,
            **self.given("Description", "KmsKeyId"),
        )
        self.physical_id = made["ARN"]
        self.attributes = {"Id": made["ARN"]}

    def _content(self) -> str:
        rules = self.properties.get("GenerateSecretString")
        if rules is None:
            return str(self.properties.get("SecretString", ""))
        given = {name: rules[name] for name in _GENERATOR if name in rules}
        made = self.call("secretsmanager", "GetRandomPassword", **given)["RandomPassword"]
        if "GenerateStringKey" not in rules:
            return str(made)
        return json.dumps(
            {**json.loads(rules["SecretStringTemplate"]), rules["GenerateStringKey"]: made}
        )

    def update(self, before: Mapping[str, Any]) -> None:
        given = self.given("Description", "KmsKeyId")
        self.call("secretsmanager", "UpdateSecret", SecretId=self.physical_id, **given)
        if tags := self.tags():
            self.call("secretsmanager", "TagResource", SecretId=self.physical_id, Tags=tags)

    def delete(self) -> None:
        self.call(
            "secretsmanager",
            "DeleteSecret",
            SecretId=self.physical_id,
            ForceDeleteWithoutRecovery=True,
        )


class SecretResourcePolicy(Resource):
    """AWS::SecretsManager::ResourcePolicy."""

    type = "AWS::SecretsManager::ResourcePolicy"
    changeable = frozenset({"BlockPublicPolicy", "ResourcePolicy"})
    supported = changeable | {"SecretId"}

    def create(self) -> None:
        self.physical_id = self.properties["SecretId"]
        document = json.dumps(self.properties["ResourcePolicy"])
        self.call(
            "secretsmanager",
            "PutResourcePolicy",
            SecretId=self.physical_id,
            ResourcePolicy=document,
            **self.given("BlockPublicPolicy"),
        )

    def update(self, before: Mapping[str, Any]) -> None:
        self.create()

    def delete(self) -> None:
        self.call("secretsmanager", "DeleteResourcePolicy", SecretId=self.physical_id)
