"""Taking in requests: all are checked before any is stored, and asking twice changes nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from sqlalchemy import Connection

from onboarding.core.lifecycle import LIVE
from onboarding.core.name_rules import NameFinding, check_display_name
from onboarding.core.timing import iso
from onboarding.engine.context import Context, Ids
from onboarding.engine.name_checks import name_refusals
from onboarding.engine.pool_claiming import claim_refusals, reserve
from onboarding.engine.requests import (
    NumberRequest,
    Refusal,
    RequestsRefusedError,
    ValidRequest,
    content_of,
    is_same,
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
from onboarding.errors import ConflictError, InputError
from onboarding.model import Entry, Onboarding, State
from onboarding.store import accounts, finding
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
        known, conflicts = _known(ctx, conn, valid)
    if found := sorted([*refusals, *conflicts], key=lambda refusal: refusal.index):
        raise RequestsRefusedError(found)
    fresh = [each for index, each in valid.items() if index not in known]
    return [row_of(ctx, each, ids.next(), actor, now) for each in fresh]


def compare(
    ctx: Context, conn: Connection, valid: Mapping[int, ValidRequest], refusals: Sequence[Refusal]
) -> Checked:
    """Compare sound requests with what is stored."""
    known, conflicts = _known(ctx, conn, valid)
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


def _known(
    ctx: Context, conn: Connection, valid: Mapping[int, ValidRequest]
) -> tuple[dict[int, Onboarding], list[Refusal]]:
    by_key = finding.load_by_key(conn, [v.request.key for v in valid.values() if v.request.key])
    by_number = finding.load_by_number(conn, [v.number.key for v in valid.values()])
    known: dict[int, Onboarding] = {}
    conflicts: list[Refusal] = []
    for index, each in valid.items():
        try:
            earlier = by_key.get(each.request.key or "")
            match = _same_key(each, earlier) or _same_number(
                each, by_number.get(each.number.key, [])
            )
            if match is not None:
                _require_same_pin(ctx, each, match)
        except ConflictError as error:
            conflicts.append(Refusal(index, error))
            continue
        if match is not None:
            known[index] = match
    return known, conflicts


def _same_key(each: ValidRequest, earlier: Onboarding | None) -> Onboarding | None:
    if earlier is not None and not is_same(each, earlier):
        raise ConflictError(
            f"the key '{each.request.key}' was used for another request "
            f"({_difference(each, earlier)} differs)",
            field="key",
            hint="use a new key for a new request",
        )
    return earlier


def _same_number(each: ValidRequest, earlier: Sequence[Onboarding]) -> Onboarding | None:
    # The one that lives comes first: an older one may have been started again.
    for row in sorted(earlier, key=lambda row: (row.state in LIVE, row.created_at), reverse=True):
        same = row.waba_id == each.request.waba_id and is_same(each, row)
        if same and (row.state in LIVE or not each.request.again):
            _require_same_key(each, row)
            return row
        if row.state in LIVE:
            differs = _difference(each, row)
            raise ConflictError(
                f"{each.number.e164} is onboarded on WABA {row.waba_id} already ({row.state}), "
                f"with another {differs}",
                field=differs,
                hint=_instead(each, row),
            )
    return None


def _instead(each: ValidRequest, row: Onboarding) -> str:
    if each.entry is Entry.MIGRATION and row.state is State.REGISTERED:
        return f"run: onboarding migrate start {row.id} --to {each.request.waba_id}"
    return f"see: onboarding show {row.id}"


def _require_same_key(each: ValidRequest, row: Onboarding) -> None:
    # Said to be known, a key that is not stored could be used for another number later. Its own
    # key a row has where it was stored between the look at the keys and that at the numbers.
    if each.request.key not in (None, row.key):
        raise ConflictError(
            f"{each.number.e164} is onboarded already, "
            + (f"with the key '{row.key}'" if row.key else "without a key"),
            field="key",
            hint="give the same key" if row.key else "leave the key out",
        )


def _require_same_pin(ctx: Context, each: ValidRequest, row: Onboarding) -> None:
    sealed = row.pin_pending_sealed or row.pin_sealed
    pin = each.request.pin
    if pin is not None and (sealed is None or ctx.vault.open(sealed) != pin):
        raise ConflictError(
            f"{each.number.e164} is onboarded already, with another PIN or none",
            field="pin",
            hint=f"run: onboarding secrets set-pin {row.id}",
        )


def _difference(each: ValidRequest, row: Onboarding) -> str:
    """Return the name of the first field in which a request differs from what is stored."""
    onboarded_at = iso(row.onboarded_at) if row.onboarded_at else None
    for name, value in content_of(each, row).items():
        stored = onboarded_at if name == "onboarded_at" else getattr(row, name)
        if stored != value:
            return "phone_number" if name == "number_key" else name
    return "display_name"  # it was changed by a rename since
