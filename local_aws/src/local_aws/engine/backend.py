"""Puts our engine in the place of moto's: moto answers the API, we deploy.

moto 5.2.5 creates resources lazily through models that drop most properties, skips
unknown types with a warning, has no rollback and no per-resource events. Instead of
mending that in forty places, the methods of its CloudFormation back end that create,
change and delete stacks are replaced here, in one place. To return to moto's own,
leave out the call of `install`.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from moto.cloudformation import models, responses
from moto.cloudformation.exceptions import AlreadyExistsException, ValidationError
from moto.cloudformation.utils import generate_changeset_id, generate_stack_id
from moto.core.resource_tagging import TaggedResource

from local_aws.engine import change_sets, protection
from local_aws.engine.intrinsics import TemplateError
from local_aws.engine.lookups import Lookups
from local_aws.engine.site import CALLER_HEADER, Endpoint, Site
from local_aws.engine.stack import Stack
from local_aws.engine.template import parse_template
from local_aws.resources.trust import service_may_assume

NO_CHANGES = (
    "The submitted information didn't contain changes. "
    "Submit different information to create a change set."
)


def install(endpoint: Endpoint) -> None:
    """Replace moto's deployment of stacks by ours.

    Args:
        endpoint: The local AWS itself, which resources are made through.
    """
    backend = models.CloudFormationBackend
    backend.endpoint = endpoint  # type: ignore[attr-defined]
    for method in (
        create_stack,
        create_change_set,
        execute_change_set,
        update_stack,
        delete_stack,
        list_exports,
        describe_stack_resource,
        iter_tagged_resources,
    ):
        setattr(backend, method.__name__, method)
    responses.__dict__["get_stack_from_s3_url"] = template_at
    change_sets.install()
    protection.install()


class ChangeSet:
    """A change set: what `DescribeChangeSet` returns, and what executing it needs."""

    def __init__(self, stack: Stack, name: str, kind: str, template: str, **rest: Any) -> None:
        self.stack = stack
        self.stack_id, self.stack_name = stack.stack_id, stack.name
        self.change_set_name = name
        self.change_set_id = generate_changeset_id(name, stack.region_name, stack.account_id)
        self.change_set_type = kind
        self.template = template
        self.parameters: dict[str, Any] = rest["parameters"]
        self.description = rest["description"]
        self.tags: dict[str, str] = rest["tags"] or {}
        self.role_arn = rest["role_arn"]
        self.notification_arns = rest["notification_arns"]
        self.creation_time = datetime.now(UTC)
        self.status = "CREATE_COMPLETE"
        self.execution_status = "AVAILABLE"
        self.status_reason: str | None = None
        self.changes = _changes(stack.template_dict, template)

    @property
    def unchanged(self) -> bool:
        """Whether executing it would change nothing."""
        return (
            not self.changes
            and self.parameters == self.stack.parameters
            and self.tags == self.stack.tags
            and parse_template(self.template) == self.stack.template_dict
        )


def _changes(old: Mapping[str, Any], template: str) -> list[models.Change]:
    before, after = old.get("Resources", {}), parse_template(template)["Resources"]
    return [
        *(models.Change("Add", name, after[name]["Type"]) for name in after if name not in before),
        *(
            models.Change("Modify", name, after[name]["Type"])
            for name in after
            if name in before and after[name] != before[name]
        ),
        *(
            models.Change("Remove", name, before[name]["Type"])
            for name in before
            if name not in after
        ),
    ]


def create_stack(
    self: Any,
    name: str,
    template: str,
    parameters: dict[str, Any],
    notification_arns: list[str] | None = None,
    tags: dict[str, str] | None = None,
    role_arn: str | None = None,
    enable_termination_protection: bool | None = False,
    timeout_in_mins: int | None = None,
    stack_policy_body: str | None = None,
) -> Stack:
    """CreateStack."""
    if _named(self, name):
        raise AlreadyExistsException(f"Stack [{name}] already exists")
    stack = _new_stack(self, name, tags, notification_arns)
    _check_role(stack, role_arn)
    stack.enable_termination_protection = bool(enable_termination_protection)
    take = _prepared(stack, template, parameters)
    self.stacks[stack.stack_id] = stack
    stack.act_as(role_arn, _caller())
    stack.create(take)
    return stack


def create_change_set(
    self: Any,
    stack_name: str,
    change_set_name: str,
    template: str,
    parameters: dict[str, str],
    description: str,
    change_set_type: str,
    notification_arns: list[str] | None = None,
    tags: dict[str, str] | None = None,
    role_arn: str | None = None,
) -> tuple[str, str]:
    """CreateChangeSet."""
    stack = _named(self, stack_name)
    if change_set_type == "CREATE":
        _refuse_existing(stack, change_set_name)
        if stack is None:
            stack = _new_stack(self, stack_name, tags, notification_arns)
            stack.note("REVIEW_IN_PROGRESS", "User Initiated")
    if stack is None:
        raise ValidationError(stack_name)
    _refuse_while_busy(stack)
    _check_role(stack, role_arn)
    _prepared(stack, template, parameters)
    self.stacks[stack.stack_id] = stack
    made = ChangeSet(
        stack,
        change_set_name,
        change_set_type,
        template,
        parameters={key: str(value) for key, value in parameters.items()},
        description=description,
        tags=tags,
        role_arn=role_arn,
        notification_arns=notification_arns,
    )
    if change_set_type == "UPDATE" and made.unchanged:
        made.status, made.execution_status = "FAILED", "UNAVAILABLE"
        made.status_reason = NO_CHANGES
    self.change_sets[made.change_set_id] = made
    return made.change_set_id, stack.stack_id


def execute_change_set(self: Any, change_set_name: str, stack_name: str | None = None) -> None:
    """ExecuteChangeSet."""
    found: ChangeSet = self.describe_change_set(change_set_name)
    stack = found.stack
    take = _prepared(stack, found.template, found.parameters)
    found.execution_status = "EXECUTE_COMPLETE"
    stack.act_as(found.role_arn, _caller())
    if found.change_set_type == "CREATE":
        stack.create(take)
    else:
        stack.update(take, found.tags)


def update_stack(
    self: Any,
    name: str,
    template: str,
    role_arn: str | None,
    parameters: list[dict[str, Any]],
    tags: dict[str, str] | None,
) -> Stack:
    """UpdateStack."""
    stack: Stack = self.get_stack(name)
    _refuse_while_busy(stack)
    _check_role(stack, role_arn)
    given = {
        item["ParameterKey"]: stack.stack_parameters[item["ParameterKey"]]
        if item.get("UsePreviousValue")
        else item["ParameterValue"]
        for item in parameters
    }
    take = _prepared(stack, template, given)
    same = parse_template(template) == stack.template_dict and given == stack.parameters
    if same and (tags is None or tags == stack.tags):
        raise ValidationError(message="No updates are to be performed.")
    stack.act_as(role_arn, _caller())
    stack.update(take, tags)
    return stack


def delete_stack(self: Any, name_or_stack_id: str) -> None:
    """DeleteStack; a stack that does not exist is no error."""
    stack = self.stacks.get(name_or_stack_id) or _named(self, name_or_stack_id)
    if stack is None:
        return
    if stack.enable_termination_protection:
        raise ValidationError(
            message=f"Stack [{stack.name}] cannot be deleted while TerminationProtection is enabled"
        )
    _refuse_while_busy(stack)
    users = [name for name in stack.exported if name in _imports(self, stack)]
    if users:
        raise ValidationError(message=f"Export {users[0]} cannot be deleted as it is in use")

    retained = _all_given("RetainResources")
    if retained and stack.status != "DELETE_FAILED":
        raise ValidationError(
            message=f"Invalid operation on stack [{stack.stack_id}]. When you specify "
            "RetainResources, the stack must be in the DELETE_FAILED state."
        )
    role_arn = _given("RoleARN")
    _check_role(stack, role_arn)
    stack.act_as(role_arn, _caller())

    def drop() -> None:
        self.deleted_stacks[stack.stack_id] = self.stacks.pop(stack.stack_id)

    stack.delete(drop, retained)


def describe_stack_resource(
    self: Any, stack_name: str, logical_resource_id: str
) -> tuple[Stack, Any]:
    """DescribeStackResource."""
    stack: Stack = self.get_stack(stack_name)
    for resource in stack.stack_resources:
        if resource.logical_id == logical_resource_id:
            return stack, resource
    raise ValidationError(
        message=f"Resource {logical_resource_id} does not exist for stack {stack_name}"
    )


def list_exports(self: Any, tokenstr: str | None) -> tuple[list[Any], str | None]:
    """ListExports."""
    exported = [
        {"ExportingStackId": stack.stack_id, "Name": name, "Value": value}
        for stack in self.stacks.values()
        for name, value in stack.exported.items()
    ]
    return exported, None


def iter_tagged_resources(self: Any) -> Any:
    """What the tagging API lists of CloudFormation."""
    for stack in list(self.stacks.values()):
        yield TaggedResource(
            arn=stack.stack_id, tags=dict(stack.tags), resource_type="cloudformation:stack"
        )


def template_at(template_url: str, account_id: str, partition: str) -> str:
    """The template behind an S3 URL.

    Raises:
        ValidationError: if nothing lies there.
    """
    from moto.cloudformation.utils import get_stack_from_s3_url

    try:
        if version := parse_qs(urlsplit(template_url).query).get("versionId"):
            return _version_of(template_url, version[0], account_id, partition)
        return get_stack_from_s3_url(template_url, account_id, partition)
    except Exception as error:
        raise ValidationError(
            message=f"S3 error: Access Denied or no such key: {template_url}"
        ) from error


def _version_of(template_url: str, version: str, account_id: str, partition: str) -> str:
    """A version of an object; moto's own reader takes the newest one, whatever the URL states."""
    from moto.s3.models import s3_backends

    parts = urlsplit(template_url)
    bucket = (parts.hostname or "").partition(".s3")[0]
    backend = s3_backends[account_id][partition]
    found = backend.get_object(bucket, unquote(parts.path.lstrip("/")), version_id=version)
    if found is None:
        raise ValidationError(message=f"S3 error: no such version: {template_url}")
    return str(found.value.decode("utf-8"))


