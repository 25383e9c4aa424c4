"""The two-step verification PIN: made once, stored before it is used, and never lost."""

from __future__ import annotations

from datetime import timedelta

import pytest

from onboarding.core.timing import parse_iso
from onboarding.errors import ConflictError, InputError
from onboarding.model import OperationStatus, Owner, Reason, State
from tests.engine.rehearsing import (
    DAY,
    HOUR,
    MINUTE,
    NUMBER,
    SECOND,
    Rehearse,
    Rehearsed,
    Seam,
    scenario,
)

PIN = "271828"


def with_pin(pin: str = PIN) -> dict[str, object]:
    """A scenario whose number has two-step verification already."""
    there = {"phone_number": NUMBER, "verified_name": "Lucky Shrub", "pin": pin}
    return scenario(waba={"numbers": [there]})


def test_a_pin_is_made_before_the_first_call_and_survives_everything(meta: Rehearsed) -> None:
    meta.fail("drop_after_effect", "register", times=2)
    meta.register()
    pin = meta.engine.reveal_pin(NUMBER, "comparing")
    assert pin.isascii()
    assert len(pin) == 6
    digests = {call["params"]["pin_digest"] for call in meta.calls("register")}
    assert digests == {meta.shown()["pin_digest"]}
    meta.engine.rename(NUMBER, "Luckier Shrub")
    meta.run_to(State.NAME_REVIEW)
    meta.run_to(State.REGISTERED)
    assert {call["params"]["pin_digest"] for call in meta.calls("register")} == digests
    assert meta.engine.reveal_pin(NUMBER, "comparing") == pin


def test_each_number_has_a_pin_of_its_own(meta: Rehearsed) -> None:
    numbers = [f"+4930123456{place:02}" for place in range(10)]
    for number in numbers:
        meta.ask(number)
    meta.run()
    assert len({meta.engine.reveal_pin(number, "comparing") for number in numbers}) > 1


def test_a_mismatch_is_mended_by_one_call_and_never_guessed(rehearse: Rehearse) -> None:
    meta = rehearse(scenario=with_pin())
    meta.register()
    assert meta.endpoints("register", "set_pin") == ["register", "set_pin", "register"]
    set_pin = meta.calls("set_pin")[0]["params"]["pin_digest"]
    assert set_pin == meta.calls("register")[0]["params"]["pin_digest"]
    assert set_pin == meta.shown()["pin_digest"]


def test_a_known_pin_needs_no_mending(rehearse: Rehearse) -> None:
    meta = rehearse(scenario=with_pin())
    meta.register(pin=PIN)
    assert meta.endpoints("register", "set_pin") == ["register"]
    assert meta.engine.reveal_pin(NUMBER, "comparing") == PIN


def test_a_second_mismatch_asks_the_holder(rehearse: Rehearse) -> None:
    meta = rehearse(scenario=with_pin())
    meta.fail("refuse", "register", code=133005, attempts=(2,))
    meta.ask()
    meta.run(most=DAY)
    row = meta.row()
    assert (row.state, row.waiting, row.waiting_for) == (
        State.REGISTER_DEADLINE, Reason.PIN, Owner.HOLDER,
    )  # fmt: skip
    assert meta.endpoints("register", "set_pin") == ["register", "set_pin", "register"]
    meta.tell(f"/numbers/{row.phone_number_id}", {"pin": PIN})
    meta.engine.set_pin(NUMBER, PIN)
    meta.run_to(State.REGISTERED)
    assert meta.endpoints("register", "set_pin")[3:] == ["register"]
    assert meta.engine.reveal_pin(NUMBER, "comparing") == PIN


def test_a_given_pin_stays_known_when_its_call_is_not_answered(rehearse: Rehearse) -> None:
    """The list alone tells that the register call took effect, and with it which PIN holds."""
    meta = rehearse(scenario=with_pin())
    meta.fail("refuse", "register", code=133005, attempts=(2,))
    meta.ask()
    meta.run(most=DAY)
    meta.edit(pin=PIN)
    meta.engine.set_pin(NUMBER, PIN)
    meta.fail("drop_after_effect", "register", times=1)
    meta.run_to(State.REGISTERED)
    assert meta.engine.reveal_pin(NUMBER, "comparing") == PIN


def test_a_holder_who_switched_the_pin_off_releases(rehearse: Rehearse) -> None:
    meta = rehearse(scenario=with_pin())
    meta.fail("refuse", "register", code=133005, attempts=(1, 2))
    meta.ask()
    meta.run(most=DAY)
    assert meta.row().waiting is Reason.PIN
    meta.edit(pin=None)
    meta.engine.release(NUMBER, "switched off")
    meta.run_to(State.REGISTERED)


@pytest.mark.parametrize(("code", "wait"), [(133008, DAY), (133009, HOUR)])
def test_a_lock_on_pins_is_waited_for(rehearse: Rehearse, code: int, wait: timedelta) -> None:
    meta = rehearse()
    meta.fail("refuse", "register", code=code, times=1)
    meta.register()
    first, second = (parse_iso(call["at"]) for call in meta.calls("register"))
    assert second - first >= wait


