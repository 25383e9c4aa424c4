"""What happened, in an order that does not change afterwards."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from typing import Any, Final

from onboarding.engine.context import Context
from onboarding.errors import InputError
from onboarding.store import events as stored_events
from onboarding.store.database import reading
from onboarding.store.events import Stored

#: An event as ``docs/reference/events.md`` describes it.
Told = Mapping[str, Any]

_MOST: Final = 10_000

#: How long transactions that are open are waited for, at most, and how often is looked.
_PATIENCE_S, _PAUSE_S = 2.0, 0.01


def events(ctx: Context, after: int, limit: int) -> list[Told]:
    """Return the first events after a number, in order.

    On PostgreSQL a transaction that began earlier may commit later. So behind a number that is
    missing nothing is told, until every transaction that may still bring it is over.

    Raises:
        InputError: the limit is out of range.
    """
    if not 1 <= limit <= _MOST or after < 0:
        raise InputError(
            f"events are read from 0 on, 1 to {_MOST} at once", field="limit", hint="use after"
        )
    return [_told(each) for each in _settled(ctx, after, limit)]


def _told(stored: Stored) -> Told:
    told: dict[str, Any] = json.loads(stored.body)
    return {"seq": stored.seq, **told}


def _settled(ctx: Context, after: int, limit: int) -> Sequence[Stored]:
    until, awaited, known = time.monotonic() + _PATIENCE_S, 0, 0
    while True:
        with reading(ctx.database) as conn:
            found = stored_events.load_after(conn, after, limit)
            snapshot = stored_events.transactions(conn)
        whole = _without_gap(found, after)
        if snapshot is None or len(whole) == len(found):
            return found
        oldest, following = snapshot
        if not awaited:
            awaited, known = following, found[-1].seq
        if oldest >= awaited:  # nobody is left who could fill a gap before what was known then
            return [each for each in found if each.seq <= known]
        if time.monotonic() > until:
            return whole
        time.sleep(_PAUSE_S)


def _without_gap(found: Sequence[Stored], after: int) -> Sequence[Stored]:
    """Return the events before the first number that is missing."""
    for at, each in enumerate(found):
        if each.seq != after + 1 + at:
            return found[:at]
    return found
