"""Everything goes wrong in any order; what must never happen does not, and it ends well.

Answers are lost, late, refused at random or never sent; workers die; lists lag, leave numbers or
fields out; people hold, rename and answer wrongly. After that Meta behaves and people answer, and
the onboarding must come to its end by itself.
"""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from onboarding.core.lifecycle import FINAL
from onboarding.model import Effect, Entry, Failure, Reason, RecoveryClass, State
from tests.core import people
from tests.core.making import DAY, HOUR, MINUTE, SECOND, a_failure
from tests.core.meta_model import LONGEST_LAG, LONGEST_WAY
from tests.core.stage import SILENCE, InFlight, Stage

UNSENT = a_failure(effect=Effect.UNSENT)
CODES = st.sampled_from(
    [(None, None), (100, None), (100, 2388001), (133000, None), (133005, None), (133006, None),
     (133016, None), (136024, 2388091), (136025, 2388093), (190, 463), (80007, None)]
)  # fmt: skip
MILD = [r for r in RecoveryClass if r is not RecoveryClass.PERMANENT]
ways = st.floats(0, LONGEST_WAY.total_seconds()).map(lambda s: timedelta(seconds=round(s)))
lags = st.sampled_from([0.0, 0.0, 5.0, LONGEST_LAG.total_seconds()])


class Chaos(RuleBasedStateMachine):
    """Random steps of Meta, of workers, of people and of time."""

    stage: Stage
    late: list[tuple[InFlight, Failure | None]]

    @initialize(
        entry=st.sampled_from(Entry),
        name_status=st.sampled_from(
            ["AVAILABLE_WITHOUT_REVIEW", "APPROVED", "PENDING_REVIEW", "NONE", "DECLINED"]
        ),
        has_intake=st.booleans(),
        steps=st.integers(0, 20),
    )
    def begin(self, entry: Entry, name_status: str, has_intake: bool, steps: int) -> None:  # noqa: FBT001 - drawn
        self.stage = Stage(entry, name_status, has_intake=has_intake)
        self.late = []
        go_well(self.stage, steps, approved=False)

    def is_calling(self) -> bool:
        return hasattr(self, "stage") and self.stage.in_flight is not None

    def is_idle(self) -> bool:
        return hasattr(self, "stage") and self.stage.in_flight is None

    # The engine's own loops

    @precondition(is_idle)
    @rule()
    def work(self) -> None:
        self.stage.do_what_is_due()

    @precondition(is_idle)
    @rule(forced=st.booleans())
    def a_person_or_a_webhook_has_it_looked_at(self, forced: bool) -> None:  # noqa: FBT001 - drawn
        if self.stage.row.lease_owner is None:
            self.stage.claim(forced=forced)

    @precondition(is_idle)
    @rule(lag=lags, hidden=st.sets(st.sampled_from(people.FIELDS), max_size=2))
    def a_list_is_read(self, lag: float, hidden: set[str]) -> None:
        if self.stage.account.hold is None:
            self.stage.read_list(lag, **dict.fromkeys(hidden))

    @precondition(is_idle)
    @rule(steps=st.integers(1, 6), approved=st.booleans())
    def all_goes_well_for_a_while(self, steps: int, approved: bool) -> None:  # noqa: FBT001 - drawn
        go_well(self.stage, steps, approved=approved)

    # Answers

    @precondition(is_calling)
    @rule(fenced=st.booleans())
    def meta_answers(self, fenced: bool) -> None:  # noqa: FBT001 - drawn
        call = self.stage.in_flight
        assert call is not None
        self.stage.answer(call, self.stage.arrive(call), fenced=fenced)

    @precondition(is_calling)
    @rule(recovery=st.sampled_from(MILD), codes=CODES, wait_s=st.sampled_from([None, 60.0, 3600.0]))
    def meta_refuses(
        self, recovery: RecoveryClass, codes: tuple[int | None, int | None], wait_s: float | None
    ) -> None:
        call = self.stage.in_flight
        assert call is not None
        self.stage.answer(call, a_failure(recovery, *codes, wait_s=wait_s))

    @precondition(is_calling)
    @rule(arrives=st.booleans(), way=ways, fenced=st.booleans())
    def no_answer_comes(self, arrives: bool, way: timedelta, fenced: bool) -> None:  # noqa: FBT001 - drawn
        call = self.stage.in_flight
        assert call is not None
        if arrives:
            self.stage.arriving.append((self.stage.now + way, call))
        self.stage.answer(call, SILENCE, fenced=fenced)

    @precondition(is_calling)
    @rule()
    def the_call_never_leaves(self) -> None:
        call = self.stage.in_flight
        assert call is not None
        self.stage.answer(call, UNSENT)

    @precondition(is_calling)
    @rule(arrives=st.booleans(), way=ways)
    def the_worker_dies(self, arrives: bool, way: timedelta) -> None:  # noqa: FBT001 - drawn
        call = self.stage.in_flight
        assert call is not None
        if arrives:
            self.stage.arriving.append((self.stage.now + way, call))
        self.stage.die()

    @precondition(is_calling)
    @rule()
    def the_answer_is_held_up(self) -> None:
        call = self.stage.in_flight
        assert call is not None
        self.late.append((call, self.stage.arrive(call)))
        self.stage.die()

    @precondition(lambda self: self.is_idle() and bool(self.late))
    @rule()
    def a_late_answer_comes(self) -> None:
        call, failure = self.late.pop(0)
        if self.stage.row.lease_owner is None:
            self.stage.answer(call, failure)

    # Time

    @precondition(is_idle)
    @rule(
        gap=st.sampled_from(
            [SECOND, 30 * SECOND, 2 * MINUTE, 15 * MINUTE, HOUR, 6 * HOUR, DAY, 9 * DAY]
        )
    )
    def time_passes(self, gap: timedelta) -> None:
        self.stage.go_to(self.stage.now + gap)

    @precondition(is_idle)
    @rule()
    def time_skips_to_what_is_due(self) -> None:
        if (due := self.stage.next_wake_at()) is not None:
            self.stage.go_to(due)
            self.stage.do_what_is_due()

    # Meta

    @precondition(is_idle)
    @rule(what=st.sampled_from(people.AT_META_BY_CHANCE))
    def something_happens_at_meta(self, what: str) -> None:
        people.AT_META[what](self.stage)

    # People

    @rule(what=st.sampled_from(people.DEEDS_BY_CHANCE))
    def a_person_does_something(self, what: str) -> None:
        stage = self.stage
        before = stage.row
        people.DEEDS[what](stage)
        if stage.row is not before and stage.in_flight is not None:
            call = stage.in_flight
            stage.answer(call, stage.arrive(call), fenced=True)

    # The end

    def teardown(self) -> None:
        if hasattr(self, "stage"):
            come_to_an_end(self.stage)


