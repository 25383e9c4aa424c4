"""Migrations between two WABAs of ours: from the check to the last step, and back before it."""

from __future__ import annotations

from typing import Any

import pytest

from onboarding.errors import ConflictError, InputError, TransitionRefusedError
from onboarding.model import Entry, Operation, OperationStatus, Reason, State
from tests.engine.moving import NAME, THIRD_WABA, live_claims, nodes, registered, two_sides
from tests.engine.rehearsing import MINUTE, NUMBER, OTHER_WABA, WABA, Rehearse


def test_a_number_migrates_and_works_at_its_source_until_the_last_step(rehearse: Rehearse) -> None:
    meta = registered(rehearse)
    source = meta.row()
    destination = meta.engine.migrations.start(NUMBER, OTHER_WABA, reason="one portfolio")
    assert (destination.entry, destination.waba_id) == (Entry.MIGRATION, OTHER_WABA)
    assert meta.state(source.id) is State.MIGRATING
    meta.run_to(State.REGISTER_DEADLINE, destination.id)
    assert meta.state(source.id) is State.MIGRATING
    assert nodes(meta)[WABA]["status"] == "CONNECTED"
    meta.run_to(State.REGISTERED, destination.id)
    assert meta.row(source.id).state is State.LEFT
    assert nodes(meta)[WABA]["status"] == "MIGRATED"
    assert nodes(meta)[OTHER_WABA]["status"] == "CONNECTED"
    assert meta.row().id == destination.id
    assert meta.row().display_name == NAME
    moves = meta.path(destination.id)
    assert moves == [
        "requested", "created", "otp_pending", "verified", "register_deadline", "registered",
    ]  # fmt: skip
    assert meta.path(source.id)[-2:] == ["migrating", "left"]
    assert f"registered on WABA {OTHER_WABA}" in meta.story(source.id)


def test_the_calls_are_those_of_the_destination(rehearse: Rehearse) -> None:
    meta = registered(rehearse)
    before = len(meta.calls())
    destination = meta.engine.migrations.start(NUMBER, OTHER_WABA)
    meta.run_to(State.REGISTERED, destination.id)
    made = [c for c in meta.calls()[before:] if c["method"] == "POST"]
    assert [call["endpoint"] for call in made] == [
        "create_number", "request_code", "verify_code", "register",
    ]  # fmt: skip
    (migrated,) = meta.calls("create_number")
    assert migrated["params"] == {
        "cc": "49", "phone_number": NUMBER.removeprefix("+49"), "migrate_phone_number": True,
    }  # fmt: skip
    assert OTHER_WABA in migrated["path"]
    new_id = nodes(meta)[OTHER_WABA]["id"]
    assert all(new_id in call["path"] for call in made[1:])


def test_the_claim_moves_in_one_transaction_and_comes_back(rehearse: Rehearse) -> None:
    meta = registered(rehearse)
    source = meta.row()
    meta.reads_codes = False
    destination = meta.engine.migrations.start(NUMBER, OTHER_WABA)
    meta.run_to(State.CREATED, destination.id)
    (key,) = live_claims(meta)
    assert live_claims(meta)[key] == [OTHER_WABA]
    kept = meta.engine.migrations.undo(NUMBER, "the customer stays")
    assert (kept.id, kept.state) == (source.id, State.REGISTERED)
    assert meta.state(destination.id) is State.CANCELLED
    assert live_claims(meta)[key] == [WABA]
    assert meta.engine.migrations.list() == []
    meta.run()
    assert meta.state(source.id) is State.REGISTERED
    assert nodes(meta)[WABA]["status"] == "CONNECTED"


def test_a_migration_that_was_undone_is_started_again_with_the_number_that_is_there(
    rehearse: Rehearse,
) -> None:
    meta = registered(rehearse)
    source = meta.row()
    first = meta.engine.migrations.start(NUMBER, OTHER_WABA)
    meta.run_to(State.OTP_PENDING, first.id)
    meta.engine.migrations.undo(source.id, "not yet")
    meta.wait(11 * MINUTE)
    again = meta.engine.migrations.start(source.id, OTHER_WABA)
    meta.run_to(State.REGISTERED, again.id)
    assert len(meta.calls("create_number")) == 1
    assert "number_found" in meta.triggers(again.id)
    assert meta.state(source.id) is State.LEFT


