"""The app's subscription to a WABA: made once, before the first register call, and re-checked.

A new WABA delivers webhooks to nobody, and there is no way to fetch what was missed.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from onboarding.engine.account_trouble import account_failed
from onboarding.engine.callbacks import (
    NONE,
    callback_answered,
    callback_call,
    is_as_wanted,
    is_refused,
)
from onboarding.engine.context import Context, Ids
from onboarding.engine.crash_points import (
    ANSWERED,
    APPLIED,
    CLAIMED,
    INTENDED,
    INTENT_WRITTEN,
    OUTCOME_WRITTEN,
    reach,
)
from onboarding.engine.restoring import may_call
from onboarding.engine.sending import outcome_of, status_of
from onboarding.engine.token_checks import check_tokens
from onboarding.graph import requests
from onboarding.graph.calls import GraphCall, GraphResult
from onboarding.graph.responses import SubscribedApp, parse_subscribed_apps
from onboarding.model import (
    Account,
    JournaledOperation,
    Operation,
    OperationStatus,
    Reason,
)
from onboarding.store import accounts, journal, leases
from onboarding.store.database import writing


@dataclass(frozen=True, slots=True)
class _Due:
    account: Account
    operation: JournaledOperation


def check_subscriptions(
    ctx: Context, due: Sequence[Account], read_next: Collection[str]
) -> set[str]:
    """Look whether the app is subscribed to these WABAs, and subscribe it where it is not.

    Args:
        ctx: the engine's parts.
        due: accounts to look at; the budget for two calls of each is spent.
        read_next: WABAs whose list is read afterwards, so that their lease goes on.

    Returns:
        The WABAs for which a call failed.
    """
    if not due:
        return set()
    by_waba = {account.waba_id: account for account in due}
    check_tokens(ctx, due)
    missing, unlike, failed = [], [], set()
    for result in ctx.graph.send([_look(ctx, account) for account in due]):
        account = by_waba[result.call.tag]
        if result.failure is not None:
            account_failed(ctx, account, "list_subscribed_apps", result, result.failure)
            failed.add(account.waba_id)
        elif ours := _ours(ctx, parse_subscribed_apps(result.payload)):
            is_done = is_as_wanted(account, ours)
            goes_on = not is_done or account.waba_id in read_next
            _subscribed(ctx, account, goes_on=goes_on, is_done=is_done)
            unlike += [] if is_done else [account]
        else:
            missing.append(account)
    # Subscribing takes an override away, also one that is not wanted any more.
    again = [account for account in unlike if account.override_callback_uri == NONE]
    failed |= _subscribe(ctx, [*missing, *again], read_next)
    made = [a for a in missing if a.override_callback_uri and a.waba_id not in failed]
    _set_callbacks(ctx, [*made, *(a for a in unlike if a.override_callback_uri)], read_next)
    return failed


def _look(ctx: Context, account: Account) -> GraphCall:
    return GraphCall(
        request=requests.list_subscribed_apps(account.waba_id),
        token=ctx.token_of(account),
        tag=account.waba_id,
    )


def _ours(ctx: Context, apps: Sequence[SubscribedApp]) -> list[SubscribedApp]:
    """Return our app, if it is among them.

    Without ``app_id`` any app counts as ours: subscribing again would remove an override of the
    callback that somebody set with care.
    """
    ours = ctx.settings.app_id
    return [app for app in apps if ours is None or app.id == ours]


def _subscribe(ctx: Context, missing: Sequence[Account], read_next: Collection[str]) -> set[str]:
    each = _journal(ctx, missing, Operation.SUBSCRIBE_APP, read_next)
    calls = [
        GraphCall(
            request=requests.subscribe_app(waba_id),
            token=ctx.token_of(due.account),
            tag=waba_id,
        )
        for waba_id, due in each.items()
    ]
    failed = set()
    for result in ctx.graph.send(calls):
        due = each[result.call.tag]
        _answered(ctx, due, result)
        if result.failure is not None:
            failed.add(result.call.tag)
            account_failed(ctx, due.account, "subscribe_app", result, result.failure)
        else:
            # A lease that outlives its worker lets another one set the callback.
            is_done = not due.account.override_callback_uri
            goes_on = not is_done or result.call.tag in read_next
            _subscribed(ctx, due.account, goes_on=goes_on, is_done=is_done)
    return failed


def _set_callbacks(ctx: Context, unlike: Sequence[Account], read_next: Collection[str]) -> None:
    """Override callbacks, once the app is subscribed."""
    each = _journal(ctx, unlike, Operation.SET_CALLBACK, read_next)
    for result in ctx.graph.send([callback_call(ctx, due.account) for due in each.values()]):
        due = each[result.call.tag]
        _answered(ctx, due, result)
        callback_answered(ctx, due.account, result, goes_on=result.call.tag in read_next)


def _journal(
    ctx: Context, of: Sequence[Account], name: Operation, read_next: Collection[str]
) -> dict[str, _Due]:
    """Write the intents of an operation; return what may be sent, by WABA."""
    if not of:
        return {}
    now = ctx.clock.now()
    ids = Ids(now)
    each = {a.waba_id: _Due(a, _intent(ctx, a, name, ids.next(), now)) for a in of}
    reach(CLAIMED, (name,))
    with writing(ctx.database) as conn:
        if not may_call(conn, now):
            _let_go(conn, each, read_next)
            return {}
        journal.insert_intents(conn, [d.operation for d in each.values()], ctx.worker)
        reach(INTENT_WRITTEN, (name,))
    reach(INTENDED, (name,))
    return each


def _let_go(conn: Connection, waba_ids: Iterable[str], read_next: Collection[str]) -> None:
    """Subscribe nothing: this is a restored copy. What waits for it asks again when released."""
    for waba_id in waba_ids:
        if waba_id not in read_next:
            accounts.update_account(conn, waba_id, lease_until=None)


def _intent(
    ctx: Context, account: Account, name: Operation, id_: str, now: datetime
) -> JournaledOperation:
    return JournaledOperation(
        id=id_,
        onboarding_id=None,
        waba_id=account.waba_id,
        number_key=None,
        cycle=0,
        name=name,
        natural_key=account.waba_id,
        attempt=1,
        status=OperationStatus.PENDING,
        intent_at=now,
        settle_at=now + ctx.policy.settle,
    )


def _answered(ctx: Context, due: _Due, result: GraphResult) -> None:
    names = (due.operation.name,)
    reach(ANSWERED, names)
    now = ctx.clock.now()
    outcome = outcome_of(result)
    # Either call twice changes nothing, so silence needs no probe: the next check sees.
    status = status_of(outcome)
    if status is OperationStatus.UNKNOWN:
        status = OperationStatus.ABANDONED
    stored = journal.Result(
        id=due.operation.id,
        status=status,
        outcome=outcome,
        outcome_at=now,
        applied=True,
        resolved_by="response",
    )
    with writing(ctx.database) as conn:
        journal.write_results(conn, [stored])
        reach(OUTCOME_WRITTEN, names)
    reach(APPLIED, names)


def _subscribed(ctx: Context, account: Account, *, goes_on: bool, is_done: bool) -> None:
    """Note that the app is subscribed.

    Args:
        ctx: the engine's parts.
        account: the app's account.
        goes_on: whether its lease does, as more is to be done.
        is_done: whether the callback is as wanted, too.
    """
    now = ctx.clock.now()
    changes: dict[str, Any] = {} if goes_on else {"lease_until": None}
    if is_done or not is_refused(account):
        changes["trouble"] = None
    with writing(ctx.database) as conn:
        leases.wake_account(conn, account.waba_id, now, (Reason.SUBSCRIBING,))
        # Of a worker that died with such a call on its way nobody else would hear.
        journal.abandon_subscriptions(conn, account.waba_id, now)
        accounts.update_account(
            conn,
            account.waba_id,
            subscribed_at=now,
            failures=0,
            **changes,
        )
