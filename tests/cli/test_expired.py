"""An expired onboarding says what the customer must do, and how it is taken up again."""

from __future__ import annotations

import pytest

from onboarding.core.lifecycle import FINAL
from onboarding.core.reasons import WHEN_OVER, WHY_OVER
from onboarding.core.steps import Move
from onboarding.engine.changing import change
from onboarding.model import State
from tests.cli.harness import NUMBER, WABA, Deployment


def ended(deployment: Deployment, state: State) -> str:
    """Bring an onboarding to an end without the way that leads there."""
    id_ = deployment.request()
    with deployment.engine() as engine:
        changes = {"state": state}
        change(
            engine.context, id_, "tester", lambda *_: Move(reason="t", note="put", changes=changes)
        )
    return id_


def test_expired_says_what_the_customer_must_do(deployment: Deployment) -> None:
    id_ = ended(deployment, State.EXPIRED)
    told = deployment.ok("show", NUMBER, "--json").json
    assert "the customer has gone through Embedded Signup again" in told["why"]
    assert f"on WABA {WABA}" in told["remedy"]
    assert f"onboarding restart {id_}" in told["remedy"]
    shown = deployment.ok("show", NUMBER).out
    assert told["why"] in shown
    assert " ".join(told["remedy"].split()) in shown


@pytest.mark.parametrize("state", FINAL)
def test_every_end_has_its_reason_and_its_remedy(deployment: Deployment, state: State) -> None:
    id_ = ended(deployment, state)
    told = deployment.ok("show", id_, "--json").json
    assert told["why"] == WHY_OVER[state]
    assert told["remedy"] == WHEN_OVER[state].format(id=id_, waba_id=WABA)


def test_a_restart_counts_from_the_instant_that_is_given(deployment: Deployment) -> None:
    id_ = ended(deployment, State.EXPIRED)
    deployment.ok("restart", id_, "--reason", "signed up again")
    deadline = deployment.ok("show", id_, "--json").json["deadline"]
    assert (deadline["cycle"], deadline["anchor_source"]) == (2, "restarted")
    assert "the restart (policy: restarted)" in deployment.ok("show", id_).out
