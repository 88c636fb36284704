"""How the suite is spread over the cores."""

from __future__ import annotations

import pytest


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Keep together what shares an expensive fixture.

    Tests that use a deployed platform run on one worker, so that it is deployed once; every
    other file stays whole, so that its own fixtures are made once.
    """
    for item in items:
        if item.get_closest_marker("xdist_group"):
            continue
        deployed = item.get_closest_marker("rehearsal") is not None
        item.add_marker(pytest.mark.xdist_group("rehearsal" if deployed else str(item.path)))
