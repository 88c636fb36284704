"""What the local AWS holds that decisions depend on: owners, tags, resource policies, ids."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from local_aws.iam.callers import managed_policy, role_of_arn, tags_of, text_of
from local_aws.iam.evaluator import NamedPolicy


class Facts(Protocol):
    """What has to be known about resources to judge a request."""

    def bucket_owner(self, bucket: str) -> str | None:
        """Account of a bucket; None if there is no such bucket."""

    def object_exists(self, bucket: str, key: str) -> bool:
        """Whether a bucket has an object that is not deleted."""

    def tags(self, arn: str) -> Mapping[str, str]:
        """Tags of a resource; none if it does not exist."""

    def resource_policy(self, arn: str) -> NamedPolicy | None:
        """The policy of a resource; None if it has none."""

    def trust_policy(self, arn: str) -> NamedPolicy | None:
        """Who may assume a role; None if there is no such role."""

    def stack_arn(self, account: str, region: str, name: str) -> str | None:
        """ARN of the newest stack of this name, or with this change set."""

    def secret_arn(self, account: str, region: str, name: str) -> str | None:
        """ARN of a secret."""

    def iam_arn(self, account: str, kind: str, name: str) -> str | None:
        """ARN of a user, role or group, with its path."""

    def role_boundary(self, account: str, name: str) -> str | None:
        """ARN of the permissions boundary of a role."""

    def profile_roles(self, account: str, profile: str) -> tuple[str, ...]:
        """ARNs of the roles in an instance profile."""

    def key_arn(self, account: str, region: str, key: str) -> str | None:
        """ARN of a KMS key by its id or alias."""

    def related_arn(self, account: str, region: str, identifier: str) -> str | None:
        """ARN behind the id of an association, of a route table or a file system."""

    def peered_vpcs(self, account: str, region: str, peering: str) -> tuple[str, ...]:
        """ARNs of the VPCs that a peering joins: the requester's, the accepter's."""

    def launch_template(
        self, account: str, region: str, named: Mapping[str, Any]
    ) -> Mapping[str, Any]:
        """What a launch template has, in the version that a call names; nothing without it."""


class MotoFacts:
    """Facts from moto's back ends, in the process of the local AWS."""

    def bucket_owner(self, bucket: str) -> str | None:
        """Account of a bucket."""
        from moto.s3.models import s3_backends

        found = s3_backends.bucket_accounts.get(bucket)
        return str(found[1]) if found else None

    def object_exists(self, bucket: str, key: str) -> bool:
        """Whether a bucket has an object that is not deleted."""
        from moto.s3.models import FakeDeleteMarker

        found = _bucket(bucket)
        newest = found.keys.get(key) if found else None
        return newest is not None and not isinstance(newest, FakeDeleteMarker)

    def tags(self, arn: str) -> Mapping[str, str]:
        """Tags of a resource, as the local AWS keeps them for its service."""
        parts = arn.split(":", 5)
        if len(parts) < 6 or parts[2] == "s3":
            # Tags of buckets count only where a bucket has ABAC enabled; none here has.
            return {}
        _, _, service, region, account, resource = parts
        if service == "ec2":
            return _ec2_tags(account, region, resource.rpartition("/")[2])
        if service == "iam":
            return _iam_tags(account, arn)
        if service == "fsx" and resource.startswith("association/"):
            return _association_tags(account, region, resource.rpartition("/")[2])
        return _other_tags(account, region, arn)

    def resource_policy(self, arn: str) -> NamedPolicy | None:
        """Bucket, key, secret, file system and topic policies."""
        parts = arn.split(":", 5)
        if len(parts) < 6:
            return None
        _, _, service, region, account, resource = parts
        reader = _POLICIES.get(service)
        document = reader(account, region, resource, arn) if reader else None
        if isinstance(document, bytes):
            document = document.decode()
        return NamedPolicy(arn, document) if document else None

    def trust_policy(self, arn: str) -> NamedPolicy | None:
        """Who may assume a role."""
        role = role_of_arn(arn)
        return NamedPolicy(arn, text_of(role.assume_role_policy_document)) if role else None

    def stack_arn(self, account: str, region: str, name: str) -> str | None:
        """ARN of a stack by its name, or by the ARN of one of its change sets."""
        from moto.cloudformation.models import cloudformation_backends

        backend = cloudformation_backends[account][region]
        if change_set := backend.change_sets.get(name):
            return str(change_set.stack_id)
        for stack in list(backend.stacks.values()):
            if stack.name == name:
                return str(stack.stack_id)
        return None

    def secret_arn(self, account: str, region: str, name: str) -> str | None:
        """ARN of a secret by its name."""
        from moto.secretsmanager.models import secretsmanager_backends

        backend = secretsmanager_backends[account][region]
        found = backend.secrets.get(name) if name in backend.secrets else None
        return str(found.arn) if found else None

    def iam_arn(self, account: str, kind: str, name: str) -> str | None:
        """ARN of a user, role or group."""
        iam = _iam(account)
        held = {
            "user": iam.users,
            "role": iam.roles,
            "group": iam.groups,
            "instance-profile": iam.instance_profiles,
        }[kind]
        return next((str(item.arn) for item in list(held.values()) if item.name == name), None)

    def role_boundary(self, account: str, name: str) -> str | None:
        """ARN of the permissions boundary of a role."""
        roles = list(_iam(account).roles.values())
        return next((r.permissions_boundary_arn for r in roles if r.name == name), None)

    def profile_roles(self, account: str, profile: str) -> tuple[str, ...]:
        """ARNs of the roles in an instance profile, by its name or ARN."""
        name = profile.rpartition("/")[2]
        found = next(
            (p for p in list(_iam(account).instance_profiles.values()) if p.name == name), None
        )
        return tuple(role.arn for role in found.roles) if found else ()

    def key_arn(self, account: str, region: str, key: str) -> str | None:
        """ARN of a KMS key by its id, alias or ARN."""
        from moto.kms.models import kms_backends

        backend = kms_backends[account][region]
        found = backend.keys.get(backend.any_id_to_key_id(key))
        return str(found.arn) if found else None

    def related_arn(self, account: str, region: str, identifier: str) -> str | None:
        """ARN behind the id of an association, of a route table or a file system."""
        if identifier.startswith("rtbassoc-"):
            return _associated_route_table(account, region, identifier)
        if identifier.startswith("eipassoc-"):
            return _associated_address(account, region, identifier)
        from moto.fsx.models import fsx_backends

        # Our own FSx keeps associations beside moto's file systems.
        kept = fsx_backends[account][region].__dict__.get("associations", {})
        found = kept.get(identifier)
        return str(found["ResourceARN"]) if found else None

    def peered_vpcs(self, account: str, region: str, peering: str) -> tuple[str, ...]:
        """ARNs of the VPCs that a peering joins: the requester's, the accepter's."""
        from moto.ec2.models import ec2_backends

        found = ec2_backends[account][region].vpc_pcxs.get(peering)
        joined = (found.vpc, found.peer_vpc) if found else ()
        return tuple(f"arn:aws:ec2:{vpc.region}:{vpc.owner_id}:vpc/{vpc.id}" for vpc in joined)

    def launch_template(
        self, account: str, region: str, named: Mapping[str, Any]
    ) -> Mapping[str, Any]:
        """What a launch template has, in the version that a call names."""
        from moto.ec2.models import ec2_backends

        for template in list(ec2_backends[account][region].launch_templates.values()):
            if named.get("LaunchTemplateId", template.id) == template.id and (
                named.get("LaunchTemplateName", template.name) == template.name
            ):
                return dict(template.get_version(named.get("Version") or "$Default").data)
        return {}


