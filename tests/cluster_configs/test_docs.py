"""The tables of docs/cluster-configurations.md against the configurations themselves."""

from __future__ import annotations

import os
import re
from pathlib import Path

from gotocloud.cluster_configs.model import configuration_names, load_configuration

PAGE = Path(__file__).parents[2] / "docs" / "cluster-configurations.md"
BLOCK = re.compile(r"(<!-- generated: .*? -->\n).*?(<!-- end -->)", re.DOTALL)
REFRESH = "GOTOCLOUD_REFRESH_GOLDEN=1 pytest tests/cluster_configs/test_docs.py"


def tables() -> str:
    lines = []
    for name in configuration_names():
        configuration = load_configuration(name)
        lines += [f"### {name}, version {configuration.version}", "", configuration.description, ""]
        lines += ["| queue | serves | nodes x instance type | the first one's source |"]
        lines += ["|---|---|---|---|"]
        for queue in configuration.queues:
            types = ", ".join(f"{one.max_nodes} x {one.instance_type}" for one in queue.choices)
            served = ", ".join(configuration.served_by(queue.name))
            lines.append(f"| {queue.name} | {served} | {types} | {queue.source} |")
        lines.append("")
    return "\n".join(lines) + "\n"


def test_the_tables_show_what_the_configurations_state() -> None:
    text = PAGE.read_text(encoding="utf-8")
    wanted = BLOCK.sub(lambda found: found[1] + tables() + found[2], text)
    assert tables() in wanted
    if os.environ.get("GOTOCLOUD_REFRESH_GOLDEN"):
        PAGE.write_text(wanted, encoding="utf-8")
        text = wanted
    assert text == wanted, f"If this is wanted: {REFRESH}"
