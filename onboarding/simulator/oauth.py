"""Tokens: the exchange of Embedded Signup's code for one, and what one is worth."""

from __future__ import annotations

import hmac
from collections.abc import Callable
from datetime import datetime
from typing import Any

from onboarding.simulator.access import check_alive, check_token
from onboarding.simulator.chance import pick_integer
from onboarding.simulator.params import need_text, read_text
from onboarding.simulator.refusals import Reason, Refusal
from onboarding.simulator.results import Result
from onboarding.simulator.routing import Endpoint, Request
from onboarding.simulator.state import SignupCode, Token, Waba
from onboarding.simulator.world import World


def issue_code(world: World, waba: Waba, now: datetime) -> str:
    """Make the code that the browser gets when Embedded Signup ends; it lives for a moment."""
    digits = pick_integer(world.scenario.seed, "signup", world.next_serial())
    code = f"AQSIM{digits:016x}"
    expires_at = now + world.scenario.signup.code_validity
    world.state.signup_codes[code] = SignupCode(waba.id, expires_at)
    return code


def exchange_code(world: World, request: Request, now: datetime) -> Result:
    """Exchange a code for a token that reaches the WABA it was made for, and no other.

    Raises:
        Refusal: the app or its secret is wrong, or the code is unknown, used or too old.
    """
    _check_app(world, request)
    known = world.state.signup_codes.get(need_text(request.params, "code"))
    if known is None:
        raise Refusal(Reason.SIGNUP_CODE_UNKNOWN)
    if known.is_used:
        raise Refusal(Reason.SIGNUP_CODE_USED)
    if now >= known.expires_at:
        raise Refusal(Reason.SIGNUP_CODE_EXPIRED)
    known.is_used = True
    settings = world.scenario.signup
    lifetime = settings.token_lifetime
    value = f"EAASIM{pick_integer(world.scenario.seed, 'business', world.next_serial()):016x}"
    world.state.tokens[value] = Token(
        value,
        [known.waba_id],
        list(settings.scopes),
        issued_at=now,
        expires_at=now + lifetime if lifetime else None,
    )
    body: dict[str, Any] = {"access_token": value, "token_type": "bearer"}
    if lifetime:
        body["expires_in"] = int(lifetime.total_seconds())
    return Result(body, effect=True)


def debug_token(world: World, request: Request, now: datetime) -> Result:
    """Tell what a token is; asked in the name of the app, or of the token itself.

    Raises:
        Refusal: nobody asks, or the app's secret is wrong.
    """
    value = need_text(request.params, "input_token")
    if not _is_app(world, request.token) and request.token != value:
        check_token(world, request, now)
    token = world.state.tokens.get(value)
    if token is None:
        error = {"code": 190, "message": "Invalid OAuth access token.", "subcode": 463}
        return Result({"data": {"is_valid": False, "error": error, "scopes": []}})
    return Result({"data": _show(world, token, now)})


RULES: dict[Endpoint, Callable[[World, Request, datetime], Result]] = {
    "exchange_code": exchange_code,
    "debug_token": debug_token,
}


def _check_app(world: World, request: Request) -> None:
    app = world.scenario.app
    if read_text(request.params, "client_id") != app.id:
        raise Refusal(Reason.APP_UNKNOWN)
    given = read_text(request.params, "client_secret") or ""
    if app.secret is None or not hmac.compare_digest(given.encode(), app.secret.encode()):
        raise Refusal(Reason.APP_SECRET)


def _is_app(world: World, token: str | None) -> bool:
    app = world.scenario.app
    return app.secret is not None and token == f"{app.id}|{app.secret}"


def _show(world: World, token: Token, now: datetime) -> dict[str, Any]:
    targets = {} if token.wabas is None else {"target_ids": token.wabas}
    shown: dict[str, Any] = {
        "app_id": world.scenario.app.id,
        "application": world.scenario.app.name,
        "type": token.kind,
        "is_valid": True,
        "issued_at": int(token.issued_at.timestamp()) if token.issued_at else 0,
        "expires_at": int(token.expires_at.timestamp()) if token.expires_at else 0,
        "data_access_expires_at": 0,
        "scopes": token.scopes,
        "granular_scopes": [{"scope": scope, **targets} for scope in token.scopes],
    }
    try:
        check_alive(token, now)
    except Refusal as refusal:
        shown["is_valid"] = False
        shown["error"] = {
            "code": refusal.code or 190,
            "subcode": refusal.subcode,
            "message": "Error validating access token",
        }
    return shown
