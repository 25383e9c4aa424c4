"""The log of every Graph request: what was asked, what it did, what the caller was told.

It is the oracle of tests. Tokens never enter it; PINs and codes enter as keyed digests, so
that two of them can be compared but not read.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from hashlib import blake2s
from itertools import islice
from typing import Any

from onboarding.simulator.call import Call, Outcome
from onboarding.simulator.state import Called
from onboarding.simulator.world import World

_DROPPED = (
    "access_token",
    "client_secret",
    "input_token",
    "appsecret_proof",
    "verify_token",
    "backup",
    "webhook_configuration",
    "whatsapp_business_api_data",
)
_DIGESTED = ("pin", "code")
_NEVER_ANSWERED = ("drop_before_effect", "drop_after_effect", "timeout_after_effect")


def log_call(call: Call, outcome: Outcome) -> None:
    """Append one call to the log; the oldest goes when the log is full."""
    world, request, route = call.world, call.request, call.route
    state = world.state
    state.calls_seen += 1
    kinds = [hit.kind for hit in call.hits]
    unanswered = any(kind in _NEVER_ANSWERED for kind in kinds)
    state.calls.append(
        Called(
            seq=state.calls_seen,
            at=call.now,
            real_at=datetime.now(UTC),
            endpoint=route.endpoint,
            method=request.method,
            path=request.path,
            waba_id=route.waba.id if route.waba else None,
            phone_number_id=_node_of(call) or outcome.created_id,
            number=call.target.digits or None,
            attempt=call.target.attempt,
            params=_redact(request.params, world.scenario.seed),
            http_status=None if unanswered else outcome.status,
            code=outcome.error.get("code"),
            subcode=outcome.error.get("error_subcode"),
            effect=outcome.effect,
            fault="+".join(kinds) or None,
        )
    )
    if len(state.calls) > world.scenario.limits.call_log:
        state.calls.popleft()


def _node_of(call: Call) -> str | None:
    node = call.route.number or call.route.preverified
    return node.id if node else None


def calls_after(world: World, seq: int) -> list[dict[str, Any]]:
    """Return the logged calls after a sequence number, as JSON."""
    calls = world.state.calls
    first = calls[0].seq if calls else 1
    return [_render(call) for call in islice(calls, max(0, seq + 1 - first), None)]


def digest_secret(text: str, seed: int) -> str:
    """Return what the log keeps of a PIN or a code: equal for equal ones."""
    return blake2s(text.encode(), key=str(seed).encode()[:32], digest_size=8).hexdigest()


def _render(call: Called) -> dict[str, Any]:
    shown = asdict(call)
    for name in ("at", "real_at"):
        shown[name] = shown[name].strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    return shown


def _redact(params: Mapping[str, Any], seed: int) -> dict[str, Any]:
    kept: dict[str, Any] = {}
    for name, value in params.items():
        if name in _DIGESTED:
            kept[f"{name}_digest"] = digest_secret(str(value), seed)
        elif name not in _DROPPED:
            kept[name] = value
    return kept
