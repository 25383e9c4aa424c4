"""The hand-over of Embedded Signup: its event and its code become an account with a token.

Nothing is lost on the way: what was handed over is stored before the code is exchanged, and an
account without a token is on hold, so that a person is asked for one while the window runs.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import Connection

from onboarding.core.signup_events import COEXISTENCE, SessionEvent, parse_session_event
from onboarding.engine.account_changes import change_account, hold_account
from onboarding.engine.code_exchange import MEND, exchange_intent, require_app, send_exchange
from onboarding.engine.context import Context, Ids
from onboarding.engine.observe import observe_due
from onboarding.engine.requests import require_past
from onboarding.engine.restoring import may_call
from onboarding.engine.token_changes import words_of
from onboarding.errors import ConflictError, InputError, TransitionRefusedError
from onboarding.model import Account, JournaledOperation, Onboarding
from onboarding.store import accounts, businesses, onboardings, signups
from onboarding.store.database import again_if_raced, reading, writing
from onboarding.store.signups import Signup

_NO_TOKEN = "Embedded Signup was finished, and no token was given"  # noqa: S105 - a text
_MOST = 1000

#: Ids of onboardings, as what came of a hand-over names them.
_ID = re.compile(r"\b[0-9a-f]{22}\b")


@dataclass(frozen=True, slots=True, kw_only=True)
class SignupTaken:
    """What came of a hand-over so far.

    Attributes:
        signup: the hand-over; without ``settled_at`` its number is asked for as soon as the
            WABA's list shows it.
        account: the WABA's account; on hold if it has no token.
        onboardings: those of the WABA that it led to.
        warning: why the code gave no token, if one was handed over.
    """

    signup: Signup
    account: Account
    onboardings: tuple[Onboarding, ...] = ()
    warning: str = ""


class Signups:
    """``Engine.signups``: takes what Embedded Signup hands over."""

    def __init__(self, context: Context) -> None:
        """Take the engine's parts."""
        self._ctx = context

    def take(
        self,
        event: object,
        *,
        code: str | None = None,
        key: str | None = None,
        name: str = "",
        onboarded_at: datetime | None = None,
        actor: str | None = None,
    ) -> SignupTaken:
        """Take a finished session, exchange its code at once, and ask for its number.

        Args:
            event: the browser's message, as JSON or decoded.
            code: what ``FB.login`` gave; it lives 30 seconds and works once. Without one the
                account keeps its token, takes its business's, or waits for one.
            key: makes the request idempotent that follows.
            name: what you call the account.
            onboarded_at: when it was finished; default: now.
            actor: who is named in the history.

        Raises:
            InputError: the session was cancelled or failed, or this is no such message.
            ConfigurationError: the app's id or secret, which the exchange needs, is not set.
            ConflictError: this code was handed over before.
            TransitionRefusedError: this is a restored copy, which calls nobody.
        """
        session = parse_session_event(event)
        code = (code or session.code or "").strip() or None
        now = self._ctx.clock.now()
        if onboarded_at is not None:
            require_past(onboarded_at, now, "onboarded_at")
        if code is not None:
            require_app(self._ctx)
        given = Signup(
            id=Ids(now).next(),
            waba_id=session.waba_id,
            event=session.event[:60],
            phone_number_id=session.phone_number_id,
            business_id=session.business_id,
            key=key,
            onboarded_at=onboarded_at or now,
            taken_by=actor or self._ctx.settings.who(),
            taken_at=now,
            code_mac=self._ctx.vault.mac("signup-code", code) if code is not None else None,
        )
        send_before = self._ctx.send_before()
        stored, intent = again_if_raced(lambda: self._store(given, session, name))
        warning = ""
        if code is not None and intent is not None:
            warning = send_exchange(self._ctx, stored, intent, code, send_before)
        observe_due(self._ctx, self._ctx.settings.batch_size)
        return self._taken(stored, warning)

    def pending(self) -> list[Signup]:
        """Return the hand-overs whose number no list has shown yet, the oldest first."""
        with reading(self._ctx.database) as conn:
            return signups.load_unsettled(conn)

    def latest(self, limit: int = 100) -> list[Signup]:
        """Return the latest hand-overs, the latest first.

        Raises:
            InputError: the limit is out of range.
        """
        if not 1 <= limit <= _MOST:
            raise InputError(f"1 to {_MOST} hand-overs are told", field="limit")
        with reading(self._ctx.database) as conn:
            return signups.load_latest(conn, limit)

    def _store(
        self, given: Signup, session: SessionEvent, name: str
    ) -> tuple[Signup, JournaledOperation | None]:
        """Store a hand-over with its account, and the intent of the exchange."""
        ctx = self._ctx
        with writing(ctx.database) as conn:
            now = ctx.clock.now()
            if given.code_mac is not None:
                _refuse_again(conn, given.code_mac)
                if not may_call(conn, now):
                    raise TransitionRefusedError(
                        "this is a restored copy, which calls nobody",
                        hint="run: onboarding db release, once it is the original",
                    )
            same = [s for s in signups.load_unsettled(conn, given.waba_id) if _is_same(s, given)]
            account = self._account(conn, given, name, now)
            if given.code_mac is None and not account.has_token and account.hold is None:
                hold_account(ctx, conn, given.waba_id, text=_NO_TOKEN, now=now)
            if same:
                return same[0], None
            if not session.brings_number:
                given = replace(given, settled_at=now, result=_without_number(session))
            signups.insert_signup(conn, given)
            if given.code_mac is None:
                return given, None
            return given, exchange_intent(ctx, conn, account, given.code_mac, now)

    def _account(self, conn: Connection, given: Signup, name: str, now: datetime) -> Account:
        """Return the account of a hand-over, which is due to be looked at; make it if it is new."""
        ctx, waba_id = self._ctx, given.waba_id
        known = accounts.load_accounts(conn, [waba_id], lock=True).get(waba_id)
        note, reason = "signup_taken", f"{given.event} of Embedded Signup"
        if known is None:
            business = businesses.load_businesses(conn).get(given.business_id or "")
            known = Account(
                waba_id=waba_id,
                token_sealed=business.token_sealed if business else "",
                token_source=business.token_source if business else None,
                token_business_id=business.business_id if business else None,
                added_by=given.taken_by,
                created_at=now,
            )
            accounts.insert_account(conn, known)
            if business:
                reason = f"{reason}; {words_of(None, business.business_id)}"
        # Nothing can be read without a token, and nobody is asked for one that is on its way.
        is_to_come = given.code_mac is not None and not known.has_token
        look_at = now + ctx.policy.settle if is_to_come else now
        return change_account(
            ctx,
            conn,
            waba_id,
            note,
            reason=reason,
            actor=given.taken_by,
            now=now,
            changes={
                "business_id": known.business_id or given.business_id,
                "name": name or known.name,
                "observe_due_at": look_at,
                "check_due_at": look_at,
            },
        )

    def _taken(self, given: Signup, warning: str) -> SignupTaken:
        with reading(self._ctx.database) as conn:
            signup = signups.load_signup(conn, given.id) or given
            account = accounts.load_accounts(conn, [given.waba_id])[given.waba_id]
            told = onboardings.load_onboardings(conn, _ID.findall(signup.result or "")).values()
        return SignupTaken(signup=signup, account=account, onboardings=tuple(told), warning=warning)


def _refuse_again(conn: Connection, code_mac: str) -> None:
    if (known := signups.load_by_code(conn, code_mac)) is not None:
        raise ConflictError(
            f"this code was handed over before, for WABA {known.waba_id}",
            field="code",
            hint=f"a code works once; if it gave no token, {MEND.format(waba_id=known.waba_id)}",
        )


def _is_same(one: Signup, other: Signup) -> bool:
    """Whether a hand-over without a code is one that is there already."""
    is_repeat = other.code_mac is None and one.event == other.event
    return is_repeat and one.phone_number_id == other.phone_number_id


def _without_number(session: SessionEvent) -> str:
    if session.event == COEXISTENCE:
        return "its number lives in the WhatsApp Business app: left alone"
    return "no number was brought; ask for one with: onboarding request"
