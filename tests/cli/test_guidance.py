"""What commands say about where an onboarding stands and what to do next is true and leads on."""

from __future__ import annotations

import pytest

from onboarding.engine.observe import ask_for_list, observe_due
from onboarding.model import State
from tests.cli.harness import NAME, NUMBER, WABA, Deployment, Meta, pass_until_idle


def test_show_tells_when_the_next_look_is(deployment: Deployment) -> None:
    shown = deployment.ok("show", deployment.request()).out
    assert "next look" in shown
    assert "looked at" not in shown


def test_show_says_how_to_take_up_a_cancelled_one(deployment: Deployment) -> None:
    id_ = deployment.request()
    deployment.ok("cancel", id_, "--reason", "not wanted")
    remedy = deployment.ok("show", id_, "--json").json["remedy"]
    assert remedy.endswith(f"ask again: onboarding request {WABA} ... --again")
    assert remedy in deployment.ok("show", id_).out


def test_show_believes_no_read_that_is_older_than_the_number(meta: Meta) -> None:
    meta.deployment.request()
    with meta.engine(intakes=[]) as engine:
        ask_for_list(engine.context, WABA)
        observe_due(engine.context, 10)
        assert "not on the WABA's list (read " in meta.deployment.ok("show", NUMBER).out
        meta.move(seconds=5)
        engine.advance(NUMBER)
        row = engine.get(NUMBER)
    assert (row.state, row.seen_present) == (State.CREATED, False)
    shown = meta.deployment.ok("show", NUMBER).out
    assert "not read since it is 'created'" in shown
    assert "not on the WABA's list" not in shown


def test_advancing_one_tells_what_meta_refused(meta: Meta) -> None:
    id_ = meta.deployment.request(NUMBER, NAME, "--code-ready")
    with meta.engine(intakes=[]) as engine:
        pass_until_idle(engine)
        assert engine.get(id_).state is State.OTP_PENDING
    wrong = "111111" if meta.last_code() != "111111" else "222222"
    meta.deployment.ok("code", id_, wrong)
    told = meta.deployment.ok("advance", id_).out.splitlines()
    failure = meta.deployment.ok("show", id_, "--json").json["trouble"]["failure"]
    assert told[0].startswith(f"{NUMBER} ({id_}): otp_pending; ")
    assert told[1] == f"trouble: verify_code: {failure['message']}"
    assert told[2] == f"remedy: {failure['remedy']}"
    assert told[3].startswith(f"do: onboarding code {id_}")
    assert "trouble:" not in meta.deployment.ok("advance", id_).out


@pytest.mark.parametrize("port", ["99999", "-1"])
def test_a_port_that_is_none_is_refused(empty: Deployment, port: str) -> None:
    outcome = empty.run("simulator", "--port", port)
    assert (outcome.code, outcome.out) == (2, "")
    assert "'--port'" in outcome.error_lines[0]
