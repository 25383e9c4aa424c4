"""The key is replaced while work goes on: nothing is lost, and the old key opens nothing more."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import text

from onboarding import Engine
from onboarding.engine import secrets as rotating
from onboarding.engine.vault import Vault, new_key
from onboarding.errors import ConfigurationError, ConflictError, InputError, TransitionRefusedError
from onboarding.model import State
from onboarding.store import workers
from onboarding.store.database import reading, writing
from onboarding.store.tables import metadata
from tests.engine.rehearsing import DAY, MINUTE, NUMBER, SECOND, WABA, Rehearse, Rehearsed, Seam

PIN = "271828"
NUMBERS = tuple(f"+4930123456{place:02}" for place in range(10, 16))


class Keys:
    """A rehearsal whose key is to be replaced."""

    def __init__(self, meta: Rehearsed) -> None:
        self.meta = meta
        self.old = str(meta.given_key())
        self.new = new_key()
        self.settings = {"secret_key": f"{self.new},{self.old}"}

    def both(self) -> None:
        """Open the engine anew, with both keys."""
        self.meta.reopen(**self.settings)

    def only(self, key: str) -> None:
        """Open the engine anew, with one key."""
        self.meta.reopen(secret_key=key)


@pytest.fixture
def keys(meta: Rehearsed) -> Keys:
    return Keys(meta)


def ciphertexts(engine: Engine) -> list[str]:
    found = []
    with reading(engine.context.database) as conn:
        for table in metadata.sorted_tables:
            for column in table.columns:
                if column.name.endswith("_sealed"):
                    query = text(f"SELECT {column.name} FROM {table.name}")  # noqa: S608 - our own names
                    found += [value for value in conn.execute(query).scalars() if value]
    return found


def opened_by(engine: Engine, key: str) -> list[bool]:
    vault = Vault(key)
    return [vault.is_newest(each) for each in ciphertexts(engine)]


def test_everything_is_sealed_with_the_new_key_and_the_old_one_is_refused(keys: Keys) -> None:
    meta = keys.meta
    meta.register(pin=PIN)
    meta.reads_codes = False
    meta.ask("+493012345672", code_ready=True)
    meta.run(most=MINUTE)
    meta.engine.submit_code("+493012345672", meta.last_code("+493012345672"))
    meta.engine.tokens.give_to_business("506914307656634", "EAAofthebusiness")
    meta.engine.tokens.set_callback(WABA, "https://hooks.example", verify_token="shown")
    keys.both()
    before = len(ciphertexts(meta.engine))
    assert before >= 5
    done = meta.engine.secrets.rotate("yearly", actor="ada")
    assert (done.is_new, done.unreadable) == (True, 0)
    assert all(opened_by(meta.engine, keys.new))
    assert not any(opened_by(meta.engine, keys.old))
    assert len(ciphertexts(meta.engine)) == before
    last = meta.engine.account_history(WABA)[-1][1]
    assert (last.trigger, last.actor, last.reason) == ("key_rotated", "ada", "yearly")
    with pytest.raises(ConfigurationError, match="not the one"):
        keys.only(keys.old)
    keys.only(keys.new)
    assert meta.engine.reveal_pin(NUMBER, "a look") == PIN
    meta.run_to(State.REGISTERED, "+493012345672")
    assert meta.engine.verify()[1] == []


def test_a_rotation_in_the_middle_of_a_call_repeats_nothing(keys: Keys) -> None:
    meta = keys.meta
    keys.both()
    rotated: list[str] = []

    def rotate(endpoints: list[str]) -> None:
        if "register" in endpoints and not rotated:
            rotated.append(meta.engine.secrets.rotate("in the middle").key_id)

    Seam(meta.engine, after=rotate)
    for number in NUMBERS:
        meta.ask(number)
    meta.run()
    assert rotated
    assert {meta.state(number) for number in NUMBERS} == {State.REGISTERED}
    assert len(meta.calls("register")) == len(NUMBERS)
    assert all(opened_by(meta.engine, keys.new))
    keys.only(keys.new)
    for number in NUMBERS:
        assert len(meta.engine.reveal_pin(number, "a look")) == 6


def test_what_was_broken_off_is_begun_again(keys: Keys, monkeypatch: pytest.MonkeyPatch) -> None:
    meta = keys.meta
    for number in NUMBERS:
        meta.register(number)
    keys.both()
    monkeypatch.setattr(rotating, "_BATCH", 2)
    seen: list[int] = []

    def break_off(done: int, _of: int) -> None:
        seen.append(done)
        if len(seen) == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        meta.engine.secrets.rotate("yearly", on_progress=break_off)
    assert True in opened_by(meta.engine, keys.new)
    assert False in opened_by(meta.engine, keys.new)
    keys.both()  # workers that start meanwhile take both
    assert meta.engine.reveal_pin(NUMBERS[0], "a look")
    with pytest.raises(ConfigurationError):
        keys.only(keys.new)
    keys.both()
    meta.engine.secrets.rotate("yearly")
    assert all(opened_by(meta.engine, keys.new))
    again = meta.engine.secrets.rotate("yearly")
    assert (again.is_new, again.resealed) == (False, 0)


def test_a_code_that_was_sent_is_known_and_a_link_works_after_a_rotation(keys: Keys) -> None:
    meta = keys.meta
    meta.reads_codes = False
    meta.ask(code_ready=True)
    meta.run(most=15 * SECOND)
    code = meta.last_code(NUMBER)
    meta.fail("refuse", "verify_code", code=136025, times=1)
    meta.engine.submit_code(NUMBER, code)
    meta.settle()
    link = meta.engine.make_link(NUMBER, meta.clock.now() + DAY)
    keys.both()
    meta.engine.secrets.rotate("yearly")
    keys.only(keys.new)
    second = new_key()
    meta.reopen(secret_key=f"{second},{keys.new}")
    meta.engine.secrets.rotate("once more")
    meta.reopen(secret_key=second)
    with pytest.raises(ConflictError, match="before"):
        meta.engine.submit_code(NUMBER, code)
    meta.wait(11 * MINUTE)
    meta.engine.code_ready(NUMBER)
    meta.run(most=15 * SECOND)
    meta.engine.redeem_link(link.token, meta.last_code(NUMBER))
    meta.run_to(State.REGISTERED)


def test_a_worker_without_the_new_key_is_waited_for(keys: Keys) -> None:
    meta = keys.meta
    keys.both()
    database, now = meta.engine.context.database, datetime.now(UTC)
    old = Vault(keys.old)
    with writing(database) as conn:
        workers.insert_worker(conn, "host:1:behind", now, key_ids=old.key_ids)
    with pytest.raises(TransitionRefusedError, match="host:1:behind") as refused:
        meta.engine.secrets.rotate("yearly")
    assert "NEW,OLD" in refused.value.hint
    assert not any(opened_by(meta.engine, keys.new))
    with writing(database) as conn:
        workers.stop_worker(conn, "host:1:behind", now)
        vault = meta.engine.context.vault
        workers.insert_worker(conn, "host:2:ready", now, key_ids=vault.key_ids)
    assert meta.engine.secrets.rotate("yearly").is_new


@pytest.mark.parametrize(
    ("reason", "error"), [(" ", InputError), ("yearly", TransitionRefusedError)]
)
def test_what_cannot_be_rotated_is_refused(
    meta: Rehearsed, reason: str, error: type[Exception]
) -> None:
    before = ciphertexts(meta.engine)
    with pytest.raises(error):
        meta.engine.secrets.rotate(reason)
    assert ciphertexts(meta.engine) == before


def test_a_secret_of_a_lost_key_stays_and_is_counted(keys: Keys, rehearse: Rehearse) -> None:
    del rehearse
    meta = keys.meta
    keys.both()
    lost = Vault(new_key()).seal("lost")
    with writing(meta.engine.context.database) as conn:
        conn.execute(text("UPDATE account SET verify_token_sealed = :lost"), {"lost": lost})
    done: Any = meta.engine.secrets.rotate("yearly")
    assert done.unreadable == 1
    assert lost in ciphertexts(meta.engine)


def test_a_pin_is_revealed_for_a_reason_that_is_kept(meta: Rehearsed) -> None:
    meta.register(pin=PIN)
    with pytest.raises(InputError, match="reason"):
        meta.engine.reveal_pin(NUMBER, "  ")
    assert "pin_revealed" not in meta.triggers()
    assert meta.engine.reveal_pin(NUMBER, "handing over", actor="ada") == PIN
    last = meta.engine.history(NUMBER)[-1][1]
    assert (last.trigger, last.actor, last.reason) == ("pin_revealed", "ada", "handing over")
    assert PIN not in str(meta.engine.history(NUMBER))
