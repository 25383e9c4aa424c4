"""What becomes of a hand-over: its number is asked for as soon as the WABA's list shows it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from onboarding.core.lifecycle import LIVE
from onboarding.core.numbers import number_key
from onboarding.core.signup_events import SessionEvent, brought
from onboarding.core.timing import DAY, HOUR, MINUTE
from onboarding.engine.accept import accept
from onboarding.engine.context import Context
from onboarding.engine.people import restart
from onboarding.engine.requests import NumberRequest
from onboarding.errors import OnboardingError, StoreError
from onboarding.model import Account, Entry, Onboarding, PhoneNumber, State
from onboarding.store import accounts, finding, signups
from onboarding.store.database import reading, writing
from onboarding.store.signups import Signup
from onboarding.telemetry import log

#: After so long a number that no list shows is not waited for any more.
_GIVE_UP_AFTER = 14 * DAY

_OVER = (State.EXPIRED, State.LEFT, State.FAILED)


def session_of(signup: Signup) -> SessionEvent:
    """Return the session that was handed over."""
    return SessionEvent(
        event=signup.event,
        waba_id=signup.waba_id,
        phone_number_id=signup.phone_number_id,
        business_id=signup.business_id,
    )


def complete_signups(ctx: Context, account: Account, listed: Sequence[PhoneNumber]) -> None:
    """Ask for the numbers that were brought, now that the WABA's list was read.

    A hand-over of which nothing can be made is noted as such, and keeps no other from it.
    """
    with reading(ctx.database) as conn:
        waiting = signups.load_unsettled(conn, account.waba_id)
    for signup in waiting:
        result = _result(ctx, account, signup, listed)
        now = ctx.clock.now()
        if not result and now - signup.taken_at >= _GIVE_UP_AFTER:
            result = "its number was never on the WABA's list"
        with writing(ctx.database) as conn:
            if result:
                signups.settle(conn, signup.id, now, result)
            else:
                accounts.want(conn, {account.waba_id: _look_again_at(signup, now)}, {})


def _result(ctx: Context, account: Account, signup: Signup, listed: Sequence[PhoneNumber]) -> str:
    """Return what came of a hand-over; nothing if its number is not shown yet."""
    try:
        return "; ".join(_complete(ctx, account, signup, listed))
    except StoreError:
        raise
    except OnboardingError as error:
        said = str(error)
        log.error("signup_refused", waba_id=account.waba_id, signup=signup.id, message=said)
        return f"refused: {said}"


def _look_again_at(signup: Signup, now: datetime) -> datetime:
    wait: timedelta = 2 * MINUTE if now - signup.taken_at < HOUR else HOUR
    return now + wait


def _complete(
    ctx: Context, account: Account, signup: Signup, listed: Sequence[PhoneNumber]
) -> Iterator[str]:
    """Ask for the numbers of one hand-over; yield what came of each."""
    numbers = brought(session_of(signup), signup.onboarded_at, listed)
    for number in numbers:
        if number.is_on_biz_app:
            yield f"{number.display_phone_number} lives in the WhatsApp Business app: left alone"
        else:
            key = signup.key if len(numbers) == 1 else None
            yield _ask(ctx, account, signup, number, key)


def _ask(
    ctx: Context, account: Account, signup: Signup, number: PhoneNumber, key: str | None
) -> str:
    """Ask for one number, or go on with the onboarding that it has."""
    shown = number.display_phone_number or ""
    at = number.last_onboarded_time or signup.onboarded_at
    known = _known(ctx, account.waba_id, shown)
    if known is not None and known.state in LIVE:
        return f"known: {known.phone_number} as {known.id}"
    if known is not None and known.state in _OVER:
        reason = "Embedded Signup was done again"
        row = restart(ctx, known.id, reason, signup.taken_by, at)
        return f"restarted: {row.phone_number} as {row.id}"
    request = NumberRequest(
        waba_id=account.waba_id,
        phone_number=shown if shown.startswith("+") else f"+{shown}",
        display_name=number.verified_name or account.name,
        entry=Entry.EMBEDDED_SIGNUP,
        onboarded_at=min(at, ctx.clock.now()),
        key=key,
        again=True,
    )
    (receipt,) = accept(ctx, [request], signup.taken_by)
    return f"{receipt.result}: {receipt.onboarding.phone_number} as {receipt.onboarding.id}"


def _known(ctx: Context, waba_id: str, shown: str) -> Onboarding | None:
    """Return the onboarding of a number on this WABA: the one that lives, else the latest."""
    key = number_key(shown)
    with reading(ctx.database) as conn:
        rows = finding.load_by_number(conn, [key]).get(key, [])
    here = [row for row in rows if row.waba_id == waba_id]
    return next((row for row in here if row.state in LIVE), here[-1] if here else None)
