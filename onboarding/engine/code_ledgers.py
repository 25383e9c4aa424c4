"""The ledgers of one-time codes, read for any number of onboardings at once."""

from __future__ import annotations

from collections.abc import Sequence

from onboarding.core.code_ledger import CodeLedger, ledger_of
from onboarding.core.steps import Snapshot
from onboarding.engine.context import Context
from onboarding.engine.looking import load_attempts, read_by_intakes
from onboarding.engine.restoring import restore_of
from onboarding.model import Entry, Onboarding, State
from onboarding.store import accounts
from onboarding.store.database import reading


def code_ledgers(ctx: Context, rows: Sequence[Onboarding]) -> list[CodeLedger]:
    """Return the ledger of each onboarding's number, in the same order; a few queries in all."""
    with reading(ctx.database) as conn:
        now = ctx.clock.now()
        restore = restore_of(conn, now)
        attempts = load_attempts(ctx, conn, rows, now, restore)
        known = accounts.load_accounts(conn, sorted({row.waba_id for row in rows}))
    return [
        ledger_of(
            Snapshot(
                row=row,
                account=known[row.waba_id],
                attempts=attempts[row.number_key],
                restore=restore,
                **read_by_intakes(ctx, row),
            ),
            now,
            ctx.policy,
        )
        for row in rows
    ]


def needs_code(row: Onboarding) -> bool:
    """Whether a code is still to come; what comes from Embedded Signup is proven there."""
    return row.state is not State.REQUESTED or row.entry is not Entry.EMBEDDED_SIGNUP