def go_well(stage: Stage, steps: int, *, approved: bool) -> bool:
    """Let Meta behave and people answer for some steps; return whether nothing is left to do."""
    for _ in range(steps):
        if (call := stage.in_flight) is not None:
            stage.answer(call, stage.arrive(call))
        stage.do_what_is_due()
        if stage.in_flight is not None:
            continue
        if stage.is_over:
            return True
        people.answer(stage)
        due = stage.next_wake_at()
        assert due is not None, f"sleeps for ever: {stage.row.state} {stage.row.waiting}"
        stage.go_to(max(due, stage.now))
        if approved:
            stage.meta.decide_name(stage.now, "APPROVED")
    return stage.is_over


def come_to_an_end(stage: Stage) -> None:
    """Let all go well until nothing is left to do."""
    began, stage.has_intake = stage.now, True
    ended = go_well(stage, 800, approved=True)
    assert ended, f"does not end: {stage.row.state} {stage.row.waiting} {stage.row.trouble}"
    row = stage.row
    assert row.state in (*FINAL, State.REGISTERED) or row.waiting is Reason.NOT_OURS
    assert stage.now - began < 60 * DAY
    if row.waiting is Reason.DONE:
        assert not row.renaming
        assert row.hold is None


class Large(Chaos):
    """Other lives in every run, and more of them."""


# The same lives in every quick run, so that a change is judged by what it changed.
TestChaos = Chaos.TestCase
TestChaos.settings = settings(
    max_examples=150, stateful_step_count=60, deadline=None, derandomize=True, database=None
)
TestChaosAtLarge = pytest.mark.slow(Large.TestCase)
TestChaosAtLarge.settings = settings(max_examples=1000, stateful_step_count=60, deadline=None)
