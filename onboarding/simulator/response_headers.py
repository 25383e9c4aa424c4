"""The headers that come with every answer: ids to trace a call, the version served, usage."""

from __future__ import annotations

from onboarding.simulator.budgets import app_usage, usage_headers, waba_usage
from onboarding.simulator.call import Call, Outcome
from onboarding.simulator.faults import find_hit

_UNAUTHORISED = 401
_BUILD = "1031337420"
_SECONDS_PER_MINUTE = 60
_FULL = 100


def make_headers(call: Call, outcome: Outcome) -> dict[str, str]:
    """Return the headers of an answer.

    Meta's rules: a version that is gone is silently served by the oldest that is left, and
    ``facebook-api-version`` tells which one it was.
    """
    trace_id = call.trace_id
    headers = {
        "facebook-api-version": _served_version(call),
        "x-fb-request-id": trace_id,
        "x-fb-trace-id": trace_id[1:12],
        "x-fb-rev": _BUILD,
        "X-FB-Debug": f"{trace_id}{trace_id[::-1]}==",
    }
    if outcome.status == _UNAUTHORISED:
        headers["WWW-Authenticate"] = 'OAuth "Facebook Platform" "invalid_token"'
    headers |= usage_headers(call.world, call.route.waba, call.now)
    return headers | _throttle_headers(call)


def _served_version(call: Call) -> str:
    major, minor = call.world.scenario.app.oldest_version[1:].split(".")
    served = max(call.route.version, (int(major), int(minor)))
    return f"v{served[0]}.{served[1]}"


def _throttle_headers(call: Call) -> dict[str, str]:
    hit = find_hit(call.hits, "throttle")
    if hit is None or call.route.waba is None:
        return {}
    if hit.fault.scope == "app":
        return {"X-App-Usage": app_usage(_FULL)}
    minutes = max(1, round(hit.seconds / _SECONDS_PER_MINUTE))
    waba = call.route.waba
    # The limit of a token is not the WABA's: the wait is told of its business.
    id_ = waba.business_id if hit.fault.scope == "token" else waba.id
    return {"X-Business-Use-Case-Usage": waba_usage(id_, _FULL, minutes)}
