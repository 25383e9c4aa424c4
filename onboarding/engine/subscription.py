"""The app's subscription to a WABA: made once, before the first register call, and re-checked.

A new WABA delivers webhooks to nobody, and there is no way to fetch what was missed.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from onboarding.engine.account_trouble import account_failed
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
from onboarding.store import accounts, journal, onboardings
from onboarding.store.database import writing

_SUBSCRIBES = (Operation.SUBSCRIBE_APP,)


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
    missing, failed = [], set()
    for result in ctx.graph.send([_look(ctx, account) for account in due]):
        account = by_waba[result.call.tag]
        if result.failure is not None:
            account_failed(ctx, account, "list_subscribed_apps", result, result.failure)
            failed.add(account.waba_id)
        elif _is_subscribed(ctx, parse_subscribed_apps(result.payload)):
            _subscribed(ctx, account, read_next)
        else:
            missing.append(account)
    return failed | _subscribe(ctx, missing, read_next)


def _look(ctx: Context, account: Account) -> GraphCall:
    return GraphCall(
        request=requests.list_subscribed_apps(account.waba_id),
        token=ctx.token_of(account),
        tag=account.waba_id,
    )


def _is_subscribed(ctx: Context, apps: Sequence[SubscribedApp]) -> bool:
    """Whether our app is among them.

    Without ``app_id`` any app counts as ours: subscribing again would remove an override of the
    callback that somebody set with care.
    """
    ours = ctx.settings.app_id
    return bool(apps) if ours is None else any(app.id == ours for app in apps)


def _subscribe(ctx: Context, missing: Sequence[Account], read_next: Collection[str]) -> set[str]:
    if not missing:
        return set()
    now = ctx.clock.now()
    ids = Ids(now)
    each = {a.waba_id: _Due(a, _intent(ctx, a, ids.next(), now)) for a in missing}
    reach(CLAIMED, _SUBSCRIBES)
    with writing(ctx.database) as conn:
        if not may_call(conn, now):
            _let_go(conn, each, read_next)
            return set()
        journal.insert_intents(conn, [d.operation for d in each.values()], ctx.worker)
        reach(INTENT_WRITTEN, _SUBSCRIBES)
    reach(INTENDED, _SUBSCRIBES)
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
        _answered(ctx, each[result.call.tag], result, read_next)
        if result.failure is not None:
            failed.add(result.call.tag)
    return failed


def _let_go(conn: Connection, waba_ids: Iterable[str], read_next: Collection[str]) -> None:
    """Subscribe nothing: this is a restored copy. What waits for it asks again when released."""
    for waba_id in waba_ids:
        if waba_id not in read_next:
            accounts.update_account(conn, waba_id, lease_until=None)


def _intent(ctx: Context, account: Account, id_: str, now: datetime) -> JournaledOperation:
    return JournaledOperation(
        id=id_,
        onboarding_id=None,
        waba_id=account.waba_id,
        number_key=None,
        cycle=0,
        name=Operation.SUBSCRIBE_APP,
        natural_key=account.waba_id,
        attempt=1,
        status=OperationStatus.PENDING,
        intent_at=now,
        settle_at=now + ctx.policy.settle,
    )


def _answered(ctx: Context, due: _Due, result: GraphResult, read_next: Collection[str]) -> None:
    reach(ANSWERED, _SUBSCRIBES)
    now = ctx.clock.now()
    outcome = outcome_of(result)
    # Subscribing twice changes nothing, so silence needs no probe: the next check sees.
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
        reach(OUTCOME_WRITTEN, _SUBSCRIBES)
    reach(APPLIED, _SUBSCRIBES)
    if result.failure is None:
        _subscribed(ctx, due.account, read_next)
    else:
        account_failed(ctx, due.account, "subscribe_app", result, result.failure)


def _subscribed(ctx: Context, account: Account, read_next: Collection[str]) -> None:
    now = ctx.clock.now()
    free = {} if account.waba_id in read_next else {"lease_until": None}
    with writing(ctx.database) as conn:
        onboardings.wake_account(conn, account.waba_id, now, (Reason.SUBSCRIBING,))
        # Of a worker that died with such a call on its way nobody else would hear.
        journal.abandon_subscriptions(conn, account.waba_id, now)
        accounts.update_account(
            conn,
            account.waba_id,
            subscribed_at=now,
            failures=0,
            trouble=None,
            **free,
        )
