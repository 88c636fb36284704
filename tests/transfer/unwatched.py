"""A listener for transfers that no test looks at."""

from __future__ import annotations


class Unwatched:
    """Receives the progress of a transfer and drops it."""

    def expect(self, files: int, size: int) -> None:
        """Nothing."""

    def sent(self, size: int) -> None:
        """Nothing."""

    def present(self, size: int) -> None:
        """Nothing."""

    def message(self, text: str) -> None:
        """Nothing."""