def test_a_lost_settings_call_is_repeated(rehearse: Rehearse) -> None:
    meta = rehearse(scenario=with_pin())
    meta.fail("drop_after_effect", "set_pin", times=1)
    meta.register()
    assert meta.endpoints("register", "set_pin") == ["register", "set_pin", "set_pin", "register"]


def test_revealing_a_pin_names_who_and_why(meta: Rehearsed) -> None:
    meta.ask()
    with pytest.raises(ConflictError, match="no PIN yet"):
        meta.engine.reveal_pin(NUMBER, "curious")
    meta.run_to(State.REGISTERED)
    with pytest.raises(InputError, match="reason"):
        meta.engine.reveal_pin(NUMBER, "  ")
    pin = meta.engine.reveal_pin(NUMBER, "handing over", actor="ada")
    entry = meta.engine.history(NUMBER)[-1][1]
    assert (entry.trigger, entry.actor, entry.reason) == ("pin_revealed", "ada", "handing over")
    assert pin not in meta.story()
    meta.wait(SECOND)
    assert (meta.row().waiting, meta.row().next_due_at) == (Reason.DONE, None)


@pytest.mark.parametrize(
    "pin", ["12345", "1234567", "12345a", "", "\uff11\uff12\uff13\uff14\uff15\uff16"]
)
def test_a_pin_has_six_digits(meta: Rehearsed, pin: str) -> None:
    with pytest.raises(InputError) as refused:
        meta.ask(pin=pin)
    assert refused.value.field == "pin"
    meta.ask()
    with pytest.raises(InputError) as refused:
        meta.engine.set_pin(NUMBER, pin)
    assert not pin or pin not in str(refused.value)


OTHER_PIN = "314159"


def refuse_another(meta: Rehearsed) -> None:
    with pytest.raises(ConflictError, match="not known yet") as refused:
        meta.engine.set_pin(NUMBER, OTHER_PIN)
    assert refused.value.field == "pin"
    assert NUMBER not in refused.value.hint
    assert meta.row().id in refused.value.hint


def test_no_pin_is_taken_while_a_call_that_carries_one_is_on_its_way(meta: Rehearsed) -> None:
    asked: list[list[str]] = []

    def meanwhile(endpoints: list[str]) -> None:
        if "register" in endpoints and not asked:
            asked.append(endpoints)
            refuse_another(meta)

    Seam(meta.engine, after=meanwhile)
    meta.register(pin=PIN)
    assert asked
    assert meta.engine.reveal_pin(NUMBER, "comparing") == PIN
    meta.engine.set_pin(NUMBER, OTHER_PIN)


@pytest.mark.parametrize("endpoint", ["register", "set_pin"])
def test_nor_while_it_is_not_known_what_became_of_it(rehearse: Rehearse, endpoint: str) -> None:
    meta = rehearse(scenario=with_pin())
    meta.fail("drop_after_effect", endpoint, times=1)
    meta.ask(pin=PIN if endpoint == "register" else OTHER_PIN)
    meta.run(until=lambda: meta.row().waiting is Reason.SETTLING)
    refuse_another(meta)
    meta.run_to(State.REGISTERED)
    pin = meta.engine.reveal_pin(NUMBER, "comparing")
    assert pin == (PIN if endpoint == "register" else OTHER_PIN)
    assert meta.calls("register")[-1]["params"]["pin_digest"] == meta.shown()["pin_digest"]


def test_a_late_success_keeps_the_pin_that_its_call_carried(meta: Rehearsed) -> None:
    """Its answer comes once the call was settled as absent, and another PIN was given since."""
    frozen: list[str] = []
    with meta.open_engine() as second:

        def freeze(endpoints: list[str]) -> None:
            if "register" in endpoints and not frozen:
                frozen.extend(endpoints)
                meta.end_leases()
                meta.move_to(meta.clock.now() + 3 * MINUTE)
                (held,) = second.open_operations()
                second.resolve_operation(held.operation.id, absent=True, reason="not seen")
                second.set_pin(NUMBER, OTHER_PIN)

        Seam(meta.engine, after=freeze)
        meta.ask(pin=PIN)
        meta.run_to(State.REGISTERED)
    assert frozen
    (late, *_) = [op for op in meta.engine.operations(NUMBER) if op.name == "register"]
    assert (late.status, late.resolved_by) == (OperationStatus.ABSENT, "late")
    assert meta.engine.reveal_pin(NUMBER, "comparing") == PIN
    assert meta.calls("register")[0]["params"]["pin_digest"] == meta.shown()["pin_digest"]


def test_a_lock_on_pins_that_comes_again_asks_the_holder(meta: Rehearsed) -> None:
    meta.fail("refuse", "register", code=133008)
    meta.ask()
    meta.run(most=29 * DAY)
    assert (meta.row().waiting, meta.row().waiting_for) == (Reason.PIN, Owner.HOLDER)
    assert len(meta.calls("register")) == 2
    meta.control.delete("/faults").raise_for_status()
    meta.engine.set_pin(NUMBER, PIN)
    meta.run_to(State.REGISTERED)
