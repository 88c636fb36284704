"""What this distribution consists of, and what it knows nothing of."""

from __future__ import annotations

import ast
import subprocess
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[1]
PRODUCT = "goto" + "cloud"
TEXTS = {".py", ".md", ".mjs", ".csv", ".toml", ".yaml"}


def test_the_product_above_it_is_nowhere_named() -> None:
    named = [
        str(path.relative_to(ROOT))
        for path in ROOT.rglob("*")
        if path.suffix in TEXTS and PRODUCT in path.read_text(encoding="utf-8").lower()
    ]
    assert named == []


def test_it_imports_nothing_but_what_it_declares() -> None:
    """Whatever is installed beside it."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    declared = {line.split(">")[0].split("=")[0].split("[")[0] for line in project["dependencies"]}
    server = {"flask", "moto", "werkzeug"}
    known = {"boto3": {"boto3", "botocore"}, "moto": server, "PyYAML": {"yaml"}}
    assert declared == set(known)
    allowed = set().union(*known.values()) | {"local_aws"} | sys.stdlib_module_names
    foreign = {
        f"{path.name}: {name}"
        for path in (ROOT / "src").rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        for name in _imported(node)
        if name not in allowed
    }
    assert foreign == set()


def _imported(node: ast.AST) -> list[str]:
    if isinstance(node, ast.Import):
        return [alias.name.partition(".")[0] for alias in node.names]
    if isinstance(node, ast.ImportFrom) and node.module and not node.level:
        return [node.module.partition(".")[0]]
    return []


def test_it_starts_without_the_product(tmp_path: Path) -> None:
    """With a finder that refuses the product, as if it were not installed."""
    code = (
        "import sys\n"
        "class Refuses:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        f"        if name.partition('.')[0] == {PRODUCT!r}: raise ImportError(name)\n"
        "sys.meta_path.insert(0, Refuses())\n"
        "import local_aws.server, local_aws.process, local_aws.control\n"
        "from local_aws import moto_patches, resources\n"
        "from local_aws.iam import guard\n"
        "from pathlib import Path\n"
        f"resources.load_models(); moto_patches.apply(Path({str(tmp_path)!r}))\n"
        f"print({PRODUCT!r} in sys.modules)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.stdout, done.returncode) == ("False\n", 0), done.stderr
