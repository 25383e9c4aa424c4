"""Whose turn it is: exactly one's at every instant, and what the engine can do is asked of none."""

from __future__ import annotations

from dataclasses import replace
from string import Formatter
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from onboarding.core.lifecycle import FINAL, IN_PROGRESS, LIVE
from onboarding.core.next_look import IN_HAND, looks, next_look
from onboarding.core.reasons import AT_REST, FOR_PEOPLE, MEANINGS, REQUIRED, THEN
from onboarding.core.requirements import Known, Requirement, requirements
from onboarding.model import (
    Account,
    Deadline,
    DeadlineReason,
    Effect,
    Onboarding,
    Operation,
    OperationStatus,
    Owner,
    Reason,
    RecoveryClass,
    State,
    Trouble,
    What,
)
from tests.core.making import (
    DAY,
    HOUR,
    POLICY,
    START,
    WABA,
    a_failure,
    a_row,
    a_signup_row,
    an_account,
    an_operation,
)

NOW = START + 3 * DAY
WAITING = [reason for reason in Reason if reason not in AT_REST]
HELD = an_account(hold=Reason.ACCOUNT_HELD, hold_text="the token is dead", hold_since=START + HOUR)


def waiting(reason: Reason, state: State = State.CREATED, **changes: object) -> Onboarding:
    """Return an onboarding that waits for this since an hour after the start."""
    fields: dict[str, Any] = {
        "waiting": reason, "waiting_for": MEANINGS[reason].owner, "waiting_since": START + HOUR,
        "next_due_at": None, **changes,
    }  # fmt: skip
    return a_row(state, **fields)


def of(row: Onboarding, account: Account | None = None, **given: object) -> tuple[Requirement, ...]:
    known = Known(row=row, account=account or an_account(), now=NOW, **given)  # type: ignore[arg-type]  # fields by name
    return requirements(known)


def test_the_catalogue_is_whole() -> None:
    assert set(REQUIRED) == set(THEN) == set(WAITING)
    told = {*REQUIRED.values(), What.ACCESS, What.SLOT, What.APPROVAL}
    assert told == set(What)


@pytest.mark.parametrize("reason", WAITING)
def test_every_reason_is_one_requirement_of_its_owner(reason: Reason) -> None:
    (only,) = of(waiting(reason))
    assert (only.what, only.reason) == (REQUIRED[reason], reason)
    assert (only.from_whom, only.since) == (MEANINGS[reason].owner, START + HOUR)
    assert only.why == MEANINGS[reason].text
    assert only.is_for_people == bool(only.how) == (reason in FOR_PEOPLE)
    assert only.due_by == START + 14 * DAY
    assert not [name for _, name, _, _ in Formatter().parse(only.how) if name]


@pytest.mark.parametrize("reason", AT_REST)
@pytest.mark.parametrize("account", [an_account(), HELD])
def test_who_rests_requires_nothing(reason: Reason, account: Account) -> None:
    for state in (State.REGISTERED, *FINAL):
        assert of(waiting(reason, state), account) == ()


rows = st.builds(
    lambda state, reason, due, hold: waiting(
        reason, state, next_due_at=due, hold=reason if hold else None, hold_since=START,
        hold_text="why",
    ),
    st.sampled_from(State),
    st.sampled_from(Reason),
    st.none() | st.datetimes(min_value=START.replace(tzinfo=None)).map(
        lambda at: at.replace(tzinfo=START.tzinfo)
    ),
    st.booleans(),
)  # fmt: skip


@given(row=rows, held=st.booleans())
def test_at_every_instant_it_is_exactly_one_s_turn(row: Onboarding, held: bool) -> None:  # noqa: FBT001 - drawn
    required = of(row, HELD if held else an_account())
    assert bool(required) == (row.waiting not in AT_REST)
    assert len({each.reason for each in required}) == len(required)
    for each in required:
        assert each.from_whom is MEANINGS[each.reason].owner
        assert each.since <= NOW
        assert bool(each.how) == each.is_for_people
        assert (each.due_by is not None) == (row.state in IN_PROGRESS)


