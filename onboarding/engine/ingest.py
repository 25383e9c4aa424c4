"""Meta's webhooks are hints: they bring the next read forward, and the re-read decides.

Only the reason of a declined name is kept from them, because no read ever tells it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from onboarding.core.lifecycle import LIVE
from onboarding.core.numbers import number_key
from onboarding.core.plan import Plan
from onboarding.core.steps import Move, Wait, entry_of, moved
from onboarding.engine.context import Context
from onboarding.engine.writing import write_plans
from onboarding.errors import InputError
from onboarding.model import Onboarding
from onboarding.store import accounts, finding, webhooks
from onboarding.store.database import writing

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
    value: Mapping[str, Any]


def ingest(ctx: Context, payload: object) -> Ingested:
    """Take in one webhook payload of Meta, in full; repeats and unknown fields are no-ops.

    Raises:
        InputError: not a webhook payload at all.
    """
    changes = list(_changes(payload))
    with writing(ctx.database) as conn:
        now = ctx.clock.now()
        rows = [
            {"digest": c.digest, "received_at": now, "field": c.field, "waba_id": c.waba_id or None}
            for c in {c.digest: c for c in changes}.values()
        ]
        new = webhooks.insert_events(conn, rows)
        fresh = [c for c in changes if c.digest in new and c.field in _HINTS]
        accounts.want(conn, {c.waba_id: now for c in fresh if c.waba_id}, {})
        _note_decisions(ctx, conn, [c for c in fresh if c.field == "phone_number_name_update"], now)
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
    return _Change(digest=digest, field=field, waba_id=waba_id, value=value)


def _note_decisions(ctx: Context, conn: Connection, changes: list[_Change], now: datetime) -> None:
    decided = {
        (c.waba_id, number_key(str(c.value.get("display_phone_number", "")))): c for c in changes
    }
    if not decided:
        return
    found = finding.load_by_number(conn, [key for _, key in decided])
    plans = [
        _decided(row, decided[row.waba_id, row.number_key].value, now)
        for rows in found.values()
        for row in rows
        if row.state in LIVE and (row.waba_id, row.number_key) in decided
    ]
    write_plans(ctx, conn, plans, now)


def _decided(row: Onboarding, value: Mapping[str, Any], now: datetime) -> Plan:
    decision, reason = str(value.get("decision", "")), value.get("rejection_reason")
    detail = {"decision": decision, "name": str(value.get("requested_verified_name", ""))}
    if reason:
        detail["rejection_reason"] = str(reason)
    # Webhooks overtake each other: a late PENDING says nothing about a decision that is known.
    known = {"REJECTED": str(reason) if reason else None, "APPROVED": None}
    step = Move(
        note="name_decision",
        reason=f"Meta's webhook says {decision}" + (f" ({reason})" if reason else ""),
        changes={"rejection_reason": known[decision]} if decision in known else {},
        detail=detail,
    )
    after = moved(row, step, now)
    entry = entry_of(row, after, step, now, "meta")
    return Plan(row=after, entries=[entry], step=Wait(reason=row.waiting))
