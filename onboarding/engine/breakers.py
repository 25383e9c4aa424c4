"""The circuit breakers: opened by what answers say of Meta's limits, asked before each call.

One is of the app, of a WABA, or of a token, however many accounts have that; while it is open
nothing is called that counts against the same limit (Meta's rules, limits and their headers).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta

from sqlalchemy import Connection

from onboarding.core.budgets import (
    APP,
    STOP_ALL_AT,
    TOKENS,
    Breaker,
    stricter,
    token_key,
    waba_key,
)
from onboarding.engine.context import Context
from onboarding.engine.vault import Vault
from onboarding.graph.calls import GraphResult
from onboarding.model import THROTTLES, RecoveryClass
from onboarding.store import accounts, budgets

#: How long nothing is called where Meta names no time: its limits are of a moving hour.
_HOUR_S = 3600.0


def breakers_of(vault: Vault, results: Iterable[GraphResult], now: datetime) -> list[Breaker]:
    """Return what the answers' headers and refusals say about the call budgets.

    Answers of one moment arrive in any order: of each budget the strictest word counts.
    """
    found: dict[str, Breaker] = {}
    for result in results:
        for breaker in _breakers(vault, result, now):
            known = found.get(breaker.key)
            found[breaker.key] = breaker if known is None else stricter(known, breaker)
    return list(found.values())


def load_breakers(
    ctx: Context, conn: Connection, waba_ids: Sequence[str], now: datetime
) -> Mapping[str, Breaker]:
    """Return what Meta last said about the budgets of the app and of these accounts, by key.

    Open breakers of tokens count as one of each WABA all of whose account's tokens they are of.
    """
    known = budgets.load_breakers(conn, [APP, *map(waba_key, waba_ids)], now)
    if not any(key.startswith(TOKENS) for key in known):
        return known
    for account in accounts.load_accounts(conn, waba_ids).values():
        tokens = ctx.known_tokens_of(account)
        stops = [known.get(token_key(_digest(ctx.vault, token))) for token in tokens]
        key, stopped = waba_key(account.waba_id), [each for each in stops if each is not None]
        if len(stopped) == len(stops):
            first = min(stopped, key=lambda each: each.open_until or now)
            known[key] = stricter(first, known.get(key, first))
    return known


def _breakers(vault: Vault, result: GraphResult, now: datetime) -> Iterator[Breaker]:
    waba_id, usage, failure = result.call.request.waba_id, result.usage, result.failure
    if waba_id in usage.by_id:
        yield _told(waba_key(waba_id), *usage.by_id[waba_id], now)
    if usage.app_percent is not None:
        yield _told(APP, usage.app_percent, 0, now)
    if failure is not None and failure.recovery in THROTTLES:
        yield Breaker(
            key=_key_of(vault, result, failure.recovery),
            percent=STOP_ALL_AT,
            read_at=now,
            open_until=now + timedelta(seconds=failure.wait_s or _HOUR_S),
            why=failure.message,
        )


def _key_of(vault: Vault, result: GraphResult, recovery: RecoveryClass) -> str:
    match recovery:
        case RecoveryClass.THROTTLE_TOKEN if result.call.token:
            return token_key(_digest(vault, result.call.token))
        case RecoveryClass.THROTTLE_APP | RecoveryClass.THROTTLE_TOKEN:
            return APP  # the exchange of a code has the app's secret and no token
        case _:
            return waba_key(result.call.request.waba_id)


def _digest(vault: Vault, token: str) -> str:
    return vault.mac("token", token)


def _told(key: str, percent: float, minutes: float, now: datetime) -> Breaker:
    over = percent >= STOP_ALL_AT
    wait = timedelta(minutes=minutes or 60)
    return Breaker(
        key=key,
        percent=round(percent),
        read_at=now,
        open_until=now + wait if over else None,
        why=f"Meta's headers say {percent:.0f} %" if over else "",
    )