def _new_stack(
    backend: Any,
    name: str,
    tags: Mapping[str, str] | None,
    notification_arns: list[str] | None,
) -> Stack:
    account, region = backend.account_id, backend.region_name
    stack_id = generate_stack_id(name, region, account)
    place = (account, region, backend.endpoint, name, stack_id)
    site = Site(*place, dict(tags or {}))
    lookups = Lookups(site, lambda: _exports(backend))
    return Stack(site, tags or {}, lookups=lookups, notification_arns=notification_arns)


def _check_role(stack: Stack, role_arn: str | None) -> None:
    if role_arn and not service_may_assume(stack.site, role_arn, "cloudformation.amazonaws.com"):
        raise ValidationError(message=f"Role {role_arn} is invalid or cannot be assumed")


def _caller() -> str:
    """Whose permissions count where a stack has no service role; "" where all is allowed."""
    from flask import has_request_context, request

    return request.headers.get(CALLER_HEADER, "") if has_request_context() else ""


def _given(parameter: str) -> str:
    """A parameter of the request that moto does not pass on."""
    from flask import has_request_context, request

    return request.values.get(parameter, "") if has_request_context() else ""


def _all_given(parameter: str) -> frozenset[str]:
    """A list of the request that moto does not pass on."""
    from flask import has_request_context, request

    if not has_request_context():
        return frozenset()
    prefix = f"{parameter}.member."
    return frozenset(value for key, value in request.values.items() if key.startswith(prefix))


