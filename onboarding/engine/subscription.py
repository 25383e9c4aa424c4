"""The app's subscription to a WABA: made once, before the first register call, and re-checked.

A new WABA delivers webhooks to nobody, and there is no way to fetch what was missed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from onboarding.core.budgets import APP, waba_key
from onboarding.engine.account_trouble import account_failed
from onboarding.engine.context import Context, Ids
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
from onboarding.store import accounts, budgets, journal, onboardings
from onboarding.store.database import writing


@dataclass(frozen=True, slots=True)
class _Due:
    account: Account
    operation: JournaledOperation


def check_subscriptions(ctx: Context, due: Sequence[Account]) -> None:
    """Look whether the app is subscribed to these WABAs, and subscribe it where it is not."""
    by_waba = {account.waba_id: account for account in due}
    missing = []
    for result in ctx.graph.send([_look(ctx, account) for account in due]):
        account = by_waba[result.call.tag]
        if result.failure is not None:
            account_failed(ctx, account, "list_subscribed_apps", result, result.failure)
        elif _is_subscribed(ctx, parse_subscribed_apps(result.payload)):
            _subscribed(ctx, account)
        else:
            missing.append(account)
    _subscribe(ctx, missing)


def _look(ctx: Context, account: Account) -> GraphCall:
    return GraphCall(
        request=requests.list_subscribed_apps(account.waba_id),
        token=ctx.vault.open(account.token_sealed),
        tag=account.waba_id,
    )


def _is_subscribed(ctx: Context, apps: Sequence[SubscribedApp]) -> bool:
    """Whether our app is among them.

    Without ``app_id`` any app counts as ours: subscribing again would remove an override of the
    callback that somebody set with care.
    """
    ours = ctx.settings.app_id
    return bool(apps) if ours is None else any(app.id == ours for app in apps)


def _subscribe(ctx: Context, missing: Sequence[Account]) -> None:
    if not missing:
        return
    now = ctx.clock.now()
    ids = Ids(now)
    each = {a.waba_id: _Due(a, _intent(ctx, a, ids.next(), now)) for a in missing}
    with writing(ctx.database) as conn:
        journal.insert_intents(conn, [d.operation for d in each.values()], ctx.worker)
        spent = {waba_key(waba_id): 1 for waba_id in each} | {APP: len(each)}
        budgets.spend(conn, spent, now)
    calls = [
        GraphCall(
            request=requests.subscribe_app(waba_id),
            token=ctx.vault.open(due.account.token_sealed),
            tag=waba_id,
        )
        for waba_id, due in each.items()
    ]
    for result in ctx.graph.send(calls):
        _answered(ctx, each[result.call.tag], result)


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


def _answered(ctx: Context, due: _Due, result: GraphResult) -> None:
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
    if result.failure is None:
        _subscribed(ctx, due.account)
    else:
        account_failed(ctx, due.account, "subscribe_app", result, result.failure)


def _subscribed(ctx: Context, account: Account) -> None:
    now = ctx.clock.now()
    with writing(ctx.database) as conn:
        accounts.update_account(
            conn,
            account.waba_id,
            subscribed_at=now,
            check_due_at=None,
            failures=0,
            trouble=None,
            lease_until=None,
        )
        onboardings.wake_account(conn, account.waba_id, now, (Reason.SUBSCRIBING,))
