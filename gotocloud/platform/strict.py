"""The base of what the platform's files hold."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class StrictModel(BaseModel):
    """Values that do not change, read from a file that has no other keys."""

    model_config = ConfigDict(frozen=True, extra="forbid")
