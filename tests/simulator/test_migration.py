"""Migration of a registered number from one WABA to another."""

from __future__ import annotations

from collections.abc import Callable

import jsonschema
import pytest

from tests.simulator.conftest import RigMaker
from tests.simulator.harness import DAY, PIN, WABA, Rig, refusal
from tests.simulator.migrating import (
    DEST,
    KEPT,
    LIVE,
    NOT_ALLOWED,
    NOT_ELIGIBLE,
    PHONE,
    THIRD,
    UNAVAILABLE,
    UNPROVEN,
    migrate,
    migrated,
    node_of,
    proven,
    settled,
    started,
    two_sides,
)
from tests.simulator.schemas import ERROR, phone_number, phone_numbers


def shown(rig: Rig, number_id: str) -> Callable[[], tuple[str, ...]]:
    def read() -> tuple[str, ...]:
        found = rig.read(number_id, *LIVE)
        return tuple(found[name] for name in LIVE)

    return read


def test_migration_from_the_first_call_to_the_last(start: RigMaker) -> None:
    rig = start(businesses=two_sides(), registration={"connected_after": "90s"})
    source, number_id = node_of(rig), started(rig)
    here, there = shown(rig, number_id), shown(rig, source)
    assert number_id != source
    assert here() == ("PENDING", "NOT_APPLICABLE", "NOT_VERIFIED")
    rig.request_code(number_id)
    assert rig.verify_code(number_id, rig.last_code()).json() == {"success": True}
    assert rig.register(number_id).json() == {"success": True}
    rig.advance(89)
    assert here() == ("PENDING", "NOT_APPLICABLE", "VERIFIED")
    assert there() == ("CONNECTED", "CLOUD_API", "VERIFIED")
    rig.advance(1)
    assert here() == ("CONNECTED", "CLOUD_API", "VERIFIED")
    assert there() == ("MIGRATED", "NOT_APPLICABLE", "VERIFIED")


def test_what_a_number_keeps(sides: Rig) -> None:
    number_id = migrated(sides)
    assert sides.read(number_id, *KEPT) == KEPT | {"id": number_id}


@pytest.mark.parametrize("flag", [True, "true", 1, "1"])
def test_every_way_to_say_yes(start: RigMaker, flag: object) -> None:
    rig = start(businesses=two_sides())
    assert migrate(rig, migrate_phone_number=flag).status_code == 200


@pytest.mark.parametrize("flag", [False, "false", "0", ""])
def test_without_a_yes_it_is_a_plain_create(start: RigMaker, flag: object) -> None:
    rig = start(businesses=two_sides())
    response = migrate(rig, migrate_phone_number=flag, verified_name="Lucky Shrub")
    assert refusal(response) == (400, 200000, None)


def test_name_that_is_given_does_not_count(start: RigMaker) -> None:
    rig = start(businesses=two_sides(), reviewer={"default": {"first": "PENDING_REVIEW"}})
    number_id = migrate(rig, verified_name="Another Name").json()["id"]
    shown = rig.read(number_id, "verified_name", "name_status")
    assert (shown["verified_name"], shown["name_status"]) == ("Lucky Shrub", "APPROVED")
    rig.advance(2 * DAY)
    hooks = rig.control("GET", "webhooks")["webhooks"]
    assert DEST not in [one["payload"]["entry"][0]["id"] for one in hooks]


def test_source_works_until_the_destination_is_registered(sides: Rig) -> None:
    source = node_of(sides)
    number_id = proven(sides)
    connected = "CONNECTED" if sides.simulator.scenario.profile == "observed" else "LINKED"
    assert sides.read(source, "status")["status"] == connected
    assert sides.graph("POST", source, {"search_visibility": "HIDDEN"}).status_code == 200
    sides.register(number_id)
    assert sides.read(source, "status")["status"] == "MIGRATED"


