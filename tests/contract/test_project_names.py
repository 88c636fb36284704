"""Names of a project: valid, unique and the same again, whatever people are called."""

from __future__ import annotations

import re
from fnmatch import fnmatchcase

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gotocloud.contract.project_bucket import project_buckets
from gotocloud.contract.project_names import ProjectNames
from gotocloud.contract.tag_text import from_tag

ACCOUNT = "222222222222"
any_name = st.text(min_size=1, max_size=130).filter(
    lambda text: all(not 0xD800 <= ord(c) <= 0xDFFF for c in text)
)
plain_word = st.from_regex(r"[a-z][a-z0-9]{0,8}", fullmatch=True)
pairs = st.tuples(any_name | plain_word, any_name | plain_word)


def names(scientist: str, project: str) -> ProjectNames:
    return ProjectNames(scientist=scientist, account=ACCOUNT, project=project)


@given(pairs)
def test_bucket_names_are_valid_for_s3(pair: tuple[str, str]) -> None:
    bucket = names(*pair).bucket
    assert 3 <= len(bucket) <= 63
    assert re.fullmatch(r"gotocloud-data-[a-z0-9-]*[a-z0-9]", bucket)
    assert not bucket.endswith(("-s3alias", "--ol-s3", "--x-s3", "--table-s3"))


@given(pairs)
def test_iam_admits_every_bucket_of_the_account(pair: tuple[str, str]) -> None:
    bucket = names(*pair).bucket
    assert fnmatchcase(bucket, project_buckets(ACCOUNT))
    assert ACCOUNT in names(*pair).cluster


@pytest.mark.parametrize("length", range(20, 65))
def test_a_long_name_of_single_sign_on_leaves_the_account_whole(length: int) -> None:
    made = names(f"{'a' * (length - 12)}@lab.example", "apoferritin")
    assert fnmatchcase(made.bucket, project_buckets(ACCOUNT))
    assert f"-{ACCOUNT}-apof" in made.bucket
    assert f"-{ACCOUNT}-apof" in made.cluster


@given(pairs)
def test_cluster_names_are_valid_for_parallelcluster(pair: tuple[str, str]) -> None:
    assert re.fullmatch(r"[a-z][a-z0-9-]{0,38}[a-z0-9]", names(*pair).cluster)


@given(pairs)
def test_stack_names_are_valid_for_cloudformation(pair: tuple[str, str]) -> None:
    for stack in (names(*pair).project_stack, names(*pair).cluster_stack):
        assert re.fullmatch(r"[a-zA-Z][-a-zA-Z0-9]{0,127}", stack)


@given(pairs, pairs)
def test_different_projects_never_share_a_name(
    one: tuple[str, str], other: tuple[str, str]
) -> None:
    if one != other:
        assert names(*one).base != names(*other).base
        assert names(*one).cluster != names(*other).cluster


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (("Lab", "map"), ("lab", "map")),
        (("lab", "map 1"), ("lab", "map-1")),
        (("lab", "map-"), ("lab", "map")),
        (("lab", "タンパク質"), ("lab", "核酸")),
        (("a", f"b-{ACCOUNT}-c"), (f"a-{ACCOUNT}-b", "c")),
        (("lab", "x" * 80 + "1"), ("lab", "x" * 80 + "2")),
        (("lab", "é"), ("lab", "e")),
    ],
)
def test_look_alikes_stay_apart(one: tuple[str, str], other: tuple[str, str]) -> None:
    assert names(*one).base != names(*other).base
    assert names(*one).cluster != names(*other).cluster


def test_a_plain_name_stays_as_the_paper_has_it() -> None:
    assert names("scientist1", "apoferritin").base == f"scientist1-{ACCOUNT}-apoferritin"
    assert names("scientist1", "apoferritin").cluster == f"scientist1-{ACCOUNT}-apoferritin"


def test_a_long_name_is_cut_for_the_cluster_only() -> None:
    made = names("scientist1", "beta-galactosidase-2026")
    assert made.base == f"scientist1-{ACCOUNT}-beta-galactosidase-2026"
    assert re.fullmatch(rf"scientist1-{ACCOUNT}-beta--[0-9a-f]{{10}}", made.cluster)


def test_the_tags_bring_the_originals_back() -> None:
    tags = names("Scientist@Lab.example", "β-gal 2026").tags
    assert tags["gtc:iam-user"] == "Scientist@Lab.example"
    assert tags["gtc:project"] == "=CE=B2-gal 2026"
    assert from_tag(tags["gtc:project"]) == "β-gal 2026"
