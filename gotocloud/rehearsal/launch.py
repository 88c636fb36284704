"""Launches a project and a cluster the way a scientist does: from the published templates."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from gotocloud.aws.releases import verified_template_url
from gotocloud.aws.stacks import StackEvent, create_stack
from gotocloud.platform.addresses import group_network, group_subnets
from gotocloud.platform.model import Group, Platform
from gotocloud.platform.names import (
    CLUSTER_SERVICE_ROLE,
    SCIENTIST_ROLE,
    distribution_bucket,
    release_key,
)
from gotocloud.platform.project_names import ProjectNames
from gotocloud.platform.release import PROJECT_TEMPLATE, cluster_template, sha256
from gotocloud.rehearsal.local_aws import LocalAws
from gotocloud.rehearsal.report import Launch

POLL_S = 0.2
"""The local AWS answers at once; there is no reason to wait as long as for AWS."""


@dataclass(frozen=True)
class Scientist:
    """A scientist of a group, with credentials of the role that scientists assume.

    Args:
        name: User name, and name of the session.
        group: The group.
        region: Where the scientist works.
        aws: The local AWS.
        credentials: What STS returned for the role.
    """

    name: str
    group: Group
    region: str
    aws: LocalAws
    credentials: Mapping[str, str]

    @property
    def role_arn(self) -> str:
        """The role whose credentials these are."""
        return f"arn:aws:iam::{self.group.account}:role/{SCIENTIST_ROLE}"

    def client(self, service: str, region: str = "") -> Any:
        """A client that acts as the scientist and as nobody else."""
        import boto3
        from botocore.config import Config

        return boto3.Session().client(
            service,  # type: ignore[call-overload]  # the stubs know literal names only
            region_name=region or self.region,
            endpoint_url=self.aws.endpoint_url,
            aws_access_key_id=self.credentials["AccessKeyId"],
            aws_secret_access_key=self.credentials["SecretAccessKey"],
            aws_session_token=self.credentials["SessionToken"],
            config=Config(s3={"addressing_style": "path"}),
        )


def sign_in(aws: LocalAws, group: Group, region: str, name: str) -> Scientist:
    """Assume the scientists' role in the group's account, under the scientist's name."""
    sts = aws.client("sts", group.account, region)
    arn = f"arn:aws:iam::{group.account}:role/{SCIENTIST_ROLE}"
    answer = sts.assume_role(RoleArn=arn, RoleSessionName=name)
    return Scientist(name, group, region, aws, answer["Credentials"])


@dataclass(frozen=True)
class Launcher:
    """Launches the stacks of one project.

    Args:
        platform: The platform.
        scientist: Who launches.
        project: The project's name, as the scientist types it.
        configuration: Cluster configuration.
        release: Version of the published templates.
        on_event: Told about every event of a stack.
    """

    platform: Platform
    scientist: Scientist
    project: str
    configuration: str
    release: str
    on_event: Callable[[StackEvent], None] = lambda _: None

    @property
    def names(self) -> ProjectNames:
        """What everything of the project is called."""
        return ProjectNames(self.scientist.name, self.scientist.group.account, self.project)

    @property
    def cluster_path(self) -> str:
        """The cluster's template in the release."""
        return cluster_template(self.configuration, self.scientist.region)

    def launch_project(self) -> dict[str, str]:
        """Launch the project's stack; returns its outputs."""
        return self._create(
            self.names.project_stack,
            PROJECT_TEMPLATE,
            {"BucketName": self.names.base, "KeyPairName": self.names.base},
        )

    def launch_cluster(self, lustre_gib: int) -> dict[str, str]:
        """Launch the cluster's stack; returns its outputs."""
        group, region = self.scientist.group, self.scientist.region
        subnets = group_subnets(group_network(self.platform, group, region))
        return self._create(
            self.names.cluster_stack,
            self.cluster_path,
            {
                "ClusterName": self.names.cluster,
                "BucketName": self.names.base,
                "ComputeSubnetCidr": str(subnets.compute[0]),
                "LustreGib": str(lustre_gib),
            },
        )

    def account(self) -> Launch:
        """What was launched, for the report."""
        bucket, region = self._bucket()
        s3 = self.scientist.client("s3", region)
        templates = []
        for path in (PROJECT_TEMPLATE, self.cluster_path):
            key = release_key(self.release, path)
            content = s3.get_object(Bucket=bucket, Key=key)["Body"].read()
            templates.append((self._url(path), sha256(content)))
        return Launch(
            group=self.scientist.group.name,
            account=self.scientist.group.account,
            region=self.scientist.region,
            scientist=self.scientist.name,
            role_arn=self.scientist.role_arn,
            project=self.project,
            configuration=self.configuration,
            release=self.release,
            templates=tuple(templates),
            stacks=(self.names.project_stack, self.names.cluster_stack),
        )

    def _create(self, name: str, path: str, parameters: Mapping[str, str]) -> dict[str, str]:
        account = self.scientist.group.account
        return create_stack(
            name,
            self.scientist.region,
            template_url=self._url(path),
            role_arn=f"arn:aws:iam::{account}:role/{CLUSTER_SERVICE_ROLE}",
            parameters={
                "Project": self.project,
                "Scientist": self.scientist.name,
                **parameters,
            },
            tags={**self.names.tags, **self.scientist.group.tags},
            cfn=self.scientist.client("cloudformation"),
            on_event=self.on_event,
            sleep=lambda _: time.sleep(POLL_S),
        )

    def _bucket(self) -> tuple[str, str]:
        management = self.platform.management
        bucket = distribution_bucket(management.account, management.home_region)
        return bucket, management.home_region

    def _url(self, path: str) -> str:
        """The template's URL, after a look whether it is what the manifest says."""
        bucket, region = self._bucket()
        s3 = self.scientist.client("s3", region)
        return verified_template_url(bucket, region, self.release, path, s3=s3)
