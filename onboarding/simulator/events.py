"""What Meta does by itself: codes arrive, numbers connect, names are decided.

Every event happens exactly at its due instant and in order, however late it is looked at:
whoever asks at a later instant first lets all earlier events happen.
"""

from __future__ import annotations

import heapq
from datetime import datetime

from onboarding.simulator import (
    by_hand,
    codes,
    names,
    numbers,
    portfolios,
    preverified,
    registration,
    settings,
)
from onboarding.simulator.state import Event
from onboarding.simulator.world import World

_HANDLERS = {
    "deliver_code": codes.deliver_code,
    "connect": registration.connect,
    "decide_name": names.decide_when_due,
    "expire_name": names.expire_when_due,
    "end_signup": numbers.end_signup,
    "switch_pin_off": settings.switch_pin_off,
    "expire_claim": preverified.expire_claim,
    "by_hand": by_hand.do_when_due,
    "change_portfolio": portfolios.change_when_due,
}


def next_event_at(world: World) -> datetime | None:
    """Return when the next event is due, if there is one."""
    return world.state.events[0].due if world.state.events else None


def run_due_events(world: World, now: datetime) -> int:
    """Let everything happen that is due by ``now``; return how many events changed anything.

    Events that follow from these and are due by ``now`` happen too.
    """
    events, changed = world.state.events, 0
    while events and events[0].due <= now:
        event: Event = heapq.heappop(events)
        changed += _HANDLERS[event.kind](world, event)
    return changed
