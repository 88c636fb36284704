"""Launches a project and a cluster the way a scientist does: from the published templates."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from gotocloud.aws.clusters import Wanted, check_start, launch, plan_start
from gotocloud.aws.launch import settle
from gotocloud.aws.listener import Listener
from gotocloud.aws.projects import place, plan_setup
from gotocloud.aws.releases import verified_template_url
from gotocloud.aws.stacks import StackEvent
from gotocloud.cluster_configs.model import load_configuration
from gotocloud.contract.names import SCIENTIST_ROLE
from gotocloud.contract.project_names import ProjectNames
from gotocloud.contract.releases import (
    PROJECT_TEMPLATE,
    cluster_template,
    distribution_bucket,
    release_key,
)
from gotocloud.costs.idle import idle_cost
from gotocloud.findings import refuse_errors
from gotocloud.platform.model import Group, Platform
from gotocloud.platform.release import sha256
from gotocloud.rehearsal import people
from gotocloud.rehearsal.local_aws import LocalAws
from gotocloud.rehearsal.report import Launch
from local_aws.engine.site import session_without_profile

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
        """A client that acts as the scientist only."""
        keys = tuple(self.credentials[name] for name in _KEYS)
        return _client(service, region or self.region, self.aws.endpoint_url, keys)


_KEYS = ("AccessKeyId", "SecretAccessKey", "SessionToken")


@cache
def _client(service: str, region: str, endpoint_url: str, keys: tuple[str, ...]) -> Any:
    from botocore.config import Config

    key_id, secret, token = keys
    return session_without_profile().client(
        service,
        region_name=region,
        endpoint_url=endpoint_url,
        aws_access_key_id=key_id,
        aws_secret_access_key=secret,
        aws_session_token=token,
        config=Config(s3={"addressing_style": "path"}),
    )


def sign_in(aws: LocalAws, group: Group, region: str, name: str) -> Scientist:
    """Sign in with MFA and assume the scientists' role in the group's account."""
    keys = people.enrol(aws, group.account, region, name)
    credentials = people.sign_in(aws, group.account, region, name, keys)
    return Scientist(name, group, region, aws, credentials)


@dataclass(frozen=True)
class Launcher:
    """Launches the stacks of one project.

    Args:
        platform: The platform.
        scientist: Who launches.
        project: The project's name, as the scientist types it.
        configuration: Cluster configuration.
        release: Version of the published templates.
        on_event: Receives every event of a stack.
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
        """Set the project up as `gotocloud setup` does; returns the outputs of its stack.

        Raises:
            GoToCloudError: if something forbids it, or it fails.
        """
        planned = plan_setup(self.scientist, place(self.scientist), self.project, self.release)
        refuse_errors(planned.findings, f"Setting up {self.project!r}", "the demo")
        if planned.plan is None:
            return {}
        return settle(self.scientist, planned.plan, self._listener, retry="the demo")

    def launch_cluster(self, lustre_gib: int) -> dict[str, str]:
        """Start the cluster as `gotocloud start` does; returns the outputs of its stack.

        Raises:
            GoToCloudError: if something forbids it, or it fails.
        """
        wanted = Wanted(self.project, self.configuration, self.release, lustre_gib)
        planned = plan_start(self.scientist, place(self.scientist), wanted)
        idle = idle_cost(
            load_configuration(self.configuration),
            self.scientist.region,
            lustre_gib,
            head_node_type=planned.shape.head_node,
        )
        findings = check_start(self.scientist, planned, idle.known_total_usd_per_hour)
        refuse_errors(findings, f"Starting a cluster for {self.project!r}", "the demo")
        return launch(self.scientist, planned, self._listener, retry="the demo")

    @property
    def _listener(self) -> Listener:
        return Listener(event=self.on_event, sleep=lambda _: time.sleep(POLL_S))

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

    def _bucket(self) -> tuple[str, str]:
        management = self.platform.management
        bucket = distribution_bucket(management.account, management.home_region)
        return bucket, management.home_region

    def _url(self, path: str) -> str:
        """The template's URL, after a comparison with the manifest."""
        bucket, region = self._bucket()
        s3 = self.scientist.client("s3", region)
        return verified_template_url(bucket, region, self.release, path, s3=s3)
