"""Write the bill of materials as CycloneDX JSON.

    python -m bill_of_materials build/gotocloud.cdx.json

Exit code 1 if a package has a licence that is not allowed, or none.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from bill_of_materials.components import (
    ENVIRONMENTS,
    ROOT,
    Component,
    npm_packages,
    python_packages,
    tools,
)
from bill_of_materials.licences import refused
from gotocloud import __version__


def main(target: Path) -> int:
    """Write the bill, or list what is wrong with it."""
    missing = [folder for folder in ENVIRONMENTS.values() if not (ROOT / folder).is_dir()]
    if missing:
        print(f"Licences are read from {', '.join(missing)}. Next: make bom")
        return 1
    found = [
        *(one for lock, at in ENVIRONMENTS.items() for one in python_packages(lock, ROOT / at)),
        *npm_packages(),
        *tools(),
    ]
    text = json.dumps(bill(found), indent=2)
    if invalid := JsonStrictValidator(SchemaVersion.V1_6).validate_str(text):
        print(f"The bill is not valid CycloneDX: {invalid}")
        return 1
    if problems := refused(licences(found)):
        print("Licences that are not in bill_of_materials/licences.py:", *problems, sep="\n  ")
        return 1
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(f"{text}\n")
    print(f"{target}: {len(json.loads(text)['components'])} components")
    return 0


def bill(components: Iterable[Component]) -> dict[str, Any]:
    """The document; a package of several lock files is there once, and names them all."""
    once: dict[str, Component] = {}
    for one in components:
        entry = once.setdefault(one["purl"], {**one, "bom-ref": one["purl"], "properties": []})
        entry["properties"] = [*entry["properties"], *one["properties"]]
        entry.setdefault("licenses", one.get("licenses", []))
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {
            "component": {
                "type": "application",
                "name": "gotocloud",
                "version": __version__,
                "licenses": [{"expression": "Apache-2.0"}],
            }
        },
        "components": [once[purl] for purl in sorted(once)],
    }


def licences(components: Iterable[Component]) -> dict[str, str]:
    """The SPDX expression of each package by name; empty for none."""
    return {
        one["name"]: one["licenses"][0]["expression"] if one.get("licenses") else ""
        for one in components
    }


if __name__ == "__main__":
    raise SystemExit(main(Path(*sys.argv[1:2] or ["build/gotocloud.cdx.json"])))
