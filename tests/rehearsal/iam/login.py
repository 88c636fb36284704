"""`gotocloud login` and the real `aws`, each with a home folder of its own."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.needs import need
from tests.rehearsal.iam.site import GROUP, REGION


@dataclass(frozen=True)
class Home:
    """A person's machine: AWS's files, and an endpoint instead of AWS."""

    folder: Path
    endpoint: str

    @property
    def config(self) -> Path:
        return self.folder / ".aws" / "config"

    @property
    def credentials(self) -> Path:
        return self.folder / ".aws" / "credentials"

    def holds_key(self, keys: dict[str, Any]) -> None:
        """Put an access key into the credentials file, as a person does."""
        self.credentials.parent.mkdir()
        self.credentials.write_text(
            f"# mine\n[lab-key]\naws_access_key_id = {keys['AccessKeyId']}\n"
            f"aws_secret_access_key = {keys['SecretAccessKey']}\n"
        )

    def gotocloud(self, *words: str, typed: str = "", **more: str) -> Any:
        return self._run([sys.executable, "-m", "gotocloud", *words], typed, more)

    def aws(self, *words: str, **more: str) -> Any:
        path = shutil.which("aws")
        need(path is not None, "an AWS command line of 2023 or newer", "pip install awscli")
        return self._run([str(path), *words], "", more)

    def _run(self, command: list[str], typed: str, more: dict[str, str]) -> Any:
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("AWS_", "GOTOCLOUD_"))}
        given = {"HOME": str(self.folder), "AWS_ENDPOINT_URL": self.endpoint, **more}
        return subprocess.run(
            command, env={**kept, **given}, input=typed, capture_output=True, text=True, check=False
        )


WHO = ("--account", GROUP, "--region", REGION)
