"""The pieces of the picture: rows of text with a symbol, and boxes of such rows."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from html import escape

CHARACTER = 0.6
"""Mean width of a character, in font sizes, of the sans-serif fonts that browsers use."""

PADDING = 10

SYMBOLS = {
    "efs": '<path d="M1 4h5l1.5 2H15v7H1z"/><path d="M1 8h14"/>',
    "copy": '<path d="M1 4h9v9H1zM6 2h9v9"/><path d="M3 8.5h5M6 6l2.5 2.5L6 11"/>',
    "lustre": '<path d="M1 3h14v4H1zM1 9h14v4H1z"/><path d="M3.5 5h.1M3.5 11h.1M6 5h6M6 11h6"/>',
    "s3": '<path d="M2 3.5c0-2 12-2 12 0L12.6 13c0 1.6-9.2 1.6-9.2 0z"/>'
    '<path d="M2 3.5c0 2 12 2 12 0"/>',
    "head": '<path d="M1 2h14v9H1zM5 14h6M8 11v3"/>',
    "gateway": '<path d="M1 8h12M9 4l4 4-4 4M15 2v12"/>',
    "subnet": '<path d="M2 2h12v12H2z" stroke-dasharray="2 2"/>',
    "linked": '<path d="M1 8h4M11 8h4"/><circle cx="8" cy="8" r="3" class="full"/>',
    "unlinked": '<path d="M1 8h4M11 8h4" stroke-dasharray="2 2"/><path d="M5 5l6 6M11 5l-6 6"/>',
}
"""Line drawings in a 16 x 16 field. Shapes tell them apart; colour only helps."""


@dataclass(frozen=True)
class PictureRow:
    """A line of text, with a symbol before it and a remark at its right end.

    Args:
        text: Its text.
        note: The remark, cut first where room is short. Default: none.
        symbol: A key of `SYMBOLS`. Default: none.
        style: CSS class of the text: `title`, `plain` or `small`.
    """

    text: str
    note: str = ""
    symbol: str = ""
    style: str = "plain"

    @property
    def height(self) -> int:
        return {"title": 24, "plain": 21, "small": 18}[self.style]

    @property
    def size(self) -> float:
        return {"title": 14.5, "plain": 13, "small": 12}[self.style]

    def draw(self, x: float, y: float, width: float) -> str:
        """The row with its upper left corner at (x, y)."""
        baseline = y + self.height - 7
        indent = 23 if self.symbol else 0
        icon = (
            f'<g class="symbol {self.symbol}" transform="translate({x:g} {baseline - 12:g})">'
            f"{SYMBOLS[self.symbol]}</g>"
            if self.symbol
            else ""
        )
        room = width - indent
        text = _text(self.text, x + indent, baseline, room, self.style, self.size)
        room -= len(self.text) * CHARACTER * self.size + 12
        if not self.note or room < CHARACTER * 12 * 6:
            return icon + text
        return icon + text + _text(self.note, x + width, baseline, room, "note", 12)


@dataclass(frozen=True)
class Pairs:
    """Short name and value pairs, one below the other in one or two columns.

    Args:
        pairs: The names and values.
        columns: One where the room is narrow.
    """

    pairs: tuple[tuple[str, str], ...]
    columns: int

    @property
    def height(self) -> int:
        return 18 * -(-len(self.pairs) // self.columns)

    def draw(self, x: float, y: float, width: float) -> str:
        """The pairs with their upper left corner at (x, y)."""
        gap = 24
        column = (width - gap * (self.columns - 1)) / self.columns
        return "".join(
            PictureRow(name, note=value, style="small").draw(
                x + (column + gap) * (number % self.columns),
                y + 18 * (number // self.columns),
                column,
            )
            for number, (name, value) in enumerate(self.pairs)
        )


@dataclass(frozen=True)
class Box:
    """A frame around rows, pairs and other boxes.

    Args:
        style: CSS class of the frame.
        parts: What is inside, from top to bottom.
        peering: Id of the peering that ends at this box. Default: none does.
    """

    style: str
    parts: tuple[PictureRow | Pairs | Box, ...]
    peering: str = ""

    @property
    def height(self) -> int:
        inner = sum(part.height for part in self.parts)
        gaps = 8 * sum(1 for part in self.parts if isinstance(part, Box))
        return inner + gaps + 2 * PADDING - 4

    def draw(self, x: float, y: float, width: float) -> str:
        """The box with its upper left corner at (x, y)."""
        frame = (
            f'<rect class="{self.style}" x="{x:g}" y="{y:g}" width="{width:g}" '
            f'height="{self.height}" rx="7"/>'
        )
        return frame + stacked(self.parts, x + PADDING, y + PADDING - 3, width - 2 * PADDING)


def stacked(parts: Iterable[PictureRow | Pairs | Box], x: float, y: float, width: float) -> str:
    """Parts below each other."""
    drawn = []
    for part in parts:
        if isinstance(part, Box):
            y += 4
        drawn.append(part.draw(x, y, width))
        y += part.height + (4 if isinstance(part, Box) else 0)
    return "".join(drawn)


def tops(
    parts: Iterable[PictureRow | Pairs | Box], y: float
) -> list[tuple[PictureRow | Pairs | Box, float]]:
    """Each part with the y of its upper edge, as `stacked` puts it."""
    placed = []
    for part in parts:
        if isinstance(part, Box):
            y += 4
        placed.append((part, y))
        y += part.height + (4 if isinstance(part, Box) else 0)
    return placed


def _text(text: str, x: float, y: float, room: float, style: str, size: float) -> str:
    """Text cut to its room; the whole of it stays readable as a tooltip."""
    fitting = max(4, int(room / (CHARACTER * size)))
    whole = f"<title>{escape(text)}</title>" if len(text) > fitting else ""
    shown = text if len(text) <= fitting else text[: fitting - 1] + "…"
    end = ' text-anchor="end"' if style == "note" else ""
    return f'<text class="{style}" x="{x:g}" y="{y:g}"{end}>{whole}{escape(shown)}</text>'
