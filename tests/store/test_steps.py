"""A step writes a row once: what changed, what was seen and the head of its history together."""

from __future__ import annotations

from dataclasses import fields, replace
from datetime import datetime
from typing import Any

import pytest
from sqlalchemy import Engine, text

from onboarding.model import (
    CodeMethod,
    DeadlineReason,
    Drift,
    Effect,
    Failure,
    Onboarding,
    Operation,
    Owner,
    PhoneNumber,
    Reason,
    RecoveryClass,
    State,
    Trouble,
    changed,
)
from onboarding.store import history, onboardings
from onboarding.store.step_columns import ALL, GROUPS, groups_changed
from tests.store.making import DAY, START, a_row, an_entry, counted, load, rows, store, write

_FAILURE = Failure(effect=Effect.REFUSED, recovery=RecoveryClass.WAIT)

#: Another value for each field that is none of text, number, yes or no, or an instant.
_OTHERS: dict[str, Any] = {
    "state": State.CREATED,
    "waiting": Reason.BUDGET,
    "waiting_for": Owner.META,
    "seen": PhoneNumber(id="1"),
    "code_method": CodeMethod.VOICE,
    "register_by_reason": DeadlineReason.POLICY,
    "retry_operation": Operation.REGISTER,
    "trouble": Trouble(operation="register", at=START, failure=_FAILURE),
    "hold": Reason.PIN,
    "drift": Drift(banned_since=START),
}
_CHANGED_BY_STEPS = [
    "state", "state_since", "next_due_at", "waiting", "waiting_for", "waiting_since",
    "lease_owner", "lease_until", "reclaims", "definition",
    *(name for names in GROUPS.values() for name in names),
]  # fmt: skip
_NEVER = {
    "id", "key", "content_digest", "waba_id", "number_key", "phone_number", "cc",
    "national_number", "region", "entry", "requested_by", "created_at", "version",
    "history_seq", "head_hash", "batch_id", "batch_line",
}  # fmt: skip


def other(row: Onboarding, name: str) -> Onboarding:
    """Return the row with another value in one field."""
    value = getattr(row, name)
    made: object = "other"
    if name in _OTHERS:
        made = _OTHERS[name]
    elif isinstance(value, bool) or name == "seen_present":
        made = not value
    elif isinstance(value, int):
        made = value + 1
    elif isinstance(value, datetime) or name.endswith(("_at", "_since", "_until", "_by")):
        made = START + DAY if name != "hold_by" else "tester"
    return changed(row, **{name: made})  # type: ignore[arg-type] # a field by its name


def test_every_field_that_a_step_may_change_is_in_one_group() -> None:
    assert len(_CHANGED_BY_STEPS) == len(set(_CHANGED_BY_STEPS))
    assert {*_CHANGED_BY_STEPS} | _NEVER == {each.name for each in fields(Onboarding)}


@pytest.mark.parametrize("name", _CHANGED_BY_STEPS)
def test_whatever_field_changes_is_written(database: Engine, name: str) -> None:
    first, second = store(database, rows(2))
    after = other(first, name)
    assert after != first
    read = {row.id: row for row in (first, second)}
    written = write(database, lambda conn: onboardings.write_step(conn, [after, second], read=read))
    assert load(database) == written[first.id] == replace(after, version=2)
    assert load(database, second.id) == replace(second, version=2)


def test_only_groups_that_differ_in_some_row_are_written() -> None:
    first, second = rows(2)
    assert groups_changed([(first, first), (second, second)]) == ()
    coded, named = other(first, "code_sends"), other(second, "new_display_name")
    assert set(groups_changed([(coded, first), (named, second)])) == {"code", "name"}
    assert "seen" not in ALL


def test_a_history_that_grew_since_it_was_read_refuses_the_step(database: Engine) -> None:
    stale, current = store(database, rows(2))
    entries = {row.id: [an_entry("requested", source="")] for row in (stale, current)}
    heads = {row.id: (0, "") for row in (stale, current)}

    def grow(conn: Any) -> None:
        history.append(conn, {stale.id: entries[stale.id]}, heads)

    write(database, grow)  # it moves no version
    growth = history.grown(entries, heads)
    moved = [changed(row, state=State.CREATED) for row in (stale, current)]
    read = {row.id: row for row in (stale, current)}

    def step(conn: Any) -> dict[str, Onboarding]:
        written = onboardings.write_step(conn, moved, read=read, heads=growth.heads)
        history.insert(conn, growth, written)
        return written

    with counted(database) as statements:
        written = write(database, step)
    verbs = [statement.split()[0] for statement in statements]
    assert [verb for verb in verbs if verb != "BEGIN"] == ["UPDATE", "INSERT"]
    assert list(written) == [current.id]
    assert load(database).state is State.REQUESTED
    assert load(database).history_seq == 1
    after = load(database, current.id)
    assert (after.state, after.history_seq) == (State.CREATED, 1)
    assert after.head_hash == growth.heads[current.id][1] == written[current.id].head_hash


def test_of_rows_that_only_wait_the_head_stays(database: Engine) -> None:
    growing, waiting = store(database, [a_row(0), a_row(1, history_seq=4, head_hash="h")])
    growth = history.grown({growing.id: [an_entry("requested", source="")]}, {growing.id: (0, "")})
    read = {row.id: row for row in (growing, waiting)}
    after = [changed(growing, tries=1), changed(waiting, waiting=Reason.BUDGET)]
    write(database, lambda conn: onboardings.write_step(conn, after, read=read, heads=growth.heads))
    assert load(database, waiting.id) == replace(waiting, waiting=Reason.BUDGET, version=2)
    assert (load(database).history_seq, load(database).tries) == (1, 1)


def test_a_copy_is_what_dataclasses_make_of_it() -> None:
    row = a_row()
    assert changed(row, tries=3, hold=Reason.PIN) == replace(row, tries=3, hold=Reason.PIN)
    assert hash(changed(row, tries=3)) == hash(replace(row, tries=3))
    assert row == a_row()
    with pytest.raises(TypeError, match="no field nonsense"):
        changed(row, nonsense=1)  # type: ignore[call-arg] # that is the point


@pytest.mark.on("postgresql")
def test_a_connection_that_rested_is_asked_whether_it_still_is_one(
    database: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    store(database, [a_row()])
    monkeypatch.setattr("onboarding.store.database._RESTED_S", 0)
    with database.connect() as killer:
        with database.connect() as victim:
            pid = victim.execute(text("SELECT pg_backend_pid()")).scalar_one()
        killer.execute(text("SELECT pg_terminate_backend(:pid, 5000)"), {"pid": pid})
        assert load(database).tries == 0
