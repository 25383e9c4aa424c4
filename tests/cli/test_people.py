"""What people do with one onboarding."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import pytest

from onboarding.core.steps import Move
from onboarding.engine.changing import change
from onboarding.engine.facade import Engine
from onboarding.model import Onboarding, State
from tests.cli.harness import NAME, NUMBER, PIN, WABA, Deployment, Meta, pass_until_idle


def _put(deployment: Deployment, state: State, **changes: object) -> str:
    """Bring an onboarding into a state without the way that leads there."""
    id_ = deployment.request()
    with deployment.engine() as engine:
        change(
            engine.context,
            id_,
            "tester",
            lambda _conn, _row, _now: Move(
                reason="test", note="put", changes={"state": state, **changes}
            ),
        )
    return id_


def _last(deployment: Deployment, ref: str) -> dict[str, str]:
    entry: dict[str, str] = deployment.ok("history", ref, "--json").json["entries"][-1]
    return entry


@pytest.mark.parametrize(
    ("command", "note", "reason"),
    [
        (("hold", "--reason", "not signed"), "held", "not signed"),
        (("cancel", "--reason", "not wanted"), "cancelled", "not wanted"),
        (("rename", "Other Shrub"), "renamed", "the display name is to be 'Other Shrub'"),
        (("code", "--ready"), "code_ready", "the holder can read a code"),
    ],
    ids=str,
)
def test_a_change_names_actor_and_reason(
    deployment: Deployment, command: tuple[str, ...], note: str, reason: str
) -> None:
    deployment.request()
    said = deployment.ok("--actor", "ada", command[0], NUMBER, *command[1:]).out
    assert said.startswith(NUMBER)
    entry = _last(deployment, NUMBER)
    assert (entry["actor"], entry["trigger"], entry["reason"]) == ("ada", note, reason)


@pytest.mark.parametrize("command", ["hold", "cancel"])
def test_a_reason_is_never_blank(deployment: Deployment, command: str) -> None:
    deployment.request()
    before = deployment.stored()
    outcome = deployment.run(command, NUMBER, "--reason", " ")
    assert outcome.code == 2
    assert "a reason is needed" in outcome.error_lines[0]
    assert deployment.stored() == before


def test_every_write_says_what_to_do_next(deployment: Deployment) -> None:
    id_ = deployment.request()
    assert "Next: onboarding worker" in deployment.ok("code", id_, "--ready").out
    assert "Next: onboarding worker" in deployment.ok("rename", id_, "Other Shrub").out
    assert f"Next: onboarding release {id_}" in deployment.ok("hold", id_, "--reason", "x").out
    assert "Next: onboarding worker" in deployment.ok("release", id_).out


def test_a_hold_ends_by_release_or_by_itself(deployment: Deployment) -> None:
    id_ = deployment.request()
    deployment.ok("hold", id_, "--reason", "not signed", "--until", "2d")
    told = deployment.ok("show", id_, "--json").json
    ends = datetime.fromisoformat(told["hold_until"])
    assert timedelta(days=1.9) < ends - datetime.now(UTC) < timedelta(days=2.1)
    deployment.ok("release", id_, "--reason", "signed")
    assert deployment.ok("show", id_, "--json").json["hold"] is None
    assert deployment.run("release", id_).code == 5


def test_a_hold_cannot_end_before_it_begins(deployment: Deployment) -> None:
    id_ = deployment.request()
    before = deployment.stored()
    for until in ("0d", "2026-03-02T09:00:00Z"):
        assert deployment.run("hold", id_, "--reason", "x", "--until", until).code == 2
    assert deployment.stored() == before


def test_a_cancelled_number_can_be_asked_for_again(deployment: Deployment) -> None:
    first = deployment.request()
    deployment.ok("cancel", first, "--reason", "not wanted")
    again = deployment.ok("request", WABA, NUMBER, NAME, "--again", "--json").json
    assert again["result"] == "created"
    assert again["onboarding"]["id"] != first


def test_restart_starts_a_new_cycle(deployment: Deployment) -> None:
    id_ = _put(deployment, State.FAILED)
    said = deployment.ok(
        "restart", id_, "--reason", "mended", "--onboarded-at", "2026-03-02T09:00:00Z"
    ).out
    assert "cycle 2" in said
    told = deployment.ok("show", id_, "--json").json
    assert (told["state"], told["cycle"]) == ("requested", 2)
    assert told["onboarded_at"].startswith("2026-03-02T09:00:00")


@pytest.mark.parametrize(
    ("state", "command"),
    [
        (State.REQUESTED, ("code", "123456")),
        (State.VERIFIED, ("code", "--ready")),
        (State.REQUESTED, ("restart", "--reason", "x")),
        (State.CANCELLED, ("restart", "--reason", "x")),
        (State.REGISTERED, ("cancel", "--reason", "x")),
        (State.CANCELLED, ("hold", "--reason", "x")),
        (State.REQUESTED, ("release",)),
        (State.VERIFIED, ("rename", "Other")),
    ],
    ids=str,
)
def test_what_the_state_does_not_allow_changes_nothing(
    deployment: Deployment, state: State, command: tuple[str, ...]
) -> None:
    id_ = _put(deployment, state)
    before = deployment.stored()
    outcome = deployment.run(command[0], id_, *command[1:])
    assert outcome.code == 5
    assert len(outcome.error_lines) == 2
    assert deployment.stored() == before


# codes


@contextmanager
def _code_on_its_way(meta: Meta) -> Iterator[Engine]:
    meta.deployment.request(NUMBER, NAME, "--code-ready")
    with meta.engine() as engine:
        pass_until_idle(engine)
        assert engine.get(NUMBER).state is State.OTP_PENDING
        yield engine


@pytest.mark.parametrize("how", ["argument", "stdin", "message"])
def test_a_code_is_taken_in_any_form(meta: Meta, how: str) -> None:
    with _code_on_its_way(meta) as engine:
        digits = meta.last_code()
        if how == "argument":
            meta.deployment.ok("code", NUMBER, f"{digits[:3]}-{digits[3:]}")
        elif how == "stdin":
            meta.deployment.ok("code", NUMBER, stdin=f"{digits}\n")
        else:
            meta.deployment.ok("code", NUMBER, f"WhatsApp code {digits}")
        meta.deployment.clock.catch_up()
        meta.move()
        pass_until_idle(engine)
        row: Onboarding = engine.get(NUMBER)
    assert row.state not in (State.CREATED, State.OTP_PENDING)


@pytest.mark.parametrize("text", ["12345", "no code", "123456 654321", ""])
def test_a_text_without_one_code_is_refused(meta: Meta, text: str) -> None:
    with _code_on_its_way(meta):
        before = meta.deployment.stored()
        outcome = meta.deployment.run("code", NUMBER, stdin=f"{text}\n")
        assert outcome.code == 2
        assert meta.deployment.stored() == before


def test_a_used_code_is_refused(meta: Meta) -> None:
    with _code_on_its_way(meta) as engine:
        wrong = "000000" if meta.last_code() != "000000" else "000001"
        meta.deployment.ok("code", NUMBER, wrong)
        meta.deployment.clock.catch_up()
        meta.move()
        pass_until_idle(engine)
        before = meta.deployment.stored()
        outcome = meta.deployment.run("code", NUMBER, wrong)
        assert (outcome.code, wrong in outcome.err) == (5, False)
        assert "sent to Meta before" in outcome.err
        assert meta.deployment.stored() == before


def test_a_code_and_ready_exclude_each_other(deployment: Deployment) -> None:
    deployment.request()
    assert deployment.run("code", NUMBER, "123456", "--ready").code == 2


# PINs and the key


def test_a_pin_is_given_and_revealed(deployment: Deployment) -> None:
    id_ = deployment.request()
    assert deployment.run("secrets", "reveal-pin", id_, "--reason", "x").code == 5
    said = deployment.ok("secrets", "set-pin", id_, stdin=PIN + "\n").out
    assert PIN not in said
    shown = deployment.ok("secrets", "reveal-pin", id_, "--reason", "handing over")
    assert (shown.out, shown.err) == (PIN + "\n", "")
    entry = _last(deployment, id_)
    assert (entry["trigger"], entry["reason"]) == ("pin_revealed", "handing over")


def test_a_pin_comes_with_the_request(deployment: Deployment) -> None:
    created = deployment.ok(
        "request", WABA, NUMBER, NAME, "--pin-stdin", "--json", stdin=PIN + "\n"
    )
    assert created.json["onboarding"]["has_pin"]
    id_ = created.json["onboarding"]["id"]
    assert deployment.ok("secrets", "reveal-pin", id_, "--reason", "x").out == PIN + "\n"


@pytest.mark.parametrize("pin", ["98765", "9876543", "abcdef", "", "١٢٣٤٥٦"])
def test_a_pin_that_is_none_is_refused(deployment: Deployment, pin: str) -> None:
    id_ = deployment.request()
    before = deployment.stored()
    outcome = deployment.run("secrets", "set-pin", id_, stdin=pin + "\n")
    assert outcome.code == 2
    assert not pin or pin not in outcome.err
    assert deployment.stored() == before


def test_a_reason_is_needed_to_reveal_a_pin(deployment: Deployment) -> None:
    id_ = deployment.request()
    deployment.ok("secrets", "set-pin", id_, stdin=PIN + "\n")
    before = deployment.stored()
    for reason in ((), ("--reason", " ")):
        outcome = deployment.run("secrets", "reveal-pin", id_, *reason)
        assert outcome.code == 2
        assert PIN not in outcome.out
    assert deployment.stored() == before


def test_a_new_key_is_usable(empty: Deployment) -> None:
    key = empty.ok("secrets", "new-key").out.strip()
    empty.env["ONBOARDING_SECRET_KEY"] = key
    said = empty.ok("db", "upgrade").out
    assert key not in said
    assert not empty.key_file.exists()
    assert empty.ok("list", "--json").json["items"] == []
