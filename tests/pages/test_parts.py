"""Names and logs of other people are text in a page, whatever they hold."""

from __future__ import annotations

from html.parser import HTMLParser

from hypothesis import given
from hypothesis import strategies as st

from gotocloud.pages.parts import frame, identifier, identifiers, lines, section

HOSTILE = st.sampled_from(
    [
        "<!--<script>",
        "</title><script>alert(1)</script>",
        '" onmouseover="alert(1)',
        "' autofocus onfocus=alert(1) '",
        "</td></table><img src=x onerror=alert(1)>",
        "&lt;script&gt;",
        "${title} $sections $$",
        "%s %(x)s {0} {{x}}",
        "\u2028\u202e\x00\x0c",
        "x" * 4096,
    ]
)
TEXTS = HOSTILE | st.text(st.characters(blacklist_categories=["Cs"]), min_size=1, max_size=60)


class Reader(HTMLParser):
    """Tags with their attributes, and the text between them."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, tuple[str, ...]]] = []
        self.comments: list[str] = []
        self.text = ""
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, tuple(name for name, _ in attrs)))

    def handle_comment(self, data: str) -> None:
        self.comments.append(data)

    def handle_data(self, data: str) -> None:
        self.text += data


def page(text: str) -> str:
    cells = [identifier(text), lines([text]), identifiers([text, text])]
    return frame(
        title=text,
        lead="",
        numbers=[(text, text)],
        sections=[section("Jobs", "Names", ["a", "b", "c"], [cells])],
        footer=text,
    )


@given(TEXTS)
def test_no_text_becomes_a_tag_an_attribute_or_a_comment(text: str) -> None:
    plain, read = Reader(page("name")), Reader(page(text))
    assert read.tags == plain.tags
    assert read.comments == plain.comments


@given(TEXTS)
def test_a_text_is_read_as_it_was_written(text: str) -> None:
    assert Reader(identifier(text)).text == text
