"""What a rule returns when Meta does not refuse."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Result:
    """The body of a success, and whether anything at Meta is different now."""

    body: dict[str, Any]
    effect: bool = False


def succeed(*, effect: bool) -> Result:
    """Return Meta's plain yes."""
    return Result({"success": True}, effect=effect)
