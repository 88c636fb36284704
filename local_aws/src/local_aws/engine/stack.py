"""One stack: its template, parameters, tags, resources, outputs and events."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from local_aws.engine.deployment import Deployment, DeploymentError, reason_of
from local_aws.engine.intrinsics import NO_VALUE, Resolver, TemplateError
from local_aws.engine.lookups import Lookups
from local_aws.engine.site import Site
from local_aws.engine.template import (
    check_rules,
    deployment_order,
    needs,
    parameter_values,
    parse_template,
)
from local_aws.resources import CUSTOM, model_of
from local_aws.resources.base import MODELS, Resource

ANSWER_WITHIN_S = 10.0
"""How long a request waits for its stack; quick stacks are then done in one call."""


class StackEvent:
    """What `DescribeStackEvents` returns for one step."""

    def __init__(self, stack: Stack, entry: Mapping[str, str]) -> None:
        self.event_id = str(uuid4())
        self.stack_id = stack.stack_id
        self.stack_name = stack.name
        self.timestamp = datetime.now(UTC)
        self.logical_resource_id = entry["logical_id"]
        self.physical_resource_id = entry["physical_id"]
        self.resource_type = entry["type"]
        self.resource_status = entry["status"]
        self.resource_status_reason = entry["reason"] or None
        self.client_request_token = None
        self.resource_properties = None


class Stack:
    """A stack of the local AWS.

    Args:
        site: Account, region, name and id.
        tags: Tags of the stack.
        lookups: What the template may ask of the account.
    """

    class Meta:
        serialization_aliases = {"Parameters": "parameter_list"}  # noqa: RUF012 (moto's form)

    def __init__(
        self,
        site: Site,
        tags: Mapping[str, str],
        *,
        lookups: Lookups,
        notification_arns: list[str] | None = None,
        termination_protection: bool = False,
    ) -> None:
        self.site = site
        self.stack_id = site.stack_id
        self.name = self.stack_name = site.stack_name
        self.account_id, self.region_name = site.account, site.region
        self.tags = dict(tags)
        self.role_arn: str | None = None
        self.notification_arns = notification_arns or []
        self.enable_termination_protection = termination_protection
        self.timeout_in_minutes: int | None = None
        self.disable_rollback = False
        self.policy = ""
        self.creation_time = datetime.now(UTC)
        self.deletion_time: datetime | None = None
        self.status = self.stack_status = "REVIEW_IN_PROGRESS"
        self.status_reason: str | None = None
        self.stack_status_reason: str | None = None
        self.template: str = "{}"
        self.template_dict: dict[str, Any] = {}
        self.parameters: dict[str, Any] = {}
        self.description: str | None = None
        self.outputs: list[dict[str, Any]] = []
        self.exported: dict[str, str] = {}
        self.events: list[StackEvent] = []
        self._values: dict[str, Any] = {}
        self._lookups = lookups
        self._deployment = Deployment(self._resource_event)
        self._worker: threading.Thread | None = None

    def act_as(self, role_arn: str | None, caller: str) -> None:
        """Choose with whose permissions the next operation works.

        Args:
            role_arn: A new service role. Default: the one that the stack has.
            caller: Who calls, which counts for a stack without a service role.

        Source: AWS CloudFormation user guide, "CloudFormation service role".
        """
        self.role_arn = role_arn or self.role_arn
        acting = self.role_arn or caller
        self.site = replace(self.site, acting=acting)
        for resource in self.stack_resources:
            resource.site = replace(resource.site, acting=acting)

    # --- what moto's answers ask for

    @property
    def stack_resources(self) -> list[Resource]:
        """The resources that exist."""
        return list(self._deployment.resources.values())

    @property
    def stack_parameters(self) -> dict[str, Any]:
        """The parameters as given or defaulted."""
        slots = self.template_dict.get("Parameters", {})
        return {
            name: self.parameters.get(name, slot.get("Default")) for name, slot in slots.items()
        }

    @property
    def parameter_list(self) -> list[dict[str, Any]]:
        """The parameters as `DescribeStacks` lists them."""
        slots = self.template_dict.get("Parameters", {})
        return [
            {"ParameterKey": key, "ParameterValue": "****" if slots[key].get("NoEcho") else value}
            for key, value in self.stack_parameters.items()
        ]

    @property
    def template_description(self) -> str | None:
        """The description of the template."""
        return self.description

    # --- events and states

    def note(self, status: str, reason: str = "") -> None:
        """Put the stack into a state, and say so in its events."""
        self._event(self.name, self.stack_id, "AWS::CloudFormation::Stack", status, reason)
        self.status = self.stack_status = status
        self.status_reason = self.stack_status_reason = reason or None

    def _resource_event(self, resource: Resource | str, status: str, reason: str) -> None:
        if isinstance(resource, str):
            kind = self.template_dict["Resources"].get(resource, {}).get("Type", "")
            self._event(resource, "", kind, status, reason)
        else:
            physical_id = str(resource.physical_id)
            self._event(resource.logical_id, physical_id, resource.properties_type, status, reason)

    def _event(self, logical: str, physical: str, kind: str, status: str, reason: str) -> None:
        entry = {"logical_id": logical, "physical_id": physical, "type": kind}
        self.events.append(StackEvent(self, {**entry, "status": status, "reason": reason}))

    # --- deploying

    def prepare(self, template: str, parameters: Mapping[str, Any]) -> Callable[[], list[str]]:
        """Read a template and its parameters, before anything is done.

        Raises:
            TemplateError: if the template cannot be deployed at all.
        """
        parsed = parse_template(template)
        values = parameter_values(parsed, parameters, self._lookups.stored)
        resolver = self._resolver(parsed, values)
        check_rules(parsed, resolver)
        deployment_order(parsed, resolver)

        def take() -> list[str]:
            self.template, self.template_dict = template, parsed
            self.parameters = {key: str(value) for key, value in parameters.items()}
            self._values = values
            self.description = parsed.get("Description")
            return deployment_order(parsed, self._resolver(parsed, values))

        return take

    def create(self, take: Callable[[], list[str]]) -> None:
        """Create everything; when a resource fails, remove what was made."""
        order = take()
        self.note("CREATE_IN_PROGRESS", "User Initiated")

        def work() -> None:
            try:
                self._deployment.create(order, self._make)
                self._settle_outputs()
            except (DeploymentError, TemplateError) as error:
                self._roll_back(str(error))
            else:
                self.note("CREATE_COMPLETE")

        self._run(work)

    def _roll_back(self, reason: str) -> None:
        reported = f"The following resource(s) failed to create: [{reason}]. Rollback requested."
        if self.disable_rollback:
            self.note("CREATE_FAILED", reported)
            return
        self.note("ROLLBACK_IN_PROGRESS", reported)
        names = list(self._deployment.resources)
        left = self._deployment.remove(names, self._retained_on_rollback, self._needs())
        self.note("ROLLBACK_FAILED" if left else "ROLLBACK_COMPLETE", "; ".join(left))

    def update(self, take: Callable[[], list[str]], tags: Mapping[str, str] | None) -> None:
        """Bring the stack to its new template; when that fails, put it back."""
        before = (self.template, self.template_dict, self.parameters, self._values, self.site)
        former = self.template_dict
        order = take()
        if tags is not None:
            self.tags = dict(tags)
            self.site = replace(self.site, stack_tags=self.tags)
        self.note("UPDATE_IN_PROGRESS", "User Initiated")

        def retained(name: str) -> bool:
            if name in self.template_dict["Resources"]:
                return self._policy(name, "UpdateReplacePolicy") == "Retain"
            return bool(former["Resources"][name].get("DeletionPolicy") in _RETAINING)

        def work() -> None:
            try:
                self._deployment.update(order, self._make, retained)
                self._settle_outputs()
            except (DeploymentError, TemplateError) as error:
                self.note("UPDATE_ROLLBACK_IN_PROGRESS", str(error))
                left = self._deployment.undo()
                self.template, self.template_dict, self.parameters, self._values, self.site = before
                status = "UPDATE_ROLLBACK_FAILED" if left else "UPDATE_ROLLBACK_COMPLETE"
                self.note(status, "; ".join(left))
            else:
                self.note("UPDATE_COMPLETE")

        self._run(work)

    def delete(self, done: Callable[[], None], retained: frozenset[str] = frozenset()) -> None:
        """Delete everything that is not to be retained.

        Args:
            done: Called when the stack is gone.
            retained: Resources to leave behind, besides those of the template's policies.
        """
        self.note("DELETE_IN_PROGRESS", "User Initiated")

        def kept(name: str) -> bool:
            return name in retained or self._retained_on_delete(name)

        def work() -> None:
            names = list(self._deployment.resources)
            left = self._deployment.remove(names, kept, self._needs())
            if left:
                self.note("DELETE_FAILED", "; ".join(left))
            else:
                self.deletion_time = datetime.now(UTC)
                self.note("DELETE_COMPLETE")
                done()

        self._run(work)

    def _run(self, work: Callable[[], None]) -> None:
        def guarded() -> None:
            try:
                work()
            except Exception as error:
                failed = self.status.partition("_")[0]
                self.note(f"{failed}_FAILED", reason_of(error))

        self._worker = threading.Thread(target=guarded, name=f"stack {self.name}", daemon=True)
        self._worker.start()
        self._worker.join(ANSWER_WITHIN_S)

    def wait(self) -> None:
        """Wait until the work under way is done."""
        if self._worker:
            self._worker.join()

    # --- resolving

    def _make(self, name: str) -> Resource:
        described = self.template_dict["Resources"][name]
        kind = described["Type"]
        model = model_of(kind if kind in MODELS or not kind.startswith(CUSTOM) else CUSTOM)
        resolver = self._resolver(self.template_dict, self._values)
        properties = resolver.resolve(described.get("Properties", {}))
        resource = model(self.site, name, properties)
        resource.notes["type"] = kind
        return resource

    def _resolver(self, template: Mapping[str, Any], values: Mapping[str, Any]) -> Resolver:
        pseudo = {
            "AWS::AccountId": self.account_id,
            "AWS::Region": self.region_name,
            "AWS::StackId": self.stack_id,
            "AWS::StackName": self.name,
            "AWS::URLSuffix": "amazonaws.com",
            "AWS::Partition": "aws",
            "AWS::NotificationARNs": self.notification_arns,
        }
        return Resolver(
            template,
            {**pseudo, **values},
            reference=self._deployment.reference,
            attribute=self._deployment.attribute,
            imported=self._lookups.imported,
            zones=self._lookups.zones,
            dynamic=self._lookups.dynamic,
        )

    def _settle_outputs(self) -> None:
        resolver = self._resolver(self.template_dict, self._values)
        outputs, exported = [], {}
        for key, output in self.template_dict.get("Outputs", {}).items():
            if "Condition" in output and not resolver.condition(output["Condition"]):
                continue
            value = resolver.resolve(output["Value"])
            if value is NO_VALUE:
                continue
            name = resolver.resolve(output.get("Export", {}).get("Name"))
            if name:
                exported[name] = value
            described = output.get("Description")
            outputs.append(
                {
                    "OutputKey": key,
                    "OutputValue": value,
                    "Description": described,
                    "ExportName": name,
                }
            )
        self.outputs, self.exported = outputs, exported

    def _needs(self) -> Mapping[str, frozenset[str]]:
        """What each resource refers to, which is deleted after it."""
        resources = self.template_dict["Resources"]
        return {name: frozenset(needs(described)) for name, described in resources.items()}

    def _policy(self, name: str, policy: str) -> str:
        return str(self.template_dict["Resources"].get(name, {}).get(policy, "Delete"))

    def _retained_on_delete(self, name: str) -> bool:
        return self._policy(name, "DeletionPolicy") in _RETAINING

    def _retained_on_rollback(self, name: str) -> bool:
        return self._policy(name, "DeletionPolicy") == "Retain"


_RETAINING = {"Retain", "RetainExceptOnCreate"}