def test_a_number_comes_back_by_another_migration(rehearse: Rehearse) -> None:
    meta = registered(rehearse)
    there = meta.engine.migrations.start(NUMBER, OTHER_WABA)
    meta.run_to(State.REGISTERED, there.id)
    meta.edit(there.id, pin=None, name_status="APPROVED")
    back = meta.engine.migrations.start(NUMBER, WABA)
    meta.run_to(State.REGISTERED, back.id)
    assert meta.state(there.id) is State.LEFT
    assert [m.ended_how for m in meta.engine.migrations.list(with_ended=True)] == [
        "registered", "registered",
    ]  # fmt: skip
    assert nodes(meta)[WABA]["status"] == "CONNECTED"


def test_the_source_is_left_alone_meanwhile(rehearse: Rehearse) -> None:
    meta = registered(rehearse)
    source = meta.row()
    meta.reads_codes = False
    meta.engine.migrations.start(NUMBER, OTHER_WABA)
    engine = meta.engine
    with pytest.raises(TransitionRefusedError):
        engine.rename(source.id, "Luckier Shrub")
    with pytest.raises(TransitionRefusedError):
        engine.restart(source.id, "again")
    with pytest.raises(TransitionRefusedError):
        engine.cancel(source.id, "over")
    with pytest.raises(TransitionRefusedError):
        engine.offboarding.ask(source.id, "over")
    with pytest.raises(TransitionRefusedError):
        engine.migrations.start(source.id, THIRD_WABA)
    with pytest.raises(TransitionRefusedError):
        engine.migrations.start(NUMBER, THIRD_WABA)
    with pytest.raises(InputError):
        meta.ask(waba_id=THIRD_WABA)
    assert meta.state(source.id) is State.MIGRATING
    assert len(meta.calls("create_number")) == 0
    assert engine.operations(source.id) == []


def test_after_the_registration_was_accepted_nothing_is_undone(rehearse: Rehearse) -> None:
    meta = registered(rehearse, registration={"connected_after": "10m"})
    source = meta.row()
    destination = meta.engine.migrations.start(NUMBER, OTHER_WABA)
    meta.run(until=lambda: meta.row(destination.id).register_accepted_at is not None)
    with pytest.raises(ConflictError):
        meta.engine.migrations.undo(NUMBER, "too late")
    with pytest.raises(ConflictError):
        meta.engine.cancel(destination.id, "too late")
    assert meta.state(source.id) is State.MIGRATING
    meta.run_to(State.REGISTERED, destination.id)
    with pytest.raises(TransitionRefusedError):
        meta.engine.migrations.undo(NUMBER, "far too late")


def test_a_lost_answer_is_probed_on_the_destination_s_list(rehearse: Rehearse) -> None:
    meta = registered(rehearse)
    meta.fail("drop_after_effect", "create_number", times=1)
    destination = meta.engine.migrations.start(NUMBER, OTHER_WABA)
    meta.run_to(State.REGISTERED, destination.id)
    calls = [op for op in meta.engine.operations(destination.id)
             if op.name is Operation.MIGRATE_NUMBER]  # fmt: skip
    assert [(op.status, op.resolved_by) for op in calls] == [(OperationStatus.SUCCEEDED, "probe")]
    assert len(meta.calls("create_number")) == 1


def test_a_lost_call_is_made_again_once_the_list_has_shown_that_it_was_lost(
    rehearse: Rehearse,
) -> None:
    meta = registered(rehearse)
    meta.fail("drop_before_effect", "create_number", times=1)
    destination = meta.engine.migrations.start(NUMBER, OTHER_WABA)
    meta.run_to(State.REGISTERED, destination.id)
    assert [call["effect"] for call in meta.calls("create_number")] == [False, True]