def _associated_route_table(account: str, region: str, identifier: str) -> str | None:
    from moto.ec2.models import ec2_backends

    for table in list(ec2_backends[account][region].route_tables.values()):
        if identifier in table.all_associations_ids:
            return f"arn:aws:ec2:{region}:{account}:route-table/{table.id}"
    return None


def _associated_address(account: str, region: str, identifier: str) -> str | None:
    from moto.ec2.models import ec2_backends

    for address in list(ec2_backends[account][region].addresses):
        if address.association_id == identifier:
            return f"arn:aws:ec2:{region}:{account}:elastic-ip/{address.allocation_id}"
    return None


def _iam(account: str) -> Any:
    from moto.iam.models import iam_backends

    return iam_backends[account]["aws"]


def _ec2_tags(account: str, region: str, resource_id: str) -> Mapping[str, str]:
    from moto.ec2.models import ec2_backends

    return dict(ec2_backends[account][region].tags.get(resource_id, {}))


def _iam_tags(account: str, arn: str) -> Mapping[str, str]:
    iam = _iam(account)
    role = next((role for role in list(iam.roles.values()) if role.arn == arn), None)
    if role is not None:
        return tags_of(role.tags)
    return tags_of(iam.tagger.list_tags_for_resource(arn)["Tags"])


