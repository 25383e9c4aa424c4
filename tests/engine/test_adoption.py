"""Adopting: numbers of a WABA's list are taken over where they stand, and working ones never."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from onboarding.core.adoption import Verdict
from onboarding.core.timing import iso
from onboarding.engine.adoption import Adopted
from onboarding.errors import GraphError, NotFoundError, TransitionRefusedError
from onboarding.model import DeadlineReason, Entry, Reason, State
from tests.engine.rehearsing import (
    DAY,
    HOUR,
    OTHER_WABA,
    START,
    WABA,
    Rehearse,
    Rehearsed,
    roomy,
    scenario,
)

NAME = "Lucky Shrub"

#: A WABA as partners find it: numbers in every standing.
FOUND: dict[str, dict[str, Any]] = {
    "+493012345601": {"embedded_signup": iso(START - 3 * DAY)},
    "+493012345602": {"embedded_signup": iso(START - 5 * DAY), "name_status": "DECLINED"},
    "+493012345603": {},
    "+493012345604": {"registered": True, "name_status": "APPROVED"},
    "+493012345605": {"is_on_biz_app": True, "status": "CONNECTED", "platform_type": "CLOUD_API"},
    "+493012345606": {"platform_type": "ON_PREMISE", "status": "DISCONNECTED"},
    "+493012345607": {"status": "BANNED", "embedded_signup": iso(START - DAY)},
    "+493012345608": {"status": "MIGRATED"},
    "+493012345609": {"embedded_signup": iso(START - 15 * DAY)},
    "+493012345610": {"registered": True, "status": "RESTRICTED"},
    "+493012345611": {"registered": True, "status": "DISCONNECTED"},
}
LEFT_ALONE = {
    "+493012345604": Verdict.LIVE,
    "+493012345605": Verdict.COEXISTENCE,
    "+493012345606": Verdict.COEXISTENCE,
    "+493012345607": Verdict.BANNED,
    "+493012345608": Verdict.GONE,
    "+493012345609": Verdict.WINDOW_CLOSED,
    "+493012345610": Verdict.LIVE,
    "+493012345611": Verdict.UNCLEAR,
}
TAKEN = {
    "+493012345601": State.REGISTER_DEADLINE,
    "+493012345602": State.NAME_REVIEW,
    "+493012345603": State.CREATED,
}


def found(**given: Any) -> dict[str, Any]:
    """Return a scenario with that WABA."""
    numbers = [{"phone_number": n, "verified_name": NAME, **more} for n, more in FOUND.items()]
    return scenario(waba={"numbers": numbers}, **given)


@pytest.fixture
def meta(rehearse: Rehearse) -> Rehearsed:
    """A rehearsal of that WABA, where nobody reads codes."""
    return rehearse(scenario=found(), reads_codes=False)


def by_number(told: list[Adopted]) -> dict[str, Adopted]:
    return {"".join(c for c in (t.phone_number or "") if c not in " -"): t for t in told}


def test_each_number_begins_where_meta_says_it_stands(meta: Rehearsed) -> None:
    told = by_number(meta.engine.adoption.adopt(WABA))
    assert set(told) == set(FOUND)
    adopted = {number: t.state for number, t in told.items() if t.verdict is Verdict.ADOPT}
    assert adopted == TAKEN
    assert {number: meta.state(number) for number in TAKEN} == TAKEN
    assert meta.row("+493012345602").waiting is Reason.NAME_DECLINED
    assert {number: told[number].verdict for number in LEFT_ALONE} == LEFT_ALONE
    assert all(told[number].why for number in LEFT_ALONE)
    assert len(list(meta.engine.find_all())) == len(TAKEN)
    assert meta.engine.require_verified()


def test_the_deadline_counts_from_the_embedded_signup_and_says_so(meta: Rehearsed) -> None:
    told = by_number(meta.engine.adoption.adopt(WABA))
    signed_up = told["+493012345601"]
    assert (signed_up.register_by, signed_up.anchor) == (START + 11 * DAY, "last_onboarded_time")
    row = meta.row("+493012345601")
    assert (row.register_by, row.entry) == (START + 11 * DAY, Entry.EMBEDDED_SIGNUP)
    (deadline,) = meta.engine.deadlines("+493012345601")
    assert (deadline.reason, deadline.anchor_source) == (
        DeadlineReason.EMBEDDED_SIGNUP, "last_onboarded_time",
    )  # fmt: skip
    first = meta.engine.history("+493012345601")[0][1]
    assert (first.trigger, first.actor) == ("adopted", "rehearsal")
    assert first.detail["anchor"] == "last_onboarded_time"
    assert first.detail["anchored_at"] == iso(START - 3 * DAY)
    added = told["+493012345603"]
    assert (added.register_by, added.anchor) == (START + 14 * DAY, "adopted")
    assert meta.row("+493012345603").register_by_reason is DeadlineReason.POLICY


def test_what_was_adopted_is_registered_by_itself_and_nothing_else_is_touched(
    rehearse: Rehearse,
) -> None:
    meta = rehearse(scenario=found())
    meta.engine.adoption.adopt(WABA)
    meta.run_to(State.REGISTERED, "+493012345601")
    meta.run_to(State.REGISTERED, "+493012345603")
    meta.run(most=3 * DAY)
    writes = [call for call in meta.calls() if call["method"] == "POST" and call["number"]]
    assert writes
    touched = {f"+{call['number'].lstrip('+')}" for call in writes}
    assert touched <= set(TAKEN)
    assert meta.calls("create_number") == []


def test_a_dry_run_tells_the_same_and_stores_nothing(meta: Rehearsed) -> None:
    preview = meta.engine.adoption.preview(WABA)
    assert list(meta.engine.find_all()) == []
    done = meta.engine.adoption.adopt(WABA)
    told = [(t.phone_number, t.verdict, t.why, t.state, t.register_by, t.anchor) for t in preview]
    assert told == [
        (t.phone_number, t.verdict, t.why, t.state, t.register_by, t.anchor) for t in done
    ]
    assert all(t.onboarding_id is None for t in preview)


def test_adopting_again_adopts_nothing_twice(meta: Rehearsed) -> None:
    first = by_number(meta.engine.adoption.adopt(WABA))
    again = by_number(meta.engine.adoption.adopt(WABA))
    assert {again[number].verdict for number in TAKEN} == {Verdict.KNOWN}
    assert [again[n].onboarding_id for n in TAKEN] == [first[n].onboarding_id for n in TAKEN]
    assert len(list(meta.engine.find_all())) == len(TAKEN)
    assert [meta.triggers(number).count("adopted") for number in TAKEN] == [1, 1, 1]


def test_adopting_at_the_same_time_adopts_once(meta: Rehearsed) -> None:
    with meta.open_engine() as other, ThreadPoolExecutor(2) as threads:
        both = [e.adoption for e in (meta.engine, other)]
        told = list(threads.map(lambda adoption: adoption.adopt(WABA), both))
    adopted = [t.onboarding_id for each in told for t in each if t.verdict is Verdict.ADOPT]
    assert len(adopted) == len(set(adopted)) == len(TAKEN)
    assert len(list(meta.engine.find_all())) == len(TAKEN)


def test_live_numbers_are_taken_under_watch_without_a_call(meta: Rehearsed) -> None:
    told = by_number(meta.engine.adoption.adopt(WABA, live=True))
    taken = [n for n, t in told.items() if t.verdict is Verdict.ADOPT and n not in TAKEN]
    assert taken == ["+493012345604"]
    row = meta.row("+493012345604")
    assert (row.state, row.waiting, row.register_by) == (State.REGISTERED, Reason.DONE, None)
    meta.run(most=DAY)
    paths = [call["path"] for call in meta.calls() if call["method"] == "POST"]
    assert not [path for path in paths if str(row.phone_number_id) in path]


def test_what_is_known_here_or_elsewhere_is_told_as_known(rehearse: Rehearse) -> None:
    given = found()
    given["businesses"][0]["wabas"].append({"id": OTHER_WABA})
    meta = rehearse(scenario=given, reads_codes=False)
    meta.ask("+493012345603", NAME, waba_id=OTHER_WABA)
    gone = meta.ask("+493012345601", NAME, entry="embedded_signup")
    meta.engine.cancel(gone, "not wanted")
    told = by_number(meta.engine.adoption.adopt(WABA))
    elsewhere, over = told["+493012345603"], told["+493012345601"]
    assert elsewhere.verdict is Verdict.KNOWN
    assert OTHER_WABA in elsewhere.why
    assert (over.verdict, over.state) == (Verdict.KNOWN, State.CANCELLED)
    assert "--again" in over.why
    assert meta.state("+493012345601") is State.CANCELLED


def test_a_request_for_an_adopted_number_is_known(meta: Rehearsed) -> None:
    meta.engine.adoption.adopt(WABA)
    id_ = meta.ask("+493012345601", NAME, entry="embedded_signup")
    assert id_ == meta.row("+493012345601").id


def test_a_number_that_cannot_be_read_as_one_is_told_and_left(rehearse: Rehearse) -> None:
    number = {"phone_number": "+493012345603", "verified_name": NAME}
    meta = rehearse(scenario=scenario(waba={"numbers": [number]}), reads_codes=False)
    (shown,) = meta.control.get("/state").json()["numbers"]
    meta.tell(f"/numbers/{shown['id']}", {"verified_name": "X"})
    (told,) = meta.engine.adoption.adopt(WABA)
    assert told.verdict is Verdict.UNCLEAR
    assert "2 to 75 characters" in told.why
    assert list(meta.engine.find_all()) == []


def test_more_numbers_than_fit_on_a_page_are_adopted(rehearse: Rehearse) -> None:
    numbers = [
        {
            "phone_number": f"+4930123{place:04}",
            "verified_name": NAME,
            "embedded_signup": iso(START),
        }
        for place in range(110)
    ]
    meta = rehearse(scenario=roomy(waba={"numbers": numbers}))
    told = meta.engine.adoption.adopt(WABA)
    assert [t.verdict for t in told] == [Verdict.ADOPT] * 110
    assert len(meta.calls("list_numbers")) == 2


def test_a_list_that_cannot_be_read_adopts_nothing(meta: Rehearsed) -> None:
    with pytest.raises(NotFoundError, match="1234567"):
        meta.engine.adoption.adopt("1234567")
    meta.tell("/tokens", {"token": meta.simulator.token, "dead": True})
    with pytest.raises(GraphError):
        meta.engine.adoption.adopt(WABA)
    with pytest.raises(TransitionRefusedError, match="on hold"):
        meta.engine.adoption.adopt(WABA)
    assert list(meta.engine.find_all()) == []


def test_a_budget_that_is_spent_is_waited_for(rehearse: Rehearse) -> None:
    meta = rehearse(scenario=found(), app_calls_per_hour=1)
    meta.engine.adoption.preview(WABA)
    with pytest.raises(TransitionRefusedError, match="used up until"):
        meta.engine.adoption.adopt(WABA)
    meta.move_to(START + 2 * HOUR)
    assert len(meta.engine.adoption.adopt(WABA)) == len(FOUND)