#: What Meta demands, how a scenario breaks it, and the condition that our own reads find broken.
BROKEN: list[tuple[dict[str, Any], str]] = [
    ({"number": {"pin": "314159"}}, "two_step_off"),
    ({"number": {"name_status": "AVAILABLE_WITHOUT_REVIEW"}}, "name_approved"),
    ({"number": {"account_mode": "SANDBOX"}}, "own_number"),
    ({"source": {"account_review_status": "PENDING"}}, "source_approved"),
    ({"destination": {"account_review_status": "PENDING"}}, "destination_approved"),
]


@pytest.mark.parametrize(("given", "condition"), BROKEN, ids=[name for _, name in BROKEN])
def test_what_meta_would_refuse_is_told_before_anything_is_sent(
    rehearse: Rehearse, given: dict[str, Any], condition: str
) -> None:
    meta = registered(rehearse, **given)
    found = meta.engine.migrations.check(NUMBER, OTHER_WABA)
    assert [each.condition for each in found.hindrances] == [condition]
    with pytest.raises(TransitionRefusedError, match="Meta would refuse"):
        meta.engine.migrations.start(NUMBER, OTHER_WABA)
    assert meta.state() is State.REGISTERED
    assert meta.calls("create_number") == []
    assert meta.engine.migrations.list() == []


@pytest.mark.parametrize(("given", "condition"), BROKEN, ids=[name for _, name in BROKEN])
def test_what_meta_refuses_is_narrowed_by_our_own_reads(
    rehearse: Rehearse, given: dict[str, Any], condition: str
) -> None:
    meta = registered(rehearse, **given)
    destination = meta.engine.migrations.start(NUMBER, OTHER_WABA, force=True)
    meta.run()
    row = meta.row(destination.id)
    assert (row.state, row.hold) == (State.REQUESTED, Reason.MIGRATION)
    (finding,) = [
        each for each in meta.engine.migrations.check(destination.id).findings
        if each.condition == condition
    ]  # fmt: skip
    (required,) = meta.engine.requirements(destination.id)
    assert f"not met: {finding.text}" in required.why
    assert finding.mend in required.why
    assert "still" not in required.why
    assert "migration_looked_into" in meta.triggers(destination.id)
    assert len(meta.calls("create_number")) == 1


def test_what_no_read_can_tell_is_one_requirement_with_all_that_is_still_possible(
    rehearse: Rehearse,
) -> None:
    meta = registered(
        rehearse,
        destination={"payment_method": False},
        faults=[{"kind": "refuse", "endpoint": "create_number", "times": 1, "code": 100,
                 "subcode": 2388103}],
    )  # fmt: skip
    destination = meta.engine.migrations.start(NUMBER, OTHER_WABA)
    meta.run()
    (required,) = meta.engine.requirements(destination.id)
    assert "can be one of 2" in required.why
    assert "payment method" in required.why
    assert "request to message for it" in required.why
    assert "two-step" not in required.why


def test_once_the_cause_is_mended_a_release_lets_it_go_on(rehearse: Rehearse) -> None:
    meta = registered(rehearse, number={"pin": "314159"})
    source = meta.row()
    destination = meta.engine.migrations.start(NUMBER, OTHER_WABA, force=True)
    meta.run()
    meta.edit(source.id, pin=None)
    meta.engine.release(destination.id, "two-step verification is off")
    meta.run_to(State.REGISTERED, destination.id)
    assert meta.state(source.id) is State.LEFT


def test_a_refused_migration_can_be_undone(rehearse: Rehearse) -> None:
    meta = registered(rehearse, number={"pin": "314159"})
    source = meta.row()
    destination = meta.engine.migrations.start(NUMBER, OTHER_WABA, force=True)
    meta.run()
    meta.engine.migrations.undo(destination.id, "its owner does not switch it off")
    assert meta.state(source.id) is State.REGISTERED
    assert meta.engine.due().items == ()


