"""Tokens in a keyring: the library itself, with a backend that keeps its secrets in a file."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import keyring
import pytest
from keyring.backends import fail
from keyrings.alt.file import PlaintextKeyring

from onboarding.engine import token_sources
from onboarding.model import Reason, State
from tests.engine.rehearsing import HOUR, WABA, Rehearse

SERVICE, NAME = "meta", "lucky"
SOURCE = f"keyring:{SERVICE}/{NAME}"
NEW_TOKEN = "EAAnewtokenABCDEF0123456789"


@pytest.fixture(autouse=True)
def _ring(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(token_sources, "_KEPT_S", 0.0)
    before, ring = keyring.get_keyring(), PlaintextKeyring()
    ring.file_path = str(tmp_path / "ring.cfg")
    keyring.set_keyring(ring)
    yield
    keyring.set_keyring(before)


def test_a_token_of_a_keyring_is_used_and_its_next_one_takes_effect(rehearse: Rehearse) -> None:
    meta = rehearse(adds_accounts=[])
    keyring.set_password(SERVICE, NAME, meta.simulator.token)
    meta.engine.tokens.read_from(WABA, SOURCE)
    meta.ask()
    meta.tell("/tokens", {"token": meta.simulator.token})  # it dies
    meta.run(most=HOUR)
    assert meta.engine.account(WABA).hold is Reason.ACCOUNT_HELD
    meta.tell("/tokens", {"token": NEW_TOKEN, "dead": False, "wabas": "all"})
    keyring.set_password(SERVICE, NAME, NEW_TOKEN)
    meta.run_to(State.REGISTERED)
    assert meta.engine.account(WABA).token_sealed == ""


@pytest.mark.parametrize(("locked", "problem"), [(False, "has no meta/lucky"), (True, "unlock it")])
def test_a_keyring_that_gives_nothing_says_why(locked: bool, problem: str) -> None:  # noqa: FBT001
    if locked:
        keyring.set_keyring(fail.Keyring())  # what there is where no keyring is
    sources = token_sources.TokenSources()
    assert sources.token(SOURCE) == ""
    assert problem in sources.problem(SOURCE)
