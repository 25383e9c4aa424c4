"""What every part of the engine works with, handed to it and never global."""

from __future__ import annotations

import secrets
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Protocol

from sqlalchemy import Connection, Engine, func, select

from onboarding.clock import Clock
from onboarding.core.policy import Policy
from onboarding.core.telling import Rules
from onboarding.engine.token_sources import TokenSources
from onboarding.engine.vault import Vault
from onboarding.errors import ConfigurationError
from onboarding.graph.client import GraphClient
from onboarding.model import Account, Onboarding
from onboarding.notify.configuration import Configuration
from onboarding.notify.message import Channel
from onboarding.settings import Settings

_ASKED_EVERY_S = 1.0


class CodeIntake(Protocol):
    """Something that will read a one-time code and hand it to ``Engine.submit_code``.

    It may have two attributes more, both yes or no: ``reads_at_any_hour`` (a machine: the quiet
    hours of its numbers do not count; without it they do) and ``takes_calls`` (``False``: it reads
    SMS alone, so that no code goes by voice in place of one).
    """

    def answers(self, onboarding: Onboarding) -> bool:
        """Whether a code that is sent to this number now will be read.

        Asked within a transaction: it must answer at once, and must not call the engine.
        """
        ...


def reads_at_any_hour(intake: CodeIntake) -> bool:
    """Whether an intake says of itself that it reads codes at night as well."""
    return bool(getattr(intake, "reads_at_any_hour", False))


def takes_calls(intake: CodeIntake) -> bool:
    """Whether an intake reads what a call says; only one that denies it does not."""
    return bool(getattr(intake, "takes_calls", True))


class Waker(Protocol):
    """Something that makes workers look at machines when they are due, instead of at the next poll.

    It is a hint: whoever is not woken is found by the next claim all the same.
    """

    def wake(self, conn: Connection, due: Mapping[str, datetime]) -> None:
        """Take note of machines, by id, within the transaction that made them due.

        It must leave the transaction usable whatever goes wrong in it.
        """
        ...


class RealClock:
    """Real time as the database has it: asked of it once a second, and counted on from there.

    It is never ahead of the database's. Where it is behind, because a question took long or the
    host slept for a moment, what is leased in that second ends early, and what has run out is left
    alone a little longer.
    """

    def __init__(self) -> None:
        self._told: tuple[datetime, float] | None = None

    def now(self, conn: Connection) -> datetime:
        """Return the present; on SQLite, whose users share a host, that of this process."""
        if conn.dialect.name != "postgresql":
            return datetime.now(UTC)
        told = self._told
        if told is not None and time.monotonic() - told[1] < _ASKED_EVERY_S:
            return told[0] + timedelta(seconds=time.monotonic() - told[1])
        fresh: datetime = conn.execute(select(func.clock_timestamp())).scalar_one()
        self._told = fresh, time.monotonic()
        return fresh


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """The engine's parts.

    Attributes:
        database: where everything is kept.
        clock: business time.
        graph: the Graph client.
        vault: seals and opens secrets.
        policy: waits and limits.
        settings: how the deployment is set up.
        worker: id of this process start, new every time.
        intakes: what may read codes.
        waker: what is told of machines whose state changed; nothing by default.
        notifications: who is told what, and in which words.
        channels: how each of them is told, by name.
        sources: reads the tokens that are kept elsewhere.
        real_clock: the clock that leases run by.
    """

    database: Engine
    clock: Clock
    graph: GraphClient
    vault: Vault
    policy: Policy
    settings: Settings
    worker: str
    intakes: Sequence[CodeIntake] = field(default_factory=tuple)
    waker: Waker | None = None
    notifications: Configuration = field(default_factory=Configuration)
    channels: Mapping[str, Channel] = field(default_factory=dict)
    sources: TokenSources = field(default_factory=TokenSources)
    real_clock: RealClock = field(default_factory=RealClock)

    @property
    def rules(self) -> Rules:
        """Who is told what."""
        return self.notifications.rules

    def real_now(self, conn: Connection) -> datetime:
        """Return real time: the database's clock on PostgreSQL, so that all hosts agree."""
        return self.real_clock.now(conn)

    def send_before(self) -> float:
        """Return until when a call may be sent that is journaled from now on.

        It is an instant of ``time.monotonic()``, taken before the intent's own, so that the settle
        window covers it. What sends is loaded first, so that the first call of a process has no
        less time than others; that takes a while: never ask within a transaction.
        """
        self.graph.start()
        return time.monotonic() + self.policy.send_within.total_seconds()

    def token_of(self, account: Account) -> str:
        """Return an account's token; nothing if it cannot be read, or is of another key.

        The Graph client refuses to send without one, which holds this account and no other. It
        may be read from elsewhere, which takes a while: never within a transaction.
        """
        return self.open_token(account.token_sealed, account.token_source)

    def newest_token_of(self, account: Account) -> str:
        """Return the token that waits to be proven, if there is one; else the account's."""
        if account.has_next_token:
            return self.open_token(account.next_token_sealed or "", account.next_token_source)
        return self.token_of(account)

    def known_tokens_of(self, account: Account) -> list[str]:
        """Return an account's token, and the one that waits to be proven if there is one.

        Nothing is read from elsewhere for it, so that it may be asked within a transaction: such a
        token is as it was read last by this process, or empty.
        """
        given = [(account.token_sealed, account.token_source)]
        if account.has_next_token:
            given.append((account.next_token_sealed or "", account.next_token_source))
        return [
            self.open_token(sealed, None) if source is None else self.sources.kept(source)
            for sealed, source in given
        ]

    def open_token(self, sealed: str, source: str | None) -> str:
        """Return a token that is stored, or read from a place; nothing if there is none."""
        if source is not None:
            return self.sources.token(source)
        try:
            return self.vault.open(sealed)
        except ConfigurationError:
            return ""


class Ids:
    """Makes ids that sort by the time and order in which they were made."""

    def __init__(self, now: datetime) -> None:
        self._stem = f"{int(now.timestamp() * 1000):012x}"
        self._count = secrets.randbelow(2**36)

    def next(self) -> str:
        """Return the next id: 22 hexadecimal digits."""
        self._count += 1
        return f"{self._stem}{self._count:010x}"