@given(row=rows, held=st.booleans())
def test_what_the_engine_can_do_is_asked_of_nobody(row: Onboarding, held: bool) -> None:  # noqa: FBT001 - drawn
    if row.next_due_at is None or row.next_due_at > NOW:
        return
    asked = [each for each in of(row, HELD if held else an_account()) if each.is_for_people]
    assert [each for each in asked if each.reason is not Reason.ACCOUNT_HELD] == []


@pytest.mark.parametrize("state", IN_PROGRESS)
def test_a_held_account_comes_first_and_people_may_go_on_beside_it(state: State) -> None:
    first, second = of(waiting(Reason.NAME_DECLINED, state), HELD)
    assert (first.what, first.from_whom, first.since) == (
        What.TOKEN, Owner.OPERATOR, START + HOUR,
    )  # fmt: skip
    assert first.why.endswith("the token is dead")
    assert WABA in first.how
    assert (second.what, second.from_whom) == (What.DISPLAY_NAME, Owner.PARTNER)
    assert [each.what for each in of(waiting(Reason.NAME_IN_REVIEW, state), HELD)] == [What.TOKEN]
    assert [each.what for each in of(waiting(Reason.ACCOUNT_HELD, state), HELD)] == [What.TOKEN]


def test_an_own_hold_comes_before_that_of_the_account() -> None:
    row = waiting(Reason.HELD, hold=Reason.HELD, hold_text="not signed", hold_since=START)
    first, second = of(row, HELD)
    assert (first.what, first.since, second.what) == (What.RELEASE, START, What.TOKEN)
    assert first.why == "on hold: not signed"


def test_an_account_that_lacks_a_permission_needs_no_token() -> None:
    refused = a_failure(RecoveryClass.HUMAN, 200, remedy="Grant it.", fbtrace_id="Atrace")
    trouble = Trouble(operation="list_numbers", at=START, failure=refused)
    (only,) = of(waiting(Reason.LISTING), replace(HELD, trouble=trouble))
    assert only.what is What.ACCESS
    (error,) = only.errors
    assert (error.code, error.remedy, error.fbtrace_id) == (200, "Grant it.", "Atrace")


def test_errors_carry_what_people_need() -> None:
    failure = a_failure(
        RecoveryClass.HUMAN, 133005, 7, message="PIN mismatch", remedy="Give the PIN.",
        fbtrace_id="Az8or2yhqkZfEZ-_4Qn_Bam",
    )  # fmt: skip
    row = waiting(
        Reason.PIN, State.REGISTER_DEADLINE, hold=Reason.PIN, hold_since=START,
        trouble=Trouble(operation="register", at=START, failure=failure),
    )  # fmt: skip
    (only,) = of(row, explain=lambda operation, _: f"{operation} was refused.")
    (error,) = only.errors
    assert (error.operation, error.at, error.code, error.subcode) == ("register", START, 133005, 7)
    assert (error.message, error.meaning) == ("PIN mismatch", "register was refused.")
    assert (error.remedy, error.fbtrace_id) == ("Give the PIN.", "Az8or2yhqkZfEZ-_4Qn_Bam")


@pytest.mark.parametrize(
    ("operation", "failure", "what"),
    [
        (
            "create_number",
            a_failure(message="Maximum number of phone numbers reached"),
            What.SLOT,
        ),
        ("register", a_failure(message="Maximum number of phone numbers"), What.RELEASE),
        ("register", a_failure(code=133007), What.SUPPORT),
        ("register", a_failure(code=100), What.RELEASE),
    ],
)
def test_behind_a_refusal_the_thing_itself_is_named(
    operation: str, failure: object, what: What
) -> None:
    trouble = Trouble(operation=operation, at=START, failure=failure)  # type: ignore[arg-type]  # one of ours
    row = waiting(Reason.REFUSED, hold=Reason.REFUSED, hold_since=START, trouble=trouble)
    assert [each.what for each in of(row)] == [what]


