"""How many calls an app may make: per WABA and hour, and in all.

Plays Meta's rules for business use case limits: a WABA without a registered number has the
small budget, refused calls count too, and headers tell percentages and minutes.
"""

from __future__ import annotations

import json
from collections import deque
from datetime import datetime, timedelta

from onboarding.simulator.refusals import Reason, Refusal
from onboarding.simulator.state import Waba
from onboarding.simulator.world import World

_MINUTE = timedelta(minutes=1)
_FULL = 100


def spend_call(world: World, waba: Waba | None, endpoint: str, now: datetime) -> None:
    """Count one call against the app and, if it concerns one, its WABA.

    Raises:
        Refusal: one of the two is used up.
    """
    limits, state = world.scenario.limits, world.state
    if limits.app_calls is not None:
        used = _count(state.app_calls, now, limits.budget_window)
        if used > limits.app_calls:
            raise Refusal(Reason.APP_BUDGET)
    if waba is None:
        return
    calls = state.waba_calls.setdefault(waba.id, deque())
    if _count(calls, now, limits.budget_window) > waba_budget(world, waba.id):
        is_list = endpoint == "list_numbers"
        raise Refusal(Reason.WABA_BUDGET_LIST if is_list else Reason.WABA_BUDGET)


def waba_budget(world: World, waba_id: str) -> int:
    """Return the calls per window: more once a number of the WABA is registered."""
    limits = world.scenario.limits
    is_active = bool(world.registered[waba_id])
    return limits.management_calls_active if is_active else limits.management_calls


def usage_headers(world: World, waba: Waba | None, now: datetime) -> dict[str, str]:
    """Return Meta's two headers of usage; they come after enough calls only."""
    limits, state = world.scenario.limits, world.state
    headers: dict[str, str] = {}
    if limits.app_calls is not None and len(state.app_calls) >= limits.usage_headers_after:
        share = len(state.app_calls) * _FULL // max(1, limits.app_calls)
        headers["X-App-Usage"] = app_usage(share)
    calls = state.waba_calls.get(waba.id) if waba is not None else None
    if waba is None or calls is None or len(calls) < limits.usage_headers_after:
        return headers
    budget = waba_budget(world, waba.id)
    minutes = 0
    if len(calls) >= budget:
        free_at = calls[len(calls) - max(1, budget)] + limits.budget_window
        minutes = max(0, -(-(free_at - now) // _MINUTE))
    share = len(calls) * _FULL // max(1, budget)
    headers["X-Business-Use-Case-Usage"] = waba_usage(waba.id, share, minutes)
    return headers


def app_usage(share: int) -> str:
    """Return the value of ``X-App-Usage``, in percent of the budget."""
    return f'{{"call_count":{share},"total_time":{share // 2},"total_cputime":{share // 2}}}'


def waba_usage(waba_id: str, share: int, minutes: int) -> str:
    """Return the value of ``X-Business-Use-Case-Usage``: percent, and minutes to wait."""
    entry = {
        "type": "whatsapp_business_management",
        "call_count": share,
        "total_cputime": share // 2,
        "total_time": share // 2,
        "estimated_time_to_regain_access": minutes,
    }
    return json.dumps({waba_id: [entry]}, separators=(",", ":"))


def _count(calls: deque[datetime], now: datetime, window: timedelta) -> int:
    while calls and calls[0] <= now - window:
        calls.popleft()
    calls.append(now)
    return len(calls)
