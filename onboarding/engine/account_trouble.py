"""What follows when a call that concerns a whole account fails."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from onboarding.core.timing import backoff, jitter
from onboarding.engine.account_changes import hold_account
from onboarding.engine.breakers import breakers_of
from onboarding.engine.context import Context
from onboarding.graph.calls import GraphResult
from onboarding.model import Account, Failure, Reason, RecoveryClass, Trouble
from onboarding.store import accounts, budgets, leases
from onboarding.store.database import again_if_unlucky, writing
from onboarding.telemetry import log

#: Failures after which trying again by ourselves is pointless: a person must mend the account.
_NEEDS_PERSON = (RecoveryClass.REAUTH, RecoveryClass.HUMAN, RecoveryClass.PERMANENT)


def account_failed(
    ctx: Context, account: Account, what: str, result: GraphResult, failure: Failure
) -> None:
    """Note a failed call of an account: no number changes, and it is tried again later.

    A failure that only a person can mend puts the account on hold, once for all its numbers.

    Args:
        ctx: the engine's parts.
        account: whose call it was.
        what: which call.
        result: the answer, for what its headers say about budgets.
        failure: why it counts as failed.
    """
    now = ctx.clock.now()
    needs_person = failure.recovery in _NEEDS_PERSON
    wait = backoff(account.failures + 1, ctx.policy.transient)
    again = now + wait + jitter(account.waba_id, wait / 10)
    changes: dict[str, Any] = dict.fromkeys(_not_done(account, what, now), again) | {
        "failures": account.failures + 1,
        "trouble": Trouble(operation=what, at=now, failure=failure),
        "lease_until": None,
    }

    def note() -> None:
        with writing(ctx.database) as conn:
            if needs_person:
                leases.wake_account(conn, account.waba_id, now, tuple(Reason))
                text = f"{what}: {failure.message}"
                hold_account(
                    ctx, conn, account.waba_id, text=text, now=now, changes=changes, used=account
                )
            else:
                accounts.update_account(conn, account.waba_id, **changes)
            budgets.write_breakers(conn, breakers_of(ctx.vault, [result], now))

    again_if_unlucky(note)
    log.warning(
        "account_call_failed",
        waba_id=account.waba_id,
        call=what,
        recovery=failure.recovery.value,
        error_code=failure.code,
        fbtrace_id=failure.fbtrace_id,
        message=failure.message,
        account_held=needs_person,
    )


def _not_done(account: Account, what: str, now: datetime) -> Iterator[str]:
    """Yield what the account was taken for and did not get; its list is read last."""
    for name in (
        ("observe_due_at",) if what == "list_numbers" else ("observe_due_at", "check_due_at")
    ):
        at: datetime | None = getattr(account, name)
        is_watched = at is None and what == "list_numbers"  # read although nothing was expected
        if account.lease_until is not None or is_watched or (at is not None and at <= now):
            yield name
