"""One-time codes for numbers of a pool: from a person, a gateway or a mailbox."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import Connection

from onboarding.core.codes import parse_code
from onboarding.core.pool.codes import needs_code
from onboarding.core.pool.lifecycle import OFFERED, PoolState
from onboarding.core.pool.model import PoolNumber
from onboarding.core.pool.steps import PoolMove, PoolSnapshot
from onboarding.core.restored import is_from_before
from onboarding.engine.context import Context
from onboarding.engine.pool_changes import Make, change, change_locked, require_state
from onboarding.errors import ConflictError, TransitionRefusedError
from onboarding.model import Operation, OperationStatus
from onboarding.store import pools


def code_ready(ctx: Context, reference: str, actor: str) -> PoolNumber:
    """Take a person's word that a code for the number is read now: one is asked for if needed."""

    def make(snap: PoolSnapshot, _: datetime) -> PoolMove:
        require_state(snap.row, (PoolState.REQUESTED, *OFFERED), "no code is needed")
        reason = "somebody reads the code now"
        return PoolMove(note="code_ready", reason=reason, changes={"code_ready": True})

    return change(ctx, reference, actor, make)


def submit_code(ctx: Context, reference: str, text: str, actor: str) -> PoolNumber:
    """Take the one-time code of a number of the pool; it is sent to Meta at the next pass.

    Raises:
        InputError: no code in the text.
        ConflictError: it was sent to Meta before.
        TransitionRefusedError: no code was asked for.
    """
    return change(ctx, reference, actor, _giving(ctx, parse_code(text), {}))


def take_code(
    ctx: Context,
    conn: Connection,
    row: PoolNumber,
    code: str,
    *,
    actor: str,
    detail: Mapping[str, str],
) -> PoolNumber:
    """Take six digits in an open transaction; see ``submit_code``.

    Args:
        ctx: the engine's parts.
        conn: an open transaction that writes.
        row: whose code it is.
        code: six digits.
        actor: who is named in the history.
        detail: how the code came, for the history.
    """
    return change_locked(ctx, conn, row.id, actor, _giving(ctx, code, detail))


def load_waiting(
    ctx: Context, conn: Connection, number_keys: list[str], now: datetime
) -> list[PoolNumber]:
    """Return the numbers of pools among these whose ownership a code is to prove now."""
    rows = pools.load_slots(conn, number_keys).values()
    return [row for row in rows if row.state in OFFERED and needs_code(row, now, ctx.policy)]


def _giving(ctx: Context, code: str, detail: Mapping[str, str]) -> Make:
    def make(snap: PoolSnapshot, now: datetime) -> PoolMove:
        mac = ctx.vault.mac(snap.row.preverified_id or "", code)
        if not needs_code(snap.row, now, ctx.policy):
            raise _unexpected(snap.row)
        _require_asked(snap)
        _require_unused(snap, mac)
        changes = {"code_sealed": ctx.vault.seal(code), "code_mac": mac}
        return PoolMove(
            note="code_given", reason="a code was given", changes=changes, detail=detail
        )

    return make


def _unexpected(row: PoolNumber) -> TransitionRefusedError:
    return TransitionRefusedError(
        f"no code is expected while the number of the pool is '{row.state}'",
        hint=f"onboarding pool code {row.id} --ready   says that somebody can read one",
    )


def _require_asked(snap: PoolSnapshot) -> None:
    """Refuse a code that nobody asked for, or that may have been sent before a restore."""
    row, asked, restore = snap.row, snap.open_operation, snap.restore
    if row.state not in OFFERED:
        raise _unexpected(row)
    is_ours = asked is not None and (restore is None or asked.intent_at > restore.at)
    if asked is not None and asked.name is Operation.REQUEST_PREVERIFIED_CODE and is_ours:
        return
    if row.code_sent_at is None:
        raise _unexpected(row)
    if is_from_before(row.code_sent_at, restore):
        raise TransitionRefusedError(
            "the database was restored since this code was asked for, so it may have been sent "
            "to Meta already",
            hint="another one is asked for; give that",
        )


def _require_unused(snap: PoolSnapshot, mac: str) -> None:
    sent = {op.natural_key for op in snap.attempts.made if op.status is not OperationStatus.UNSENT}
    if f"{snap.row.preverified_id}/{mac}" in sent:
        raise ConflictError(
            "this code was sent to Meta before", field="code", hint="give the newest code"
        )
