"""Everything goes wrong in any order around real engines: a database, HTTP, two workers, people."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from onboarding import Engine
from onboarding.core.lifecycle import FINAL
from onboarding.errors import OnboardingError
from onboarding.model import POOL_OPERATIONS, Onboarding, Operation, Reason, State
from tests.engine.oracle import faults_in, faults_told, pins_changed
from tests.engine.rehearsing import DAY, HOUR, MINUTE, SECOND, WABA, Rehearsed, Seam

NUMBERS = tuple(f"+49301234567{place}" for place in range(3))
ENDPOINTS = [each.value for each in Operation if each not in POOL_OPERATIONS]
FAULTS = (
    "drop_before_effect", "drop_after_effect", "half_body", "error_500_transient", "html_502",
    "throttle", "lagging_list",
)  # fmt: skip

#: What Meta may have against a number, by hand.
ODD = (
    {"has_unfinished_deregister": True}, {"pin": "314159"},
    {"name_status": "PENDING_REVIEW"}, {"name_status": "APPROVED"},
    {"code_verification_status": "EXPIRED"},
)  # fmt: skip

numbers = st.sampled_from(NUMBERS)
gaps = st.sampled_from([SECOND, 30 * SECOND, 2 * MINUTE, 11 * MINUTE, HOUR, 6 * HOUR, DAY, 5 * DAY])

#: Passes after which whatever is left does not end by itself.
_PATIENCE = 400


class CrashError(BaseException):
    """The worker ends here."""


class EngineChaos(RuleBasedStateMachine):
    """Two workers, three numbers, their people, and Meta.

    Opened by ``opening`` for each example, and closed by ``closing``.
    """

    opening: Callable[[], Rehearsed]
    closing: Callable[[], None]

    @initialize()
    def begin(self) -> None:
        self.meta = type(self).opening()
        self.meta.reads_codes = False
        self.other: Engine = self.meta.open_engine()
        self.strikes: list[tuple[str, Callable[[], None]]] = []
        for engine in (self.meta.engine, self.other):
            Seam(engine, before=lambda _: self.strike("before"), after=lambda _: self.strike("on"))

    def strike(self, moment: str) -> None:
        """Let happen what was to happen around the next call."""
        if self.strikes and self.strikes[0][0] == moment:
            self.strikes.pop(0)[1]()

    # Requests and workers

    @rule(number=numbers, signs_up=st.booleans())
    def somebody_asks(self, number: str, signs_up: bool) -> None:  # noqa: FBT001 - drawn
        with suppress(OnboardingError):
            self.meta.ask(number, entry="embedded_signup" if signs_up else "new")

    @rule(second=st.booleans(), passes=st.integers(1, 6))
    def a_worker_works(self, second: bool, passes: int) -> None:  # noqa: FBT001 - drawn
        engine = self.other if second else self.meta.engine
        for _ in range(passes):
            try:
                engine.advance()
            except CrashError:
                self.wait_for_calls()

    @rule(number=numbers)
    def a_person_has_it_advanced(self, number: str) -> None:
        with suppress(OnboardingError, CrashError):
            self.meta.engine.advance(number)
        self.wait_for_calls()

    @rule(moment=st.sampled_from(["before", "on"]))
    def a_worker_will_die(self, moment: str) -> None:
        def die() -> None:
            raise CrashError

        self.strikes.append((moment, die))

    @rule(lease_ends=st.booleans())
    def the_other_will_work_meanwhile(self, lease_ends: bool) -> None:  # noqa: FBT001 - drawn
        def work() -> None:
            if lease_ends:
                self.meta.end_leases()
            self.other.advance()

        self.strikes.append(("on", work))

    @rule(number=numbers, deed=st.sampled_from(["hold", "cancel", "rename", "release"]))
    def a_person_will_act_meanwhile(self, number: str, deed: str) -> None:
        self.strikes.append(("on", lambda: self.act(number, deed)))

    @rule()
    def leases_end(self) -> None:
        self.meta.end_leases()

    # People

    def act(self, number: str, deed: str) -> None:
        """Let a person do something that may not be possible."""
        engine, told = self.meta.engine, "by a person"
        deeds: dict[str, Callable[[], object]] = {
            "hold": lambda: engine.hold(number, told),
            "release": lambda: engine.release(number, told),
            "cancel": lambda: engine.cancel(number, told),
            "restart": lambda: engine.restart(number, told),
            "rename": lambda: engine.rename(number, f"Name {len(self.meta.calls())}"),
            "code_ready": lambda: engine.code_ready(number),
            "right_code": lambda: engine.submit_code(number, self.meta.last_code(number)),
            "wrong_code": lambda: engine.submit_code(number, f"9{len(self.meta.calls()):05}"),
            "check_account": lambda: engine.check_account(WABA),
        }
        with suppress(OnboardingError, IndexError):
            deeds[deed]()

    @rule(
        number=numbers,
        deed=st.sampled_from(
            ["hold", "release", "release", "restart", "rename", "rename", "code_ready",
             "code_ready", "right_code", "right_code", "right_code", "wrong_code"]
        ),
    )  # fmt: skip
    def a_person_acts(self, number: str, deed: str) -> None:
        self.act(number, deed)

    # Meta, and time

    @rule(kind=st.sampled_from(FAULTS), endpoint=st.sampled_from(ENDPOINTS))
    def an_answer_will_be_lost(self, kind: str, endpoint: str) -> None:
        on = "create_number" if kind == "lagging_list" else endpoint
        self.meta.fail(kind, on, times=1)

    @rule(number=numbers)
    def a_customer_signs_up(self, number: str) -> None:
        self.meta.control.post(
            "/embedded_signup",
            json={"waba_id": WABA, "phone_number": number, "verified_name": "Lucky Shrub"},
        )

    @rule(number=numbers, odd=st.sampled_from(ODD))
    def something_is_odd_at_meta(self, number: str, odd: dict[str, object]) -> None:
        with suppress(OnboardingError):
            id_ = self.meta.row(number).phone_number_id
            is_registered = self.meta.row(number).registered_at is not None
            if id_ and not is_registered:
                self.meta.control.post(f"/numbers/{id_}", json=odd)

    @rule(gap=gaps)
    def time_passes(self, gap: timedelta) -> None:
        self.meta.move_to(self.meta.clock.now() + gap)

    def wait_for_calls(self) -> None:
        """Wait until what a dead worker had sent has arrived."""
        before = -1
        while before != (before := len(self.meta.calls())):
            time.sleep(0.01)

    # What must hold

    @invariant()
    def no_call_is_forbidden(self) -> None:
        if hasattr(self, "meta"):
            calls = self.meta.calls()
            settle = self.meta.engine.context.policy.settle
            assert faults_in(calls, settle=settle) + pins_changed(calls) == []

    def teardown(self) -> None:
        if not hasattr(self, "meta"):
            return
        try:
            self.come_to_an_end()
            assert faults_told(self.meta.engine) == []
        finally:
            self.other.close()
            type(self).closing()

    def come_to_an_end(self) -> None:
        """Let Meta behave and people answer, until nothing is left to do."""
        self.strikes.clear()
        self.meta.control.delete("/faults")
        self.meta.end_leases()
        self.meta.reads_codes = True
        for _ in range(_PATIENCE):
            self.meta.settle()
            rows = list(self.meta.engine.find_all())
            if all(row.waiting in (Reason.DONE, Reason.OVER) for row in rows):
                break
            for row in rows:
                self.answer(row)
            self.meta.settle()
            if (due := self.meta._next_due_at()) is not None:
                self.meta.move_to(due)
        self.no_call_is_forbidden()
        left = [(r.state, r.waiting) for r in rows if r.state not in (*FINAL, State.REGISTERED)]
        assert left == [], [self.meta.story(number) for number in NUMBERS]

    def answer(self, row: Onboarding) -> None:
        """Do what an onboarding waits for, if it waits for a person."""
        number, is_late = row.phone_number, row.register_by and row.register_by <= self.now()
        if row.waiting is Reason.NOT_ON_WABA:
            self.a_customer_signs_up(number)
        # A review that was begun by hand (``ODD``) has no reviewer; one who reviews is sooner.
        if row.waiting is Reason.NAME_IN_REVIEW and is_late:
            self.meta.decide_name("APPROVED", number)
        if deed := _ANSWERS.get(row.waiting):
            self.act(number, deed)

    def now(self) -> datetime:
        return self.meta.clock.now()


_ANSWERS = {
    Reason.CODE_READY: "code_ready",
    Reason.CODE: "right_code",
    Reason.NAME_DECLINED: "rename",
    Reason.NAME_EXPIRED: "rename",
    Reason.NAME_MISSING: "rename",
    Reason.HELD: "release",
    Reason.REFUSED: "release",
    Reason.STUCK: "release",
    Reason.PIN: "release",
    Reason.ACCOUNT_HELD: "check_account",
}