def test_the_destination_s_subscription_is_made_before_the_migration(rehearse: Rehearse) -> None:
    meta = registered(rehearse, destination={"subscribed": False})
    found = meta.engine.migrations.check(NUMBER, OTHER_WABA)
    assert {f.condition for f in found.findings if f.standing == "not_met"} == {"subscribed"}
    assert found.hindrances == ()
    destination = meta.engine.migrations.start(NUMBER, OTHER_WABA)
    meta.run_to(State.REGISTERED, destination.id)
    endpoints = meta.endpoints("subscribe_app", "create_number")
    assert endpoints == ["subscribe_app", "create_number"]


def test_a_number_of_somebody_else_is_brought_here(rehearse: Rehearse) -> None:
    meta = rehearse(scenario=two_sides())
    found = meta.engine.migrations.check(NUMBER, OTHER_WABA)
    assert found.source is None
    assert found.hindrances == ()
    with pytest.raises(InputError, match="name that it has"):
        meta.engine.migrations.start(NUMBER, OTHER_WABA)
    row = meta.engine.migrations.start(NUMBER, OTHER_WABA, display_name=NAME)
    meta.run_to(State.REGISTERED, row.id)
    assert nodes(meta)[WABA]["status"] == "MIGRATED"
    (done,) = meta.engine.migrations.list(with_ended=True)
    assert (done.source_id, done.ended_how) == (None, "registered")


def test_a_number_that_needs_no_migration_fails_and_the_source_has_it_back(
    rehearse: Rehearse,
) -> None:
    meta = registered(rehearse)
    source = meta.row()
    destination = meta.engine.migrations.start(NUMBER, OTHER_WABA, force=True)
    meta.edit(source.id, deleted=True)
    meta.run_to(State.FAILED, destination.id)
    meta.run_to(State.LEFT, source.id)
    assert live_claims(meta) == {}


def test_a_source_that_meta_shows_as_migrated_first_leaves_first(rehearse: Rehearse) -> None:
    meta = registered(rehearse, registration={"connected_after": "20m"})
    source = meta.row()
    destination = meta.engine.migrations.start(NUMBER, OTHER_WABA)
    meta.run(until=lambda: meta.row(destination.id).register_accepted_at is not None)
    meta.edit(source.id, status="MIGRATED")
    meta.engine.advance(source.id)
    meta.wait(11 * MINUTE)
    meta.run_to(State.REGISTERED, destination.id)
    assert meta.path(source.id).count("left") == 1
    assert meta.state(source.id) is State.LEFT


def test_what_is_not_at_rest_does_not_migrate(rehearse: Rehearse) -> None:
    meta = registered(rehearse)
    with pytest.raises(InputError, match="on WABA"):
        meta.engine.migrations.start(NUMBER, WABA)
    with pytest.raises(InputError, match="not known here"):
        meta.engine.migrations.start(NUMBER, "999999999999999")
    meta.engine.hold(NUMBER, "contract")
    with pytest.raises(TransitionRefusedError, match="on hold"):
        meta.engine.migrations.start(NUMBER, OTHER_WABA)
    assert meta.state() is State.REGISTERED
    assert meta.engine.migrations.list() == []


def test_a_business_app_number_does_not_migrate(rehearse: Rehearse) -> None:
    meta = registered(rehearse)
    meta.edit(is_on_biz_app=True)
    found = meta.engine.migrations.check(NUMBER, OTHER_WABA)
    assert "not_on_business_app" in {each.condition for each in found.hindrances}
    meta.engine.advance(NUMBER)
    with pytest.raises(TransitionRefusedError):
        meta.engine.migrations.start(NUMBER, OTHER_WABA)
    assert meta.calls("create_number") == []


def test_a_request_for_a_number_of_ours_elsewhere_names_the_command(rehearse: Rehearse) -> None:
    meta = registered(rehearse)
    with pytest.raises(InputError) as refused:
        meta.ask(waba_id=OTHER_WABA, entry="migration")
    assert refused.value.hint == f"run: onboarding migrate start {meta.row().id} --to {OTHER_WABA}"
