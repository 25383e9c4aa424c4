"""From an empty folder to a registered number, by commands alone."""

from __future__ import annotations

from onboarding.simulator import Simulator
from onboarding.store import schema
from tests.cli.harness import (
    NAME,
    NUMBER,
    TOKEN,
    WABA,
    Deployment,
    Meta,
    pass_until_idle,
    scenario,
)


def test_a_number_is_onboarded_by_commands_alone(empty: Deployment) -> None:
    with Simulator(scenario(empty.clock.now())) as simulator:
        meta = Meta(simulator, empty)
        with meta.control:
            said = empty.ok("db", "upgrade").out
            assert schema.HEAD in said
            assert str(empty.key_file) in said
            empty.ok("account", "add", WABA, stdin=TOKEN + "\n")
            assert empty.ok("account", "check").out.splitlines()[1].split()[:2] == [WABA, "ok"]
            empty.ok("request", WABA, NUMBER, NAME)
            advance_to(empty, "created")
            id_ = empty.ok("show", NUMBER, "--json").json["id"]
            assert f"onboarding code {id_} --ready" in empty.ok("show", NUMBER).out
            empty.ok("code", NUMBER, "--ready")
            advance_to(empty, "otp_pending")
            empty.ok("code", NUMBER, stdin=f"WhatsApp code {meta.last_code()}\n")
            advance_to(empty, "register_deadline")
            meta.move(minutes=2)
            with meta.engine() as engine:  # two minutes later, without waiting for them
                pass_until_idle(engine)
    told = empty.ok("history", NUMBER, "--json").json
    assert told["entries"][-1]["dest"] == "registered"
    assert {each["actor"] for each in told["entries"]} == {"osuser", "engine"}
    assert empty.ok("audit", "verify").out == "2 histories verify\n"


def advance_to(deployment: Deployment, state: str, most: int = 10) -> None:
    """Advance until the number is in a state and the next step is somebody else's."""
    for _ in range(most):
        deployment.ok("advance")
        shown = deployment.ok("show", NUMBER, "--json").json
        if shown["state"] == state and shown["waiting"] not in ("due", "subscribing"):
            return
    raise AssertionError(deployment.ok("show", NUMBER).out)
