"""What a token may do and until when, as Meta tells it; a missing scope is told and stops nothing.

Meta has left scopes out of this answer that the token had all the same.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from sqlalchemy import Connection

from onboarding.engine.account_changes import change_account, close_expiry
from onboarding.engine.context import Context
from onboarding.graph import requests
from onboarding.graph.calls import GraphCall, GraphResult
from onboarding.graph.responses import parse_debugged_token
from onboarding.model import Account, AlertKind, TokenFacts
from onboarding.store import accounts, alerts
from onboarding.store.alerts import Alert
from onboarding.store.database import again_if_unlucky, writing
from onboarding.telemetry import log

#: What a token needs for everything that the engine does.
NEEDED = ("whatsapp_business_management", "whatsapp_business_messaging")

#: How long before its end somebody is told, again and again.
REMINDERS = tuple(timedelta(days=days) for days in (14, 7, 3, 1, 0))

_EVERY = timedelta(days=1)
_EXPIRY = "token_expiry"


def may_ask(ctx: Context) -> bool:
    """Whether tokens are looked at by the way: Meta tells it to the app, by id and secret."""
    return ctx.settings.app_id is not None and ctx.settings.app_secret is not None


def check_tokens(ctx: Context, of: Sequence[Account]) -> None:
    """Ask Meta about tokens that were not asked about for a day; who fails is asked about later."""
    now = ctx.clock.now()
    if not may_ask(ctx):
        return
    old = [a for a in of if a.token_facts is None or now - a.token_facts.checked_at >= _EVERY]
    by_waba = {account.waba_id: account for account in old}
    tokens = {account.waba_id: ctx.token_of(account) for account in old}
    calls = [_question(ctx, waba_id, token) for waba_id, token in tokens.items() if token]
    for result in ctx.graph.send(calls):
        note_answer(ctx, by_waba[result.call.tag], result, "engine")


def check_token(ctx: Context, account: Account, actor: str) -> None:
    """Ask Meta about one account's token now."""
    question = _question(ctx, account.waba_id, ctx.token_of(account))
    note_answer(ctx, account, ctx.graph.send_one(question), actor)


def _question(ctx: Context, waba_id: str, token: str) -> GraphCall:
    """Return the question about a token, asked by the app, or else by the token itself."""
    app_id, secret = ctx.settings.app_id, ctx.settings.app_secret
    asker = f"{app_id}|{secret.get_secret_value()}" if app_id and secret else token
    request = requests.debug_token(waba_id, token=token)
    return GraphCall(request=request, token=asker, tag=waba_id)


def note_answer(ctx: Context, account: Account, result: GraphResult, actor: str) -> None:
    """Keep what Meta said about an account's token; no answer changes nothing."""
    if result.failure is not None:
        log.warning(
            "token_not_checked",
            waba_id=account.waba_id,
            error_code=result.failure.code,
            fbtrace_id=result.failure.fbtrace_id,
            message=result.failure.message,
        )
        return
    told = parse_debugged_token(result.payload)
    facts = TokenFacts(
        checked_at=ctx.clock.now(),
        app_id=told.app_id,
        kind=told.kind,
        scopes=told.scopes,
        missing=tuple(scope for scope in NEEDED if scope not in told.scopes),
        is_valid=told.is_valid,
        expires_at=told.expires_at,
        data_access_expires_at=told.data_access_expires_at,
    )
    again_if_unlucky(lambda: _note(ctx, account, facts, actor))
    if facts.missing:
        scopes = ", ".join(facts.missing)
        log.warning("scopes_not_told", waba_id=account.waba_id, scopes=scopes)


def _note(ctx: Context, account: Account, facts: TokenFacts, actor: str) -> None:
    waba_id, now = account.waba_id, facts.checked_at
    with writing(ctx.database) as conn:
        known = accounts.load_accounts(conn, [waba_id], lock=True)[waba_id]
        was = known.token_sealed, known.token_source
        if was != (account.token_sealed, account.token_source):
            return  # it was about a token that was replaced meanwhile
        if _said(known.token_facts) != _said(facts):
            change_account(
                ctx,
                conn,
                waba_id,
                "token_checked",
                reason=words_of_facts(facts),
                actor=actor,
                now=now,
                changes={"token_facts": facts},
            )
        else:
            accounts.update_account(conn, waba_id, token_facts=facts)
        _remind(conn, waba_id, known.token_facts, facts, now)


def _said(facts: TokenFacts | None) -> tuple[object, ...]:
    if facts is None:
        return ()
    return facts.scopes, facts.is_valid, facts.expires_at, facts.data_access_expires_at


def words_of_facts(facts: TokenFacts) -> str:
    """Return in words what Meta says about a token."""
    ends_at = facts.ends_at
    ends = f"it ends at {ends_at:%Y-%m-%d %H:%M} UTC" if ends_at else "it has no end"
    lacks = f"not told to have {', '.join(facts.missing)}" if facts.missing else "has every scope"
    return f"{lacks}; {ends}" if facts.is_valid is not False else f"not valid; {lacks}; {ends}"


def _remind(
    conn: Connection, waba_id: str, before: TokenFacts | None, facts: TokenFacts, now: datetime
) -> None:
    """See that somebody is told in time that the token comes to its end."""
    if before is not None and before.ends_at != facts.ends_at:
        close_expiry(conn, waba_id, now)
    if facts.ends_at is None:
        return
    reminder = Alert(
        kind=AlertKind.TOKEN_EXPIRY,
        subject=waba_id,
        what=_EXPIRY,
        since=now,
        next_at=max(now, facts.ends_at - REMINDERS[0]),
    )
    alerts.open_alerts(conn, [reminder])


def next_reminder(ends_at: datetime, now: datetime) -> datetime | None:
    """Return when somebody is to be told again; ``None`` after the end."""
    return min((at for at in _instants(ends_at) if at > now), default=None)


def _instants(ends_at: datetime) -> Iterable[datetime]:
    return (ends_at - before for before in REMINDERS)
