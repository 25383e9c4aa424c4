"""A call that was not answered: what settles it, and what must not happen before."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from onboarding.core.lifecycle import FINAL
from onboarding.core.operations import ADDING, POLICIES, OnSilence
from onboarding.core.plan import Plan
from onboarding.model import (
    POOL_OPERATIONS,
    Effect,
    Entry,
    JournaledOperation,
    Onboarding,
    Operation,
    OperationStatus,
    PhoneNumber,
    Reason,
    RecoveryClass,
    State,
)
from tests.core.making import (
    CONNECTED,
    DECLINED,
    HOUR,
    MINUTE,
    NUMBER_ID,
    POLICY,
    SECOND,
    START,
    VERIFIED,
    a_failure,
    a_number,
    a_row,
    an_operation,
    answered,
    call_of,
    look,
    read,
    triggers_of,
    wait_of,
)

NEW = "New name"
SETTLED = START + POLICY.settle
#: For each operation that is probed: a row in which it was called, what the list shows if it did
#: nothing, and every way in which it shows that it took effect.
CASES: dict[Operation, tuple[Onboarding, PhoneNumber | None, list[PhoneNumber]]] = {
    Operation.CREATE_NUMBER: (a_row(), None, [a_number(), VERIFIED]),
    Operation.MIGRATE_NUMBER: (a_row(entry=Entry.MIGRATION), None, [a_number(), VERIFIED]),
    Operation.VERIFY_CODE: (
        a_row(State.OTP_PENDING, code_sealed="sealed", code_mac="mac", code_sent_at=START),
        a_number(),
        [VERIFIED],
    ),
    Operation.REGISTER: (a_row(State.REGISTER_DEADLINE), VERIFIED, [CONNECTED]),
    Operation.DEREGISTER: (
        a_row(State.REGISTER_DEADLINE, retry_operation=Operation.DEREGISTER),
        replace(VERIFIED, platform_type="CLOUD_API", status="DISCONNECTED"),
        [VERIFIED],
    ),
    Operation.SET_DISPLAY_NAME: (
        a_row(State.NAME_REVIEW, new_display_name=NEW),
        DECLINED,
        [
            replace(DECLINED, new_display_name=NEW, new_name_status="PENDING_REVIEW"),
            replace(DECLINED, new_display_name=NEW, new_name_status="APPROVED"),
            replace(DECLINED, new_display_name=NEW, new_name_status="AVAILABLE_WITHOUT_REVIEW"),
            replace(VERIFIED, verified_name=NEW, name_status="APPROVED"),
        ],
    ),
}
PROBED = [(name, evidence) for name, (_, _, all_) in CASES.items() for evidence in all_]
BEFORE, DURING, AFTER = -SECOND, SECOND, POLICY.settle
STATUSES = (OperationStatus.PENDING, OperationStatus.UNKNOWN)


def silent(name: Operation, status: OperationStatus = STATUSES[0]) -> JournaledOperation:
    row = CASES[name][0]
    call = an_operation(name, row)
    if status is OperationStatus.PENDING:
        return call
    return answered(call, a_failure(RecoveryClass.RECONCILE, effect=Effect.UNKNOWN))


def shown(
    name: Operation,
    number: PhoneNumber | None,
    read_at: timedelta,
    now: timedelta,
    status: OperationStatus = STATUSES[0],
) -> Plan:
    """Return what a look at ``now`` leads to after a read at ``read_at``, counted from the call."""
    row = read(CASES[name][0], number, START + read_at)
    return look(row, START + now, open_operation=silent(name, status), intake_answers=True)


def how_settled(plan: Plan) -> list[tuple[OperationStatus, str]]:
    return [(status, by) for _, status, by in plan.settled]


def test_every_operation_that_is_probed_has_its_case() -> None:
    probed = {name for name, policy in POLICIES.items() if policy.on_silence is OnSilence.PROBE}
    assert probed - set(POOL_OPERATIONS) == set(CASES)


@pytest.mark.parametrize("status", STATUSES)
@pytest.mark.parametrize(("name", "evidence"), PROBED)
@pytest.mark.parametrize(
    ("read_at", "now"), [(DURING, DURING), (DURING, AFTER), (AFTER, AFTER), (AFTER, HOUR)]
)
def test_evidence_of_an_effect_settles_at_any_time(
    name: Operation,
    evidence: PhoneNumber,
    read_at: timedelta,
    now: timedelta,
    status: OperationStatus,
) -> None:
    after = shown(name, evidence, read_at, now, status)
    assert how_settled(after)[0] == (OperationStatus.SUCCEEDED, "probe")
    assert call_of(after) is not name


@pytest.mark.parametrize("status", STATUSES)
@pytest.mark.parametrize(("name", "evidence"), PROBED)
@pytest.mark.parametrize("now", [DURING, AFTER])
def test_what_was_seen_before_the_call_is_no_evidence(
    name: Operation, evidence: PhoneNumber, now: timedelta, status: OperationStatus
) -> None:
    after = shown(name, evidence, BEFORE, now, status)
    assert (after.settled, call_of(after), wait_of(after).reason) == ([], None, Reason.SETTLING)


@pytest.mark.parametrize("status", STATUSES)
@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("read_at", [BEFORE, DURING, AFTER - SECOND])
def test_silence_is_waited_out_and_then_looked_into(
    name: Operation, read_at: timedelta, status: OperationStatus
) -> None:
    absent = CASES[name][1]
    early = wait_of(shown(name, absent, read_at, AFTER - SECOND, status))
    assert (early.reason, early.until) == (Reason.SETTLING, SETTLED)
    late = shown(name, absent, read_at, AFTER, status)
    assert late.settled == []
    assert (wait_of(late).reason, wait_of(late).observe_at) == (Reason.SETTLING, SETTLED)


@pytest.mark.parametrize("status", STATUSES)
@pytest.mark.parametrize("name", CASES)
def test_absence_is_believed_after_the_settle_and_by_a_read_that_began_after_it(
    name: Operation, status: OperationStatus
) -> None:
    after = shown(name, CASES[name][1], AFTER, AFTER + MINUTE, status)
    assert how_settled(after)[0] == (OperationStatus.ABSENT, "probe")
    assert triggers_of(after)[0] == f"{name}_absent"


@pytest.mark.parametrize("name", [name for name in CASES if name is not Operation.VERIFY_CODE])
def test_a_lost_call_is_made_again_after_pauses_that_grow(name: Operation) -> None:
    made: list[JournaledOperation] = []
    row, now, gaps = CASES[name][0], START, []
    for _ in range(5):
        call = an_operation(name, row, now)
        settled = look(read(row, CASES[name][1], call.settle_at), call.settle_at,
                       open_operation=call, made=made)  # fmt: skip
        made.append(replace(call, status=OperationStatus.ABSENT))
        until = wait_of(settled).until
        if until is None:
            break
        gaps.append(until - call.settle_at)
        row, now = settled.row, until
        assert call_of(look(row, now, made=made)) is name
        assert call_of(look(row, now - SECOND, made=made)) is None
    assert gaps == list((*POLICY.lost, POLICY.lost[-1])[: len(gaps)])
    assert len(gaps) == (1 if name in ADDING else 5)


def test_a_lost_code_is_never_sent_again() -> None:
    name = Operation.VERIFY_CODE
    after = shown(name, CASES[name][1], AFTER, AFTER)
    assert (after.row.code_sealed, call_of(after)) == (None, None)


def test_a_code_that_was_given_while_another_was_lost_is_kept() -> None:
    name = Operation.VERIFY_CODE
    row = replace(CASES[name][0], code_sealed="newer", code_mac="newer")
    row = read(row, CASES[name][1], SETTLED)
    after = look(row, SETTLED, open_operation=silent(name))
    assert after.row.code_sealed == "newer"
    until = wait_of(after).until
    assert until is not None
    assert call_of(look(after.row, until)) is name


def test_verified_is_no_evidence_where_meta_did_not_believe_it_itself() -> None:
    name = Operation.VERIFY_CODE
    refusal = a_failure(RecoveryClass.RECONCILE, 133006)
    register = answered(an_operation(Operation.REGISTER, CASES[name][0], START - HOUR), refusal)
    row = read(CASES[name][0], VERIFIED, SETTLED)
    after = look(row, SETTLED, open_operation=silent(name), made=[register])
    assert how_settled(after) == [(OperationStatus.ABSENT, "probe")]


@pytest.mark.parametrize("now", [SECOND, POLICY.settle])
def test_a_code_request_counts_as_sent_however_long_its_silence(now: timedelta) -> None:
    row = a_row(State.CREATED, a_number(), code_ready=True)
    call = an_operation(Operation.REQUEST_CODE, row)
    after = look(row, START + now, open_operation=call, intake_answers=True)
    assert call_of(after) is None
    if now < POLICY.settle:
        assert wait_of(after).until == SETTLED
        return
    assert how_settled(after) == [(OperationStatus.SUCCEEDED, "policy")]
    sent = (after.row.state, after.row.code_sent_at, after.row.code_sends, after.row.code_ready)
    assert sent == (State.OTP_PENDING, START, 1, False)


def test_a_settings_call_is_repeated_without_a_probe_once_it_can_no_longer_arrive() -> None:
    row = a_row(State.REGISTER_DEADLINE, VERIFIED, retry_operation=Operation.SET_PIN)
    call = an_operation(Operation.SET_PIN, row)
    assert wait_of(look(row, START + SECOND, open_operation=call)).until == SETTLED
    after = look(row, SETTLED, open_operation=call)
    assert how_settled(after) == [(OperationStatus.ABSENT, "policy")]
    until = wait_of(after).until
    assert until is not None
    assert call_of(look(after.row, until)) is Operation.SET_PIN


@pytest.mark.parametrize("state", FINAL)
@pytest.mark.parametrize("name", [*CASES, Operation.REQUEST_CODE, Operation.SET_PIN])
def test_a_call_of_an_onboarding_that_is_over_is_settled_all_the_same(
    name: Operation, state: State
) -> None:
    row = a_row(state, code_mac="mac", new_display_name=NEW)
    if name in ADDING:
        row = replace(row, phone_number_id=None)
    call = an_operation(name, row)
    early = look(row, START + SECOND, open_operation=call)
    assert (wait_of(early).reason, early.row.next_due_at) == (Reason.SETTLING, SETTLED)
    after = look(read(row, None, SETTLED), SETTLED, open_operation=call)
    assert len(after.settled) == 1
    assert (after.row.state, wait_of(after).reason) == (state, Reason.OVER)
    if name in CASES:
        evidence = CASES[name][2][0]
        found = look(read(row, evidence, START + SECOND), START + SECOND, open_operation=call)
        assert how_settled(found) == [(OperationStatus.SUCCEEDED, "probe")]
        assert found.row.state is state


def test_the_id_of_a_number_that_was_created_for_nothing_is_kept() -> None:
    row = a_row(State.CANCELLED, phone_number_id=None)
    call = an_operation(Operation.CREATE_NUMBER, row)
    after = look(read(row, a_number(), SETTLED), SETTLED, open_operation=call)
    assert after.row.phone_number_id == NUMBER_ID


def test_nothing_else_is_done_while_a_call_is_open() -> None:
    for change in ({"hold": Reason.HELD}, {"code_ready": True}, {"reclaims": 0}):
        row: Any = replace(a_row(State.REGISTER_DEADLINE, VERIFIED), **change)
        call = an_operation(Operation.REGISTER, row)
        after = look(row, START + SECOND, open_operation=call, forced=True)
        assert (wait_of(after).reason, after.entries) == (Reason.SETTLING, [])


UNTOLD = [
    (Operation.VERIFY_CODE, replace(VERIFIED, code_verification_status=None)),
    (Operation.REGISTER, replace(CONNECTED, status=None)),
    (Operation.REGISTER, replace(CONNECTED, platform_type=None)),
    (Operation.REGISTER, replace(VERIFIED, status=None, platform_type=None)),
    (Operation.DEREGISTER, replace(VERIFIED, platform_type=None)),
]


@pytest.mark.parametrize(("name", "number"), UNTOLD)
def test_what_is_not_told_is_no_absence_and_is_read_again(
    name: Operation, number: PhoneNumber
) -> None:
    after = shown(name, number, AFTER, AFTER)
    assert (after.settled, wait_of(after).reason) == ([], Reason.SETTLING)
    assert wait_of(after).observe_at is not None
    assert wait_of(after).observe_at > SETTLED  # type: ignore[operator]  # just checked


@pytest.mark.parametrize(("name", "number"), UNTOLD)
def test_what_is_never_told_does_not_hold_a_number_up_for_ever(
    name: Operation, number: PhoneNumber
) -> None:
    patience = POLICY.settle + POLICY.reregister_after
    assert shown(name, number, patience - SECOND, patience - SECOND).settled == []
    after = shown(name, number, patience, patience)
    assert how_settled(after)[0] == (OperationStatus.ABSENT, "probe")


@pytest.mark.parametrize("changes", [{"status": "PENDING"}, {"platform_type": "NOT_APPLICABLE"}])
def test_half_of_the_proof_is_enough_to_show_that_a_number_is_not_registered(
    changes: dict[str, Any],
) -> None:
    unknown: dict[str, Any] = {"status": None, "platform_type": None}
    number = replace(VERIFIED, **(unknown | changes))
    after = shown(Operation.REGISTER, number, AFTER, AFTER)
    assert how_settled(after)[0] == (OperationStatus.ABSENT, "probe")