def test_calls_at_the_source_are_refused_afterwards(sides: Rig, profile: str) -> None:
    source = node_of(sides)
    migrated(sides)
    wrong = (400, 136025, 2388093) if profile == "observed" else (422, 100, None)
    assert refusal(sides.request_code(source)) == NOT_ELIGIBLE[profile]
    assert refusal(sides.verify_code(source, "123456")) == wrong
    assert refusal(sides.register(source)) == UNAVAILABLE[profile]
    assert refusal(sides.graph("POST", f"{source}/deregister")) == (400, 100, 2207051)
    for body in ({"pin": PIN}, {"new_display_name": "Lucky Bush"}, {"search_visibility": "X"}):
        assert refusal(sides.graph("POST", source, body)) == UNAVAILABLE[profile]
    calls = sides.control("GET", "calls")["calls"]
    assert [call["effect"] for call in calls[-7:]] == [False] * 7


def test_source_stays_in_its_list_and_keeps_to_the_schema(sides: Rig, profile: str) -> None:
    source = node_of(sides)
    number_id = migrated(sides)
    params = {"fields": "id,status,display_phone_number,verified_name,health_status"}
    for waba, node in ((WABA, source), (DEST, number_id)):
        listed = sides.graph("GET", f"{waba}/phone_numbers", params).json()
        jsonschema.validate(listed, phone_numbers(profile))
        assert node in [one["id"] for one in listed["data"]]
        assert node_of(sides, waba) == node
        jsonschema.validate(sides.graph("GET", node, params).json(), phone_number(profile))


def test_webhooks_go_to_the_destination_only(start: RigMaker) -> None:
    rig = start(businesses=two_sides())
    migrated(rig)
    hooks = [one["payload"]["entry"][0] for one in rig.control("GET", "webhooks")["webhooks"]]
    assert [hook["id"] for hook in hooks] == [DEST]
    value = hooks[0]["changes"][0]["value"]
    assert (value["event"], value["display_phone_number"]) == ("ONBOARDING", PHONE)
    assert value["current_limit"] == "TIER_10K"


def test_register_before_the_ownership_is_proven(sides: Rig, profile: str) -> None:
    number_id = started(sides)
    response = sides.register(number_id)
    assert refusal(response) == UNPROVEN[profile]
    jsonschema.validate(response.json(), ERROR)
    if profile == "observed":
        assert "ownership" in response.json()["error"]["error_user_msg"]
    assert sides.number(node_of(sides))["status"] == "CONNECTED"


def test_pin_of_the_first_registration_counts(start: RigMaker) -> None:
    rig = start(businesses=two_sides())
    number_id = migrated(rig)
    assert rig.number(number_id)["has_pin"] is True
    rig.advance(10)
    assert refusal(rig.register(number_id, "999999"))[1] == 133005


def test_deregister_before_it_connects_leaves_the_source_alone(start: RigMaker) -> None:
    rig = start(businesses=two_sides(), registration={"connected_after": "90s"})
    source, number_id = node_of(rig), proven(rig)
    rig.register(number_id)
    assert rig.graph("POST", f"{number_id}/deregister").status_code == 200
    rig.advance(DAY)
    assert rig.read(source, "status")["status"] == "CONNECTED"
    rig.register(number_id)
    rig.advance(90)
    assert rig.read(source, "status")["status"] == "MIGRATED"


def test_name_at_the_source_is_decided_no_more_once_it_has_moved(start: RigMaker) -> None:
    rig = start(businesses=two_sides(), reviewer={"default": {"after": "1d"}})
    source, number_id = node_of(rig), proven(rig)
    rig.graph("POST", source, {"new_display_name": "Lucky Bush"})
    rig.register(number_id)
    rig.advance(30 * DAY)
    shown = rig.read(source, "verified_name", "new_name_status")
    assert (shown["verified_name"], shown["new_name_status"]) == ("Lucky Shrub", "PENDING_REVIEW")


