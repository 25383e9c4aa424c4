"""Many codes at once: one that is refused, or that nobody can take, keeps no other from Meta."""

from __future__ import annotations

import pytest
from sqlalchemy import event, text

from onboarding.errors import ConflictError, InputError, NotFoundError, OnboardingError
from onboarding.model import Operation, OperationStatus, State
from onboarding.store.database import writing
from tests.engine.rehearsing import SECOND, Rehearsed, Seam

NUMBERS = [f"+4930123456{place}" for place in (70, 71, 72)]


@pytest.fixture
def unread(meta: Rehearsed) -> Rehearsed:
    """A rehearsal in which three codes arrived, and nobody handed one in."""
    meta.reads_codes = False
    for number in NUMBERS:
        meta.ask(number, code_ready=True)
    meta.wait(5 * SECOND)
    assert {meta.state(number) for number in NUMBERS} == {State.OTP_PENDING}
    return meta


def codes(meta: Rehearsed) -> list[tuple[str, str]]:
    return [(number, f"Your code: {meta.last_code(number)}") for number in NUMBERS]


def spoil(meta: Rehearsed, number: str) -> None:
    """Make what is stored of a number's first call unreadable, as a newer release might."""
    with writing(meta.engine.context.database) as conn:
        changed = conn.execute(
            text(
                'UPDATE operation SET outcome = \'{"effect": "newer"}\' '
                "WHERE name = 'create_number' AND onboarding_id = :id"
            ),
            {"id": meta.row(number).id},
        )
    assert changed.rowcount == 1


def mend(meta: Rehearsed) -> None:
    with writing(meta.engine.context.database) as conn:
        conn.execute(
            text(
                'UPDATE operation SET outcome = \'{"effect": "done"}\' '
                'WHERE outcome = \'{"effect": "newer"}\''
            )
        )


def test_each_code_is_taken_or_refused_for_itself(unread: Rehearsed) -> None:
    (first, second, third) = codes(unread)
    given = [first, (second[0], "call me back"), ("+15550001111", "123456"), third]
    taken = unread.engine.submit_codes(given)
    assert [type(each).__name__ for each in taken] == [
        "Onboarding", InputError.__name__, NotFoundError.__name__, "Onboarding",
    ]  # fmt: skip
    assert [unread.row(number).has_code for number in NUMBERS] == [True, False, True]
    unread.run_to(State.REGISTERED, NUMBERS[0])
    unread.run_to(State.REGISTERED, NUMBERS[2])


def test_what_follows_a_good_code_of_the_same_number_does_not_cost_it(unread: Rehearsed) -> None:
    number, good = codes(unread)[0]
    taken = unread.engine.submit_codes([(number, good), (number, "call me back please")])
    assert [type(each).__name__ for each in taken] == ["Onboarding", InputError.__name__]
    assert unread.row(number).has_code
    unread.run_to(State.REGISTERED, number)


def test_an_older_code_after_the_newest_does_not_cost_it(unread: Rehearsed) -> None:
    number, good = codes(unread)[0]
    wrong = f"{(int(unread.last_code(number)) + 1) % 10**6:06d}"
    unread.engine.submit_code(number, wrong)
    unread.settle()  # it was sent to Meta, and refused
    taken = unread.engine.submit_codes([(number, good), (number, wrong)])
    assert [type(each).__name__ for each in taken] == ["Onboarding", ConflictError.__name__]
    unread.run_to(State.REGISTERED, number)


def test_a_number_that_cannot_be_read_costs_no_other_its_code(unread: Rehearsed) -> None:
    given = codes(unread)
    spoil(unread, NUMBERS[1])
    taken = unread.engine.submit_codes(given)
    assert type(taken[1]) is OnboardingError
    assert "a fault of the program" in str(taken[1])
    assert [unread.row(number).has_code for number in NUMBERS] == [True, False, True]
    mend(unread)
    assert unread.engine.submit_code(*given[1]).has_code


def test_a_number_that_cannot_be_read_costs_no_other_its_answer(meta: Rehearsed) -> None:
    meta.reads_codes = False
    for number in NUMBERS:
        meta.ask(number, code_ready=True)
    meta.engine.advance()
    assert {meta.state(number) for number in NUMBERS} == {State.CREATED}

    def after(endpoints: list[str]) -> None:
        if "request_code" in endpoints:
            spoil(meta, NUMBERS[1])

    Seam(meta.engine, after=after)
    meta.engine.advance()
    assert _stands(meta, NUMBERS[0]) is OperationStatus.SUCCEEDED
    assert _stands(meta, NUMBERS[2]) is OperationStatus.SUCCEEDED
    mend(meta)
    assert _stands(meta, NUMBERS[1]) is OperationStatus.PENDING  # it is settled by probe


def _stands(meta: Rehearsed, number: str) -> OperationStatus:
    """Return how the call stands that asked for a number's code."""
    (asked,) = [op for op in meta.engine.operations(number) if op.name is Operation.REQUEST_CODE]
    return asked.status


def test_a_text_without_a_code_waits_for_nobody_who_writes(unread: Rehearsed) -> None:
    begun: list[str] = []

    def note(_conn: object, _cursor: object, statement: str, *_: object) -> None:
        begun.append(statement)

    event.listen(unread.engine.context.database, "before_cursor_execute", note)
    with pytest.raises(InputError):
        unread.engine.submit_code(NUMBERS[0], "no code in here")
    assert begun
    assert not [text for text in begun if "IMMEDIATE" in text or "FOR NO KEY UPDATE" in text]
