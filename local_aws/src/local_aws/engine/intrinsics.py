"""CloudFormation's intrinsic functions.

Source: AWS CloudFormation user guide, "Intrinsic function reference".
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable, Mapping
from ipaddress import ip_network
from typing import Any

from local_aws.engine.values import as_text

NO_VALUE = object()
"""What `AWS::NoValue` resolves to; it vanishes from objects and lists."""

_SUBSTITUTION = re.compile(r"\$\{(!?)([^}]*)\}")
_DYNAMIC = re.compile(r"\{\{resolve:(ssm|ssm-secure|secretsmanager):([^}]*)\}\}")


class TemplateError(Exception):
    """The template cannot be resolved."""


class Resolver:
    """Resolves the functions of one template.

    Args:
        template: The parsed template.
        values: Parameters and pseudo parameters by name.
        reference: `Ref` of a resource.
        attribute: `Fn::GetAtt` of a resource.
        imported: `Fn::ImportValue`.
        zones: `Fn::GetAZs` of a region.
        dynamic: A dynamic reference: service, then the text after it.
    """

    def __init__(
        self,
        template: Mapping[str, Any],
        values: Mapping[str, Any],
        *,
        reference: Callable[[str], Any],
        attribute: Callable[[str, str], Any],
        imported: Callable[[str], Any],
        zones: Callable[[str], list[str]],
        dynamic: Callable[[str, str], str],
    ) -> None:
        self.values = values
        self._mappings = template.get("Mappings", {})
        self._conditions = template.get("Conditions", {})
        self._decided: dict[str, bool] = {}
        self._reference = reference
        self._attribute = attribute
        self._imported = imported
        self._zones = zones
        self._dynamic = dynamic

    def resolve(self, value: Any) -> Any:
        """A value without functions.

        Raises:
            TemplateError: if something named in it does not exist.
        """
        if isinstance(value, Mapping):
            if len(value) == 1:
                (name, argument) = next(iter(value.items()))
                if name == "Ref":
                    return self._ref(argument)
                if name == "Condition" and isinstance(argument, str):
                    return self.condition(argument)
                if name.startswith("Fn::"):
                    return self._function(name.removeprefix("Fn::"), argument)
            return self._without_nothing(value)
        if isinstance(value, list):
            resolved = [self.resolve(item) for item in value]
            return [item for item in resolved if item is not NO_VALUE]
        if isinstance(value, str):
            return _DYNAMIC.sub(lambda found: self._dynamic(found[1], found[2]), value)
        return value

    def condition(self, name: str) -> bool:
        """Whether a condition of the template holds."""
        if name not in self._conditions:
            raise TemplateError(f"Unresolved condition dependency {name}")
        if name not in self._decided:
            self._decided[name] = bool(self.resolve(self._conditions[name]))
        return self._decided[name]

    def _without_nothing(self, value: Mapping[str, Any]) -> dict[str, Any]:
        resolved = {name: self.resolve(item) for name, item in value.items()}
        return {name: item for name, item in resolved.items() if item is not NO_VALUE}

    def _ref(self, name: str) -> Any:
        if name == "AWS::NoValue":
            return NO_VALUE
        return self.values[name] if name in self.values else self._reference(name)

    def _function(self, name: str, argument: Any) -> Any:
        function = getattr(self, f"_fn_{name.lower()}", None)
        if function is None:
            raise TemplateError(f"The local AWS does not know the function Fn::{name}.")
        return function(argument)

    def _fn_getatt(self, argument: Any) -> Any:
        logical_id, _, path = (
            argument.partition(".") if isinstance(argument, str) else (argument[0], "", argument[1])
        )
        return self._attribute(logical_id, self.resolve(path))

    def _fn_if(self, argument: list[Any]) -> Any:
        return self.resolve(argument[1] if self.condition(argument[0]) else argument[2])

    def _fn_join(self, argument: list[Any]) -> str:
        return str(argument[0]).join(as_text(item) for item in self.resolve(argument[1]))

    def _fn_split(self, argument: list[Any]) -> list[str]:
        return str(self.resolve(argument[1])).split(argument[0])

    def _fn_select(self, argument: list[Any]) -> Any:
        index, items = int(self.resolve(argument[0])), self.resolve(argument[1])
        if not 0 <= index < len(items):
            raise TemplateError(f"Fn::Select cannot select nonexistent value at index {index}")
        return items[index]

    def _fn_sub(self, argument: Any) -> str:
        text, own = (argument, {}) if isinstance(argument, str) else argument
        variables = {name: self.resolve(value) for name, value in own.items()}

        def replaced(found: re.Match[str]) -> str:
            if found[1]:
                return f"${{{found[2]}}}"
            name = found[2].strip()
            if name in variables:
                return as_text(variables[name])
            return as_text(self._fn_getatt(name) if "." in name else self._ref(name))

        return str(self.resolve(_SUBSTITUTION.sub(replaced, text)))

    def _fn_findinmap(self, argument: list[Any]) -> Any:
        found = self._mappings
        for key in self.resolve(argument[:3]):
            if key not in found:
                raise TemplateError(f"Unable to get mapping for {argument[:3]}")
            found = found[key]
        return found

    def _fn_base64(self, argument: Any) -> str:
        return base64.b64encode(str(self.resolve(argument)).encode()).decode()

    def _fn_cidr(self, argument: list[Any]) -> list[str]:
        block, count, *bits = self.resolve(argument)
        network = ip_network(block)
        prefix = network.max_prefixlen - int(bits[0] if bits else 8)
        subnets = network.subnets(new_prefix=prefix)
        return [str(subnet) for subnet, _ in zip(subnets, range(int(count)), strict=False)]

    def _fn_getazs(self, argument: Any) -> list[str]:
        return self._zones(self.resolve(argument) or self.values["AWS::Region"])

    def _fn_importvalue(self, argument: Any) -> Any:
        return self._imported(self.resolve(argument))

    def _fn_tojsonstring(self, argument: Any) -> str:
        return json.dumps(self.resolve(argument), separators=(",", ":"))

    def _fn_length(self, argument: Any) -> int:
        return len(self.resolve(argument))

    def _fn_equals(self, argument: list[Any]) -> bool:
        left, right = self.resolve(argument)
        return as_text(left) == as_text(right)

    def _fn_not(self, argument: list[Any]) -> bool:
        return not self.resolve(argument)[0]

    def _fn_and(self, argument: list[Any]) -> bool:
        return all(self.resolve(item) for item in argument)

    def _fn_or(self, argument: list[Any]) -> bool:
        return any(self.resolve(item) for item in argument)

    def _fn_contains(self, argument: list[Any]) -> bool:
        items, wanted = self.resolve(argument)
        return wanted in items


def references(value: Any) -> set[str]:
    """Every name that a value refers to: resources, parameters, pseudo parameters."""
    if isinstance(value, Mapping):
        found = set().union(*(references(item) for item in value.values()))
        if "Ref" in value:
            found.add(str(value["Ref"]))
        if "Fn::GetAtt" in value:
            argument = value["Fn::GetAtt"]
            found.add(argument.split(".")[0] if isinstance(argument, str) else argument[0])
        if "Fn::Sub" in value:
            argument = value["Fn::Sub"]
            text, own = (argument, {}) if isinstance(argument, str) else argument
            names = (name.strip() for escaped, name in _SUBSTITUTION.findall(text) if not escaped)
            found.update(name.split(".")[0] for name in names if name not in own)
        return found
    if isinstance(value, list):
        return set().union(*(references(item) for item in value))
    return set()
