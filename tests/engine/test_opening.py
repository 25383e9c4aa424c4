"""Opening a deployment: its key, its schema, its file; what is wrong is told and nothing made."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import Any

import pytest

from onboarding import Engine
from onboarding.engine.vault import Vault, new_key, new_pin
from onboarding.errors import ConfigurationError, SchemaError, StoreError
from onboarding.testing import FrozenClock
from tests.engine.rehearsing import WABA

TOKEN = "EAAtesttoken0123456789"


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'onboarding.db'}"


def make(url: str, **settings: Any) -> None:
    """Make a deployment with one account."""
    with Engine.open(url, upgrade=True, clock=FrozenClock(), **settings) as engine:
        engine.add_account(WABA, TOKEN)


def test_a_new_deployment_makes_a_key_that_only_its_owner_reads(url: str, tmp_path: Path) -> None:
    old = os.umask(0)
    try:
        make(url)
    finally:
        os.umask(old)
    key = tmp_path / "onboarding.db.key"
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    first = key.read_text()
    make(url)
    assert key.read_text() == first


def test_a_missing_key_of_an_existing_deployment_is_not_made_anew(url: str, tmp_path: Path) -> None:
    make(url)
    key = tmp_path / "onboarding.db.key"
    key.rename(tmp_path / "elsewhere.key")
    for upgrade in (False, True):
        with pytest.raises(ConfigurationError) as refused:
            Engine.open(url, upgrade=upgrade)
        assert "key" in str(refused.value)
        assert not key.exists()
    with Engine.open(url, secret_key_file=tmp_path / "elsewhere.key") as engine:
        assert engine.context.vault.open(engine.accounts()[0].token_sealed) == TOKEN


def test_an_empty_file_is_no_new_deployment(url: str, tmp_path: Path) -> None:
    (tmp_path / "onboarding.db").touch()
    with pytest.raises(ConfigurationError):
        Engine.open(url, upgrade=True)
    assert not (tmp_path / "onboarding.db.key").exists()


def test_a_wrong_key_is_refused_and_changes_nothing(url: str) -> None:
    make(url)
    wrong = new_key()
    for upgrade in (False, True):
        with pytest.raises(ConfigurationError, match="not the one") as refused:
            Engine.open(url, upgrade=upgrade, secret_key=wrong)
        assert wrong not in str(refused.value) + refused.value.hint
    make(url)


def test_a_key_of_the_settings_needs_no_file(url: str, tmp_path: Path) -> None:
    key = new_key()
    make(url, secret_key=key)
    assert not (tmp_path / "onboarding.db.key").exists()
    with pytest.raises(ConfigurationError):
        Engine.open(url)
    make(url, secret_key=key)


def test_a_key_is_replaced_by_putting_a_new_one_in_front(url: str) -> None:
    old, new = new_key(), new_key()
    make(url, secret_key=old)
    with Engine.open(url, secret_key=f"{new},{old}") as engine:
        (account,) = engine.accounts()
        assert engine.context.vault.open(account.token_sealed) == TOKEN
        engine.add_account(WABA, TOKEN)
        (account,) = engine.accounts()
        assert Vault(new).open(account.token_sealed) == TOKEN


@pytest.mark.parametrize("key", ["", "not a key", "a" * 43, "a" * 60])
def test_what_is_no_key_is_not_repeated(url: str, key: str) -> None:
    with pytest.raises(ConfigurationError) as refused:
        make(url, secret_key=key)
    assert not key or key not in str(refused.value) + refused.value.hint


def test_a_database_is_not_made_by_looking_for_it(url: str, tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="no database"):
        Engine.open(url)
    with pytest.raises(StoreError, match="no folder"):
        Engine.open(f"sqlite:///{tmp_path / 'no' / 'folder.db'}", upgrade=True)
    assert list(tmp_path.iterdir()) == []


def test_what_is_no_database_is_told(url: str, tmp_path: Path) -> None:
    (tmp_path / "onboarding.db").write_bytes(b"a letter to somebody" * 100)
    for upgrade in (False, True):
        with pytest.raises(StoreError, match="not a SQLite database"):
            Engine.open(url, upgrade=upgrade)


def test_a_database_without_a_schema_is_told(url: str, tmp_path: Path) -> None:
    make(url)
    (tmp_path / "onboarding.db").unlink()
    (tmp_path / "onboarding.db").touch()
    with pytest.raises(SchemaError) as refused:
        Engine.open(url)
    assert "onboarding db upgrade" in refused.value.hint


@pytest.mark.parametrize(
    "settings",
    [
        {"settle_seconds": 10},
        {"graph_version": "25"},
        {"graph_base_url": "ftp://graph"},
        {"batch_size": 0},
        {"url": "nonsense"},
        {"url": "oracle://host/db"},
    ],
)
def test_settings_that_cannot_work_are_refused(url: str, settings: dict[str, Any]) -> None:
    make(url)
    with pytest.raises(ConfigurationError) as refused:
        Engine.open(str(settings.pop("url", url)), **settings)
    assert str(refused.value)


def test_a_vault_seals_and_compares() -> None:
    vault, other = Vault(new_key()), Vault(new_key())
    assert vault.open(vault.seal("123456")) == "123456"
    assert vault.seal("123456") != vault.seal("123456")
    with pytest.raises(ConfigurationError):
        other.open(vault.seal("123456"))
    assert vault.mac("a", "123456") == vault.mac("a", "123456")
    assert len({vault.mac("a", "123456"), vault.mac("b", "123456"), other.mac("a", "123456")}) == 3
    pins = {new_pin() for _ in range(200)}
    assert len(pins) > 150
    assert all(len(pin) == 6 and pin.isdigit() for pin in pins)
