"""Where GoToCloud's own files are on the shared file system.

gotocloud/releases/VERSION-BUILD/   one release, never changed once it is there
gotocloud/current                   link to the release in force: the only part that changes
gotocloud/bin, modulefiles, …       links through `current`, so that all change at once
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

FOLDER = "gotocloud"
RELEASES = "releases"
CURRENT = "current"
FILE = "gotocloud.pyz"
BIN = "bin"
COMMAND = "bin/gotocloud"
MODULES = "modulefiles"
TEMPLATE = "relion-submit-template.sh"
SETTINGS = "settings.sh"
CATALOGUE = "catalogue.yaml"
WEIGHTS = "share/torch"
"""Network weights of RELION's Python inside a build: its module's TORCH_HOME."""
SUMS = "SHA256SUMS"

LINKS = (BIN, MODULES, TEMPLATE, SETTINGS, CATALOGUE)
"""What stands beside `current` and leads through it."""


@dataclass(frozen=True)
class Layout:
    """GoToCloud's folder on a shared file system.

    Args:
        root: Where the file system is mounted here.
    """

    root: Path

    @property
    def top(self) -> Path:
        """GoToCloud's own folder."""
        return self.root / FOLDER

    @property
    def releases(self) -> Path:
        """The folder of all releases."""
        return self.top / RELEASES

    @property
    def current(self) -> Path:
        """The link to the release in force."""
        return self.top / CURRENT

    @property
    def modules(self) -> Path:
        """The argument of `module use`."""
        return self.top / MODULES
