"""Taking in requests: all are checked before any is stored, and asking twice changes nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import Connection

from onboarding.core.chain import Entry as HistoryEntry
from onboarding.core.deadlines import deadline_of, first_deadline
from onboarding.core.events import transitions
from onboarding.core.lifecycle import LIVE
from onboarding.core.migrations import Migration
from onboarding.core.name_rules import NameFinding, check_display_name
from onboarding.core.timing import iso
from onboarding.engine.announcing import announce
from onboarding.engine.context import DEFINITION, Context, Ids
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
from onboarding.errors import ConflictError, InputError
from onboarding.model import Deadline, Entry, Onboarding, State, changed
from onboarding.store import accounts, deadlines, finding, history, migrations, onboardings
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
    validated = _validated(ctx, requests, strict_names=strict_names)
    known, stored = again_if_raced(lambda: _accept(ctx, *validated, actor))
    return [
        Receipt(
            onboarding=known[index] if index in known else stored[index],
            result="known" if index in known else "created",
            warning="" if index in known else warning_of(validated[0][index]),
            name_findings=check_display_name(request.display_name),
        )
        for index, request in enumerate(requests)
    ]


def warning_of(valid: ValidRequest) -> str:
    """Return what speaks against sending a code to the number; nothing if none is needed."""
    return valid.code.warning if valid.entry is not Entry.EMBEDDED_SIGNUP else ""


def _validated(
    ctx: Context, requests: Sequence[NumberRequest], *, strict_names: bool
) -> tuple[Mapping[int, ValidRequest], Sequence[Refusal]]:
    valid, refusals = validate(requests, ctx.clock.now())
    return valid, [*refusals, *(name_refusals(valid) if strict_names else ())]


def _accept(
    ctx: Context, valid: Mapping[int, ValidRequest], refusals: Sequence[Refusal], actor: str
) -> tuple[Mapping[int, Onboarding], Mapping[int, Onboarding]]:
    """Store what is new; return what was known and what was stored."""
    with writing(ctx.database) as conn:
        now = ctx.clock.now()
        checked = compare(ctx, conn, valid, refusals)
        if checked.refusals:
            raise RequestsRefusedError(checked.refusals)
        stored = store(ctx, conn, checked.fresh, actor, now)
        if refused := reserve(ctx, conn, stored, actor):
            raise RequestsRefusedError(refused)
        return checked.known, stored


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
    conflicts += claim_refusals(conn, fresh)
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


def store(
    ctx: Context,
    conn: Connection,
    fresh: Mapping[int, ValidRequest],
    actor: str,
    now: datetime,
    *,
    source: Onboarding | None = None,
) -> dict[int, Onboarding]:
    """Store the onboardings that requests make; of a migration, ``source`` is the one it leaves."""
    ids = Ids(now)
    rows = {index: row_of(ctx, each, ids.next(), actor, now) for index, each in fresh.items()}
    onboardings.insert_onboardings(conn, list(rows.values()))
    entries = {
        row.id: [_first_entry(row, fresh[i].code.why, actor, now, source)]
        for i, row in rows.items()
    }
    history.append(
        conn,
        entries,
        {row.id: (0, "") for row in rows.values()},
    )
    deadlines.set_deadlines(conn, [_first_deadline(ctx, row) for row in rows.values()])
    moving = [row for row in rows.values() if row.entry is Entry.MIGRATION]
    migrations.insert_migrations(conn, [_migration(row, actor, now, source) for row in moving])
    announce(ctx, conn, [e for row in rows.values() for e in transitions(row, entries[row.id])])
    return rows


def row_of(ctx: Context, each: ValidRequest, id_: str, actor: str, now: datetime) -> Onboarding:
    """Return the onboarding that a sound request makes."""
    request, number = each.request, each.number
    row = Onboarding(
        id=id_,
        key=request.key,
        content_digest=each.digest,
        waba_id=request.waba_id,
        number_key=number.key,
        phone_number=number.e164,
        cc=number.cc,
        national_number=number.national_number,
        region=number.region,
        display_name=each.display_name,
        entry=each.entry,
        requested_by=actor,
        created_at=now,
        state=State.REQUESTED,
        state_since=now,
        definition=DEFINITION,
        next_due_at=now,
        waiting_since=now,
        code_method=each.code.method,
        code_language=each.code.language,
        code_window=request.code_window,
        code_ready=request.code_ready,
        onboarded_at=request.onboarded_at.astimezone(UTC) if request.onboarded_at else None,
        pin_sealed=ctx.vault.seal(request.pin) if request.pin else None,
        preverified_id=request.preverified_id,
    )
    first = first_deadline(row, ctx.policy)
    return changed(row, register_by=first.due_at, register_by_reason=first.reason)


def _migration(row: Onboarding, actor: str, now: datetime, source: Onboarding | None) -> Migration:
    return Migration(
        destination_id=row.id,
        destination_waba_id=row.waba_id,
        number_key=row.number_key,
        source_id=source.id if source else None,
        source_waba_id=source.waba_id if source else None,
        started_by=actor,
        started_at=now,
    )


def _first_entry(
    row: Onboarding, choice: str, actor: str, now: datetime, source: Onboarding | None
) -> HistoryEntry:
    came = {"source": source.id, "source_waba_id": source.waba_id} if source else {}
    return HistoryEntry(
        at=now,
        trigger="requested",
        source="",
        dest=State.REQUESTED.value,
        actor=actor,
        reason=f"{row.phone_number} as '{row.display_name}' on WABA {row.waba_id}",
        detail={
            "entry": row.entry.value,
            "display_name": row.display_name,
            "code_choice": choice,
            **came,
        },
    )


def _first_deadline(ctx: Context, row: Onboarding) -> Deadline:
    return deadline_of(row, first_deadline(row, ctx.policy), ctx.policy.ladder)
