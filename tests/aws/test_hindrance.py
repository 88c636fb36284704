"""What makes a proof impossible: every look counts, also where another is not answered."""

from __future__ import annotations

from typing import Any

import pytest

from gotocloud.aws import hindrance as looks
from gotocloud.aws.adoption import Whose
from gotocloud.aws.head_node import NodeError
from gotocloud.aws.hindrance import hindrance
from gotocloud.aws.lustre_export.link import EVENTS, Link, NotLinkedError
from gotocloud.contract.project_names import ProjectNames
from gotocloud.errors import GoToCloudError

NAMES = ProjectNames("hanako", "222222222222", "ribosome")
FINE = Link("dra-1", "b", "AVAILABLE", EVENTS)
UNANSWERED = GoToCloudError("Cannot look: AWS cannot be reached.")
LOOKS: dict[str, tuple[str, Any, Any, str]] = {
    "bucket": ("whose_bucket", Whose.OURS, Whose.NONE, "does not exist any more"),
    "link": ("link_of", FINE, Link("dra-1", "b", "FAILED", ()), "is FAILED"),
    "not linked": ("link_of", FINE, NotLinkedError("Lustre is not associated."), "not associated"),
    "node": ("look", None, NodeError("It does not answer.", -1, "", problems=()), "not answer"),
}


def hindered(monkeypatch: pytest.MonkeyPatch, **answers: Any) -> str:
    """Why nothing can be proven, where each look has that answer or raises that error."""

    def answer(found: Any) -> Any:
        if isinstance(found, Exception):
            raise found
        return found

    for name, fine in (("whose_bucket", Whose.OURS), ("link_of", FINE), ("look", None)):
        found = answers.get(name, fine)
        monkeypatch.setattr(looks, name, lambda *_, found=found: answer(found))
    node: Any = object()
    cloud: Any = None
    found = hindrance(cloud, NAMES, "fs-1", node)
    return found.why if found else ""


@pytest.mark.parametrize("name", LOOKS)
@pytest.mark.parametrize("silent", ["whose_bucket", "link_of", "look"])
def test_a_look_that_is_not_answered_hides_none_of_the_others(
    monkeypatch: pytest.MonkeyPatch, name: str, silent: str
) -> None:
    look, _, bad, why = LOOKS[name]
    if look == silent:
        with pytest.raises(GoToCloudError, match="cannot be reached"):
            hindered(monkeypatch, **{silent: UNANSWERED})
    else:
        assert why in hindered(monkeypatch, **{silent: UNANSWERED, look: bad})


def test_nothing_is_a_hindrance_where_every_look_is_fine(monkeypatch: pytest.MonkeyPatch) -> None:
    assert hindered(monkeypatch) == ""