def test_migration_back_gets_a_third_node(start: RigMaker) -> None:
    rig = start(businesses=two_sides())
    source, first = node_of(rig), migrated(rig)
    rig.control("POST", f"numbers/{first}", {"pin": None})
    rig.advance(60)
    second = migrated(rig, WABA)
    assert len({source, first, second}) == 3
    assert refusal(rig.graph("GET", source)) == (400, 100, 33)
    assert node_of(rig) == second
    assert rig.read(first, "status")["status"] == "MIGRATED"


def test_each_code_of_a_number_is_another(start: RigMaker) -> None:
    rig = start(businesses=two_sides())
    first = migrated(rig)
    code = rig.last_code()
    rig.control("POST", f"numbers/{first}", {"pin": None})
    rig.request_code(started(rig, WABA))
    assert rig.last_code() != code


def test_number_comes_back_by_a_plain_create_once_it_was_deleted_there(start: RigMaker) -> None:
    rig = start(businesses=two_sides())
    source, moved = node_of(rig), migrated(rig)
    params = {"phone_number": PHONE, "verified_name": "Lucky Shrub"}
    assert refusal(rig.graph("POST", f"{WABA}/phone_numbers", params)) == (400, 200000, None)
    rig.control("POST", f"numbers/{moved}", {"deleted": True})
    assert rig.create() not in (source, moved)
    assert rig.signed_up() == node_of(rig)


def test_source_that_is_deleted_meanwhile_stays_deleted(start: RigMaker) -> None:
    rig = start(businesses=two_sides())
    source, number_id = node_of(rig), proven(rig)
    rig.control("POST", f"numbers/{source}", {"deleted": True})
    rig.register(number_id)
    assert rig.number(source)["status"] == "DELETED"
    assert rig.read(number_id, "status")["status"] == "CONNECTED"


def test_number_that_is_registered_elsewhere_gets_no_code_unless_it_is_migrated(
    start: RigMaker, profile: str
) -> None:
    rig = start(profile=profile, businesses=two_sides())
    created, moving = rig.create("14195559999"), started(rig)
    for phone in ("14195559999", PHONE):
        rig.control("POST", f"elsewhere/{phone}", {"use": "in_use"})
    assert refusal(rig.request_code(created)) == NOT_ELIGIBLE[profile]
    assert rig.request_code(moving).status_code == 200


def test_wabas_with_a_registered_number_have_the_larger_budget(start: RigMaker) -> None:
    rig = start(businesses=two_sides(settled()))

    def budgets() -> list[int]:
        return [waba["budget"] for waba in rig.control("GET", "state")["wabas"]]

    assert budgets() == [5000, 200, 200]
    migrated(rig)
    assert budgets() == [200, 5000, 200]


def test_state_and_log_tell_where_a_number_went(start: RigMaker) -> None:
    rig = start(businesses=two_sides())
    source, number_id = node_of(rig), proven(rig)
    assert rig.number(number_id)["migrates_from"] == source
    call = rig.calls("create_number")[0]
    assert (call["waba_id"], call["phone_number_id"], call["number"]) == (DEST, number_id, PHONE)
    assert (call["params"]["migrate_phone_number"], call["effect"]) == (True, True)
    rig.register(number_id)
    assert rig.number(number_id)["migrates_from"] is None
    gone = rig.number(source)
    assert (gone["migrated_to"], gone["migrated_at"]) == (number_id, "2026-11-02T09:00:00.000000Z")


def test_snapshot_in_the_middle_of_a_migration_and_after_it(start: RigMaker) -> None:
    given = {"businesses": two_sides(source={"max_phone_numbers": 2})}
    first, second, third = start(**given), start(**given), start(**given)
    number_id = proven(first)
    second.control("POST", "snapshot", first.control("GET", "snapshot"))
    assert refusal(migrate(second, THIRD)) == NOT_ALLOWED["observed"]
    second.register(number_id)
    assert second.read(node_of(second), "status")["status"] == "MIGRATED"
    third.control("POST", "snapshot", second.control("GET", "snapshot"))
    assert third.control("GET", "state") == second.control("GET", "state")
    assert third.create("14195559999")
