"""For whom was waited: every instant is exactly one's, whatever the clocks say."""

from __future__ import annotations

from datetime import timedelta
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from onboarding.core.attribution import Attribution, Turn, attribute, turn_taken
from onboarding.model import Owner, Reason
from tests.core.making import DAY, HOUR, START, a_row

NOW = START + 10 * DAY


def turn(version: int, since: timedelta, owner: Owner | None) -> Turn:
    return Turn(
        onboarding_id="1", version=version, since=START + since, owner=owner, waiting=Reason.DUE
    )


turns = st.lists(
    st.tuples(
        st.timedeltas(min_value=-DAY, max_value=12 * DAY), st.none() | st.sampled_from(Owner)
    ),
    max_size=20,
).map(lambda drawn: [turn(place, *each) for place, each in enumerate(drawn)])


def check(told: Attribution) -> None:
    """The spans cover the life without gap or overlap, and the sums are of them."""
    ends = [(span.since, span.until) for span in told.spans]
    assert all(since < until for since, until in ends)
    assert all(before[1] == after[0] for before, after in pairwise(ends))
    if ends:
        assert (ends[0][0], ends[-1][1]) == (told.since, told.until)
    assert sum(told.waited.values(), told.rested) == told.until - told.since
    assert set(told.waited) == set(Owner)
    assert all(a.owner is not b.owner for a, b in pairwise(told.spans))


@given(taken=turns, seconds=st.integers(0, 20 * 86400))
def test_every_instant_is_exactly_one_s(taken: list[Turn], seconds: int) -> None:
    check(attribute(START, taken, START + timedelta(seconds=seconds)))


def test_it_begins_with_the_engine_and_follows_the_turns() -> None:
    taken = [turn(2, HOUR, Owner.HOLDER), turn(5, DAY, Owner.META), turn(9, 2 * DAY, None)]
    told = attribute(START, taken, NOW)
    assert [(span.owner, span.length) for span in told.spans] == [
        (Owner.ENGINE, HOUR), (Owner.HOLDER, DAY - HOUR), (Owner.META, DAY), (None, 8 * DAY),
    ]  # fmt: skip
    assert told.waited[Owner.PARTNER] == timedelta()
    assert told.rested == 8 * DAY


def test_turns_are_in_the_order_of_their_versions() -> None:
    swapped = [turn(3, 2 * HOUR, Owner.META), turn(2, HOUR, Owner.HOLDER)]
    assert attribute(START, swapped, NOW) == attribute(START, swapped[::-1], NOW)


def test_a_turn_is_taken_only_when_it_changes_hands() -> None:
    before = a_row(waiting=Reason.CODE, waiting_for=Owner.HOLDER)
    ready = a_row(waiting=Reason.CODE_READY, waiting_for=Owner.HOLDER, version=7)
    assert turn_taken(before, ready, NOW) is None
    done = a_row(waiting=Reason.DONE, waiting_for=Owner.ENGINE, version=7)
    taken = turn_taken(before, done, NOW)
    assert taken is not None
    assert (taken.owner, taken.since, taken.version) == (None, NOW, 7)
    over = a_row(waiting=Reason.OVER, waiting_for=Owner.ENGINE)
    assert turn_taken(done, over, NOW) is None
    assert turn_taken(None, ready, NOW) is not None
