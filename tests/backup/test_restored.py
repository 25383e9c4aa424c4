"""A restored copy, beside what the original did after the backup."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import text

from onboarding import Engine
from onboarding.engine.restoring import mark_restored, notice
from onboarding.errors import InputError, TransitionRefusedError
from onboarding.model import Operation, Owner, Reason, State
from onboarding.store.database import writing
from onboarding.store.deployment import HOME, put_facts
from tests.engine.rehearsing import DAY, HOUR, MINUTE, NUMBER, SECOND, Rehearse, Rehearsed, Seam

Copies = Callable[[Rehearsed], dict[str, Any]]
TakeOver = Callable[[Rehearsed, dict[str, Any]], Engine]

FIVE = [f"+4930123456{place}" for place in range(71, 76)]
CHANGES = [operation.value for operation in Operation]


def changes(meta: Rehearsed) -> list[str]:
    """Return the calls that changed something at Meta, in order."""
    return meta.endpoints(*CHANGES)


def release(meta: Rehearsed) -> None:
    """Wait until every number was seen, and release the copy."""
    meta.wait(5 * MINUTE)
    meta.engine.release_restored("the original is gone")


def test_a_copy_repeats_nothing_that_the_original_did_after_the_backup(
    rehearse: Rehearse, copies: Copies, take_over: TakeOver
) -> None:
    meta = rehearse()
    early, created, coded, verified, unknown = FIVE
    meta.register(verified)
    meta.reads_codes = False
    meta.ask(created)
    meta.ask(coded, code_ready=True)
    meta.settle()
    meta.ask(early)
    copy = copies(meta)

    meta.reads_codes = True
    meta.ask(unknown)
    meta.run(most=3 * HOUR)
    assert {meta.state(number) for number in FIVE} == {State.REGISTERED}
    before = changes(meta)

    engine = take_over(meta, copy)
    meta.wait(HOUR)
    assert changes(meta) == before
    assert {meta.state(number) for number in FIVE[:4]} == {State.REGISTERED}
    engine.release_restored("the original is gone")
    meta.ask(unknown)
    meta.run(most=DAY)
    assert {meta.state(number) for number in FIVE} == {State.REGISTERED}
    assert [call for call in changes(meta)[len(before) :] if call != "subscribe_app"] == []


@pytest.mark.parametrize("last", ["create_number", "request_code", "verify_code", "register"])
@pytest.mark.quick_on("postgresql")
def test_a_copy_goes_on_wherever_the_original_ended(
    rehearse: Rehearse, copies: Copies, take_over: TakeOver, last: str
) -> None:
    meta = rehearse()
    meta.ask()
    copy = copies(meta)
    meta.run(until=lambda: last in changes(meta))
    before = changes(meta)
    assert meta.state() is not State.REGISTERED

    take_over(meta, copy)
    meta.wait(HOUR)
    assert changes(meta) == before
    meta.engine.release_restored("the original is gone")
    meta.run_to(State.REGISTERED)
    assert meta.endpoints("create_number") == ["create_number"]
    assert meta.endpoints("register") == ["register"]


def test_the_rest_waits_for_the_operator_and_says_so(
    rehearse: Rehearse, copies: Copies, take_over: TakeOver
) -> None:
    meta = rehearse(reads_codes=False)
    meta.ask()
    meta.settle()
    assert meta.row().waiting is Reason.CODE_READY
    engine = take_over(meta, copies(meta))
    meta.wait(HOUR)
    row = meta.row()
    assert (row.waiting, row.waiting_for) == (Reason.RESTORED, Owner.OPERATOR)
    held = engine.restored()
    assert held is not None
    assert (held.live, held.unseen) == (1, 0)
    notes = [entry.trigger for _, entry in engine.account_history(row.waba_id)]
    assert notes[-1] == "deployment_restored"

    engine.release_restored("checked")
    meta.settle()
    assert engine.restored() is None
    assert meta.row().waiting is Reason.CODE_READY
    last = engine.account_history(row.waba_id)[-1][1]
    assert (last.trigger, last.actor, last.reason) == (
        "deployment_released",
        "rehearsal",
        "checked",
    )


def test_a_code_that_waited_at_the_backup_is_never_sent(
    rehearse: Rehearse, copies: Copies, take_over: TakeOver
) -> None:
    meta = rehearse(reads_codes=False)
    meta.ask(code_ready=True)
    meta.settle()
    meta.wait(2 * SECOND)
    code = meta.last_code(NUMBER)
    meta.engine.submit_code(NUMBER, code)
    copy = copies(meta)
    meta.settle()
    assert "verify_code" in changes(meta)

    engine = take_over(meta, copy)
    meta.settle()
    with pytest.raises(TransitionRefusedError, match="restored since"):
        engine.submit_code(NUMBER, code)
    release(meta)
    meta.reads_codes = True
    meta.run_to(State.REGISTERED)
    assert changes(meta).count("verify_code") == 1


def test_another_code_is_asked_for_once_the_last_one_has_lapsed(
    rehearse: Rehearse, copies: Copies, take_over: TakeOver
) -> None:
    meta = rehearse(reads_codes=False)
    meta.ask(code_ready=True)
    meta.settle()
    meta.wait(2 * SECOND)
    meta.engine.submit_code(NUMBER, meta.last_code(NUMBER))
    take_over(meta, copies(meta))
    assert meta.row().has_code
    release(meta)
    assert not meta.row().has_code
    meta.reads_codes = True
    meta.settle()
    assert (meta.row().waiting, changes(meta)[-1]) == (Reason.BUDGET, "request_code")
    meta.run_to(State.REGISTERED)
    assert changes(meta).count("request_code") == 2


def test_nothing_is_released_before_every_number_was_seen(
    rehearse: Rehearse, copies: Copies, take_over: TakeOver
) -> None:
    meta = rehearse()
    meta.ask()
    engine = take_over(meta, copies(meta))
    notice(engine.context)
    with pytest.raises(TransitionRefusedError, match="1 of 1 live") as refused:
        engine.release_restored("too early")
    assert refused.value.exit_code == 5
    with pytest.raises(InputError, match="reason"):
        engine.release_restored(" ")
    assert engine.restored() is not None
    meta.settle()
    assert changes(meta) == []


def test_what_is_forced_waits_until_it_was_seen_all_the_same(
    rehearse: Rehearse, copies: Copies, take_over: TakeOver
) -> None:
    meta = rehearse()
    meta.ask()
    copy = copies(meta)
    meta.settle()
    assert changes(meta)[0] == "create_number"
    before = changes(meta)
    engine = take_over(meta, copy)
    assert engine.release_restored("in a hurry", force=True).unseen == 1
    meta.settle()
    assert changes(meta) == before
    assert meta.row().waiting is Reason.LISTING
    meta.run_to(State.REGISTERED)
    assert meta.endpoints("create_number") == ["create_number"]
    with pytest.raises(TransitionRefusedError, match="not held"):
        engine.release_restored("again")


@pytest.mark.quick_on("sqlite")
def test_the_windows_count_as_used_up_to_what_meta_leaves(
    rehearse: Rehearse, copies: Copies, take_over: TakeOver
) -> None:
    meta = rehearse(reads_codes=False)
    meta.ask()
    meta.settle()
    engine = take_over(meta, copies(meta))
    release(meta)
    restored_at = engine.account_history(meta.row().waba_id)[-2][1].at
    meta.wait(10 * MINUTE)
    engine.code_ready(NUMBER)
    meta.settle()
    assert changes(meta)[-1] == "request_code"
    meta.wait(11 * MINUTE)
    engine.code_ready(NUMBER)
    meta.settle()
    assert (meta.row().waiting, meta.row().next_due_at) == (Reason.BUDGET, restored_at + 72 * HOUR)
    meta.wait(72 * HOUR)
    assert changes(meta).count("request_code") == 2


def test_a_copy_that_meta_shows_on_no_list_is_created_after_all(
    rehearse: Rehearse, copies: Copies, take_over: TakeOver
) -> None:
    meta = rehearse()
    meta.ask()
    take_over(meta, copies(meta))
    release(meta)
    meta.run_to(State.REGISTERED)
    assert meta.endpoints("create_number") == ["create_number"]


def test_a_name_that_the_original_submitted_is_not_submitted_again(
    rehearse: Rehearse, copies: Copies, take_over: TakeOver
) -> None:
    meta = rehearse()
    meta.register()
    meta.engine.rename(NUMBER, "Lucky Shrub Garden")
    copy = copies(meta)
    meta.settle()
    assert meta.endpoints("set_display_name") == ["set_display_name"]
    take_over(meta, copy)
    release(meta)
    meta.settle()
    assert "set_display_name_found" in meta.triggers()
    meta.wait(HOUR)
    assert meta.endpoints("set_display_name") == ["set_display_name"]
    meta.decide_name("APPROVED")
    meta.run_to(State.REGISTERED)


def test_the_app_is_subscribed_to_nothing_by_a_copy(
    rehearse: Rehearse, copies: Copies, take_over: TakeOver
) -> None:
    meta = rehearse()
    meta.ask()
    with writing(meta.engine.context.database) as conn:
        conn.execute(text("UPDATE account SET check_due_at = created_at"))
    take_over(meta, copies(meta))
    meta.wait(HOUR)
    assert len(meta.endpoints("list_subscribed_apps")) == 1
    assert changes(meta) == []
    meta.engine.release_restored("the original is gone")
    meta.run_to(State.REGISTERED)
    assert meta.endpoints("subscribe_app") == ["subscribe_app"]


@pytest.mark.on("postgresql")
def test_a_worker_that_runs_on_after_a_failover_calls_nobody_from_that_instant(
    rehearse: Rehearse,
) -> None:
    meta = rehearse()
    meta.ask()

    def fail_over(_: list[str]) -> None:
        with writing(meta.engine.context.database) as conn:
            put_facts(conn, {HOME: "7/00000001/5"})

    Seam(meta.engine, after=fail_over)
    meta.settle()
    assert changes(meta) == ["create_number"]
    held = meta.engine.restored()
    assert held is not None
    assert "timeline" not in held.restore.why  # the cluster and the database are others
    meta.wait(HOUR)
    assert changes(meta) == ["create_number"]
    fail_over([])
    assert meta.row().waiting is Reason.RESTORED


def test_a_raw_copy_is_held_on_a_person_s_word(rehearse: Rehearse) -> None:
    meta = rehearse()
    meta.ask()
    with pytest.raises(InputError, match="reason"):
        mark_restored(meta.engine.context, "", "ops")
    held = meta.engine.mark_restored("a snapshot of the disk")
    assert (held.restore.why, held.live, held.unseen) == ("a snapshot of the disk", 1, 1)
    meta.wait(10 * MINUTE)
    assert changes(meta) == []
    meta.engine.release_restored("checked")
    meta.run_to(State.REGISTERED)
