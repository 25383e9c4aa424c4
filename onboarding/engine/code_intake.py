"""One-time codes as they come in: from a person, a gateway or a mailbox, one or many at a time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from sqlalchemy import Connection

from onboarding.core.codes import parse_code
from onboarding.core.operations import natural_key
from onboarding.core.restored import is_from_before
from onboarding.core.steps import Move, Restore
from onboarding.engine.changing import no_onboarding, write_moves
from onboarding.engine.context import Context
from onboarding.engine.definition import is_newer, newer_refused
from onboarding.engine.restoring import restore_of
from onboarding.errors import ConflictError, OnboardingError, StoreError, TransitionRefusedError
from onboarding.model import JournaledOperation, Onboarding, Operation, State, changed
from onboarding.store import journal, onboardings
from onboarding.store.database import again_if_unlucky, writing
from onboarding.telemetry import log

_FAULT = "the code could not be taken; this is a fault of the program"

Taken = dict[str, Onboarding | OnboardingError]


def submit_codes(
    ctx: Context, given: Sequence[tuple[str, str]], actor: str
) -> list[Onboarding | OnboardingError]:
    """Take one-time codes that holders got; they are sent to Meta at the next pass.

    All are taken in one transaction, and one that is refused refuses no other. What is given for
    one onboarding twice is taken one after the other.

    Args:
        ctx: the engine's parts.
        given: onboarding ids, and digits or whole messages.
        actor: who is named in the histories.

    Returns:
        For each the onboarding, or why its code was not taken: ``InputError`` (no code of six
        digits in the text), ``ConflictError`` (it was sent to Meta before),
        ``TransitionRefusedError`` (no code was asked for), ``SchemaError`` (a newer release wrote
        the onboarding), ``NotFoundError``.

    Raises:
        StoreError: the database cannot be used.
    """
    taken: dict[int, Onboarding | OnboardingError] = {}
    rounds: list[dict[str, tuple[int, str]]] = []
    for place, (id_, text) in enumerate(given):
        try:
            code = parse_code(text)
        except OnboardingError as error:
            taken[place] = error
            continue
        turn = next((turn for turn in rounds if id_ not in turn), None)
        if turn is None:
            rounds.append(turn := {})
        turn[id_] = (place, code)
    for turn in rounds:
        came = _take_split(ctx, {id_: code for id_, (_, code) in turn.items()}, actor)
        taken |= {place: came[id_] for id_, (place, _) in turn.items()}
    return [taken[place] for place in range(len(given))]


def _take_split(ctx: Context, codes: Mapping[str, str], actor: str) -> Taken:
    """Take codes; if that fails for a reason of one of them, the others are taken without it."""
    try:
        return again_if_unlucky(lambda: _take(ctx, codes, actor))
    except StoreError:
        raise
    except Exception as error:  # noqa: BLE001 - one machine must never stop the others
        if len(codes) == 1:
            (id_,) = codes
            log.exception("code_not_taken", onboarding=id_, error=type(error).__name__)
            return {id_: OnboardingError(_FAULT, hint="see the log, and report it")}
    ids = sorted(codes)
    halves = ids[: len(ids) // 2], ids[len(ids) // 2 :]
    first, second = (_take_split(ctx, {id_: codes[id_] for id_ in half}, actor) for half in halves)
    return first | second


def _take(ctx: Context, codes: Mapping[str, str], actor: str) -> Taken:
    with writing(ctx.database) as conn:
        return take_codes(ctx, conn, codes, actor, {})


def take_codes(
    ctx: Context,
    conn: Connection,
    codes: Mapping[str, str],
    actor: str,
    detail: Mapping[str, str],
) -> Taken:
    """Take codes, by onboarding id, in an open transaction; see ``submit_codes``.

    Args:
        ctx: the engine's parts.
        conn: an open transaction that writes.
        codes: six digits each.
        actor: who is named in the histories.
        detail: how the codes came, for the histories.
    """
    now = ctx.clock.now()
    rows = onboardings.load_onboardings(conn, list(codes), lock=True)
    marked = {
        id_: changed(row, code_mac=ctx.vault.mac(row.phone_number_id or "", codes[id_]))
        for id_, row in rows.items()
    }
    refused = _refused(conn, list(marked.values()), now)
    refused |= {id_: no_onboarding(id_) for id_ in codes if id_ not in rows}
    steps = [
        (row, replace(_given(ctx, marked[id_], codes[id_], now), detail=detail))
        for id_, row in rows.items()
        if id_ not in refused
    ]
    return refused | write_moves(ctx, conn, steps, actor, now)


def _given(ctx: Context, marked: Onboarding, code: str, now: datetime) -> Move:
    changes = {
        "code_sealed": ctx.vault.seal(code),
        "code_mac": marked.code_mac,
        "code_given_at": now,
    }
    return Move(note="code_given", reason="a code was given", changes=changes)


def _refused(conn: Connection, marked: Sequence[Onboarding], now: datetime) -> Taken:
    """Return whose code is not taken, and why; with three queries however many there are."""
    restore = restore_of(conn, now)
    asking = {
        op.onboarding_id
        for op in journal.load_pressing(conn, [row.id for row in marked])
        if _asks(op, restore)
    }
    keys = {row.id: natural_key(Operation.VERIFY_CODE, row) for row in marked}
    used = journal.codes_used(conn, list(keys.values()))
    refused: Taken = {}
    for row in marked:
        if why := _unexpected(row, restore, is_asking=row.id in asking):
            refused[row.id] = why
        elif keys[row.id] in used:
            refused[row.id] = ConflictError(
                "this code was sent to Meta before", field="code", hint="give the newest code"
            )
    return refused


def _asks(operation: JournaledOperation, restore: Restore | None) -> bool:
    """Whether a code may be on its way by this call; not by one of before a restore."""
    is_ours = restore is None or operation.intent_at > restore.at
    return operation.name is Operation.REQUEST_CODE and operation.is_open and is_ours


def _unexpected(
    row: Onboarding, restore: Restore | None, *, is_asking: bool
) -> OnboardingError | None:
    """Return why the code is not taken, or none is expected; ``None`` if one is."""
    if is_newer(row):
        return newer_refused(row)
    if row.state is State.OTP_PENDING and not is_from_before(row.code_sent_at, restore):
        return None
    if is_asking and row.state in (State.CREATED, State.OTP_PENDING):
        return None
    if row.state is State.OTP_PENDING:
        return TransitionRefusedError(
            "the database was restored since this code was asked for, so it may have been sent "
            "to Meta already",
            hint="another one is asked for; give that",
        )
    return TransitionRefusedError(
        f"no code is expected while the onboarding is '{row.state}'",
        hint=f"onboarding code {row.id} --ready   says that the holder can read one"
        if row.state is State.CREATED
        else f"see: onboarding show {row.id}",
    )
