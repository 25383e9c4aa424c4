"""Stock levels of pools: counted, compared with what was set, and told of when they are low."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import Connection

from onboarding.core.pool.lifecycle import UNPROVEN, PoolState
from onboarding.core.pool.stock import Stock
from onboarding.core.telling import STOCK
from onboarding.engine.context import Context
from onboarding.model import AlertKind
from onboarding.store import alerts, outbox, pool_claims, pools
from onboarding.store.alerts import Alert


def stock_levels(conn: Connection) -> list[Stock]:
    """Return the stock of every pool and country that has numbers, or is to have some."""
    counted, levels = pools.count_verified(conn), pool_claims.load_levels(conn)
    return [
        Stock(
            business_id=business_id,
            region=region,
            verified=states.get(PoolState.VERIFIED, 0),
            pending=sum(states.get(state, 0) for state in UNPROVEN),
            requested=states.get(PoolState.REQUESTED, 0),
            claimed=states.get(PoolState.CLAIMED, 0),
            at_least=level.at_least if level else None,
        )
        for business_id, region in sorted(counted.keys() | levels.keys())
        for states in (counted.get((business_id, region), {}),)
        for level in (levels.get((business_id, region)),)
    ]


def watch_stock(
    ctx: Context, conn: Connection, changed: Iterable[tuple[str, str]], now: datetime
) -> None:
    """Open the alerts of stocks that are low now, and close those of stocks that are not.

    Args:
        ctx: the engine's parts.
        conn: the transaction of what changed.
        changed: pools and countries whose numbers changed.
        now: business time.
    """
    wanted, rule = set(changed), ctx.rules.overdue.get(STOCK)
    if not wanted or rule is None:
        return
    found = [s for s in stock_levels(conn) if (s.business_id, s.region) in wanted]
    low = [stock.subject for stock in found if stock.is_low]
    well = [stock.subject for stock in found if not stock.is_low]
    alerts.close_alerts(conn, well, [AlertKind.STOCK], now)
    outbox.cancel(conn, [(subject, AlertKind.STOCK) for subject in well], "there are enough again")
    alerts.open_alerts(
        conn,
        [
            Alert(
                kind=AlertKind.STOCK,
                subject=subject,
                what=STOCK,
                since=now,
                next_at=now + rule.longer_than,
            )
            for subject in low
        ],
    )
