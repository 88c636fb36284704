"""Faults that can be injected into the local AWS, so that programs can be seen to bear them.

Every kind names the facts that it may be narrowed to; a fact that is not given fits all.
Patterns (`*`, `?`) are allowed in text.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any
from uuid import uuid4

KINDS: Mapping[str, frozenset[str]] = {
    "throttling": frozenset({"service", "operation", "account"}),
    "slow": frozenset({"service", "operation", "account"}),
    "error": frozenset({"service", "operation", "account"}),
    "reset": frozenset({"service", "operation", "account"}),
    "expired-credentials": frozenset({"account", "access_key"}),
    "insufficient-capacity": frozenset({"instance_type", "account"}),
    "resource-fails": frozenset({"logical_id", "resource_type", "stack", "phase"}),
    "export-task-fails": frozenset({"file_system"}),
    "export-task-lies": frozenset({"file_system"}),
    "export-slow": frozenset({"file_system"}),
    "export-file-fails": frozenset({"file_system", "path"}),
    "export-skips": frozenset({"file_system", "path"}),
    "export-truncates": frozenset({"file_system", "path"}),
    "export-corrupts": frozenset({"file_system", "path"}),
    "export-forgets-metadata": frozenset({"file_system", "path"}),
    "auto-export-stalls": frozenset({"file_system"}),
    "auto-import-stalls": frozenset({"file_system"}),
    "command-undeliverable": frozenset({"instance"}),
}
"""Kind of fault -> the facts it can be narrowed to."""

SETTINGS = frozenset({"seconds", "code", "message", "status", "lost"})


class UnknownFaultError(ValueError):
    """A fault that does not exist; the text lists those that do."""


@dataclass
class Fault:
    """One injected fault.

    Args:
        kind: One of `KINDS`.
        match: The facts that it is narrowed to.
        times: How often it still strikes; None until it is cleared.
        settings: `seconds` of a slow one, `code`, `message`, `status` of an error; what is
            `lost` by a reset: the "request", or the "answer" to one that was carried out.
        skip: How many fitting moments it still lets pass before it strikes.
        struck: How often it has struck.
    """

    kind: str
    match: Mapping[str, str] = field(default_factory=dict)
    times: int | None = None
    settings: Mapping[str, Any] = field(default_factory=dict)
    skip: int = 0
    struck: int = 0
    id: str = field(default_factory=lambda: uuid4().hex[:12])

    def fits(self, facts: Mapping[str, str]) -> bool:
        """Whether it strikes something with these facts."""
        return all(fnmatchcase(facts.get(name, ""), wanted) for name, wanted in self.match.items())

    def described(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "id": self.id,
            "kind": self.kind,
            **self.match,
            **self.settings,
            "times": self.times,
            "skip": self.skip,
            "struck": self.struck,
        }


class Faults:
    """The faults that are set; any thread may ask."""

    def __init__(self) -> None:
        self._set: list[Fault] = []
        self._lock = threading.Lock()

    def add(self, kind: str, *, times: int | None = None, skip: int = 0, **given: Any) -> Fault:
        """Set a fault.

        Args:
            kind: One of `KINDS`.
            times: How often it strikes. Default: until it is cleared.
            skip: How many fitting moments it lets pass first.
            given: Facts to narrow it to, and its settings.

        Raises:
            UnknownFaultError: if there is no such kind, or it has no such fact.
        """
        if kind not in KINDS:
            raise UnknownFaultError(f"No fault '{kind}'. Available: {', '.join(KINDS)}.")
        unknown = sorted(set(given) - KINDS[kind] - SETTINGS)
        if unknown:
            allowed = ", ".join(sorted(KINDS[kind] | SETTINGS))
            raise UnknownFaultError(f"{kind} has no {', '.join(unknown)}. Allowed: {allowed}.")
        if kind == "resource-fails":
            given.setdefault("phase", "create")
        match = {name: str(value) for name, value in given.items() if name in KINDS[kind]}
        settings = {name: value for name, value in given.items() if name in SETTINGS}
        fault = Fault(kind, match, times, settings, skip)
        with self._lock:
            self._set.append(fault)
        return fault

    def take(self, kind: str, **facts: str) -> Fault | None:
        """The fault that strikes here and now, which then has struck once more."""
        with self._lock:
            for fault in self._set:
                if fault.kind == kind and fault.times != 0 and fault.fits(facts):
                    if fault.skip:
                        fault.skip -= 1
                        continue
                    fault.struck += 1
                    fault.times = None if fault.times is None else fault.times - 1
                    return fault
        return None

    def clear(self, fault_id: str = "") -> None:
        """Take back one fault, or all."""
        with self._lock:
            self._set = [fault for fault in self._set if fault_id and fault.id != fault_id]

    def listed(self) -> list[dict[str, Any]]:
        """Every fault that was set and not cleared, those that are used up included."""
        with self._lock:
            return [fault.described() for fault in self._set]

    def any(self, *kinds: str) -> bool:
        """Whether one of these kinds may strike."""
        with self._lock:
            return any(fault.kind in kinds and fault.times != 0 for fault in self._set)


FAULTS = Faults()
"""Those of this process."""
