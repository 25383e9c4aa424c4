"""The oracle: what the simulator's own log of calls may never show, whatever went wrong."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

from onboarding.core.numbers import number_key
from onboarding.core.timing import parse_iso
from tests.engine.rehearsing import Rehearsed

Called = dict[str, Any]

#: Calls of one number in a moving window: Meta's bounds, less our reserve.
_MOST = {
    "register": (8, timedelta(hours=72)),
    "deregister": (8, timedelta(hours=72)),
    "request_code": (9, timedelta(hours=72)),
    "set_display_name": (10, timedelta(days=30)),
}

#: Calls that may be repeated after silence only once a list was read.
_PROBED = ("create_number", "verify_code", "register", "deregister", "set_display_name")

_CODE_VALID = timedelta(minutes=10)
_SERVER_ERROR = 500

#: What Meta calls an error of its own, after which nobody knows what happened.
_SAYS_NOTHING = (None, 1, 2)


def faults_of(rehearsal: Rehearsed) -> list[str]:
    """Return every call that must not have been made, and every history that does not verify."""
    calls = rehearsal.calls()
    settle = rehearsal.engine.context.policy.settle
    found = [
        *_second_creates(calls, {number_key(number) for number in rehearsal.recreated}),
        *_windows(calls),
        *_codes_voided(calls),
        *_codes_repeated(calls),
        *_blind_repeats(calls, settle),
    ]
    _, broken = rehearsal.engine.verify()
    return found + [f"history {chain.owner}: {chain.what}" for chain in broken]


def _at(call: Called) -> datetime:
    return parse_iso(call["at"])


def _by_number(calls: Iterable[Called], *endpoints: str) -> dict[tuple[str, str], list[Called]]:
    found: dict[tuple[str, str], list[Called]] = defaultdict(list)
    for call in calls:
        if call["number"] and call["endpoint"] in endpoints:
            found[call["endpoint"], number_key(call["number"])].append(call)
    return found


def _second_creates(calls: list[Called], recreated: set[str]) -> Iterator[str]:
    for (_, number), made in _by_number(calls, "create_number").items():
        if sum(call["effect"] for call in made) > 1 and number not in recreated:
            yield f"{number} was created more than once"


def _windows(calls: list[Called]) -> Iterator[str]:
    for (endpoint, number), made in _by_number(calls, *_MOST).items():
        most, window = _MOST[endpoint]
        times = [_at(call) for call in made]
        for first, last in zip(times, times[most:], strict=False):
            if last - first < window:
                yield f"more than {most} {endpoint} calls of {number} within {window}"


def _codes_voided(calls: list[Called]) -> Iterator[str]:
    for (_, number), made in _by_number(calls, "request_code").items():
        out = [call for call in made if call["effect"] or _is_silent(call)]
        for first, second in pairwise(out):
            if _at(second) - _at(first) < _CODE_VALID:
                yield f"a second code of {number} was asked for while one was outstanding"


def _codes_repeated(calls: list[Called]) -> Iterator[str]:
    for (_, number), made in _by_number(calls, "verify_code").items():
        sent = [call["params"]["code_digest"] for call in made]
        if len(set(sent)) < len(sent):
            yield f"a code of {number} was sent twice"


def _blind_repeats(calls: list[Called], settle: timedelta) -> Iterator[str]:
    lists = [call for call in calls if call["endpoint"] == "list_numbers"]
    for (endpoint, number), made in _by_number(calls, *_PROBED).items():
        for first, second in pairwise(made):
            probed = any(
                first["seq"] < read["seq"] < second["seq"] and _at(read) >= _at(first) + settle
                for read in lists
            )
            if _is_silent(first) and not probed:
                yield f"{endpoint} of {number} was repeated blindly"


def _is_silent(call: Called) -> bool:
    status = call["http_status"]
    if status is None or "half_body" in (call["fault"] or ""):
        return True
    return bool(status >= _SERVER_ERROR and call["code"] in _SAYS_NOTHING)
