"""Tokens, PINs and codes: never in the database, the log, the history or an error."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import text

from onboarding.errors import OnboardingError
from onboarding.model import State
from onboarding.store.database import reading
from onboarding.store.tables import metadata
from tests.engine.rehearsing import (
    DAY,
    MINUTE,
    NUMBER,
    SECOND,
    WABA,
    Rehearse,
    Rehearsed,
    scenario,
)

PIN = "271828"

#: Columns of hexadecimal digits, in which six of a code may turn up by chance.
_RANDOM = ("id", "hash", "digest", "mac", "worker", "subject")


def stored(meta: Rehearsed) -> Iterator[tuple[str, str]]:
    """Yield every text in the database, but for random ones, with where it is."""
    with reading(meta.engine.context.database) as conn:
        for table in metadata.sorted_tables:
            for row in conn.execute(text(f'SELECT * FROM "{table.name}"')).mappings():  # noqa: S608 - our own names
                for column, value in row.items():
                    if isinstance(value, str) and not column.endswith(_RANDOM):
                        yield f"{table.name}.{column}", value


def everything_told(meta: Rehearsed) -> list[str]:
    """Return all that is told of the number as it stands: whose turn it is, and why."""
    engine = meta.engine
    by_number = (
        engine.get, engine.requirements, engine.why, engine.attribution, engine.code_ledger,
        engine.links, engine.name_submissions, engine.operations, engine.deadlines,
    )  # fmt: skip
    return [*(repr(told(NUMBER)) for told in by_number), repr(engine.due()), repr(engine.events())]


@pytest.fixture
def on_the_way() -> list[str]:
    """What was told while the number waited for people."""
    return []


@pytest.fixture
def told(
    rehearse: Rehearse, caplog: pytest.LogCaptureFixture, on_the_way: list[str]
) -> tuple[Rehearsed, list[str]]:
    """A number that went through much, and the secrets that were needed on the way."""
    caplog.set_level(logging.DEBUG)
    meta = rehearse(scenario=scenario(tokens=[{"value": "EAAsecretsecretsecret42"}]))
    meta.reads_codes = False
    meta.fail("half_body", "create_number", times=1)
    meta.fail("drop_after_effect", "register", times=1)
    meta.fail("refuse", "verify_code", code=136025, times=1)
    meta.ask(pin=PIN)
    meta.run(most=DAY)
    codes = []
    link = meta.engine.make_link(NUMBER, meta.clock.now() + DAY)
    for by_link in (False, True):
        meta.engine.code_ready(NUMBER)
        meta.run(most=15 * SECOND)
        codes.append(meta.last_code(NUMBER))
        if by_link:
            meta.engine.redeem_link(link.token, codes[-1])
        else:
            meta.engine.submit_code(NUMBER, codes[-1])
        with pytest.raises(OnboardingError) as refused:
            meta.engine.submit_code(NUMBER, f"{codes[-1]} {int(codes[-1]) ^ 1:06d}")
        assert codes[-1] not in str(refused.value) + refused.value.hint
        on_the_way += everything_told(meta)
        meta.wait(11 * MINUTE)
        on_the_way += everything_told(meta)
    assert codes[0] != codes[1]
    meta.run_to(State.REGISTERED)
    assert link.token not in repr(link)
    return meta, [meta.simulator.token, PIN, link.token, *codes]


def test_no_secret_is_stored_in_the_clear(told: tuple[Rehearsed, list[str]]) -> None:
    meta, secrets = told
    found = [
        (place, secret) for place, value in stored(meta) for secret in secrets if secret in value
    ]
    assert found == []
    for file in meta.database_file.parent.iterdir():
        assert meta.simulator.token.encode() not in file.read_bytes(), file


@pytest.mark.on("postgresql")
def test_no_secret_is_in_a_dump(told: tuple[Rehearsed, list[str]]) -> None:
    """Of every table that there is, whoever made it; of digits by chance, the token has none."""
    meta, _ = told
    tables = "SELECT relname FROM pg_class WHERE relkind IN ('r', 'p', 'm') AND relnamespace = "
    with reading(meta.engine.context.database) as conn:
        names = list(conn.execute(text(f"{tables} 'public'::regnamespace")).scalars())
        dumped = {
            name: list(conn.execute(text(f'SELECT each::text FROM "{name}" each')).scalars())  # noqa: S608 - our own names
            for name in names
        }
    assert {"account", "history", "operation", "onboarding", "alembic_version"} <= set(dumped)
    assert dumped["operation"]
    assert [name for name, rows in dumped.items() if meta.simulator.token in "".join(rows)] == []


def test_no_secret_is_logged_or_told(
    told: tuple[Rehearsed, list[str]], on_the_way: list[str], caplog: pytest.LogCaptureFixture
) -> None:
    meta, secrets = told
    assert any("Requirement(what=" in line for line in on_the_way)
    records = caplog.get_records("setup")
    ours = [r.getMessage() for r in records if r.name in {"onboarding", "httpx"}]
    assert any("call_failed" in message for message in ours)
    shown = [
        *ours,
        *on_the_way,
        *everything_told(meta),
        meta.story(),
        *map(str, meta.engine.history(NUMBER)),
        repr(meta.engine.accounts()),
    ]
    assert [(secret, line) for line in shown for secret in secrets if secret in line] == []


def test_what_is_sealed_shows_in_no_repr(told: tuple[Rehearsed, list[str]]) -> None:
    meta, _ = told
    row, (account,) = meta.row(), meta.engine.accounts()
    for sealed in (row.pin_sealed, account.token_sealed):
        assert sealed is not None
        assert sealed not in repr(row) + repr(account)
    carried = [op for op in meta.engine.operations(NUMBER) if op.pin_sealed is not None]
    assert carried
    assert not any(op.pin_sealed in repr(op) for op in carried if op.pin_sealed)


def test_a_token_that_cannot_be_sent_is_told_without_it(meta: Rehearsed) -> None:
    for token in ("EAAbad\r\nHost: evil", "EAA\x00"):
        with pytest.raises(OnboardingError) as refused:
            meta.engine.add_account(WABA, token)
        assert "EAA" not in str(refused.value) + refused.value.hint


def test_a_used_and_a_stale_code_are_wiped(meta: Rehearsed) -> None:
    meta.reads_codes = False
    meta.ask(code_ready=True)
    meta.run(most=5 * MINUTE)
    meta.engine.submit_code(NUMBER, meta.last_code(NUMBER))
    sealed: Any = meta.row().code_sealed
    meta.engine.hold(NUMBER, "a pause")
    meta.wait(DAY)
    meta.engine.release(NUMBER, "go on")
    meta.settle()
    assert meta.row().code_sealed is None
    assert meta.calls("verify_code") == []
    assert sealed not in [value for _, value in stored(meta)]
