"""Months in seconds: reviews, codes, outages and people in any order, and what must hold."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise

from hypothesis import strategies as st

from onboarding.core.deadlines import rung_at
from onboarding.core.lifecycle import LIVE
from onboarding.core.plan import plan
from onboarding.core.reasons import AT_REST
from onboarding.core.requirements import Requirement
from onboarding.core.steps import Wait
from onboarding.core.timing import parse_iso
from onboarding.engine.looking import snapshots
from onboarding.errors import OnboardingError
from onboarding.model import Deadline, DeadlineReason, Onboarding, Owner, What
from onboarding.store.database import reading, writing
from tests.engine.rehearsing import DAY, HOUR, MINUTE, START, WABA, Rehearsed, roomy
from tests.escalations import load_escalations

NUMBERS = tuple(f"+49301234568{place}" for place in range(3))
SLOW = {
    "reviewer": {"rules": [{"name": "*", "first": "PENDING_REVIEW", "decision": "never"}]},
    "registration": {"connected_after": "20s"},
    "codes": {"delivery": "1s"},
}

gaps = st.sampled_from([10 * MINUTE, HOUR, 6 * HOUR, DAY, 2 * DAY, 3 * DAY, 5 * DAY])


@dataclass(frozen=True)
class Number:
    """How a number begins: its entry, and how long ago the customer signed up."""

    signs_up: bool
    age: timedelta


@dataclass(frozen=True)
class Step:
    """A while, with or without a worker, after which somebody does something."""

    gap: timedelta
    is_up: bool
    deed: str


DEEDS = (
    "nothing", "answer", "answer", "answer", "approve", "approve", "decline", "hold", "release",
    "restart", "rename",
)  # fmt: skip
numbers = st.builds(Number, st.booleans(), st.sampled_from([0 * DAY, 3 * DAY, 9 * DAY, 13 * DAY]))
schedules = st.lists(
    st.builds(Step, gaps, st.sampled_from([True, True, True, False]), st.sampled_from(DEEDS)),
    min_size=4,
    max_size=16,
)


class Months:
    """Some numbers, the instants at which a worker ran, and what must hold at each."""

    def __init__(self, meta: Rehearsed) -> None:
        self.meta = meta
        self.meta.reads_codes = False
        self.up: list[datetime] = []

    def live(self, begun: list[Number], schedule: list[Step]) -> None:
        """Let the months pass."""
        for number, how in zip(NUMBERS, begun, strict=True):
            self._begin(number, how)
        for step in schedule:
            self._pass(step)
            self.check()
            self._do(step.deed)
            self.check()
        self._pass(Step(20 * DAY, is_up=True, deed="nothing"))
        self.check()
        self._check_rungs()
        self._check_registers()

    def _begin(self, number: str, how: Number) -> None:
        if how.signs_up:
            at = START - how.age
            self.meta.sign_up(number, "Lucky Shrub", at=at)
            self.meta.ask(number, entry="embedded_signup", onboarded_at=at)
        else:
            self.meta.ask(number)

    def _pass(self, step: Step) -> None:
        end = self.meta.clock.now() + step.gap
        if not step.is_up:
            self.meta.move_to(end)
            return
        self.meta.run(most=step.gap, until=self._note)
        if self.meta.clock.now() < end:
            self.meta.move_to(end)
            self.meta.settle()
        self._note()

    def _note(self) -> bool:
        self.up.append(self.meta.clock.now())
        return False

    # What people and Meta do

    def _do(self, deed: str) -> None:
        for number in NUMBERS:
            with suppress(OnboardingError, IndexError):
                self._deed(deed, number)

    def _deed(self, deed: str, number: str) -> None:
        engine = self.meta.engine
        if deed == "answer":
            for required in engine.requirements(number):
                self._answer(number, required)
        elif deed in ("approve", "decline") and self.meta.row(number).phone_number_id:
            decision = "APPROVED" if deed == "approve" else "DECLINED"
            id_ = self.meta.row(number).phone_number_id
            self.meta.control.post(f"/names/{id_}", json={"decision": decision})
        elif deed == "restart":
            engine.restart(number, "again", onboarded_at=self.meta.clock.now())
            self.meta.sign_up(number)
        elif deed == "rename":
            engine.rename(number, f"Name {len(self.up)}")
        elif deed in ("hold", "release"):
            getattr(engine, deed)(number, "by a person")

    def _answer(self, number: str, required: Requirement) -> None:
        engine = self.meta.engine
        match required.what:
            case What.CODE_READY:
                engine.code_ready(number)
            case What.CODE:
                engine.submit_code(number, self.meta.last_code(number))
            case What.DISPLAY_NAME:
                engine.rename(number, f"Better {len(self.up)}")
            case What.EMBEDDED_SIGNUP:
                self.meta.sign_up(number)
            case What.RELEASE:
                engine.release(number, "by a person")
            case What.TOKEN:
                engine.check_account(WABA)

    # What must hold

    def check(self) -> None:
        """At this instant: one's turn each, and every instant so far attributed."""
        for row in self.meta.engine.find_all():
            self._check_turn(row)
            self._check_attribution(row)

    def _check_turn(self, row: Onboarding) -> None:
        required = self.meta.engine.requirements(row.id)
        assert bool(required) == (row.waiting not in AT_REST)
        assert (row.state in LIVE) or not required or required[0].from_whom is Owner.ENGINE
        asked = [each for each in required if each.is_for_people]
        if not asked or row.lease_owner is not None:
            return
        ctx, now = self.meta.engine.context, self.meta.clock.now()
        with writing(ctx.database) as conn:  # a snapshot locks
            (snap,) = snapshots(ctx, conn, [row], now)
        made = plan(snap, now, ctx.policy)
        # Asked now, the engine would do nothing by itself but wait for the very same people.
        assert isinstance(made.step, Wait), (asked, made.step)
        assert made.row.waiting_for is row.waiting_for

    def _check_attribution(self, row: Onboarding) -> None:
        told = self.meta.engine.attribution(row.id)
        assert (told.since, told.until) == (row.created_at, self.meta.clock.now())
        ends = [(span.since, span.until) for span in told.spans]
        assert all(one[1] == two[0] for one, two in pairwise(ends))
        assert sum(told.waited.values(), told.rested) == told.until - told.since
        if told.spans:
            rests = row.waiting in AT_REST
            # What changed hands at this very instant has no length yet.
            last = told.spans[-1]
            if row.waiting_since < told.until:
                assert last.owner is (None if rests else row.waiting_for)

    def _check_rungs(self) -> None:
        """Each rung is raised once, or recorded as collapsed, and the first in time if it can."""
        engine = self.meta.engine
        for row in engine.find_all():
            with reading(engine.context.database) as conn:
                recorded = load_escalations(conn, row.id)
            entries = [e for _, e in engine.history(row.id) if e.trigger == "escalated"]
            raised = [each for each in recorded if each["collapsed_into"] is None]
            anew = any(d.reason is DeadlineReason.NAME_CHANGE for d in engine.deadlines(row.id))
            assert anew or len(entries) == len(raised)
            for deadline in engine.deadlines(row.id):
                mine = [
                    each for each in recorded
                    if (each["cycle"], each["reason"]) == (deadline.cycle, deadline.reason)
                ]  # fmt: skip
                self._check_deadline(deadline, {str(each["rung"]): each for each in mine})

    def _check_deadline(self, deadline: Deadline, recorded: dict[str, dict[str, object]]) -> None:
        ladder = self.meta.engine.context.policy.ladder
        ended = deadline.closed_at or self.meta.clock.now()
        if deadline.closed_how == "replaced":
            return
        passed = [rung for rung in ladder[:-1] if rung_at(deadline, rung) < ended]
        looked = [at for at in self.up if passed and rung_at(deadline, passed[0]) <= at < ended]
        for rung in passed:
            later = [at for at in looked if at >= rung_at(deadline, rung)]
            if later:
                assert rung.name in recorded, (deadline, rung, recorded)
        before = [at for at in looked if at < min(ended, deadline.due_at)]
        if before:
            told_at = [each["raised_at"] for each in recorded.values()]
            assert any(at <= deadline.due_at for at in told_at)  # type: ignore[operator]  # instants

    def _check_registers(self) -> None:
        """No register call left after the end of the Embedded Signup window."""
        engine = self.meta.engine
        ends: dict[str, datetime] = {}
        for row in engine.find_all():
            signup = [
                each.due_at
                for each in engine.deadlines(row.id)
                if each.reason is DeadlineReason.EMBEDDED_SIGNUP
            ]
            if signup and row.phone_number_id and row.registered_at is None:
                ends[row.phone_number_id] = max(signup)
        for call in self.meta.calls("register"):
            end = ends.get(str(call["phone_number_id"]))
            assert end is None or parse_iso(str(call["at"])) < end


def world() -> dict[str, object]:
    """Return a scenario in which names are decided by hand alone."""
    return roomy(**SLOW)
