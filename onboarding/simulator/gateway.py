"""One Graph request from its decoded form to its answer: route, faults, access, budget, rule.

Nothing here waits or does I/O: a call happens as a whole at one instant.
"""

from __future__ import annotations

import json
from base64 import urlsafe_b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import blake2b
from typing import Any

from onboarding.simulator import (
    accounts,
    codes,
    fields,
    numbers,
    oauth,
    pool,
    pool_reads,
    registration,
    settings,
)
from onboarding.simulator.access import check_access, check_token
from onboarding.simulator.budgets import spend_call
from onboarding.simulator.call import Call, Outcome
from onboarding.simulator.call_log import log_call
from onboarding.simulator.error_bodies import render_form, render_refusal
from onboarding.simulator.faults import (
    Hit,
    Manner,
    Target,
    distort_number,
    draw_faults,
    find_hit,
    has_distortions,
    lag_list,
    plan_travel,
)
from onboarding.simulator.listing import Reading, list_numbers
from onboarding.simulator.migration import check_not_migrated
from onboarding.simulator.params import Params, read_text
from onboarding.simulator.phones import (
    PhoneFormatError,
    PhoneInvalidError,
    only_digits,
    parse_phone,
)
from onboarding.simulator.refusals import Form, Reason, Refusal
from onboarding.simulator.response_headers import make_headers
from onboarding.simulator.results import Result
from onboarding.simulator.routing import Endpoint, Request, Route, find_route
from onboarding.simulator.state import Business, Number, Preverified, Waba
from onboarding.simulator.world import World

_Rule = Callable[[World, Any, Params, datetime], Result]

_WRITES: dict[Endpoint, _Rule] = {
    "create_number": numbers.create_number,
    "set_pin": settings.update_number,
    "set_display_name": settings.update_number,
    "update_number": settings.update_number,
    "request_code": codes.request_code,
    "verify_code": codes.verify_code,
    "register": registration.register,
    "deregister": registration.deregister,
    "update_waba": accounts.update_waba,
    "subscribe_app": accounts.subscribe_app,
    "unsubscribe_app": accounts.unsubscribe_app,
}
_ON_POOLS: dict[Endpoint, _Rule] = {
    "add_preverified": pool.add_phone_numbers,
    "share_preverified": pool.share,
    "unshare_preverified": pool.unshare,
}
_ON_ENTRIES: dict[Endpoint, _Rule] = {
    "read_preverified": pool_reads.read_entry,
    "delete_preverified": pool.delete_entry,
    "list_preverified_partners": pool_reads.list_partners,
    "request_preverified_code": pool.request_code,
    "verify_preverified": pool.verify_code,
}
_CREATING: tuple[Endpoint, ...] = ("create_number", "add_preverified")
_FIRST_VERSION_WITH_CURSOR_CODE = (24, 0)
_OK, _BAD_GATEWAY = 200, 502
#: Whose limit a throttle is of, if it is not the WABA's.
_ELSEWHERE = {"app": Reason.APP_BUDGET, "token": Reason.TOKEN_BUDGET}

_PAGE = "<!DOCTYPE html><html><head><title>502</title></head><body>Bad Gateway</body></html>"


@dataclass(frozen=True, slots=True)
class Answer:
    """What goes onto the wire, and how it travels."""

    status: int
    body: bytes
    content_type: str
    headers: dict[str, str]
    manner: Manner = field(default_factory=Manner)


def answer_request(world: World, request: Request, now: datetime) -> Answer:
    """Let one call happen and return its answer; it is logged whatever becomes of it."""
    route = find_route(world, request, now)
    target = _aim(world, request, route)
    hits = draw_faults(world, target)
    call = Call(world, request, route, target, hits, now, _trace(world))
    outcome = _decide(call)
    headers = make_headers(call, outcome)
    log_call(call, outcome)
    manner = plan_travel(hits)
    if isinstance(outcome.body, str):
        return Answer(outcome.status, outcome.body.encode(), "text/html", headers, manner)
    body = json.dumps(outcome.body, separators=(",", ":")).encode()
    return Answer(outcome.status, body, "application/json", headers, manner)


def _aim(world: World, request: Request, route: Route) -> Target:
    """Return what faults may hit, having counted one more attempt at it."""
    key, digits = route.waba.id if route.waba else "", ""
    if route.number is not None:
        key, digits = route.number.key, route.number.digits
    elif route.preverified is not None:
        key, digits = route.preverified.key, route.preverified.digits
    elif route.endpoint in ("share_preverified", "unshare_preverified"):
        shared = world.state.preverified.get(read_text(request.params, "preverified_id") or "")
        key, digits = (shared.key, shared.digits) if shared else ("", "")
    elif route.endpoint in _CREATING:
        key, digits = _read_created(world, request)
    counter = f"{route.endpoint}|{key}"
    attempt = world.state.attempts.get(counter, 0) + 1
    world.state.attempts[counter] = attempt
    return Target(route.endpoint, key, digits, attempt)


def _read_created(world: World, request: Request) -> tuple[str, str]:
    text = read_text(request.params, "phone_number") or ""
    entry = world.state.preverified.get(read_text(request.params, "preverified_id") or "")
    if entry is not None and not text:
        return entry.key, entry.digits
    try:
        phone = parse_phone(read_text(request.params, "cc") or "", text)
    except (PhoneFormatError, PhoneInvalidError):
        return only_digits(text), only_digits(text)
    return phone.key, phone.digits


