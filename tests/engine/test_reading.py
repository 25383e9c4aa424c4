"""Reading Meta: odd, late and wrong answers of the list never make a number go wrong."""

from __future__ import annotations

from typing import Any

import pytest

from onboarding.model import Owner, Reason, State
from tests.engine.rehearsing import DAY, HOUR, NUMBER, START, Rehearse, Rehearsed, roomy, scenario

ODD: dict[str, dict[str, Any]] = {
    "flapping status": {"kind": "flapping_status", "rate": 0.5},
    "status never seen before": {"kind": "unknown_enum", "rate": 0.5},
    "standing never seen before": {"kind": "unknown_enum", "field": "name_status", "rate": 0.5},
    "platform never seen before": {"kind": "unknown_enum", "field": "platform_type", "rate": 0.5},
    "ownership never seen before": {
        "kind": "unknown_enum", "field": "code_verification_status", "rate": 0.5,
    },
    "no paging": {"kind": "missing_paging"},
    "an empty page first": {"kind": "empty_page_with_next"},
    "success as text": {"kind": "success_as_string"},
    "another language": {"kind": "localised_user_msg", "language": "pt"},
    "slow lists": {"kind": "latency", "endpoint": "list_numbers", "seconds": "50ms"},
    "the list lags": {"kind": "lagging_list", "seconds": "5m"},
}  # fmt: skip


@pytest.mark.parametrize("oddity", ODD)
def test_an_odd_answer_stops_no_registration(meta: Rehearsed, oddity: str) -> None:
    meta.fail(**ODD[oddity])
    signup = "+493012345672"
    meta.sign_up(signup, at=START - DAY)
    meta.ask(signup, entry="embedded_signup")
    meta.ask()
    meta.run_to(State.REGISTERED, most=3 * DAY)
    meta.run_to(State.REGISTERED, signup, most=3 * DAY)
    assert len(meta.calls("create_number")) == 1


def test_a_status_that_flaps_after_the_registration_changes_nothing(meta: Rehearsed) -> None:
    meta.register()
    meta.fail("flapping_status", "list_numbers")
    meta.ask("+493012345679")
    meta.run(most=DAY)
    assert meta.state() is State.REGISTERED
    assert meta.path()[-1] == "registered"
    assert meta.path().count("registered") == 1


@pytest.mark.parametrize("there", [{"is_on_biz_app": True}, {"platform_type": "ON_PREMISE"}])
def test_a_number_of_the_business_app_is_never_registered(
    rehearse: Rehearse, there: dict[str, Any]
) -> None:
    number = {
        "phone_number": NUMBER, "verified_name": "Lucky Shrub",
        "code_verification_status": "VERIFIED", **there,
    }  # fmt: skip
    meta = rehearse(scenario=scenario(waba={"numbers": [number]}))
    meta.ask()
    meta.run()
    row = meta.row()
    assert (row.waiting, row.waiting_for) == (Reason.NOT_OURS, Owner.OPERATOR)
    assert meta.calls("register", "deregister", "set_pin", "request_code") == []


def test_a_number_that_becomes_coexistent_is_not_registered(meta: Rehearsed) -> None:
    meta.reads_codes = False
    meta.ask()
    meta.settle()
    meta.edit(is_on_biz_app=True, code_verification_status="VERIFIED")
    meta.run(most=2 * DAY)
    assert meta.row().waiting is Reason.NOT_OURS
    assert meta.calls("register") == []


def test_a_banned_number_waits_for_an_appeal(meta: Rehearsed) -> None:
    meta.reads_codes = False
    meta.ask()
    meta.settle()
    meta.edit(status="BANNED")
    meta.run(most=DAY)
    assert (meta.row().waiting, meta.row().waiting_for) == (Reason.BANNED, Owner.OPERATOR)
    meta.edit(status="PENDING", code_verification_status="VERIFIED")
    meta.run_to(State.REGISTERED, most=3 * DAY)


@pytest.mark.parametrize("status", ["MIGRATED", "DELETED"])
def test_a_number_that_meta_shows_as_gone_has_left(meta: Rehearsed, status: str) -> None:
    meta.reads_codes = False
    meta.ask()
    meta.settle()
    meta.edit(status=status)
    meta.run(most=2 * DAY)
    row = meta.row()
    assert (row.state, row.waiting, row.next_due_at) == (State.LEFT, Reason.OVER, None)
    assert status in meta.story()
    assert {deadline.closed_how for deadline in meta.engine.deadlines(NUMBER)} == {"over"}


def test_a_number_that_is_no_longer_listed_has_left_after_a_while(meta: Rehearsed) -> None:
    meta.reads_codes = False
    meta.ask()
    meta.settle()
    meta.edit(deleted=True)
    meta.run(most=2 * DAY)
    assert meta.state() is State.LEFT
    entry = meta.engine.history(NUMBER)[-1][1]
    first_missing = entry.reason.split("since ")[1]
    assert entry.at.strftime("%Y-%m-%d %H:%M UTC") > first_missing


def test_a_number_missing_from_one_read_has_not_left(meta: Rehearsed) -> None:
    meta.reads_codes = False
    meta.ask()
    meta.settle()
    meta.fail("lagging_list", seconds="1h")  # of no effect on what is there already
    meta.run(most=DAY)
    assert meta.state() is State.CREATED


def test_a_number_that_left_after_its_registration(meta: Rehearsed) -> None:
    meta.register()
    meta.edit(status="MIGRATED")
    meta.sign_up("+493012345672")
    meta.ask("+493012345672", entry="embedded_signup")  # brings a read of the list
    meta.run(most=HOUR)
    assert meta.state() is State.LEFT


def test_an_embedded_signup_that_was_not_finished_is_waited_for(meta: Rehearsed) -> None:
    meta.ask(entry="embedded_signup")
    meta.run(most=HOUR)
    row = meta.row()
    assert (row.state, row.waiting, row.waiting_for) == (
        State.REQUESTED, Reason.NOT_ON_WABA, Owner.PARTNER,
    )  # fmt: skip
    meta.sign_up(NUMBER)
    meta.run_to(State.REGISTERED, most=DAY)
    assert meta.calls("create_number") == []


def test_a_number_that_is_listed_under_another_id_is_another_one(meta: Rehearsed) -> None:
    meta.reads_codes = False
    meta.ask()
    meta.settle()
    first = meta.row().phone_number_id
    meta.edit(deleted=True)
    meta.sign_up(NUMBER)
    meta.run(most=2 * DAY)
    assert meta.row().phone_number_id == first
    assert meta.state() is State.LEFT


def test_a_long_list_stops_where_the_budget_ends(rehearse: Rehearse) -> None:
    numbers = [
        {"phone_number": f"+4930{12400000 + n}", "verified_name": "Lucky Shrub"}
        for n in range(1200)
    ]
    meta = rehearse(
        scenario=roomy(waba={"numbers": numbers}),
        waba_calls_per_hour=8,
        active_waba_calls_per_hour=8,
    )
    meta.ask(entry="embedded_signup")
    meta.run(most=HOUR)
    assert 2 <= len(meta.calls("list_numbers")) <= 8
    (account,) = meta.engine.accounts()
    assert account.observe_due_at is not None