def _prepared(stack: Stack, template: str, parameters: Mapping[str, Any]) -> Any:
    try:
        return stack.prepare(template, parameters)
    except (TemplateError, ValueError) as error:
        raise ValidationError(message=str(error)) from error


def _refuse_existing(stack: Stack | None, change_set_name: str) -> None:
    if stack and stack.status != "REVIEW_IN_PROGRESS":
        raise ValidationError(
            message=f"Stack [{stack.name}] already exists and cannot be created again "
            f"with the changeSet [{change_set_name}]."
        )


def _refuse_while_busy(stack: Stack) -> None:
    if stack.status.endswith("_IN_PROGRESS") and stack.status != "REVIEW_IN_PROGRESS":
        raise ValidationError(
            message=f"Stack:{stack.stack_id} is in {stack.status} state and can not be updated."
        )


def _named(backend: Any, name: str) -> Stack | None:
    for stack in list(backend.stacks.values()):
        if stack.name == name:
            return stack  # type: ignore[no-any-return]
    return None


def _exports(backend: Any) -> dict[str, str]:
    return {
        name: value
        for stack in list(backend.stacks.values())
        for name, value in stack.exported.items()
    }


def _imports(backend: Any, exporter: Stack) -> str:
    return "".join(
        stack.template
        for stack in list(backend.stacks.values())
        if stack is not exporter and "Fn::ImportValue" in stack.template
    )
