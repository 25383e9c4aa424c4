"""The exchange of Embedded Signup's code for a token: one call, journaled, within 30 seconds.

The code and the app's secret are handed to the Graph client and are kept nowhere.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection

from onboarding.engine.account_changes import change_account, hold_account
from onboarding.engine.breakers import breakers_of
from onboarding.engine.context import Context, Ids
from onboarding.engine.crash_points import (
    ANSWERED,
    APPLIED,
    INTENDED,
    INTENT_WRITTEN,
    OUTCOME_WRITTEN,
    reach,
)
from onboarding.engine.purses import open_purse
from onboarding.engine.sending import outcome_of, status_of
from onboarding.engine.token_changes import Given, give_token
from onboarding.errors import ConfigurationError
from onboarding.graph import requests
from onboarding.graph.calls import GraphCall, GraphResult
from onboarding.graph.responses import parse_exchanged_token
from onboarding.graph.wire import is_usable_token
from onboarding.model import (
    Account,
    Effect,
    JournaledOperation,
    Operation,
    OperationStatus,
)
from onboarding.store import accounts, budgets, journal, signups
from onboarding.store.database import again_if_unlucky, writing
from onboarding.store.signups import Signup
from onboarding.telemetry import log

_NAME = (Operation.EXCHANGE_CODE,)
_WORDS = "the token that came for the code of Embedded Signup"

#: What a person does once a code was used up, and the token that came for it is lost.
MEND = (
    "let the customer run Embedded Signup again, or give a token: onboarding account add {waba_id}"
)
_SEND_AGAIN = "It was not sent: hand it over again at once, it lives 30 seconds."
_DIED = "whoever exchanged it died before its answer was kept"


def require_app(ctx: Context) -> tuple[str, str]:
    """Return the app's id and secret.

    Raises:
        ConfigurationError: one of the two is not set.
    """
    app_id, secret = ctx.settings.app_id, ctx.settings.app_secret
    if app_id is None or secret is None:
        raise ConfigurationError(
            "a code cannot be exchanged without ONBOARDING_APP_ID and ONBOARDING_APP_SECRET",
            hint="set both; or hand the event over without its code, and give the token yourself",
        )
    return app_id, secret.get_secret_value()


def exchange_intent(
    ctx: Context, conn: Connection, account: Account, code_mac: str, now: datetime
) -> JournaledOperation:
    """Write the intent of an exchange, and spend its call.

    A budget that is used up does not hold it back: the code would be dead by then.
    """
    operation = JournaledOperation(
        id=Ids(now).next(),
        onboarding_id=None,
        waba_id=account.waba_id,
        number_key=None,
        cycle=0,
        name=Operation.EXCHANGE_CODE,
        natural_key=code_mac,
        attempt=1,
        status=OperationStatus.PENDING,
        intent_at=now,
        settle_at=now + ctx.policy.settle,
    )
    journal.insert_intents(conn, [operation], ctx.worker)
    purse = open_purse(ctx, conn, [account.waba_id], now)
    purse.take(account, Operation.EXCHANGE_CODE, urgent=True)
    budgets.spend(conn, purse.spent, now)
    reach(INTENT_WRITTEN, _NAME)
    return operation


def send_exchange(
    ctx: Context, signup: Signup, intent: JournaledOperation, code: str, send_before: float
) -> str:
    """Exchange a code and give the account its token.

    Returns:
        Why there is no token; nothing if there is one.
    """
    reach(INTENDED, _NAME)
    app_id, secret = require_app(ctx)
    call = GraphCall(
        request=requests.exchange_code(signup.waba_id, app_id=app_id, app_secret=secret, code=code),
        token="",
        tag=intent.id,
        send_before=send_before,
    )
    result = ctx.graph.send_one(call)
    reach(ANSWERED, _NAME)
    told = again_if_unlucky(lambda: _answered(ctx, signup, intent, result))
    reach(APPLIED, _NAME)
    if told:
        log.error(
            "code_not_exchanged",
            waba_id=signup.waba_id,
            error_code=result.failure.code if result.failure else None,
            fbtrace_id=result.fbtrace_id,
            message=told,
        )
    return told


def _answered(ctx: Context, signup: Signup, intent: JournaledOperation, result: GraphResult) -> str:
    outcome = outcome_of(result)
    status = status_of(outcome)
    if status is OperationStatus.UNKNOWN:
        # The code is used up or dead, and the token that came for it is lost: nothing can tell.
        status = OperationStatus.ABANDONED
    with writing(ctx.database) as conn:
        now = ctx.clock.now()
        stored = journal.Result(
            id=intent.id,
            status=status,
            outcome=outcome,
            outcome_at=now,
            applied=True,
            resolved_by="response",
        )
        journal.write_results(conn, [stored])
        budgets.write_breakers(conn, breakers_of(ctx.vault, [result], now))
        told = _without_token(signup.waba_id, result)
        if told:
            _note_failure(ctx, conn, signup, told, now)
            if status is OperationStatus.UNSENT:
                signups.forget_code(conn, signup.id)
        else:
            _take_token(ctx, conn, signup, result)
        reach(OUTCOME_WRITTEN, _NAME)
    return told


def _without_token(waba_id: str, result: GraphResult) -> str:
    """Return why an answer gave no token, and what a person does; nothing if it gave one."""
    failure = result.failure
    if failure is None:
        token = parse_exchanged_token(result.payload).token
        return (
            "" if is_usable_token(token) else _lost("Meta's answer holds no usable token", waba_id)
        )
    if failure.effect is Effect.REFUSED:
        return f"{failure.message} {failure.remedy}".strip()
    if failure.effect is Effect.UNSENT:
        return f"{failure.message} {_SEND_AGAIN}"
    return _lost(failure.message.rstrip("."), waba_id)


def _lost(why: str, waba_id: str) -> str:
    return f"{why}. The code works once: {MEND.format(waba_id=waba_id)}"


def note_lost(
    ctx: Context, conn: Connection, lost: Sequence[JournaledOperation], now: datetime
) -> None:
    """Tell of exchanges of which nobody will hear any more; an account without a token is held."""
    for operation in lost:
        signup = signups.load_by_code(conn, operation.natural_key)
        if signup is not None:
            _note_failure(ctx, conn, signup, _lost(_DIED, signup.waba_id), now)


def _take_token(ctx: Context, conn: Connection, signup: Signup, result: GraphResult) -> None:
    sealed = ctx.vault.seal(parse_exchanged_token(result.payload).token)
    known = accounts.load_accounts(conn, [signup.waba_id], lock=True)[signup.waba_id]
    given = Given(sealed=sealed, words=_WORDS)
    give_token(ctx, conn, known, given, actor=signup.taken_by, check_due_at=ctx.clock.now())


def _note_failure(ctx: Context, conn: Connection, signup: Signup, told: str, now: datetime) -> None:
    reason = f"the code of Embedded Signup gave no token: {told}"
    known = change_account(
        ctx,
        conn,
        signup.waba_id,
        "code_not_exchanged",
        reason=reason,
        actor="engine",
        now=now,
        changes={},
    )
    signups.note(conn, signup.id, reason)
    if not known.has_token and known.hold is None:
        hold_account(ctx, conn, signup.waba_id, text=reason, now=now, changes={"lease_until": None})
