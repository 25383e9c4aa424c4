"""``requested``: adopt the number if the list has it, create it once if it is ours to create."""

from __future__ import annotations

from dataclasses import replace

import pytest

from onboarding.core.steps import Call
from onboarding.model import (
    Effect,
    Operation,
    OperationStatus,
    Outcome,
    Reason,
    RecoveryClass,
    State,
)
from tests.core.making import (
    DAY,
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
    a_signup_row,
    an_operation,
    answered,
    call_of,
    look,
    read,
    triggers_of,
    wait_of,
)

CREATE = Operation.CREATE_NUMBER
ROW = a_row()
WRONG_FORM = a_failure(RecoveryClass.BUG, 100, message="phone_number must be in E.164 format")
EXISTS = a_failure(RecoveryClass.RECONCILE, 100, 2388012, message="(#100) already added")
SILENCE = a_failure(effect=Effect.UNKNOWN, message="No complete answer")


def test_a_new_number_is_created_at_once_with_its_calling_code_apart() -> None:
    assert look(ROW).step == Call(
        operation=CREATE,
        natural_key=f"{ROW.waba_id}/{ROW.number_key}/1",
        params={"cc": "49", "phone_number": "301234567", "verified_name": "Lucky Shrub"},
    )


def test_an_accepted_create_makes_the_number_ours() -> None:
    after = look(ROW, START + SECOND, unapplied=[answered(an_operation(CREATE, ROW))])
    assert (after.row.state, after.row.phone_number_id) == (State.CREATED, NUMBER_ID)
    assert triggers_of(after) == ["number_created"]


def test_a_create_that_succeeded_without_an_id_is_looked_up_and_adopted() -> None:
    no_id = replace(
        answered(an_operation(CREATE, ROW)),
        outcome=Outcome(effect=Effect.DONE, failure=replace(EXISTS, effect=Effect.DONE)),
    )
    after = look(ROW, START + SECOND, unapplied=[no_id])
    assert after.row.state is State.REQUESTED
    assert wait_of(after).observe_at == START + SECOND
    listed = look(read(after.row, a_number(), START + MINUTE), START + MINUTE, made=[no_id])
    assert listed.row.phone_number_id == NUMBER_ID


def test_a_number_on_the_list_is_adopted_and_skips_what_is_done_already() -> None:
    after = look(read(ROW, VERIFIED, START))
    assert triggers_of(after) == ["number_found", "ownership_observed", "name_usable"]
    assert after.row.phone_number_id == NUMBER_ID
    assert all(entry.reason for entry in after.entries)


@pytest.mark.parametrize("status", ["DELETED", "MIGRATED"])
def test_a_number_that_meta_shows_as_gone_is_not_adopted(status: str) -> None:
    assert call_of(look(read(ROW, a_number(status=status), START))) is CREATE


class TestEmbeddedSignup:
    def test_its_number_is_never_created_by_us(self) -> None:
        for row in (a_signup_row(), read(a_signup_row(), None, START + MINUTE)):
            assert call_of(look(row, START + HOUR)) is None

    def test_the_list_is_read_first(self) -> None:
        wait = wait_of(look(a_signup_row()))
        assert (wait.reason, wait.observe_at) == (Reason.LISTING, START)

    def test_a_number_that_is_not_there_is_asked_for_and_looked_for_less_and_less(self) -> None:
        row = read(a_signup_row(), None, START + MINUTE)
        wait = wait_of(look(row, START + MINUTE))
        assert (wait.reason, wait.observe_at) == (Reason.NOT_ON_WABA, START + 5 * MINUTE)
        late = read(row, None, START + 2 * DAY)
        assert wait_of(look(late, START + 2 * DAY)).observe_at > START + 2 * DAY + HOUR  # type: ignore[operator]  # a poll is wanted

    def test_once_there_it_goes_on_from_what_meta_shows(self) -> None:
        row = read(a_signup_row(), replace(VERIFIED, last_onboarded_time=START), START + HOUR)
        after = look(row, START + HOUR)
        assert after.row.state is State.REGISTER_DEADLINE
        assert call_of(after) is Operation.REGISTER