def test_a_call_that_was_lost_for_good_is_a_person_s_to_settle() -> None:
    lost = replace(
        an_operation(Operation.CREATE_NUMBER), status=OperationStatus.ABSENT, id="0123456789"
    )
    silence = a_failure(effect=Effect.UNKNOWN)
    trouble = Trouble(operation="create_number", at=lost.intent_at, failure=silence)
    row = waiting(
        Reason.REFUSED, State.REQUESTED, hold=Reason.REFUSED, hold_by="engine", hold_since=START,
        trouble=trouble,
    )  # fmt: skip
    (only,) = of(row, operations=(lost,))
    assert (only.what, only.from_whom) == (What.OPERATION, Owner.OPERATOR)
    assert only.how.startswith("onboarding op show 0123456789")


def test_the_deadline_comes_with_its_anchor() -> None:
    row = a_signup_row(State.NAME_REVIEW, waiting=Reason.NAME_IN_REVIEW, waiting_for=Owner.META,
                       next_due_at=None)  # fmt: skip
    deadline = Deadline(
        onboarding_id=row.id, cycle=1, reason=DeadlineReason.EMBEDDED_SIGNUP,
        anchor_source="given", starts_at=START, due_at=START + 14 * DAY,
    )  # fmt: skip
    (only,) = of(row, deadlines=(deadline,))
    assert (only.due_by, only.anchor) == (START + 14 * DAY, "embedded_signup: given")
    (only,) = of(row, deadlines=(replace(deadline, cycle=2),))
    assert only.anchor is None


class TestNextLook:
    ACCOUNT = an_account(observe_due_at=NOW + HOUR, listed_at=NOW)

    @pytest.mark.parametrize("state", LIVE)
    @pytest.mark.parametrize("reason", WAITING)
    def test_every_wake_up_has_its_reason(self, state: State, reason: Reason) -> None:
        look = next_look(waiting(reason, state, next_due_at=NOW), an_account(), POLICY)
        assert look is not None
        assert look.at == NOW
        assert look.why

    def test_the_list_counts_where_it_may_tell_something(self) -> None:
        look = next_look(waiting(Reason.CONNECTING), self.ACCOUNT, POLICY)
        assert look is not None
        assert (look.at, look.why) == (NOW + HOUR, THEN[Reason.CONNECTING])
        assert next_look(waiting(Reason.BUDGET), self.ACCOUNT, POLICY) is None
        held = replace(self.ACCOUNT, hold=Reason.ACCOUNT_HELD)
        assert next_look(waiting(Reason.CONNECTING), held, POLICY) is None

    def test_a_list_that_was_just_read_rests(self) -> None:
        account = replace(self.ACCOUNT, observe_due_at=NOW, listed_at=NOW)
        look = next_look(waiting(Reason.CONNECTING), account, POLICY)
        assert look is not None
        assert look.at == NOW + POLICY.list_interval

    def test_who_rests_is_not_looked_at(self) -> None:
        for reason in AT_REST:
            assert next_look(waiting(reason, next_due_at=NOW), self.ACCOUNT, POLICY) is None

    def test_a_claimed_one_is_in_hand(self) -> None:
        look = next_look(
            waiting(Reason.DUE, next_due_at=NOW, lease_owner="w"), self.ACCOUNT, POLICY
        )
        assert look is not None
        assert look.why == IN_HAND

    @pytest.mark.parametrize(
        ("changes", "words"),
        [
            ({"next_due_at": START + 14 * DAY}, "window is over"),
            ({"next_due_at": START + 11 * DAY}, "although the review"),
            ({"next_due_at": START + DAY, "retry_at": START + DAY}, "made again"),
            ({"next_due_at": START + DAY}, "asked for a name"),
        ],
    )
    def test_a_review_s_wake_up_says_which_one_it_is(
        self, changes: dict[str, Any], words: str
    ) -> None:
        row = a_signup_row(State.NAME_REVIEW, waiting=Reason.NAME_IN_REVIEW, **changes)
        account = an_account(observe_due_at=START)
        first, second = looks(row, account, POLICY)
        assert first.why == THEN[Reason.NAME_IN_REVIEW]
        assert words in second.why
