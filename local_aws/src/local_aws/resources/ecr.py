"""ECR: the repository that `cdk bootstrap` makes."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from local_aws.resources.base import Resource


class Repository(Resource):
    """AWS::ECR::Repository."""

    type = "AWS::ECR::Repository"
    changeable = frozenset(
        {
            "ImageScanningConfiguration",
            "ImageTagMutability",
            "LifecyclePolicy",
            "RepositoryPolicyText",
            "Tags",
        }
    )
    supported = changeable | {"EncryptionConfiguration", "RepositoryName"}

    def create(self) -> None:
        name = self.properties.get("RepositoryName") or self.made_up_name(lower=True)
        made = self.call(
            "ecr",
            "CreateRepository",
            repositoryName=name,
            imageTagMutability=self.properties.get("ImageTagMutability"),
            encryptionConfiguration=self._lowered("EncryptionConfiguration"),
            imageScanningConfiguration=self._lowered("ImageScanningConfiguration"),
            tags=self.tags(),
        )["repository"]
        self.physical_id = name
        self.attributes = {"Arn": made["repositoryArn"], "RepositoryUri": made["repositoryUri"]}
        self._policies()

    def _lowered(self, name: str) -> dict[str, Any] | None:
        given = self.properties.get(name, {})
        return {key[0].lower() + key[1:]: value for key, value in given.items()} or None

    def _policies(self) -> None:
        if policy := self.properties.get("RepositoryPolicyText"):
            self.call(
                "ecr",
                "SetRepositoryPolicy",
                repositoryName=self.physical_id,
                policyText=policy if isinstance(policy, str) else json.dumps(policy),
            )
        if lifecycle := self.properties.get("LifecyclePolicy"):
            self.call(
                "ecr",
                "PutLifecyclePolicy",
                repositoryName=self.physical_id,
                lifecyclePolicyText=lifecycle["LifecyclePolicyText"],
            )

    def update(self, before: Mapping[str, Any]) -> None:
        self._policies()

    def delete(self) -> None:
        self.call("ecr", "DeleteRepository", repositoryName=self.physical_id)
