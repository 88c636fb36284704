"""What can be done to a running local AWS from outside: inject faults, set up nodes and quotas."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

from local_aws.errors import LocalAwsError
from local_aws.process import LocalAws


@dataclass(frozen=True)
class Control:
    """Controls a local AWS.

    Args:
        local: The local AWS.
    """

    local: LocalAws

    def fault(self, kind: str, *, times: int | None = None, skip: int = 0, **given: Any) -> str:
        """Inject a fault.

        Args:
            kind: One of `faults.KINDS`.
            times: How often it strikes. Default: until it is cleared.
            skip: How many fitting moments it lets pass first.
            given: What it is narrowed to, and its settings; see `faults.KINDS`.

        Returns:
            Its id.

        Raises:
            LocalAwsError: if there is no such fault.
        """
        made = self.call("POST", "faults", {"kind": kind, "times": times, "skip": skip, **given})
        return str(made["id"])

    @contextmanager
    def during(self, kind: str, **given: Any) -> Iterator[str]:
        """A fault for the length of a `with` block."""
        fault_id = self.fault(kind, **given)
        try:
            yield fault_id
        finally:
            self.clear(fault_id)

    def clear(self, fault_id: str = "") -> None:
        """Take back one fault, or all."""
        self.call("DELETE", f"faults/{fault_id}", {})

    def faults(self) -> list[dict[str, Any]]:
        """What is injected, and how often each has struck."""
        found: list[dict[str, Any]] = self.call("GET", "faults")
        return found

    def struck(self, fault_id: str) -> int:
        """How often a fault has struck."""
        return sum(fault["struck"] for fault in self.faults() if fault["id"] == fault_id)

    def add_node(self, instance: str, account: str, region: str, mounts: Mapping[str, str]) -> Path:
        """Let an EC2 instance be a head node, as those of local clusters are.

        Args:
            instance: Its id.
            account: Whose.
            region: Where.
            mounts: Mount point -> id of a Lustre file system.

        Returns:
            The directory that its commands see as `/`.
        """
        given = {"instance": instance, "account": account, "region": region, "mounts": dict(mounts)}
        return Path(self.call("POST", "nodes", given)["root"])

    def set_quota(self, account: str, region: str, code: str, value: float) -> None:
        """Set a quota of an account and region, lower or higher than AWS's default."""
        given = {"account": account, "region": region, "code": code, "value": value}
        self.call("POST", "quotas", given)

    def set_status(self, account: str, region: str, name: str, status: str) -> None:
        """Put a stack into a status; what it has stays as it is."""
        given = {"account": account, "region": region, "name": name, "status": status}
        self.call("POST", "stacks", given)

    def sync(self, file_system: str) -> None:
        """Let automatic import and export of a file system take place now."""
        self.call("POST", f"sync/{file_system}", {})

    def lustre(self, file_system: str) -> Path:
        """The directory that stands for a Lustre file system."""
        return self.local.state_dir / "lustre" / file_system

    def node(self, instance: str) -> Path:
        """The directory that the commands of a head node see as `/`."""
        return self.local.state_dir / "nodes" / instance / "root"

    def call(self, method: str, path: str, given: Mapping[str, Any] | None = None) -> Any:
        """Send one request to the control interface.

        Raises:
            LocalAwsError: if it refuses.
        """
        request = Request(  # noqa: S310 (the local AWS's own address)
            f"{self.local.endpoint_url}/_local_aws/{path}",
            data=None if given is None else json.dumps(given).encode(),
            headers={
                "Authorization": f"Bearer {self.local.secret}",
                "Content-Type": "application/json",
            },
            method=method,
        )
        try:
            with urlopen(request, timeout=60) as answer:  # noqa: S310
                return json.load(answer)
        except HTTPError as error:
            raise LocalAwsError(str(json.load(error)["error"])) from error
