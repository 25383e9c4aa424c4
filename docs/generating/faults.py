"""The reference of the simulator's faults."""

from __future__ import annotations

from datetime import timedelta
from typing import get_args

from docs.generating.markdown import code, table
from onboarding.simulator.fault_settings import _PARAMETERS, FaultKind
from onboarding.simulator.faults import _ONLY_FOR, _SPANS

_WORDS = {
    "latency": "the answer comes late",
    "timeout_after_effect": "the call takes effect; then nothing is answered for so long, and the "
    "connection is closed",
    "drop_before_effect": "the connection is closed; nothing happened",
    "drop_after_effect": "the call takes effect; the connection is closed without an answer",
    "half_body": "the call takes effect; half of the answer arrives",
    "error_500_transient": "HTTP 500, code 2, `is_transient`",
    "html_502": "HTTP 502 with a page of HTML",
    "refuse": "the error that `code`, `subcode`, `status` and `is_transient` describe",
    "success_as_string": '`{"success": "true"}` instead of `true`',
    "missing_paging": "a list without `paging`",
    "empty_page_with_next": "an empty page whose `next` leads to the rows",
    "flapping_status": "a read shows `PENDING`, or `value`, for a number",
    "lagging_list": "a created number is missing from the list for a while",
    "unknown_enum": "a field shows `NEVER_SEEN_BEFORE`, or `value`",
    "localised_user_msg": "`error_user_title` and `error_user_msg` in another language",
    "throttle": "the call limit is reached (80007, 80008 on lists, 4 or 17); the headers tell a "
    "wait of `seconds`",
}


def kinds() -> str:
    """Return a row per kind of fault.

    Raises:
        KeyError: there is a kind that has no words here.
    """
    rows = [
        (
            code(kind),
            _WORDS[kind],
            ", ".join(map(code, sorted(_PARAMETERS.get(kind, ())))),
            ", ".join(map(code, _ONLY_FOR.get(kind, ()))) or "any",
            _duration(kind),
        )
        for kind in get_args(FaultKind)
    ]
    return table(("kind", "what happens", "own keys", "calls", "duration"), rows)


def _duration(kind: FaultKind) -> str:
    span = _SPANS.get(kind)
    if span is None:
        return ""
    shortest, longest = span
    told = _seconds(shortest)
    return told if shortest == longest else f"{told} to {_seconds(longest)}"


def _seconds(span: timedelta) -> str:
    seconds = span.total_seconds()
    return f"{seconds / 60:.0f} min" if seconds >= 3600 else f"{seconds:g} s"  # noqa: PLR2004 - an hour
