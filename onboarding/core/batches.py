"""Batches: numbers that were asked for together, and which of them may begin."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from onboarding.core.lifecycle import FINAL
from onboarding.model import Onboarding, Reason, State


class Standing(StrEnum):
    """How a batch stands."""

    LOADING = "loading"
    CANARY = "canary"
    RUNNING = "running"
    PAUSED = "paused"
    CANCELLED = "cancelled"


#: How far a canary may be asked to come, in the order of the way there.
WAY = (
    State.CREATED,
    State.OTP_PENDING,
    State.VERIFIED,
    State.NAME_REVIEW,
    State.REGISTER_DEADLINE,
    State.REGISTERED,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """Numbers that were asked for together.

    Attributes:
        id: unique for ever.
        name: what people call it; unique.
        source: the file that it was begun with.
        digest: of that file's content, while it is being imported.
        created_by: who imported it.
        created_at: when the import began.
        loaded_at: when the import was complete; ``None``: nothing of it begins.
        canary: how many numbers go first; 0: none.
        canary_state: what those have to reach.
        canary_line: the line of the last of them; ``None``: all that are there.
        canary_passed_at: when they had.
        paused_at: since when it is paused, if it is.
        cancelled_at: when it was given up.
        changed_by: who changed its standing last.
        reason: why.
    """

    id: str
    name: str
    source: str
    digest: str | None
    created_by: str
    created_at: datetime
    loaded_at: datetime | None = None
    canary: int = 0
    canary_state: State = State.REGISTERED
    canary_line: int | None = None
    canary_passed_at: datetime | None = None
    paused_at: datetime | None = None
    cancelled_at: datetime | None = None
    changed_by: str
    reason: str = ""
    history_seq: int = 0
    head_hash: str = ""

    @property
    def standing(self) -> Standing:
        """How it stands; ``store/tables/batches.py`` says the same in SQL."""
        if self.cancelled_at is not None:
            return Standing.CANCELLED
        if self.paused_at is not None:
            return Standing.PAUSED
        if self.loaded_at is None:
            return Standing.LOADING
        if self.canary and self.canary_passed_at is None:
            return Standing.CANARY
        return Standing.RUNNING

    def is_canary(self, line: int | None) -> bool:
        """Whether the number of a line goes first."""
        if not self.canary or line is None:
            return False
        return self.canary_line is None or line <= self.canary_line


def gate(batch: Batch, row: Onboarding) -> Reason | None:
    """Return why a number of the batch has to wait; ``None``: it may go on.

    A pause stops all that is on its way; the canaries hold back only what has not begun.
    """
    match batch.standing:
        case Standing.PAUSED:
            return Reason.BATCH_PAUSED
        case Standing.CANCELLED if row.cycle == 1:  # one that was started anew since is wanted
            return Reason.BATCH_PAUSED
        case Standing.LOADING if row.state is State.REQUESTED:
            return Reason.BATCH
        case Standing.CANARY if row.state is State.REQUESTED:
            return None if batch.is_canary(row.batch_line) else Reason.BATCH
        case _:
            return None


class Verdict(StrEnum):
    """What the canaries of a batch say."""

    WAIT = "wait"
    PASSED = "passed"
    FAILED = "failed"


def judge_canaries(batch: Batch, rows: list[Onboarding]) -> tuple[Verdict, str]:
    """Return what the canaries say, and in words why.

    One that ended elsewhere fails them all; one that waits for a person only holds the rest back.
    """
    if lost := [row for row in rows if row.state in FINAL and not has_reached(batch, row)]:
        first = lost[0]
        return Verdict.FAILED, f"the canary {first.phone_number} is '{first.state}'"
    if not all(has_reached(batch, row) for row in rows):
        return Verdict.WAIT, ""
    noun = "canary" if len(rows) == 1 else "canaries"
    return Verdict.PASSED, f"{len(rows)} {noun} reached '{batch.canary_state}'"


def has_reached(batch: Batch, row: Onboarding) -> bool:
    """Whether a number came as far as the batch asks of its canaries."""
    if row.registered_at is not None:
        return True
    return row.state in WAY and WAY.index(row.state) >= WAY.index(batch.canary_state)
