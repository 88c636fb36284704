"""Modules for a rehearsed cluster: this machine's own RELION, loaded as a real one is."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

from gotocloud.software.in_force import system_catalogue
from gotocloud.software.layout import Layout
from gotocloud.software.publishing.release import lay_out_system

MODULES_INIT = Path("/usr/share/modules/init/bash")
"""What makes a shell know `module`; without it, jobs use what is on PATH."""


def lay_out_modules(software: Path) -> dict[str, str]:
    """Write the module files where a cluster has its shared software.

    Returns:
        Environment variables of a head node; none without RELION or Environment Modules.
    """
    program = shutil.which("relion_refine")
    if program is None or not MODULES_INIT.exists():
        return {}
    done = subprocess.run(
        [program, "--version"], capture_output=True, text=True, errors="replace", check=False
    )
    version = re.search(r"\d+(?:\.\d+)+", done.stdout + done.stderr)
    if version is None:
        return {}
    prefix = str(Path(program).parent.parent)
    catalogue = system_catalogue({"relion": (version[0], prefix)}, root=str(software))
    return lay_out_system(Layout(software), catalogue)
