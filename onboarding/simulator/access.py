"""Who may call: token, proof of the app's secret, scopes, and which WABAs a token reaches."""

from __future__ import annotations

import hashlib
import hmac
from datetime import datetime

from onboarding.simulator.params import read_text
from onboarding.simulator.refusals import Reason, Refusal
from onboarding.simulator.routing import Request, Route
from onboarding.simulator.state import Business, Token
from onboarding.simulator.world import World

_MANAGEMENT, _MESSAGING = "whatsapp_business_management", "whatsapp_business_messaging"
_POOL = "business_management"
_SCOPES = {"register": (_MANAGEMENT, _MESSAGING), "deregister": (_MANAGEMENT, _MESSAGING)}


def check_token(world: World, request: Request, now: datetime) -> Token:
    """Return the token of a request.

    Raises:
        Refusal: there is none, it is not alive, or the app's proof is missing or wrong.
    """
    if request.token is None:
        raise Refusal(Reason.TOKEN_MISSING)
    token = world.state.tokens.get(request.token)
    if token is None:
        raise Refusal(Reason.TOKEN_INVALID)
    check_alive(token, now)
    _check_proof(world, request, token)
    return token


def check_alive(token: Token, now: datetime) -> None:
    """Check that a token was not killed, and has not come to its end.

    Raises:
        Refusal: it was, or has.
    """
    if token.is_dead:
        raise Refusal(Reason.TOKEN_INVALID, code=token.code, subcode=token.subcode)
    if token.expires_at is not None and token.expires_at <= now:
        raise Refusal(Reason.TOKEN_INVALID, subcode=463)


def check_access(token: Token, request: Request, route: Route) -> None:
    """Check that a token may do what the route says.

    Raises:
        Refusal: the WABA is not within its reach, or a scope is missing.
    """
    if route.business is not None:
        _check_pool(token, request, route.business)
    if route.waba is None:
        return
    if token.wabas is not None and route.waba.id not in token.wabas:
        node, thing = route.waba.id, "WhatsApp Business Account"
        if route.number is not None:
            node, thing = route.number.id, "phone number"
        raise Refusal(Reason.NO_ACCESS, id=node, thing=thing, verb=request.method.lower())
    for scope in _SCOPES.get(route.endpoint, (_MANAGEMENT,)):
        if scope not in token.scopes:
            raise Refusal(Reason.SCOPE, scope=scope)


def _check_pool(token: Token, request: Request, business: Business) -> None:
    if token.wabas is not None and not set(token.wabas) & set(business.waba_ids):
        verb = request.method.lower()
        raise Refusal(Reason.NO_ACCESS, id=business.id, thing="business", verb=verb)
    if _POOL not in token.scopes:
        raise Refusal(Reason.SCOPE, scope=_POOL)


def prove(secret: str, token: str) -> str:
    """Return the ``appsecret_proof`` of a token."""
    return hmac.new(secret.encode(), token.encode(), hashlib.sha256).hexdigest()


def _check_proof(world: World, request: Request, token: Token) -> None:
    app, given = world.scenario.app, read_text(request.params, "appsecret_proof")
    if app.secret is None:
        return
    if given is None:
        if app.require_proof:
            raise Refusal(Reason.PROOF_MISSING)
    elif not hmac.compare_digest(given.encode(), prove(app.secret, token.value).encode()):
        raise Refusal(Reason.PROOF_WRONG)
