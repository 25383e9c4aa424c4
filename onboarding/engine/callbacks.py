"""The override of the callback: where the messages of one WABA's numbers go.

It needs a subscription that is there already, and every subscription takes it away again: so the
two are made in this order, and looked at together.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from onboarding.engine.account_changes import change_account
from onboarding.engine.context import Context
from onboarding.errors import InputError, NotFoundError
from onboarding.graph import requests
from onboarding.graph.calls import GraphCall, GraphResult
from onboarding.graph.responses import SubscribedApp
from onboarding.model import Account, Failure, Operation, Trouble
from onboarding.store import accounts
from onboarding.store.database import again_if_raced, again_if_unlucky, writing
from onboarding.telemetry import log

#: What an account wants whose override is to be taken away.
NONE = ""

_AGAIN = timedelta(hours=1)
_LET_GO = {"lease_until": None}


def want_callback(
    ctx: Context, waba_id: str, uri: str | None, verify_token: str, actor: str
) -> Account:
    """Note where messages are to go; a worker sees to it.

    Raises:
        InputError: not an address that Meta takes, or no verify token.
        NotFoundError: no such account.
    """
    if uri is not None:
        if not verify_token.strip():
            raise InputError("a verify token is needed", field="verify_token", hint="make one up")
        requests.set_callback(waba_id, uri=uri, verify_token=verify_token)
    return again_if_raced(lambda: _want(ctx, waba_id, uri, verify_token.strip(), actor))


def _want(ctx: Context, waba_id: str, uri: str | None, verify_token: str, actor: str) -> Account:
    with writing(ctx.database) as conn:
        now = ctx.clock.now()
        known = accounts.load_accounts(conn, [waba_id], lock=True).get(waba_id)
        if known is None:
            raise NotFoundError(
                f"the WABA '{waba_id}' is not known here", hint="see: onboarding account list"
            )
        return change_account(
            ctx,
            conn,
            waba_id,
            "callback_wanted",
            reason=f"messages are to go to {uri}" if uri else "messages are to go to the app again",
            actor=actor,
            now=now,
            changes={
                "override_callback_uri": uri or NONE,
                "verify_token_sealed": ctx.vault.seal(verify_token) if uri else None,
                "check_due_at": now,
                **({"trouble": None} if is_refused(known) else {}),
            },
        )


def is_as_wanted(account: Account, ours: Sequence[SubscribedApp]) -> bool:
    """Whether the app's subscription has the override that is wanted, or none where none is."""
    wanted = account.override_callback_uri
    return wanted is None or any((app.override_callback_uri or NONE) == wanted for app in ours)


def callback_call(ctx: Context, account: Account) -> GraphCall:
    """Return the call that sets the override."""
    return GraphCall(
        request=requests.set_callback(
            account.waba_id,
            uri=account.override_callback_uri or "",
            verify_token=ctx.vault.open(account.verify_token_sealed or ""),
        ),
        token=ctx.token_of(account),
        tag=account.waba_id,
    )


def is_refused(account: Account) -> bool:
    """Whether the last try to set the override failed; reads that work do not mend that."""
    return account.trouble is not None and account.trouble.operation == Operation.SET_CALLBACK


def callback_answered(
    ctx: Context, account: Account, result: GraphResult, *, goes_on: bool
) -> None:
    """Note what came of it. A refusal stops no number, and it is tried again in an hour.

    Args:
        ctx: the engine's parts.
        account: whose callback.
        result: the answer.
        goes_on: whether the account's lease goes on, as more is to be done.
    """
    again_if_unlucky(lambda: _answered(ctx, account, result, {} if goes_on else _LET_GO))


def _answered(
    ctx: Context, account: Account, result: GraphResult, lease: Mapping[str, None]
) -> None:
    waba_id, failure = account.waba_id, result.failure
    with writing(ctx.database) as conn:
        now = ctx.clock.now()
        note, reason = "callback_set", f"messages go to {account.override_callback_uri}"
        changes: dict[str, Any] = {**lease, "trouble": None}
        if failure is not None:
            note, reason = "callback_refused", f"{failure.message} {failure.remedy}".strip()
            trouble = Trouble(operation=Operation.SET_CALLBACK, at=now, failure=failure)
            changes |= {"trouble": trouble, "check_due_at": now + _AGAIN}
        if failure is not None and _is_told(account, failure):
            accounts.update_account(conn, waba_id, **changes)
        else:
            change_account(
                ctx, conn, waba_id, note, reason=reason, actor="engine", now=now, changes=changes
            )
    if failure is not None:
        log.warning(
            "callback_refused",
            waba_id=waba_id,
            error_code=failure.code,
            fbtrace_id=failure.fbtrace_id,
            message=reason,
        )


def _is_told(account: Account, failure: Failure) -> bool:
    """Whether the history tells of this failure already: an hourly try is no news."""
    known = account.trouble.failure if account.trouble and is_refused(account) else None
    return known is not None and known.message == failure.message
