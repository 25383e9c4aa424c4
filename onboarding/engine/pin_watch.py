"""Two-step PINs that somebody changed at Meta: a webhook tells of it, and no list ever does."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from onboarding.core.drift_pins import doubted_pin
from onboarding.engine.changing import write_moves
from onboarding.engine.context import Context
from onboarding.engine.definition import require_known
from onboarding.engine.looking import load_attempts
from onboarding.engine.restoring import restore_of
from onboarding.store import finding, onboardings


@dataclass(frozen=True, slots=True, kw_only=True)
class PinTold:
    """A ``security`` webhook: what happened to the PIN of which number, and when."""

    waba_id: str
    number_key: str
    event: str
    at: datetime


def note_pins(ctx: Context, conn: Connection, told: Sequence[PinTold], now: datetime) -> None:
    """Put registered numbers on hold whose PIN is another now, and was not changed by us."""
    if not told:
        return
    found = finding.load_by_number(conn, sorted({each.number_key for each in told}))
    ids = [row.id for rows in found.values() for row in rows]
    rows = onboardings.load_onboardings(conn, ids, lock=True)
    attempts = load_attempts(ctx, conn, rows.values(), now, restore_of(conn, now))
    steps = {}
    for each in told:
        for row in rows.values():
            if (row.waba_id, row.number_key) != (each.waba_id, each.number_key):
                continue
            require_known([row])
            step = doubted_pin(row, each.event, each.at, attempts[row.number_key], now)
            if step is not None:
                steps[row.id] = (row, step)
    write_moves(ctx, conn, list(steps.values()), "meta", now)
