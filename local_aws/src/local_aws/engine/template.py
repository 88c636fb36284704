"""Templates: parsing, parameters, rules, and the order of resources."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from graphlib import CycleError, TopologicalSorter
from typing import Any

from local_aws.engine.intrinsics import Resolver, TemplateError, references

WAIT_CONDITION = "AWS::CloudFormation::WaitCondition"
SSM_PARAMETER = "AWS::SSM::Parameter::Value<"


def parse_template(text: str) -> dict[str, Any]:
    """A template, from JSON or YAML.

    Raises:
        TemplateError: if it is neither, or holds no resources.
    """
    parsed = json.loads(text) if text.lstrip().startswith("{") else _parse_yaml(text)
    if not isinstance(parsed, dict) or not parsed.get("Resources"):
        raise TemplateError("Template format error: At least one Resources member must be defined.")
    return parsed


def _parse_yaml(text: str) -> Any:
    import yaml
    from moto.cloudformation.utils import yaml_tag_constructor

    class Loader(yaml.SafeLoader):
        """Reads CloudFormation's short forms, such as !Ref."""

    Loader.add_multi_constructor(
        "!", lambda loader, tag, node: yaml_tag_constructor(loader, f"!{tag}", node)
    )
    # A template writes its version as a date.
    Loader.yaml_implicit_resolvers = {
        first: [(tag, pattern) for tag, pattern in found if not tag.endswith(":timestamp")]
        for first, found in Loader.yaml_implicit_resolvers.items()
    }
    return yaml.load(text, Loader=Loader)  # noqa: S506 (a SafeLoader)


def parameter_values(
    template: Mapping[str, Any], given: Mapping[str, Any], stored: Callable[[str], str]
) -> dict[str, Any]:
    """The values of the template's parameters, all problems at once.

    Args:
        template: The parsed template.
        given: What the caller passed.
        stored: The value of an SSM parameter.

    Raises:
        TemplateError: with CloudFormation's own words for what is wrong.
    """
    slots: Mapping[str, Any] = template.get("Parameters", {})
    unknown = sorted(set(given) - set(slots))
    missing = sorted(
        name for name, slot in slots.items() if name not in given and "Default" not in slot
    )
    problems = []
    if unknown:
        problems.append(f"Parameters: [{', '.join(unknown)}] do not exist in the template")
    if missing:
        problems.append(f"Parameters: [{', '.join(missing)}] must have values")
    values = {}
    for name, slot in slots.items():
        if name in missing:
            continue
        value = str(given[name] if name in given else slot["Default"])
        problems += _broken_constraints(name, slot, value)
        values[name] = (name, slot, value)
    if problems:
        raise TemplateError("; ".join(problems))
    return {name: _typed(*entry, stored) for name, entry in values.items()}


def _broken_constraints(name: str, slot: Mapping[str, Any], value: str) -> list[str]:
    problems = []
    if "AllowedPattern" in slot and not re.fullmatch(slot["AllowedPattern"], value):
        described = slot.get("ConstraintDescription")
        problems.append(
            f"Parameter {name} failed to satisfy constraint: {described}"
            if described
            else f"Parameter '{name}' must match pattern {slot['AllowedPattern']}"
        )
    allowed = [str(item) for item in slot.get("AllowedValues", [])]
    if allowed and value not in allowed:
        problems.append(f"Parameter '{name}' must be one of AllowedValues: {', '.join(allowed)}")
    if "MinLength" in slot and len(value) < int(slot["MinLength"]):
        problems.append(f"Parameter '{name}' must contain at least {slot['MinLength']} characters")
    if "MaxLength" in slot and len(value) > int(slot["MaxLength"]):
        problems.append(f"Parameter '{name}' must contain at most {slot['MaxLength']} characters")
    if slot.get("Type") == "Number":
        problems += _broken_range(name, slot, value)
    return problems


def _broken_range(name: str, slot: Mapping[str, Any], value: str) -> list[str]:
    try:
        number = float(value)
    except ValueError:
        return [f"Parameter '{name}' must be a number"]
    if "MinValue" in slot and number < float(slot["MinValue"]):
        return [f"Parameter '{name}' must be a number not less than {slot['MinValue']}"]
    if "MaxValue" in slot and number > float(slot["MaxValue"]):
        return [f"Parameter '{name}' must be a number not greater than {slot['MaxValue']}"]
    return []


def _typed(
    name: str, slot: Mapping[str, Any], value: str, stored: Callable[[str], str]
) -> str | list[str]:
    kind = slot.get("Type", "String")
    if kind.startswith(SSM_PARAMETER):
        value = stored(value)
    if kind == "CommaDelimitedList" or "List<" in kind:
        return [item.strip() for item in value.split(",")]
    return value


def check_rules(template: Mapping[str, Any], resolver: Resolver) -> None:
    """Check the template's rules (the CDK requires a recent bootstrap by one).

    Raises:
        TemplateError: with the description of each assertion that fails.
    """
    failed = [
        assertion.get("AssertDescription", name)
        for name, rule in template.get("Rules", {}).items()
        if resolver.resolve(rule.get("RuleCondition", True))
        for assertion in rule["Assertions"]
        if not resolver.resolve(assertion["Assert"])
    ]
    if failed:
        raise TemplateError("Template error: " + "; ".join(failed))


def deployment_order(template: Mapping[str, Any], resolver: Resolver) -> list[str]:
    """The resources whose condition holds, each after everything it refers to.

    Raises:
        TemplateError: for a circle, or a reference to nothing.
    """
    resources = template["Resources"]
    wanted = {
        name: resource
        for name, resource in resources.items()
        if "Condition" not in resource or resolver.condition(resource["Condition"])
    }
    before = {}
    for name, resource in wanted.items():
        named = needs(resource)
        lost = sorted(
            item
            for item in named
            if item not in resources and item not in resolver.values and item != "AWS::NoValue"
        )
        if lost:
            raise TemplateError(
                f"Template error: unresolved resource dependencies [{', '.join(lost)}] "
                "in the Resources block of the template"
            )
        before[name] = sorted(named & set(wanted))
    try:
        return _waits_last(before, {name: item["Type"] for name, item in wanted.items()})
    except CycleError as error:
        circle = ", ".join(error.args[1])
        raise TemplateError(f"Circular dependency between resources: [{circle}]") from error


def needs(resource: Mapping[str, Any]) -> set[str]:
    """What a resource refers to, which is made before it and deleted after it."""
    explicit = resource.get("DependsOn", [])
    named = references(resource.get("Properties", {}))
    return named | ({explicit} if isinstance(explicit, str) else set(explicit))


def _waits_last(before: Mapping[str, list[str]], types: Mapping[str, str]) -> list[str]:
    """An order in which a wait condition comes after everything that does not need it.

    AWS creates at once what does not depend on each other; here one comes after the other, and
    the machine that a condition waits for has to be there first.

    Args:
        before: Logical id -> those that come before it.
        types: Logical id -> resource type.
    """
    sorter = TopologicalSorter(before)
    sorter.prepare()
    order: list[str] = []
    waiting: list[str] = []
    while sorter.is_active():
        ready = list(sorter.get_ready())
        waiting += [name for name in ready if types[name] == WAIT_CONDITION]
        ready = [name for name in ready if types[name] != WAIT_CONDITION]
        if not ready:
            ready, waiting = waiting, []
        order += ready
        sorter.done(*ready)
    return order
