"""Meta's webhooks: hints that bring a read forward, often or twice, in whatever order."""

from __future__ import annotations

from typing import Any

import pytest

from onboarding.errors import InputError
from onboarding.model import Reason, State
from tests.engine.rehearsing import DAY, HOUR, NUMBER, WABA, Rehearse, Rehearsed, scenario

REVIEW = {
    "reviewer": {"rules": [{"name": "Slow*", "first": "PENDING_REVIEW", "decision": "never"}]}
}


def payload(*changes: dict[str, Any], waba_id: str = WABA, time: int = 1772442000) -> Any:
    entry = {"id": waba_id, "time": time, "changes": list(changes)}
    return {"object": "whatsapp_business_account", "entry": [entry]}


def named(decision: str, reason: str | None = None, number: str = NUMBER[1:]) -> dict[str, Any]:
    value = {
        "display_phone_number": number, "decision": decision,
        "requested_verified_name": "Slow Shrub", "rejection_reason": reason,
    }  # fmt: skip
    return {"field": "phone_number_name_update", "value": value}


@pytest.fixture
def meta(rehearse: Rehearse) -> Rehearsed:
    """A number whose name is in review."""
    made = rehearse(scenario=scenario(**REVIEW))
    made.ask(name="Slow Shrub")
    made.run_to(State.NAME_REVIEW)
    made.wait(2 * HOUR)
    return made


def test_a_decision_brings_the_next_read_forward(meta: Rehearsed) -> None:
    meta.decide_name("APPROVED")
    ingested = meta.engine.ingest(payload(named("APPROVED")))
    assert (ingested.changes, ingested.new, ingested.waba_ids) == (1, 1, (WABA,))
    meta.run_to(State.REGISTERED, most=HOUR / 2)


def test_every_webhook_of_the_simulator_is_understood(meta: Rehearsed) -> None:
    meta.decide_name("APPROVED")
    meta.run_to(State.REGISTERED, most=DAY)
    told = meta.control.get("/webhooks").raise_for_status().json()["webhooks"]
    assert told
    for event in told:
        assert meta.engine.ingest(event["payload"]).new == 1
        assert meta.engine.ingest(event["payload"]).new == 0
    meta.run(most=DAY)
    assert meta.state() is State.REGISTERED


def test_the_reason_of_a_declined_name_is_kept(meta: Rehearsed) -> None:
    meta.decide_name("DECLINED", rejection_reason="NAME_FORMAT_UNACCEPTABLE")
    meta.engine.ingest(payload(named("REJECTED", "NAME_FORMAT_UNACCEPTABLE")))
    meta.run(most=HOUR)
    row = meta.row()
    assert (row.waiting, row.rejection_reason) == (
        Reason.NAME_DECLINED, "NAME_FORMAT_UNACCEPTABLE",
    )  # fmt: skip
    entry = next(e for _, e in meta.engine.history(NUMBER) if e.trigger == "name_decision")
    assert (entry.actor, entry.detail["decision"]) == ("meta", "REJECTED")


def test_a_repeated_webhook_is_no_second_entry(meta: Rehearsed) -> None:
    event = payload(named("REJECTED", "OTHER"))
    assert [meta.engine.ingest(event).new for _ in range(3)] == [1, 0, 0]
    assert meta.triggers().count("name_decision") == 1
    twice_in_one = payload(named("PENDING"), named("PENDING"))
    assert meta.engine.ingest(twice_in_one).new == 1


def test_a_late_webhook_does_not_decide(meta: Rehearsed) -> None:
    """What the list shows holds, in whatever order the hints come."""
    meta.decide_name("DECLINED")
    meta.engine.ingest(payload(named("REJECTED", "OTHER"), time=1772442100))
    meta.engine.ingest(payload(named("PENDING"), time=1772442000))
    meta.engine.ingest(payload(named("APPROVED"), time=1772442050))
    meta.run(most=DAY)
    assert (meta.state(), meta.row().waiting) == (State.NAME_REVIEW, Reason.NAME_DECLINED)
    assert meta.calls("register") == []


def test_a_pending_webhook_does_not_wipe_the_reason(meta: Rehearsed) -> None:
    meta.engine.ingest(payload(named("REJECTED", "OTHER"), time=1772442100))
    meta.engine.ingest(payload(named("PENDING"), time=1772442000))
    assert meta.row().rejection_reason == "OTHER"


def test_a_brazilian_number_is_known_in_each_spelling(rehearse: Rehearse) -> None:
    meta = rehearse(scenario=scenario(**REVIEW))
    number = "+55 31 98427-1278"
    meta.ask(number, "Slow Shrub")
    meta.run_to(State.NAME_REVIEW, number)
    for spelling in ("553184271278", "+55 31 98427-1278"):
        meta.engine.ingest(payload(named("REJECTED", "OTHER", spelling)))
    assert meta.triggers(number).count("name_decision") == 2


def test_a_partners_event_names_the_waba_inside(meta: Rehearsed) -> None:
    reads = len(meta.calls("list_numbers"))
    change = {
        "field": "account_update",
        "value": {
            "event": "PARTNER_ADDED",
            "waba_info": {"waba_id": WABA, "owner_business_id": "1"},
        },
    }
    assert meta.engine.ingest(payload(change, waba_id="506914307656634")).waba_ids == (WABA,)
    meta.settle()
    assert len(meta.calls("list_numbers")) == reads + 1


def test_events_of_no_concern_change_nothing(meta: Rehearsed) -> None:
    reads, before = len(meta.calls()), meta.row()
    message = {"field": "messages", "value": {"messaging_product": "whatsapp"}}
    stranger = payload(named("APPROVED"), waba_id="999999999999999")
    assert meta.engine.ingest(payload(message)).waba_ids == ()
    meta.engine.ingest(stranger)
    meta.engine.ingest(payload(named("APPROVED", number="4930999999")))
    meta.engine.ingest({"entry": []})
    meta.engine.ingest({"entry": [None, {"id": WABA}, {"id": WABA, "changes": ["odd", {}]}]})
    meta.settle()
    assert meta.row().version == before.version
    assert len(meta.calls()) <= reads + 1


@pytest.mark.parametrize("odd", [None, [], "text", {}, {"entry": {}}, 7])
def test_what_is_no_webhook_is_refused(meta: Rehearsed, odd: object) -> None:
    with pytest.raises(InputError, match="not a webhook payload"):
        meta.engine.ingest(odd)


def test_a_webhook_of_a_number_that_is_over_changes_nothing(meta: Rehearsed) -> None:
    meta.engine.cancel(NUMBER, "a mistake")
    meta.engine.ingest(payload(named("APPROVED")))
    assert meta.triggers()[-1] == "cancelled"
    assert meta.engine.verify()[1] == []
