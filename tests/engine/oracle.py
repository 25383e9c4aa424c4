"""The oracle: what the simulator's own log of calls may never show, whatever went wrong.

Rehearsals, killed processes and storms ask it alike; what it knows of the engine it reads from the
histories, which must verify, follow the table, and lead to the state that the row shows.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

from onboarding import Engine
from onboarding.core.lifecycle import Trigger, next_state
from onboarding.core.numbers import number_key
from onboarding.core.timing import parse_iso
from onboarding.errors import TransitionRefusedError
from onboarding.model import EventType, Onboarding, State
from tests.engine.rehearsing import Rehearsed

Called = dict[str, Any]

#: From which state, by which trigger, to which.
Change = tuple[str, str, str]

#: Calls of one number in a moving window: Meta's bounds, less our reserve.
_MOST = {
    "register": (8, timedelta(hours=72)),
    "deregister": (8, timedelta(hours=72)),
    "request_code": (9, timedelta(hours=72)),
    "set_display_name": (10, timedelta(days=30)),
}

#: Both ways to ask for a code: Meta counts and voids them by the number, whoever has it.
_CODES = ("request_code", "request_preverified_code")

#: Calls that may be repeated after silence only once this list was read. A verification for the
#: pool is another call with each code.
_PROBED = {
    "create_number": "list_numbers", "verify_code": "list_numbers", "register": "list_numbers",
    "deregister": "list_numbers", "set_display_name": "list_numbers",
    "add_preverified": "list_preverified", "delete_preverified": "list_preverified",
    "share_preverified": "list_preverified_partners",
    "unshare_preverified": "list_preverified_partners",
}  # fmt: skip

_CODE_VALID = timedelta(minutes=10)
_SERVER_ERROR = 500

#: What Meta calls an error of its own, after which nobody knows what happened.
_SAYS_NOTHING = (None, 1, 2)


def faults_of(rehearsal: Rehearsed) -> list[str]:
    """Return every call that must not have been made, and every history that does not verify."""
    settle = rehearsal.engine.context.policy.settle
    called = faults_in(rehearsal.calls(), settle=settle, recreated=rehearsal.recreated)
    return called + faults_told(rehearsal.engine)


def faults_in(
    calls: list[Called],
    *,
    settle: timedelta,
    recreated: Collection[str] = (),
    way: timedelta = timedelta(0),
) -> list[str]:
    """Return every call that must not have been made.

    Args:
        calls: the simulator's log.
        settle: from the intent of a call until its silence may be looked into.
        recreated: numbers that were deleted at Meta on the way.
        way: the longest time from an intent to the call's arrival; none on a clock that stands.
    """
    return [
        *_second_creates(calls, {number_key(number) for number in recreated}),
        *_windows(calls),
        *_codes_voided(calls, _CODE_VALID - way),
        *_codes_repeated(calls),
        *_blind_repeats(calls, settle - way),
    ]


def faults_told(engine: Engine) -> list[str]:
    """Return where histories do not verify, do not explain the present, or repeat a rung.

    And where the events of an onboarding are not one for each change of its state.
    """
    _, broken = engine.verify()
    found = [f"history {chain.owner}: {chain.what}" for chain in broken]
    told = _changes_told(engine)
    for row in engine.find_all():
        found += _replayed_wrong(engine, row)
        found += _rungs_repeated(engine, row)
        found += _told_wrong(engine, row, told[row.id])
    return found


def _told_wrong(engine: Engine, row: Onboarding, told: list[Change]) -> Iterator[str]:
    """Each change of state is told once, in order; those of long ago are forgotten again."""
    kept_since = engine.context.clock.now() - timedelta(days=engine.context.settings.event_days)
    entries = [e for _, e in engine.history(row.id) if e.source != e.dest]
    changes = [(e.source, e.trigger, e.dest) for e in entries]
    least = sum(e.at >= kept_since for e in entries)
    if len(told) < least or told != changes[len(changes) - len(told) :]:
        yield f"{row.id}: events tell {told} of {changes}"


def _changes_told(engine: Engine) -> dict[str, list[Change]]:
    """Return the changes of state that events tell of, in order, by onboarding."""
    found: dict[str, list[Change]] = defaultdict(list)
    seq = 0
    while page := engine.events(after=seq, limit=1000):
        for event in page:
            seq = event["seq"]
            if event.get("type") == EventType.TRANSITION:
                data = event["data"]
                change = (data["from"] or "", data["trigger"], data["to"])
                found[event["onboarding"]["id"]].append(change)
    return found


def pins_changed(calls: list[Called]) -> list[str]:
    """Return the numbers that were registered with two PINs, where no person gave one."""
    made = _by_number(calls, "register", "set_pin")
    used: dict[str, set[str]] = defaultdict(set)
    for (_, number), each in made.items():
        used[number] |= {call["params"]["pin_digest"] for call in each}
    return [f"two PINs were sent for {number}" for number, pins in used.items() if len(pins) > 1]


def _replayed_wrong(engine: Engine, row: Onboarding) -> Iterator[str]:
    state: str = ""
    for seq, entry in engine.history(row.id):
        if entry.source != state:
            yield f"{row.id}: entry {seq} begins in '{entry.source}', not in '{state}'"
        if entry.source and entry.trigger in set(Trigger):
            state = _following(entry.source, entry.trigger)
        elif not entry.source:
            state = entry.dest
        if entry.dest != state:
            yield f"{row.id}: entry {seq} leads to '{entry.dest}', not to '{state}'"
    if state != row.state:
        yield f"{row.id}: its history leads to '{state}', it is '{row.state}'"


def _following(source: str, trigger: str) -> str:
    try:
        return next_state(State(source), Trigger(trigger)).value
    except TransitionRefusedError:
        return f"nowhere from {source} by {trigger}"


def _rungs_repeated(engine: Engine, row: Onboarding) -> Iterator[str]:
    """A rung is raised once for one deadline; a deadline that begins anew has its own."""
    raised: Counter[tuple[str, str]] = Counter()
    for _, entry in engine.history(row.id):
        if entry.trigger in ("restarted", "name_usable", "name_not_usable"):
            raised.clear()
        if entry.trigger == "escalated":
            collapsed = entry.detail.get("collapsed", "")
            for rung in (entry.detail["rung"], *collapsed.split(",")):
                raised[entry.detail["deadline"], rung] += bool(rung)
    for (deadline, rung), times in raised.items():
        if times > 1:
            yield f"{row.id}: rung '{rung}' of {deadline} was raised {times} times"


def _at(call: Called) -> datetime:
    return parse_iso(call["at"])


def _by_number(calls: Iterable[Called], *endpoints: str) -> dict[tuple[str, str], list[Called]]:
    found: dict[tuple[str, str], list[Called]] = defaultdict(list)
    for call in calls:
        if call["number"] and call["endpoint"] in endpoints:
            found[call["endpoint"], number_key(call["number"])].append(call)
    return found


def _alike(calls: list[Called]) -> list[Called]:
    """Return the calls, those for codes under one name."""
    return [
        {**call, "endpoint": _CODES[0]} if call["endpoint"] in _CODES else call for call in calls
    ]


def _second_creates(calls: list[Called], recreated: set[str]) -> Iterator[str]:
    # A migration is a create call of its own; one that was undone may be begun elsewhere.
    plain = [call for call in calls if not call["params"].get("migrate_phone_number")]
    for (_, number), made in _by_number(plain, "create_number").items():
        if number in recreated:
            continue
        heard = (at for at, call in enumerate(made) if call["effect"] and not _is_silent(call))
        is_repeated = next(heard, len(made)) < len(made) - 1
        if is_repeated or sum(call["effect"] for call in made) > 1:
            yield f"{number} was created again"


def _windows(calls: list[Called]) -> Iterator[str]:
    for (endpoint, number), made in _by_number(_alike(calls), *_MOST).items():
        most, window = _MOST[endpoint]
        times = [_at(call) for call in made]
        for first, last in zip(times, times[most:], strict=False):
            if last - first < window:
                yield f"more than {most} {endpoint} calls of {number} within {window}"


def _codes_voided(calls: list[Called], valid: timedelta) -> Iterator[str]:
    for (_, number), made in _by_number(_alike(calls), _CODES[0]).items():
        out = [call for call in made if call["effect"] or _is_silent(call)]
        for first, second in pairwise(out):
            if _at(second) - _at(first) < valid:
                yield f"a second code of {number} was asked for while one was outstanding"


def _codes_repeated(calls: list[Called]) -> Iterator[str]:
    for (_, number), made in _by_number(calls, "verify_code", "verify_preverified").items():
        sent = [call["params"]["code_digest"] for call in made]
        if len(set(sent)) < len(sent):
            yield f"a code of {number} was sent twice"


def _blind_repeats(calls: list[Called], settle: timedelta) -> Iterator[str]:
    lists = [call for call in calls if call["endpoint"] in set(_PROBED.values())]
    for (endpoint, number), made in _by_number(calls, *_PROBED).items():
        for first, second in pairwise(made):
            probed = any(
                first["seq"] < read["seq"] < second["seq"]
                and read["endpoint"] == _PROBED[endpoint]
                and _at(read) >= _at(first) + settle
                for read in lists
            )
            if _is_silent(first) and not probed:
                yield f"{endpoint} of {number} was repeated blindly"


def _is_silent(call: Called) -> bool:
    status = call["http_status"]
    if status is None or "half_body" in (call["fault"] or ""):
        return True
    return bool(status >= _SERVER_ERROR and call["code"] in _SAYS_NOTHING)
