"""Meta's webhooks are hints: they bring the next read forward, and the re-read decides.

Only what no read ever tells is kept from them: why a name was declined, and that a PIN was changed.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection

from onboarding.core.lifecycle import LIVE
from onboarding.core.name_status import NameWebhook, decided
from onboarding.core.numbers import number_key
from onboarding.core.plan import Plan
from onboarding.core.steps import Wait, entry_of, moved
from onboarding.engine.context import Context
from onboarding.engine.definition import require_known
from onboarding.engine.pin_watch import PinTold, note_pins
from onboarding.engine.slots import tell_bounds
from onboarding.engine.writing import write_plans
from onboarding.errors import InputError
from onboarding.model import Onboarding
from onboarding.store import accounts, finding, onboardings, webhooks
from onboarding.store.database import again_if_unlucky, writing

#: Fields after which a read of the WABA's list may show something new.
_HINTS = frozenset(
    {
        "phone_number_name_update",
        "phone_number_quality_update",
        "account_update",
        "account_review_update",
        "business_capability_update",
        "security",
    }
)

#: Seconds since 1970 are fewer for thousands of years, milliseconds are more.
_IN_MS = 100_000_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Ingested:
    """What came of a payload: changes in it, new ones among them, and WABAs to read again."""

    changes: int
    new: int
    waba_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Change:
    digest: str
    field: str
    waba_id: str
    sent_at: datetime | None
    value: Mapping[str, Any]


def ingest(ctx: Context, payload: object) -> Ingested:
    """Take in one webhook payload of Meta, in full; repeats and unknown fields are no-ops.

    Raises:
        InputError: not a webhook payload at all.
        SchemaError: it decides about an onboarding that a newer release wrote; nothing was stored.
    """
    changes = list(_changes(payload))
    return again_if_unlucky(lambda: _note(ctx, changes))


def _note(ctx: Context, changes: list[_Change]) -> Ingested:
    with writing(ctx.database) as conn:
        now = ctx.clock.now()
        rows = [
            {"digest": c.digest, "received_at": now, "field": c.field, "waba_id": c.waba_id or None}
            for c in {c.digest: c for c in changes}.values()
        ]
        new = webhooks.insert_events(conn, rows)
        known = {c.digest: c for c in changes if c.digest in new and c.field in _HINTS}
        fresh = list(known.values())
        note_pins(ctx, conn, [_pin_told(c, now) for c in fresh if c.field == "security"], now)
        _note_decisions(ctx, conn, [c for c in fresh if c.field == "phone_number_name_update"], now)
        # Rows are locked before accounts, as everywhere.
        accounts.want(conn, {c.waba_id: now for c in fresh if c.waba_id}, {})
        for change in fresh:
            if change.field == "business_capability_update":
                tell_bounds(ctx, conn, change.waba_id, change.value, _at(change, now))
    waba_ids = tuple(sorted({c.waba_id for c in fresh if c.waba_id}))
    return Ingested(changes=len(changes), new=len(new), waba_ids=waba_ids)


def _changes(payload: object) -> Iterator[_Change]:
    entries = payload.get("entry") if isinstance(payload, Mapping) else None
    if not isinstance(entries, list):
        raise InputError(
            "this is not a webhook payload of Meta: it has no list 'entry'",
            field="entry",
            hint="give the body of the POST that Meta sent, as it came",
        )
    for entry in entries:
        if not isinstance(entry, Mapping) or not isinstance(entry.get("changes"), list):
            continue
        for change in entry["changes"]:
            if isinstance(change, Mapping) and isinstance(change.get("value"), Mapping):
                yield _change(entry, change)


def _change(entry: Mapping[str, Any], change: Mapping[str, Any]) -> _Change:
    value = change["value"]
    info = value.get("waba_info")
    # For partner events the entry's id is the business; the WABA is inside.
    inside = info.get("waba_id") if isinstance(info, Mapping) else None
    field, waba_id = str(change.get("field", "")), str(inside or entry.get("id") or "")
    identity = json.dumps([field, waba_id, entry.get("time"), value], sort_keys=True, default=str)
    digest = hashlib.sha256(identity.encode()).hexdigest()
    return _Change(
        digest=digest, field=field, waba_id=waba_id, sent_at=_instant(entry), value=value
    )


def _instant(entry: Mapping[str, Any]) -> datetime | None:
    """Return when Meta made the payload, in seconds or, as some are, in milliseconds."""
    try:
        seconds = float(entry.get("time") or "")
        return datetime.fromtimestamp(seconds / (1000 if seconds > _IN_MS else 1), UTC)
    except (TypeError, ValueError, OverflowError, OSError):
        return None


def _pin_told(change: _Change, now: datetime) -> PinTold:
    return PinTold(
        waba_id=change.waba_id,
        number_key=number_key(str(change.value.get("display_phone_number", ""))),
        event=str(change.value.get("event", "")),
        at=min(change.sent_at or now, now),
    )


def _note_decisions(ctx: Context, conn: Connection, changes: list[_Change], now: datetime) -> None:
    told: dict[tuple[str, str], list[_Change]] = {}
    for each in changes:
        key = number_key(str(each.value.get("display_phone_number", "")))
        told.setdefault((each.waba_id, key), []).append(each)
    if not told:
        return
    known = finding.load_by_number(conn, [key for _, key in told])
    ids = [row.id for rows in known.values() for row in rows]
    found = onboardings.load_onboardings(conn, ids, lock=True)
    plans = [
        _decided(row, told[row.waba_id, row.number_key], now)
        for row in found.values()
        if row.state in LIVE and (row.waba_id, row.number_key) in told
    ]
    require_known(each.row for each in plans)
    write_plans(ctx, conn, plans, now)


def _at(change: _Change, now: datetime) -> datetime:
    return min(change.sent_at or now, now)


def _decided(row: Onboarding, changes: Iterable[_Change], now: datetime) -> Plan:
    made = Plan(row=row, before=row, found=row, step=Wait(reason=row.waiting))
    for told in sorted((_told(each, now) for each in changes), key=lambda told: told.decided_at):
        for step in decided(made.row, told):
            after = moved(made.row, step, now)
            made.entries.append(entry_of(made.row, after, step, now, "meta"))
            made.row = after
    return made


def _told(change: _Change, now: datetime) -> NameWebhook:
    reason = change.value.get("rejection_reason")
    return NameWebhook(
        decision=str(change.value.get("decision", "")),
        name=" ".join(str(change.value.get("requested_verified_name") or "").split()),
        rejection_reason=str(reason) if reason else None,
        decided_at=_at(change, now),
    )