class TestRefusals:
    def test_a_number_that_exists_is_looked_up_before_anything_else(self) -> None:
        refused = answered(an_operation(CREATE, ROW), EXISTS)
        after = look(ROW, START + SECOND, unapplied=[refused])
        assert wait_of(after).observe_at == START + SECOND
        found = look(read(after.row, a_number(), START + MINUTE), START + MINUTE, made=[refused])
        assert found.row.state is State.CREATED

    def test_a_number_that_exists_elsewhere_is_a_person_s_turn(self) -> None:
        refused = answered(an_operation(CREATE, ROW), EXISTS)
        row = look(ROW, START + SECOND, unapplied=[refused]).row
        after = look(read(row, None, START + MINUTE), START + MINUTE, made=[refused])
        assert wait_of(after).reason is Reason.REFUSED
        assert "already added" in (after.row.hold_text or "")

    def test_the_other_form_of_the_number_is_tried_once(self) -> None:
        first = answered(an_operation(CREATE, ROW), WRONG_FORM)
        again = look(ROW, START + SECOND, unapplied=[first])
        assert isinstance(again.step, Call)
        assert again.step.params["phone_number"] == "49301234567"
        second = answered(an_operation(CREATE, ROW, START + MINUTE), WRONG_FORM)
        after = look(again.row, START + HOUR, made=[first], unapplied=[second])
        assert wait_of(after).reason is Reason.REFUSED

    def test_calls_that_never_left_do_not_use_up_the_other_form(self) -> None:
        unsent = answered(an_operation(CREATE, ROW), a_failure(effect=Effect.UNSENT))
        row = look(ROW, START + SECOND, unapplied=[unsent]).row
        first = answered(an_operation(CREATE, ROW, START + MINUTE), WRONG_FORM)
        row = look(row, START + HOUR, made=[unsent], unapplied=[first]).row
        again = answered(
            an_operation(CREATE, ROW, START + 2 * HOUR), a_failure(effect=Effect.UNSENT)
        )
        after = look(row, START + 3 * HOUR, made=[unsent, first], unapplied=[again])
        later = look(after.row, START + 4 * HOUR, made=[unsent, first, again])
        assert isinstance(later.step, Call)
        assert later.step.params["phone_number"] == "49301234567"

    @pytest.mark.parametrize("recovery", [RecoveryClass.HUMAN, RecoveryClass.BUG])
    def test_what_a_person_must_mend_is_held_and_goes_on_when_released(
        self, recovery: RecoveryClass
    ) -> None:
        refused = answered(an_operation(CREATE, ROW), a_failure(recovery, 200000))
        after = look(ROW, START + SECOND, unapplied=[refused])
        assert (after.row.hold, wait_of(after).reason) == (Reason.REFUSED, Reason.REFUSED)
        released = replace(after.row, hold=None, trouble=None, tries=0, retry_operation=None)
        assert call_of(look(released, START + DAY, made=[refused])) is CREATE

    def test_what_is_refused_for_good_fails_the_onboarding(self) -> None:
        refused = answered(an_operation(CREATE, ROW), a_failure(RecoveryClass.PERMANENT, 192))
        after = look(ROW, START + SECOND, unapplied=[refused])
        assert (after.row.state, wait_of(after).reason) == (State.FAILED, Reason.OVER)


class TestLostCreates:
    def test_one_that_a_probe_proved_absent_is_repeated_once_after_a_pause(self) -> None:
        operation = answered(an_operation(CREATE, ROW), SILENCE)
        row = read(ROW, None, START + 3 * MINUTE)
        after = look(row, START + 3 * MINUTE, open_operation=operation)
        assert [(op.id, status) for op, status, _ in after.settled] == [
            (operation.id, OperationStatus.ABSENT)
        ]
        until = wait_of(after).until
        assert until is not None
        assert START + 3 * MINUTE < until < START + 10 * MINUTE
        made = [replace(operation, status=OperationStatus.ABSENT)]
        assert call_of(look(after.row, until, made=made)) is CREATE

    def test_a_second_loss_is_a_person_s_turn(self) -> None:
        first = replace(answered(an_operation(CREATE, ROW), SILENCE), status=OperationStatus.ABSENT)
        second = answered(an_operation(CREATE, ROW, START + HOUR), SILENCE)
        row = read(ROW, None, START + 2 * HOUR)
        after = look(row, START + 2 * HOUR, made=[first], open_operation=second)
        assert wait_of(after).reason is Reason.REFUSED
        assert "lost more than once" in (after.row.hold_text or "")

    def test_a_person_s_release_allows_one_more(self) -> None:
        losses = [
            replace(
                answered(an_operation(CREATE, ROW, START + n * HOUR), SILENCE),
                status=OperationStatus.ABSENT,
            )
            for n in range(2)
        ]
        released = read(ROW, None, START + 2 * HOUR)
        assert call_of(look(released, START + 3 * HOUR, made=losses)) is CREATE

    def test_a_late_success_is_adopted(self) -> None:
        late = answered(
            an_operation(CREATE, ROW), status=OperationStatus.ABSENT, resolved_by="late"
        )
        after = look(read(ROW, None, START + 3 * MINUTE), START + HOUR, unapplied=[late])
        assert (after.row.state, after.row.phone_number_id) == (State.CREATED, NUMBER_ID)


class TestEarlierCreates:
    """Creates of the same number by an onboarding that is over."""

    def test_one_that_succeeded_blocks_until_a_later_read_shows_the_number_gone(self) -> None:
        earlier = answered(an_operation(CREATE, ROW, START - HOUR), onboarding_id="other")
        before = look(ROW, START, made=[earlier])
        assert (call_of(before), wait_of(before).observe_at) == (None, START)
        after = look(read(ROW, None, START), START + MINUTE, made=[earlier])
        assert isinstance(after.step, Call)
        assert after.step.natural_key.endswith("/2")

    def test_one_that_is_open_is_waited_for_to_its_settle_without_reading_on_and_on(self) -> None:
        earlier = an_operation(CREATE, ROW, START - SECOND, onboarding_id="other")
        row = read(ROW, None, START)
        wait = wait_of(look(row, START + SECOND, made=[earlier]))
        assert wait.observe_at == earlier.intent_at + POLICY.settle
