"""How much of Meta's call limits is spent, read from the answer's headers. Pure.

Meta sends the headers only after enough calls: their absence means nothing.
Source: Meta's rules, rate limits.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from onboarding.graph.loose import as_mapping, as_number, parse_json
from onboarding.model import THROTTLES, Failure, RecoveryClass

_APP = "x-app-usage"
_BUSINESS = "x-business-use-case-usage"
_COUNTERS = ("call_count", "total_time", "total_cputime")
_REGAIN = "estimated_time_to_regain_access"
_MAX_WAIT_S = 7 * 24 * 3600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """Percentages of the rolling window; calls are refused from 100 on.

    Attributes:
        app_percent: of the app's own limit; ``None`` where it was not told.
        by_id: per WABA or business id the percentage, and the minutes until calls are let
            through again (0 while they are).
    """

    app_percent: float | None = None
    by_id: Mapping[str, tuple[float, float]] = field(default_factory=dict)


NO_USAGE = Usage()


def parse_usage(headers: Mapping[str, str]) -> Usage:
    """Return what the headers tell; names in any case, what cannot be read is left out."""
    told = {name.lower(): value for name, value in headers.items()}
    if _APP not in told and _BUSINESS not in told:
        return NO_USAGE
    business = as_mapping(_decoded(told.get(_BUSINESS)))
    by_id = {key: _entries(value) for key, value in business.items()}
    return Usage(
        app_percent=_percent(_decoded(told.get(_APP))),
        by_id={key: value for key, value in by_id.items() if value is not None},
    )


def lengthen_wait(
    failure: Failure, usage: Usage, waba_id: str, *, retry_after: str | None = None
) -> Failure:
    """Return the failure with the wait that the headers name, if it is throttled.

    Meta's estimate for the WABA (or for the only ids it names, at times a business's) replaces the
    default of the recovery table. ``Retry-After``, which only proxies add, can lengthen a wait
    but not shorten it.
    """
    throttled = failure.recovery in THROTTLES
    wait_s = failure.wait_s
    every = max((regain for _, regain in usage.by_id.values()), default=0.0)
    minutes = usage.by_id[waba_id][1] if waba_id in usage.by_id else every
    if throttled and minutes > 0:
        wait_s = min(minutes * 60, _MAX_WAIT_S)
    asked = as_number(retry_after)
    if (
        asked is not None
        and asked > 0
        and (throttled or failure.recovery is RecoveryClass.TRANSIENT)
    ):
        wait_s = max(wait_s or 0.0, min(asked, _MAX_WAIT_S))
    return failure if wait_s == failure.wait_s else replace(failure, wait_s=wait_s)


def _decoded(value: str | None) -> object:
    return parse_json(value.encode("utf-8", "replace")) if value else None


def _percent(entry: object) -> float | None:
    row = as_mapping(entry)
    known = [number for number in (as_number(row.get(name)) for name in _COUNTERS) if number]
    if known:
        return float(max(known))
    return 0.0 if any(name in row for name in _COUNTERS) else None


def _entries(value: object) -> tuple[float, float] | None:
    """Return the worst percentage and the longest wait of one id's entries."""
    rows = value if isinstance(value, list) else [value]
    percents = [percent for percent in map(_percent, rows) if percent is not None]
    waits = [as_number(as_mapping(row).get(_REGAIN)) or 0.0 for row in rows]
    if not percents and not any(waits):
        return None
    return max(percents, default=0.0), float(max(0.0, *waits))
