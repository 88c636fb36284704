"""EFS: moto returns a file system's backup policy and cannot change it."""

from __future__ import annotations

import json
from typing import Any

from moto.efs import responses


def apply() -> None:
    """Add what is missing to moto's EFS."""
    responses.EFSResponse.put_backup_policy = put_backup_policy  # type: ignore[attr-defined]


def put_backup_policy(self: Any) -> Any:
    """PutBackupPolicy."""
    found = self.efs_backend.describe_file_systems(
        marker=None,
        max_items=1,
        creation_token=None,
        file_system_id=self._get_param("FileSystemId"),
    )[1][0]
    policy = self._get_param("BackupPolicy")
    found._backup = policy["Status"] in {"ENABLED", "ENABLING"}
    return json.dumps({"BackupPolicy": policy}), {"Content-Type": "application/json"}
