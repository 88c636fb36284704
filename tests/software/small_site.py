"""A folder of packages that stands for the whole command line, as small as can be."""

from __future__ import annotations

import sys
from pathlib import Path

THIS_PYTHON = f"{sys.version_info[0]}.{sys.version_info[1]}"

MAIN = """\
import os, sys

def main():
    if sys.argv[1:] == ["--where"]:
        print(os.path.dirname(os.path.dirname(os.path.dirname(__file__))))
    elif sys.argv[1:] == ["--path"]:
        print(*sys.path, sep="\\n")
    else:
        print("small", *sys.argv[1:])
"""


def make_site(folder: Path, main: str = MAIN) -> Path:
    """Write the packages; returns their folder."""
    package = folder / "gotocloud" / "cli"
    package.mkdir(parents=True)
    for name in (folder / "gotocloud" / "__init__.py", package / "__init__.py"):
        name.write_text("")
    (package / "main.py").write_text(main)
    return folder
