"""Taking in requests: all are checked before any is stored, and asking twice changes nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from sqlalchemy import Connection

from onboarding.core.name_rules import NameFinding, check_display_name
from onboarding.engine.context import Context, Ids
from onboarding.engine.name_checks import name_refusals
from onboarding.engine.pool_claiming import claim_refusals, reserve
from onboarding.engine.repeats import known_of
from onboarding.engine.requests import (
    NumberRequest,
    Refusal,
    RequestsRefusedError,
    ValidRequest,
    validate,
)
from onboarding.engine.taking_in import (
    Into,
    in_batch,
    note_canaries,
    open_batch,
    row_of,
    rows_of,
    store_rows,
)
from onboarding.errors import InputError
from onboarding.model import Entry, Onboarding
from onboarding.store import accounts
from onboarding.store.database import again_if_raced, reading, writing


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """What became of a request: ``created``, or ``known`` because it was asked for before.

    Attributes:
        onboarding: the onboarding as it stands.
        result: ``created`` or ``known``.
        warning: what speaks against sending a code to this number; empty if nothing does.
        name_findings: what speaks against its display name.
    """

    onboarding: Onboarding
    result: str
    warning: str = ""
    name_findings: tuple[NameFinding, ...] = ()


def accept(
    ctx: Context, requests: Sequence[NumberRequest], actor: str, *, strict_names: bool = False
) -> list[Receipt]:
    """Store requests, all of them or none; one that is known already gives its onboarding.

    With ``strict_names`` a display name that breaks a published rule of Meta's is refused.

    Raises:
        RequestsRefusedError: which of them cannot be accepted, and why.
    """
    receipts, refusals = accept_sound(ctx, requests, actor, strict_names=strict_names)
    if refusals:
        raise RequestsRefusedError(refusals)
    return [receipts[index] for index in range(len(requests))]


def accept_sound(
    ctx: Context,
    requests: Sequence[NumberRequest],
    actor: str,
    *,
    strict_names: bool = False,
    leave_out: bool = False,
    into: Into | None = None,
) -> tuple[dict[int, Receipt], Sequence[Refusal]]:
    """Store the sound ones of some requests: with ``leave_out`` although others are refused.

    Returns:
        What became of those that were taken, by their places, and why the others were refused.

    Raises:
        ConflictError: their batch was cancelled.
    """
    valid, refused = _validated(ctx, requests, strict_names=strict_names)
    checked, stored = _accept_in_time(ctx, valid, refused, actor, leave_out=leave_out, into=into)
    receipts = {
        index: Receipt(
            onboarding=row,
            result="known" if index in checked.known else "created",
            warning="" if index in checked.known else warning_of(valid[index]),
            name_findings=check_display_name(requests[index].display_name),
        )
        for index, row in (*checked.known.items(), *stored.items())
    }
    return receipts, checked.refusals


def warning_of(valid: ValidRequest) -> str:
    """Return what speaks against sending a code to the number; nothing if none is needed."""
    return valid.code.warning if valid.entry is not Entry.EMBEDDED_SIGNUP else ""


def _validated(
    ctx: Context, requests: Sequence[NumberRequest], *, strict_names: bool
) -> tuple[Mapping[int, ValidRequest], Sequence[Refusal]]:
    valid, refusals = validate(requests, ctx.clock.now())
    return valid, [*refusals, *(name_refusals(valid) if strict_names else ())]


def _accept_in_time(
    ctx: Context,
    valid: Mapping[int, ValidRequest],
    refusals: Sequence[Refusal],
    actor: str,
    *,
    leave_out: bool,
    into: Into | None,
) -> tuple[Checked, Mapping[int, Onboarding]]:
    """Store what is new; who comes too late for a number of the pool is refused, and no other."""
    while True:
        known = tuple(refusals)
        try:
            return again_if_raced(
                lambda: _accept(ctx, valid, known, actor, leave_out=leave_out, into=into)  # noqa: B023
            )
        except RequestsRefusedError as error:
            refusals = [*refusals, *error.refusals]


def _accept(
    ctx: Context,
    valid: Mapping[int, ValidRequest],
    refusals: Sequence[Refusal],
    actor: str,
    *,
    leave_out: bool,
    into: Into | None,
) -> tuple[Checked, Mapping[int, Onboarding]]:
    """Store what is new; return what was found, and what was stored.

    Raises:
        RequestsRefusedError: somebody else was faster to claim a number of the pool.
    """
    with writing(ctx.database) as conn:
        now = ctx.clock.now()
        batch = open_batch(conn, into)
        checked = compare(ctx, conn, valid, refusals)
        if leave_out:
            bad = {refusal.index for refusal in checked.refusals}
            checked = replace(
                checked,
                fresh={index: each for index, each in checked.fresh.items() if index not in bad},
                known={index: row for index, row in checked.known.items() if index not in bad},
            )
        elif checked.refusals:
            return replace(checked, fresh={}, known={}), {}
        rows = rows_of(ctx, checked.fresh, actor, now)
        if batch is not None and into is not None:
            rows = {
                index: in_batch(row, batch, into.after_line + into.lines[index])
                for index, row in rows.items()
            }
        store_rows(ctx, conn, rows, checked.fresh, batch=batch, actor=actor, now=now)
        note_canaries(conn, batch)
        if late := reserve(ctx, conn, rows, actor):
            raise RequestsRefusedError(late)
        return checked, rows


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """What storing a batch would do, by the requests' places in it.

    Attributes:
        fresh: requests that would make a new onboarding.
        known: onboardings that requests ask for again.
        refusals: requests that cannot be accepted, in order; with any, nothing is stored.
    """

    fresh: Mapping[int, ValidRequest]
    known: Mapping[int, Onboarding]
    refusals: Sequence[Refusal]


def check(
    ctx: Context, requests: Sequence[NumberRequest], *, strict_names: bool = False
) -> Checked:
    """Check requests as storing them would, and store nothing."""
    validated = _validated(ctx, requests, strict_names=strict_names)
    with reading(ctx.database) as conn:
        return compare(ctx, conn, *validated)


def preview(ctx: Context, requests: Sequence[NumberRequest], actor: str) -> list[Onboarding]:
    """Return the onboardings that requests would make, for a look ahead; nothing is stored.

    Their WABAs need not be known yet. One that is known already is left out.

    Raises:
        RequestsRefusedError: which of them could not be accepted otherwise, and why.
    """
    now, ids = ctx.clock.now(), Ids(ctx.clock.now())
    valid, refusals = validate(requests, now)
    with reading(ctx.database) as conn:
        known, conflicts = known_of(ctx, conn, valid)
    if found := sorted([*refusals, *conflicts], key=lambda refusal: refusal.index):
        raise RequestsRefusedError(found)
    fresh = [each for index, each in valid.items() if index not in known]
    return [row_of(ctx, each, ids.next(), actor, now) for each in fresh]


def compare(
    ctx: Context, conn: Connection, valid: Mapping[int, ValidRequest], refusals: Sequence[Refusal]
) -> Checked:
    """Compare sound requests with what is stored."""
    known, conflicts = known_of(ctx, conn, valid)
    fresh = {index: each for index, each in valid.items() if index not in known}
    conflicts += claim_refusals(ctx, conn, fresh)
    found = [*refusals, *_unknown_accounts(conn, valid)]
    refused = {refusal.index for refusal in found}
    found += [conflict for conflict in conflicts if conflict.index not in refused]
    return Checked(
        fresh=fresh,
        known=known,
        refusals=sorted(found, key=lambda refusal: refusal.index),
    )


def _unknown_accounts(conn: Connection, valid: Mapping[int, ValidRequest]) -> list[Refusal]:
    wanted = sorted({each.request.waba_id for each in valid.values()})
    there = accounts.load_accounts(conn, wanted)
    return [
        Refusal(
            index,
            InputError(
                f"the WABA '{each.request.waba_id}' is not known here",
                field="waba_id",
                hint=f"run: onboarding account add {each.request.waba_id or 'WABA_ID'}",
            ),
        )
        for index, each in valid.items()
        if each.request.waba_id not in there
    ]
