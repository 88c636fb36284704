"""What models claim of a resource type, they do."""

from __future__ import annotations

import ast
import inspect
import sys

import pytest

from local_aws.resources import load_models
from local_aws.resources.base import MODELS, Resource

load_models()

PASSES_ALL_ON = ("self.properties.items()", "**self.properties", "self.given(*self.supported)")
NOTHING_TO_DO = {
    "AWS::CDK::Metadata": {"Analytics", "Modules"},
    "Custom::AWS": {"InstallLatestAwsSdk", "ServiceToken"},
    "Custom::VpcRestrictDefaultSG": {"Account", "ServiceToken"},
}
"""Properties that are about the function which a model replaces, or about nothing at all."""


def code_of(model: type[Resource]) -> str:
    """The text of a model's module and of those of its bases, without sets of names."""
    found = []
    for owner in model.__mro__:
        if issubclass(owner, Resource) and owner is not Resource:
            tree = ast.parse(inspect.getsource(sys.modules[owner.__module__]))
            found.append(ast.unparse(_WithoutSets().visit(tree)))
    return "\n".join(found)


class _WithoutSets(ast.NodeTransformer):
    def visit_Assign(self, node: ast.Assign) -> ast.AST:
        text = ast.unparse(node)
        return ast.Pass() if "frozenset(" in text or "changeable |" in text else node


def unused(model: type[Resource], source: str = "") -> set[str]:
    """Properties that a model accepts and does nothing with."""
    source = source or code_of(model)
    if any(words in source for words in PASSES_ALL_ON):
        return set()
    unread = {name for name in model.supported if f"'{name}'" not in source}
    return unread - {"Tags"} - NOTHING_TO_DO.get(model.type, set())


@pytest.mark.parametrize("model", MODELS.values(), ids=list(MODELS))
def test_no_property_is_claimed_and_dropped(model: type[Resource]) -> None:
    assert unused(model) == set()


class Forgetful(Resource):
    """A model with a fault."""

    supported = frozenset({"Kept", "Dropped", "Tags"})

    def create(self) -> None:
        self.physical_id = self.properties["Kept"]


def test_a_property_that_is_dropped_is_noticed() -> None:
    source = ast.unparse(_WithoutSets().visit(ast.parse(inspect.getsource(Forgetful))))
    assert unused(Forgetful, source) == {"Dropped"}
