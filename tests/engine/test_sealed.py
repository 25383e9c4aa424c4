"""Secrets that do not open any more concern their owners, and nobody else."""

from __future__ import annotations

import pytest
from sqlalchemy import text

from onboarding.engine.vault import Vault, new_key
from onboarding.model import Owner, Reason, State
from onboarding.store.database import writing
from tests.engine.rehearsing import (
    DAY,
    HOUR,
    MINUTE,
    OTHER_WABA,
    SWIFT,
    WABA,
    Rehearse,
    Rehearsed,
)

ONE, OTHER = "+493012345671", "+493012345672"
TWO_WABAS = {
    **SWIFT,
    "businesses": [
        {"id": "506914307656634", "wabas": [{"id": WABA}]},
        {"id": "506914307656635", "wabas": [{"id": OTHER_WABA}]},
    ],
}


@pytest.fixture
def meta(rehearse: Rehearse) -> Rehearsed:
    """Two numbers, each on a WABA of its own."""
    made = rehearse(scenario=TWO_WABAS)
    made.ask(ONE)
    made.ask(OTHER, waba_id=OTHER_WABA)
    return made


def spoil(meta: Rehearsed, table: str, column: str, waba_id: str = WABA) -> None:
    """Seal a secret with a key that this deployment does not have."""
    sealed = Vault(new_key()).seal("271828")
    change = f"UPDATE {table} SET {column} = :sealed WHERE waba_id = :waba_id"  # noqa: S608 - our own names
    with writing(meta.engine.context.database) as conn:
        conn.execute(text(change), {"sealed": sealed, "waba_id": waba_id})


def test_a_token_of_another_key_holds_its_account_and_no_other(meta: Rehearsed) -> None:
    spoil(meta, "account", "token_sealed")
    meta.run(most=DAY)
    assert meta.state(OTHER) is State.REGISTERED
    assert (meta.state(ONE), meta.row(ONE).waiting) == (State.REQUESTED, Reason.ACCOUNT_HELD)
    assert {call["waba_id"] for call in meta.calls("create_number")} <= {OTHER_WABA, None}
    holds = {account.waba_id: account.hold for account in meta.engine.accounts()}
    assert holds == {WABA: Reason.ACCOUNT_HELD, OTHER_WABA: None}
    assert "account_held" in [e.trigger for _, e in meta.engine.account_history(WABA)]
    meta.engine.add_account(WABA, meta.simulator.token)
    meta.run_to(State.REGISTERED, ONE)


def test_a_list_whose_token_does_not_open_keeps_no_other_from_being_read(meta: Rehearsed) -> None:
    meta.run(most=HOUR)
    assert meta.state(ONE) is meta.state(OTHER) is State.REGISTERED
    for number in (ONE, OTHER):
        meta.engine.rename(number, "Luckier Shrub")
    meta.settle()
    spoil(meta, "account", "token_sealed")
    meta.wait(2 * DAY)
    assert meta.calls("list_numbers")[-1]["waba_id"] == OTHER_WABA
    assert meta.row(ONE).waiting is Reason.ACCOUNT_HELD


@pytest.mark.parametrize("secret", ["pin_sealed", "code_sealed"])
def test_a_number_whose_secret_does_not_open_is_parked_and_no_other(
    meta: Rehearsed, secret: str
) -> None:
    meta.reads_codes = False
    for number in (ONE, OTHER):
        meta.engine.code_ready(number)
    meta.settle()
    meta.move_to(meta.clock.now() + MINUTE)
    for number in (ONE, OTHER):
        meta.engine.submit_code(number, meta.last_code(number))
    spoil(meta, "onboarding", secret)
    meta.run(most=5 * MINUTE)
    assert meta.state(OTHER) is State.REGISTERED
    row = meta.row(ONE)
    assert (row.waiting, row.waiting_for) == (Reason.STUCK, Owner.OPERATOR)
    assert "does not open with this key" in (row.hold_text or "")
    endpoint = "register" if secret == "pin_sealed" else "verify_code"
    assert len(meta.calls(endpoint)) == 1  # the other's
    assert not [op for op in meta.engine.operations(ONE) if op.is_open]
    if secret == "pin_sealed":
        meta.engine.set_pin(ONE, "271828")
    else:
        meta.engine.submit_code(ONE, "123456")
    meta.engine.release(ONE, "given anew")
    meta.settle()
    assert len(meta.calls(endpoint)) == 2