def _association_tags(account: str, region: str, identifier: str) -> Mapping[str, str]:
    from moto.fsx.models import fsx_backends

    # Our own FSx keeps associations beside moto's file systems.
    kept = fsx_backends[account][region].__dict__.get("associations", {})
    return tags_of(kept.get(identifier, {}).get("Tags"))


def _other_tags(account: str, region: str, arn: str) -> Mapping[str, str]:
    from moto.core.resource_tagging import iter_taggable_backends

    for backend in iter_taggable_backends(account, region):
        if backend.owns_arn(arn):
            for found in backend.iter_tagged_resources():
                if found.arn == arn:
                    return dict(found.tags)
    return {}


def _bucket_policy(_account: str, _region: str, resource: str, _arn: str) -> Any:
    bucket = _bucket(resource.partition("/")[0])
    return bucket.policy if bucket else None


def _bucket(name: str) -> Any:
    from moto.s3.models import s3_backends

    found = s3_backends.bucket_accounts.get(name)
    return s3_backends[found[1]][found[0]].buckets.get(name) if found else None


def _key_policy(account: str, region: str, resource: str, _arn: str) -> Any:
    from moto.kms.models import kms_backends

    key = kms_backends[account][region].keys.get(resource.removeprefix("key/"))
    return key.policy if key else None


def _secret_policy(account: str, region: str, _resource: str, arn: str) -> Any:
    from moto.secretsmanager.models import secretsmanager_backends

    for secret in list(secretsmanager_backends[account][region].secrets.values()):
        if secret.arn == arn:
            return getattr(secret, "policy", None)
    return None


def _file_system_policy(account: str, region: str, resource: str, _arn: str) -> Any:
    from moto.efs.models import efs_backends

    found = efs_backends[account][region].file_systems_by_id.get(
        resource.removeprefix("file-system/")
    )
    return found.file_system_policy if found else None


def _topic_policy(account: str, region: str, _resource: str, arn: str) -> Any:
    from moto.sns.models import sns_backends

    topic = sns_backends[account][region].topics.get(arn)
    return topic.policy if topic else None


_POLICIES = {
    "s3": _bucket_policy,
    "kms": _key_policy,
    "secretsmanager": _secret_policy,
    "elasticfilesystem": _file_system_policy,
    "sns": _topic_policy,
}


def policy_of_arn(arn: str) -> NamedPolicy | None:
    """A managed policy by its ARN."""
    account = arn.split(":")[4]
    found = _iam(account if account.isdigit() else "123456789012").managed_policies.get(arn)
    return managed_policy(found) if found else None
