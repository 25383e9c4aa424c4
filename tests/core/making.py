"""Onboardings, accounts, numbers and calls as the tests of the core need them."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from onboarding.core.operations import ADDING, natural_key
from onboarding.core.plan import Plan, plan
from onboarding.core.policy import Policy
from onboarding.core.steps import Attempts, Call, Snapshot, Wait
from onboarding.model import (
    Account,
    DeadlineReason,
    Effect,
    Entry,
    Failure,
    JournaledOperation,
    Onboarding,
    Operation,
    OperationStatus,
    Outcome,
    PhoneNumber,
    RecoveryClass,
    State,
)

SECOND, MINUTE = timedelta(seconds=1), timedelta(minutes=1)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
START = datetime(2026, 3, 2, 9, tzinfo=UTC)
POLICY = Policy()
WABA, NUMBER_ID = "102290129340398", "1906385232743451"

_STATUS = {
    Effect.DONE: OperationStatus.SUCCEEDED,
    Effect.REFUSED: OperationStatus.REFUSED,
    Effect.UNSENT: OperationStatus.UNSENT,
    Effect.UNKNOWN: OperationStatus.UNKNOWN,
}


def an_account(**changes: Any) -> Account:
    """Return an account whose app was seen subscribed, for good."""
    fields = {
        "waba_id": WABA, "token_sealed": "sealed", "created_at": START,
        "subscribed_at": START + 3650 * DAY,
    }  # fmt: skip
    return Account(**{**fields, **changes})


def a_number(**changes: Any) -> PhoneNumber:
    """Return what Meta shows of a number that was just created."""
    fields = {
        "id": NUMBER_ID, "display_phone_number": "+49 30 1234567", "status": "PENDING",
        "code_verification_status": "NOT_VERIFIED", "platform_type": "NOT_APPLICABLE",
        "name_status": "AVAILABLE_WITHOUT_REVIEW", "verified_name": "Lucky Shrub",
    }  # fmt: skip
    return PhoneNumber(**{**fields, **changes})


VERIFIED = a_number(code_verification_status="VERIFIED")
IN_REVIEW = replace(VERIFIED, name_status="PENDING_REVIEW")
DECLINED = replace(VERIFIED, name_status="DECLINED")
CONNECTED = replace(VERIFIED, status="CONNECTED", platform_type="CLOUD_API")


def a_row(
    state: State = State.REQUESTED, seen: PhoneNumber | None = None, **changes: Any
) -> Onboarding:
    """Return an onboarding that entered its state, and was last seen, at ``START``."""
    fields: dict[str, Any] = {
        "id": "019cadc69a80", "content_digest": "0", "waba_id": WABA, "number_key": "49301234567",
        "phone_number": "+49301234567", "cc": "49", "national_number": "301234567",
        "region": "DE", "display_name": "Lucky Shrub", "entry": Entry.NEW,
        "requested_by": "ops", "created_at": START, "state": state, "state_since": START,
        "definition": 1, "next_due_at": START, "waiting_since": START,
        "register_by": START + 14 * DAY, "register_by_reason": DeadlineReason.POLICY,
    }  # fmt: skip
    if state is not State.REQUESTED:
        fields["phone_number_id"] = NUMBER_ID
    if seen is not None:
        fields |= {"seen": seen, "seen_at": START, "seen_present": True}
    if seen is not None and state is not State.REQUESTED:
        fields |= {"name_status": seen.name_status, "new_name_status": seen.new_name_status}
    return Onboarding(**{**fields, **changes})


def a_signup_row(
    state: State = State.REQUESTED, seen: PhoneNumber | None = None, **changes: Any
) -> Onboarding:
    """Return an onboarding of Embedded Signup, finished at ``START``."""
    window = {
        "entry": Entry.EMBEDDED_SIGNUP, "onboarded_at": START,
        "register_by": START + 14 * DAY, "register_by_reason": DeadlineReason.EMBEDDED_SIGNUP,
    }  # fmt: skip
    if seen is not None:
        seen = replace(seen, last_onboarded_time=START)
    return a_row(state, seen, **{**window, **changes})


def read(row: Onboarding, number: PhoneNumber | None, at: datetime) -> Onboarding:
    """Return the row after a complete read of the list that began then."""
    if number is None:
        absent_since = row.absent_since or at
        return replace(row, seen_at=at, seen_present=False, absent_since=absent_since)
    return replace(row, seen=number, seen_at=at, seen_present=True, absent_since=None)


def a_failure(
    recovery: RecoveryClass = RecoveryClass.TRANSIENT,
    code: int | None = None,
    subcode: int | None = None,
    **changes: Any,
) -> Failure:
    """Return a refusal; ``effect`` makes it something else."""
    fields: dict[str, Any] = {"effect": Effect.REFUSED, "message": f"({code}) refused"}
    return Failure(recovery=recovery, code=code, subcode=subcode, **{**fields, **changes})


def an_operation(
    name: Operation,
    row: Onboarding | None = None,
    at: datetime = START,
    **changes: Any,
) -> JournaledOperation:
    """Return a call of the row that was journaled then and has no answer yet."""
    row = row or a_row(State.CREATED)
    fields: dict[str, Any] = {
        "id": f"{name}-{at:%d%H%M%S}", "onboarding_id": row.id, "waba_id": row.waba_id,
        "number_key": row.number_key, "cycle": row.cycle, "name": name,
        "natural_key": natural_key(name, row), "attempt": 1, "status": OperationStatus.PENDING,
        "intent_at": at, "settle_at": at + POLICY.settle,
    }  # fmt: skip
    return JournaledOperation(**{**fields, **changes})


def answered(
    operation: JournaledOperation, failure: Failure | None = None, **changes: Any
) -> JournaledOperation:
    """Return the call with its answer: done, or what went wrong."""
    effect = failure.effect if failure else Effect.DONE
    made = operation.name in ADDING and effect is Effect.DONE
    outcome = Outcome(effect=effect, failure=failure, phone_number_id=NUMBER_ID if made else None)
    fields: dict[str, Any] = {
        "status": _STATUS[effect], "outcome": outcome, "outcome_at": operation.intent_at + SECOND,
    }  # fmt: skip
    return replace(operation, **{**fields, **changes})


def look(row: Onboarding, now: datetime = START, **fields: Any) -> Plan:
    """Return what one look at the row leads to; ``made`` are the calls of its number so far."""
    made = [*fields.pop("made", ())]
    unapplied = tuple(fields.pop("unapplied", ()))
    open_operation = fields.get("open_operation") or next(
        (op for op in unapplied if op.is_open), None
    )
    policy = fields.pop("policy", POLICY)
    known = {op.id for op in made}
    extra = (open_operation, *unapplied)
    made += [op for op in extra if op is not None and op.id not in known]
    snap = Snapshot(
        row=row,
        account=fields.pop("account", an_account()),
        attempts=Attempts(tuple({op.id: op for op in made}.values())),
        unapplied=unapplied,
        **{**fields, "open_operation": open_operation},
    )
    return plan(snap, now, policy)


def call_of(plan: Plan) -> Operation | None:
    """Return the operation that the look ends in, ``None`` if it ends in a wait."""
    return plan.step.operation if isinstance(plan.step, Call) else None


def wait_of(plan: Plan) -> Wait:
    """Return the wait that the look ends in."""
    assert isinstance(plan.step, Wait), f"not a wait: {plan.step}"
    return plan.step


def triggers_of(plan: Plan) -> list[str]:
    """Return the triggers and notes of the history that the look wrote."""
    return [entry.trigger for entry in plan.entries]


def is_poll_after(wait: Wait, since: datetime, gap: timedelta) -> bool:
    """Whether the wait has the list read after the gap, or a quarter of it later at most."""
    return wait.observe_at is not None and since + gap <= wait.observe_at <= since + gap * 1.25
