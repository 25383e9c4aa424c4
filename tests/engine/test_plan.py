"""The forecast against what really comes: the same engine, its database and a simulated Graph."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import text

from onboarding.core.forecast.assumptions import Assumptions
from onboarding.core.forecast.outlook import Outlook, Risk
from onboarding.errors import ImportFileError
from onboarding.model import DeadlineReason, Onboarding, Owner, Reason, State
from onboarding.store.database import reading
from onboarding.store.tables import metadata
from tests.engine.rehearsing import (
    DAY,
    HOUR,
    MINUTE,
    START,
    WABA,
    Rehearse,
    Rehearsed,
    roomy,
)

WEEKS = timedelta(weeks=3)
REVIEW = {
    "reviewer": {"rules": [{"name": "Slow*", "first": "PENDING_REVIEW", "after": "3d"}]},
    "codes": {"delivery": "1s"},
    "registration": {"connected_after": "60s"},
}


def fleet(meta: Rehearsed) -> None:
    """Ask for numbers of every kind, some of them too late."""
    for place in range(6):
        meta.ask(f"+49301234{place:04}")
    for place, age in ((10, 0), (11, 3), (12, 8), (13, 13)):
        number, at = f"+49301234{place:04}", START - age * DAY
        meta.sign_up(number, "Slow Shrub", at=at)
        meta.ask(number, "Slow Shrub", entry="embedded_signup", onboarded_at=at)
    for place in (20, 21):
        number = f"+49301234{place:04}"
        meta.sign_up(number, "Lucky Shrub")
        meta.ask(number, entry="embedded_signup", onboarded_at=START)
    gone = START - 15 * DAY
    meta.ask("+493012340030", entry="embedded_signup", onboarded_at=gone)


def endings(outlook: Outlook) -> dict[str, State]:
    return {each.phone_number: each.state for each in outlook.endings}


@pytest.fixture
def meta(rehearse: Rehearse) -> Rehearsed:
    made = rehearse(scenario=roomy(**REVIEW))
    fleet(made)
    return made


def contents(meta: Rehearsed) -> dict[str, list[str]]:
    with reading(meta.engine.context.database) as conn:
        return {
            table.name: sorted(map(repr, conn.execute(text(f'SELECT * FROM "{table.name}"'))))  # noqa: S608 - our own names
            for table in metadata.sorted_tables
        }


def assumed(**changes: timedelta | None) -> Assumptions:
    given = {"holder": timedelta(), "reading": timedelta(seconds=2), **changes}
    return Assumptions(**given)  # type: ignore[arg-type]  # spans by name


@pytest.mark.parametrize("after", [timedelta(), 2 * MINUTE, 30 * HOUR])
def test_what_is_foretold_comes_true(meta: Rehearsed, after: timedelta) -> None:
    meta.wait(after)
    review = 3 * DAY - (meta.clock.now() - START)
    outlook = meta.engine.plan(span=WEEKS, assumed=assumed(review=review))
    called = len(meta.calls())
    meta.run(most=WEEKS)
    told = {row.phone_number: row for row in meta.engine.find_all()}
    waited_for = [each for each in outlook.endings if each.phone_number in told]
    assert len(waited_for) == len(outlook.endings)
    for each in outlook.endings:
        row = told[each.phone_number]
        assert each.state is row.state, meta.story(each.phone_number)
        if row.registered_at is not None and each.registered_at is not None:
            assert abs(row.registered_at - each.registered_at) < 3 * HOUR
    made = Counter(call["endpoint"] for call in meta.calls()[called:])
    foretold = outlook.calls
    for name in ("create_number", "request_code", "verify_code", "register"):
        assert foretold[name] == made[name]
    assert abs(foretold["list_numbers"] - made["list_numbers"]) <= made["list_numbers"] / 4 + 5


def test_it_calls_nobody_and_writes_nothing(meta: Rehearsed) -> None:
    meta.wait(HOUR)
    before, calls = contents(meta), len(meta.calls())
    assert meta.engine.plan().calls.total() > 0
    assert contents(meta) == before
    assert len(meta.calls()) == calls


def test_a_review_without_end_is_no_risk_where_registration_is_tried_early(meta: Rehearsed) -> None:
    meta.wait(HOUR)
    outlook = meta.engine.plan(span=WEEKS, assumed=Assumptions(review=None))
    assert outlook.at_risk == ()
    reasons = {each.deadline for each in outlook.endings if each.register_by}
    assert reasons == {DeadlineReason.EMBEDDED_SIGNUP}
    states = endings(outlook)
    # Registration is tried in the last days although the review runs, as the policy says.
    assert states["+493012340010"] is State.REGISTERED


def test_who_never_answers_is_told(rehearse: Rehearse) -> None:
    meta = rehearse(scenario=roomy(), reads_codes=False)
    for place in range(3):
        meta.ask(f"+49301234{place:04}")
    meta.settle()
    outlook = meta.engine.plan(span=WEEKS, assumed=Assumptions(holder=None))
    assert {each.risk for each in outlook.endings} == {Risk.MISSED}
    for each in outlook.at_risk:
        assert (each.waiting, each.waiting_for) == (Reason.CODE_READY, Owner.HOLDER)
        assert each.register_by == START + 14 * DAY
    rungs = sum(day.events["escalated"] for day in outlook.days)
    assert rungs == 4 * 3
    assert any("Holders answer never" in line for line in outlook.assumptions)
    soon = meta.engine.plan(span=DAY, assumed=Assumptions(holder=None))
    assert {each.risk for each in soon.endings} == {Risk.OPEN}


def test_budgets_bound_it_and_put_calls_off(rehearse: Rehearse) -> None:
    meta = rehearse(scenario=roomy(), waba_calls_per_hour=20, reads_codes=False)
    for place in range(30):
        meta.ask(f"+49301234{place:04}")
    outlook = meta.engine.plan(span=WEEKS)
    assert outlook.put_off > 0
    (busiest,) = outlook.busiest
    assert (busiest.waba_id, busiest.limit) == (WABA, 5000)  # one is registered by the end
    before = [day for day in outlook.days if day.events["connected"]]
    assert sum(day.events["connected"] for day in before) == 30


def test_a_file_comes_on_top_and_its_wabas_need_not_be_known(
    meta: Rehearsed, tmp_path: Path
) -> None:
    file = tmp_path / "numbers.csv"
    lines = [f"10339012934{place:04},+1631555{place:04},Lucky Shrub" for place in range(1000, 1005)]
    file.write_text("waba_id,phone_number,display_name\n" + "\n".join(lines) + "\n")
    alone = meta.engine.plan(span=WEEKS, assumed=assumed())
    both = meta.engine.plan(span=WEEKS, assumed=assumed(), file=file)
    assert len(both.endings) == len(alone.endings) + 5
    assert both.calls["create_number"] == alone.calls["create_number"] + 5
    assert meta.engine.find(limit=1000).items
    assert all(not row.phone_number.startswith("+1631") for row in meta.engine.find_all())
    file.write_text("waba_id,phone_number,display_name\n1,12,x\n")
    with pytest.raises(ImportFileError):
        meta.engine.plan(file=file)


def test_a_dead_token_stops_its_numbers_until_an_operator_mends_it(rehearse: Rehearse) -> None:
    meta = rehearse(scenario=roomy())
    meta.fail("refuse", "create_number", code=190, subcode=463)
    meta.ask()
    meta.settle()
    assert meta.row().waiting is Reason.ACCOUNT_HELD
    mended = meta.engine.plan(span=WEEKS, assumed=assumed(operator=2 * DAY))
    (ending,) = mended.endings
    assert ending.registered_at is not None
    assert ending.registered_at - meta.clock.now() > 2 * DAY
    (ending,) = meta.engine.plan(span=WEEKS, assumed=assumed(operator=None)).endings
    assert (ending.risk, ending.waiting_for) == (Risk.MISSED, Owner.OPERATOR)


class Reader:
    """An intake, as somebody might write it."""

    def __init__(self, *, by_machine: bool, is_broken: bool = False) -> None:
        self.reads_at_any_hour = by_machine
        self._is_broken = is_broken

    def answers(self, onboarding: Onboarding) -> bool:
        """Whether a code would be read."""
        if self._is_broken:
            raise RuntimeError(onboarding.id)
        return True


@pytest.mark.parametrize(
    ("reader", "after"),
    [
        (Reader(by_machine=True), timedelta()),
        (Reader(by_machine=False), 10 * HOUR),
        (Reader(by_machine=False, is_broken=True), 4 * HOUR),
    ],
)
def test_codes_are_planned_for_when_somebody_reads_them(
    rehearse: Rehearse, reader: Reader, after: timedelta
) -> None:
    """At night a machine does, a person does not; one that fails is as good as none."""
    meta = rehearse(scenario=roomy())
    meta.move_to(START + 12 * HOUR)  # 22:00 in Berlin
    meta.ask()
    meta.engine.context = replace(meta.engine.context, intakes=(reader,))
    (ending,) = meta.engine.plan(span=DAY).endings
    assert ending.registered_at is not None
    planned = ending.registered_at - meta.clock.now()
    assert after <= planned < after + HOUR
