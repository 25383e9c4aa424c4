"""Finding onboardings of which Meta shows something else than is held."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection, and_, func, or_, select

from onboarding.core.lifecycle import LIVE
from onboarding.model import Onboarding, Reason, State
from onboarding.store.onboardings import to_onboarding
from onboarding.store.tables import onboarding as t

#: What an onboarding waits for that differs; each is somebody's turn, and so in an index.
_WAITS = (
    Reason.BANNED,
    Reason.DISCONNECTED,
    Reason.LISTING,
    Reason.NAME_CHANGED,
    Reason.NOT_OURS,
    Reason.PIN,
)


def load_drifting(
    conn: Connection, waba_ids: Sequence[str] | None, left_since: datetime, limit: int
) -> list[Onboarding]:
    """Return onboardings that may differ from Meta, and registered ones that left since then."""
    differs = or_(t.c.waiting.in_(_WAITS), t.c.drift.is_not(None), t.c.absent_since.is_not(None))
    live = and_(t.c.state.in_(LIVE), t.c.waiting != Reason.DONE, differs)
    left = and_(
        t.c.state == State.LEFT, t.c.state_since >= left_since, t.c.registered_at.is_not(None)
    )
    query = select(t).where(or_(live, left)).order_by(t.c.id).limit(limit)
    if waba_ids is not None:
        query = query.where(t.c.waba_id.in_(waba_ids))
    return [to_onboarding(row) for row in conn.execute(query)]


def count_live(conn: Connection) -> dict[str, int]:
    """Return how many onboardings are not over, by WABA; those with none are left out."""
    query = select(t.c.waba_id, func.count()).where(t.c.state.in_(LIVE)).group_by(t.c.waba_id)
    return dict(conn.execute(query).all())