def _decide(call: Call) -> Outcome:
    """Return how the call ends; a fault may stand in before or after its effect."""
    hits = call.hits
    instead = find_hit(hits, "error_500_transient", "html_502", "refuse", "throttle")
    is_stopped = instead is not None and not instead.fault.after_effect
    if is_stopped or find_hit(hits, "drop_before_effect") is not None:
        return _fail(call, instead)
    try:
        result = _run(call)
    except Refusal as refusal:
        outcome = _refuse(call, refusal)
    else:
        outcome = Outcome(_OK, _spoil(result.body, hits), result.effect)
        if call.route.endpoint in _CREATING:
            outcome.created_id = result.body["id"]
        if call.route.endpoint == "create_number":
            lag_list(call.world, result.body["id"], hits, call.now)
    if instead is None:
        return outcome
    failed = _fail(call, instead)
    failed.effect, failed.created_id = outcome.effect, outcome.created_id
    return failed


def _run(call: Call) -> Result:
    request, route = call.request, call.route
    if request.refusal is not None:
        raise request.refusal
    if route.endpoint in oauth.RULES:
        if route.refusal is not None:
            raise route.refusal
        return oauth.RULES[route.endpoint](call.world, request, call.now)
    token = check_token(call.world, request, call.now)
    if route.refusal is None:
        check_access(token, request, route)
    spend_call(call.world, route.waba, route.endpoint, call.now)
    if route.refusal is None and route.business is not None:
        return _run_pool(call, route.business, route.preverified)
    if route.refusal is not None or route.waba is None:
        raise route.refusal or Refusal(Reason.PATH, path=request.path)
    if route.endpoint in _WRITES:
        return _write(call, route.number or route.waba)
    if route.number is not None:
        return Result(_show_number(call, route.number))
    return _read_waba(call, route.waba)


def _write(call: Call, node: Number | Waba) -> Result:
    if isinstance(node, Number):
        check_not_migrated(node, call.route.endpoint)
    if call.request.unverified is not None:
        raise call.request.unverified
    return _WRITES[call.route.endpoint](call.world, node, call.request.params, call.now)


def _run_pool(call: Call, business: Business, entry: Preverified | None) -> Result:
    world, params, endpoint = call.world, call.request.params, call.route.endpoint
    if entry is None:
        if endpoint == "list_preverified":
            url = f"{call.request.origin}{call.request.path}"
            return pool_reads.list_entries(world, business, params, call.now, url)
        return _ON_POOLS[endpoint](world, business, params, call.now)
    if not pool.is_there(world, entry, call.now):
        raise Refusal(Reason.NUMBER_UNKNOWN, id=entry.id, verb=call.request.method.lower())
    return _ON_ENTRIES[endpoint](world, entry, params, call.now)


def _read_waba(call: Call, waba: Waba) -> Result:
    world, params = call.world, call.request.params
    match call.route.endpoint:
        case "list_numbers":
            return list_numbers(world, waba, params, call.now, _reading(call))
        case "list_subscribed_apps":
            return accounts.list_subscribed_apps(world, waba)
        case _:
            catalogue = fields.WABA_CATALOGUES[world.scenario.profile]
            return Result(catalogue.select(read_text(params, "fields")).render(world, waba))


def _show_number(call: Call, number: Number) -> dict[str, Any]:
    catalogue = fields.NUMBER_CATALOGUES[call.world.scenario.profile]
    selection = catalogue.select(read_text(call.request.params, "fields"))
    return selection.render(call.world, number, _distort(call, number))


def _distort(call: Call, number: Number) -> Mapping[str, object] | None:
    return distort_number(call.world, number, call.target.endpoint, call.target.attempt)


def _reading(call: Call) -> Reading:
    distorts = has_distortions(call.world)
    return Reading(
        url=f"{call.request.origin}{call.request.path}",
        token=call.request.token or "",
        has_cursor_code=call.route.version >= _FIRST_VERSION_WITH_CURSOR_CODE,
        distort=(lambda number: _distort(call, number)) if distorts else None,
        empty_page=find_hit(call.hits, "empty_page_with_next") is not None,
    )


def _refuse(call: Call, refusal: Refusal) -> Outcome:
    hit = find_hit(call.hits, "localised_user_msg")
    language = None if hit is None else hit.fault.language
    profile = call.world.scenario.profile
    return Outcome(*render_refusal(refusal, profile, call.trace_id, language))


def _fail(call: Call, hit: Hit | None) -> Outcome:
    """Return the answer that a fault puts in the place of the real one."""
    if hit is None or hit.kind == "html_502":
        return Outcome(_BAD_GATEWAY, _PAGE)
    if hit.kind == "refuse":
        fault, profile = hit.fault, call.world.scenario.profile
        message = f"(#{fault.code}) Refused by a fault of the scenario"
        form = Form(fault.status, fault.code, message, fault.subcode, transient=fault.is_transient)
        return Outcome(fault.status, render_form(form, profile, call.trace_id))
    reason = Reason.SERVICE
    if hit.kind == "throttle":
        is_list = call.route.endpoint == "list_numbers"
        reason = Reason.WABA_BUDGET_LIST if is_list else Reason.WABA_BUDGET
        reason = _ELSEWHERE.get(hit.fault.scope, reason)
    return _refuse(call, Refusal(reason))


def _spoil(body: dict[str, Any], hits: list[Hit]) -> dict[str, Any]:
    if find_hit(hits, "success_as_string") is not None and "success" in body:
        body["success"] = "true"
    if find_hit(hits, "missing_paging") is not None:
        body.pop("paging", None)
    return body


def _trace(world: World) -> str:
    text = f"{world.scenario.seed}|{world.state.calls_seen}"
    return "A" + urlsafe_b64encode(blake2b(text.encode(), digest_size=16).digest())[:22].decode()
