from __future__ import annotations

from pathlib import Path

import pytest

from gotocloud.aws.synthesis import read_templates, synthesise_templates
from gotocloud.cli.work.platform import node_scripts
from gotocloud.cluster_configs.model import configuration_names
from gotocloud.platform.load import load_platform
from gotocloud.platform.release import expected_templates, make_release
from tests.needs import ROOT, need_cdk

EXAMPLE = ROOT / "platform.example.yaml"


@pytest.mark.cdk
def test_the_cdk_makes_every_template_of_a_release(tmp_path: Path) -> None:
    need_cdk()
    synthesise_templates("1.0", EXAMPLE, tmp_path, ROOT)
    expected = expected_templates(configuration_names(), load_platform(EXAMPLE).regions)
    release = make_release("1.0", read_templates(tmp_path), node_scripts(), expected=expected)
    scripts = (
        "configure-head-node.sh",
        "home.py",
        "home_archive.py",
        "home_listing.py",
        "inventory.py",
        "mount-software.sh",
    )
    ours = {f"node/{name}" for name in (*scripts, "relion-submit-template.sh")}
    assert set(release.files) == {*expected, *ours}
    assert (
        b"releases/1.0/node/mount-software.sh"
        in release.files["cluster/tutorial/us-east-1.template.json"]
    )
