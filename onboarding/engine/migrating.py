"""Starting a migration: the claim on the number moves in one transaction."""

from __future__ import annotations

from dataclasses import dataclass

from onboarding.core.migrations import require_source, started
from onboarding.engine.accept import compare
from onboarding.engine.changing import no_onboarding, write_moves
from onboarding.engine.context import Context
from onboarding.engine.requests import NumberRequest, RequestsRefusedError, validate
from onboarding.engine.taking_in import rows_of, store_rows
from onboarding.errors import ConflictError
from onboarding.model import CodeMethod, Entry, Onboarding
from onboarding.store import journal, onboardings
from onboarding.store.database import again_if_raced, writing


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    """What is asked for: where the number is to go, why, and how its next code reaches the holder.

    What is not said of the code stays as it was.
    """

    to: str
    reason: str
    actor: str
    code_method: CodeMethod | str | None = None
    code_language: str | None = None
    code_window: str | None = None
    code_ready: bool = False


def start(ctx: Context, source_id: str, asked: Start) -> Onboarding:
    """Have a number of ours migrated to another WABA of ours; return the destination's onboarding.

    Raises:
        InputError: the WABA is not known, or the number is on it.
        TransitionRefusedError: the number is not at rest where it is.
        ConflictError: what became of a call for it is not known yet.
    """
    return again_if_raced(lambda: _start(ctx, source_id, asked))


def _start(ctx: Context, source_id: str, asked: Start) -> Onboarding:
    with writing(ctx.database) as conn:
        now = ctx.clock.now()
        source = onboardings.load_onboardings(conn, [source_id], lock=True).get(source_id)
        if source is None:
            raise no_onboarding(source_id)
        require_source(source, asked.to)
        if calls := journal.load_pressing(conn, [source.id]):
            raise ConflictError(
                f"what became of {calls[0].name} is not known yet",
                hint=f"wait until it is settled, then look again: onboarding show {source.id}",
            )
        # The source lets go first: at no instant do two onboardings have the claim.
        write_moves(ctx, conn, [(source, started(asked.to, asked.reason))], asked.actor, now)
        valid, refusals = validate([_request(source, asked)], now)
        checked = compare(ctx, conn, valid, refusals)
        if checked.refusals:
            raise RequestsRefusedError(checked.refusals)
        rows = rows_of(ctx, checked.fresh, asked.actor, now)
        store_rows(ctx, conn, rows, checked.fresh, source=source, actor=asked.actor, now=now)
        return rows[0]


def _request(source: Onboarding, asked: Start) -> NumberRequest:
    """Return the request of the destination; the name is the one that the number keeps."""
    shown = source.seen.verified_name if source.seen else None
    return NumberRequest(
        waba_id=asked.to,
        phone_number=source.phone_number,
        display_name=shown or source.display_name,
        entry=Entry.MIGRATION,
        code_method=asked.code_method or source.code_method,
        code_language=asked.code_language or source.code_language,
        code_window=asked.code_window or source.code_window,
        code_ready=asked.code_ready,
        again=True,
    )
