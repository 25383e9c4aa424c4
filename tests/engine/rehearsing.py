"""A rehearsal with the words that these tests use often."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import psycopg
from sqlalchemy import make_url, text

from onboarding.engine.facade import Engine
from onboarding.graph.calls import GraphCall
from onboarding.graph.results import Results
from onboarding.model import Onboarding, State
from onboarding.store.database import writing
from onboarding.testing import START, Rehearsal

WABA, OTHER_WABA = "102290129340398", "103390129340399"
NUMBER = "+493012345671"
SECOND, MINUTE = timedelta(seconds=1), timedelta(minutes=1)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)

#: What the WABA's numbers, codes and registrations need no patience for.
SWIFT = {"codes": {"delivery": "1s"}, "registration": {"connected_after": "1s"}}


def scenario(**given: Any) -> dict[str, Any]:
    """Return a scenario with one verified business and one WABA, where all comes at once."""
    waba = {"id": WABA, "name": "Lucky Shrub", **given.pop("waba", {})}
    business = {"id": "506914307656634", "wabas": [waba], **given.pop("business", {})}
    return {**SWIFT, "businesses": [business], **given}


def roomy(**given: Any) -> dict[str, Any]:
    """Return a scenario whose WABA takes thousands of numbers."""
    limits = {
        "numbers_per_waba": 5000, "numbers_per_verified_business": 5000,
        "management_calls": 100_000, **given.pop("limits", {}),
    }  # fmt: skip
    return scenario(limits=limits, **given)


class Rehearsed(Rehearsal):
    """A rehearsal of these tests: one number, mostly."""

    def __init__(self, *, folder: Path, **given: Any) -> None:
        played: Mapping[str, Any] = given.pop("scenario", None) or scenario()
        super().__init__(played, folder=folder, **given)
        self.database_file = folder / "onboarding.db"
        self.database_url = str(given.get("database_url", f"sqlite:///{self.database_file}"))
        #: What a program of its own needs to open the same deployment.
        self.environment = {"ONBOARDING_DATABASE_URL": self.database_url}
        if "secret_key" in given:
            self.environment["ONBOARDING_SECRET_KEY"] = given["secret_key"]
        self.recreated: set[str] = set()  # numbers that were deleted at Meta on the way

    def given_key(self) -> str:
        """Return the key of the deployment."""
        given = self._settings.get("secret_key")
        file = self.database_file.with_name(f"{self.database_file.name}.key")
        return str(given) if given else file.read_text().strip()

    def reopen(self, **settings: Any) -> None:
        """Go on with an engine that has other settings, as a worker that was restarted."""
        engine = self.open_engine(**settings)
        self.engine.close()
        self._open.callback(engine.close)
        self.engine = engine
        self._settings |= settings

    def run_to_known(self, number: str = NUMBER, most: timedelta = DAY) -> None:
        """Let time pass until a number has an onboarding."""
        self.run(most=most, until=lambda: bool(self.engine.find(phone_number=number).items))

    def tokens_of(self, waba_id: str) -> list[str]:
        """Return the tokens that Meta knows for one WABA alone."""
        known = self.control.get("/snapshot").json()["state"]["tokens"]
        return [value for value, token in known.items() if token["wabas"] == [waba_id]]

    def ask(self, number: str = NUMBER, name: str = "Lucky Shrub", **fields: Any) -> str:
        """Request a number; return the onboarding's id."""
        return self.request(number, name, **fields).id

    def row(self, reference: str = NUMBER) -> Onboarding:
        """Return the onboarding as it stands."""
        return self.engine.get(reference)

    def state(self, reference: str = NUMBER) -> State:
        """Return the onboarding's state."""
        return self.row(reference).state

    def run_to(
        self, state: State, reference: str = NUMBER, most: timedelta = 30 * DAY
    ) -> Onboarding:
        """Let time pass until the onboarding is in a state."""
        self.run(most=most, until=lambda: self.state(reference) is state)
        row = self.row(reference)
        assert row.state is state, self.story(reference)
        return row

    def register(self, number: str = NUMBER, name: str = "Lucky Shrub", **fields: Any) -> str:
        """Take a number from its request to its registration; return the onboarding's id."""
        id_ = self.ask(number, name, **fields)
        self.run_to(State.REGISTERED, id_)
        return id_

    def wait(self, span: timedelta) -> None:
        """Let exactly this much time pass."""
        end = self.clock.now() + span
        self.run(most=span)
        if self.clock.now() < end:
            self.move_to(end)
            self.settle()

    def story(self, reference: str = NUMBER) -> str:
        """Return the history as text, for messages of failed tests."""
        return "\n".join(
            f"{e.at:%d %H:%M:%S} {e.trigger}: {e.source} -> {e.dest} ({e.reason})"
            for _, e in self.engine.history(reference)
        )

    def triggers(self, reference: str = NUMBER) -> list[str]:
        """Return the triggers and notes of the history, in order."""
        return [entry.trigger for _, entry in self.engine.history(reference)]

    def path(self, reference: str = NUMBER) -> list[str]:
        """Return the states that the onboarding went through, in order."""
        entries = [entry for _, entry in self.engine.history(reference)]
        return [entry.dest for entry in entries if entry.dest != entry.source]

    def endpoints(self, *endpoints: str) -> list[str]:
        """Return the endpoints that were called, in order."""
        return [call["endpoint"] for call in self.calls(*endpoints)]

    def edit(self, reference: str = NUMBER, **fields: Any) -> None:
        """Change a number at Meta by hand."""
        self.tell(f"/numbers/{self.row(reference).phone_number_id}", fields)

    def decide_name(self, decision: str, reference: str = NUMBER, **given: Any) -> None:
        """Decide the name that is in review at Meta."""
        body = {"decision": decision, **given}
        self.tell(f"/names/{self.row(reference).phone_number_id}", body)

    def shown(self, reference: str = NUMBER) -> dict[str, Any]:
        """Return what Meta knows of a number, in full."""
        numbers: list[dict[str, Any]] = self.control.get("/state").json()["numbers"]
        id_ = self.row(reference).phone_number_id
        return next(number for number in numbers if number["id"] == id_)

    def end_leases(self) -> None:
        """Let the real time pass that the leases of lost workers still have."""
        ended = "lease_until = '2000-01-01T00:00:00.000000Z' WHERE lease_until IS NOT NULL"
        with writing(self.engine.context.database) as conn:
            for table in ("onboarding", "account"):
                conn.execute(text(f"UPDATE {table} SET {ended}"))  # noqa: S608 - our own names

    def refuse(self, moment: str, condition: str) -> None:
        """Let the database refuse to write some rows.

        Args:
            moment: like ``INSERT ON operation``.
            condition: SQL of ``NEW``.
        """
        create = f"CREATE TRIGGER refuse BEFORE {moment}"
        statements = [f"{create} WHEN {condition} BEGIN SELECT RAISE(ABORT, 'not this one'); END"]
        if self.engine.context.database.dialect.name == "postgresql":
            body = "BEGIN RAISE EXCEPTION 'not this one'; END"
            statements = [
                f"CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ {body} $$",
                f"{create} FOR EACH ROW WHEN ({condition}) EXECUTE FUNCTION refuse()",
            ]
        with writing(self.engine.context.database) as conn:
            for statement in statements:
                conn.execute(text(statement))

    def as_written_by(self, definition: int, reference: str = NUMBER) -> None:
        """Let a row be what a release with this definition wrote."""
        with writing(self.engine.context.database) as conn:
            conn.execute(
                text("UPDATE onboarding SET definition = :definition WHERE id = :id"),
                {"definition": definition, "id": self.row(reference).id},
            )

    def refuse_no_more(self, table: str) -> None:
        """Let the database take every row of a table again."""
        on = f" ON {table}" if self.engine.context.database.dialect.name == "postgresql" else ""
        with writing(self.engine.context.database) as conn:
            conn.execute(text(f"DROP TRIGGER refuse{on}"))


class Outage:
    """A while in which the database of a rehearsal cannot be used."""

    def __init__(self, meta: Rehearsed) -> None:
        self._url = make_url(meta.database_url)
        self._holder: Any = None

    def begin(self) -> None:
        """Hold a SQLite file; close a PostgreSQL database, and who is connected to it."""
        if self._url.get_backend_name() == "sqlite":
            self._holder = sqlite3.connect(str(self._url.database), isolation_level=None)
            self._holder.execute("BEGIN IMMEDIATE")
            return
        self._holder = psycopg.connect(
            host=self._url.host, port=self._url.port, user=self._url.username,
            password=self._url.password, dbname="postgres", autocommit=True,
        )  # fmt: skip
        self._allow_connections(allow=False)
        ending = "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = %s"
        self._holder.execute(ending, [self._url.database])

    def end(self) -> None:
        """Let everybody use it again."""
        if self._url.get_backend_name() == "sqlite":
            self._holder.execute("ROLLBACK")
        else:
            self._allow_connections(allow=True)
        self._holder.close()

    def _allow_connections(self, *, allow: bool) -> None:
        self._holder.execute(f"ALTER DATABASE {self._url.database} ALLOW_CONNECTIONS {allow}")


class Seam:
    """The Graph client of an engine, with something that happens before or after each call.

    Args:
        engine: whose client; it is replaced.
        before: called with the endpoints of the calls that are about to be sent.
        after: called with the endpoints of calls that were sent, before their answers are read.
    """

    def __init__(
        self,
        engine: Engine,
        *,
        before: Callable[[list[str]], None] = lambda _: None,
        after: Callable[[list[str]], None] = lambda _: None,
    ) -> None:
        self._client = engine.context.graph
        self._before, self._after = before, after
        engine.context = replace(engine.context, graph=self)  # type: ignore[arg-type] # in its place

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)

    def send(self, calls: Iterable[GraphCall], **given: Any) -> Results:
        """Send calls as the client does."""
        wanted = list(calls)
        endpoints = [call.request.endpoint.value for call in wanted]
        self._before(endpoints)
        results = self._client.send(wanted, **given)
        self._after(endpoints)
        return results


Rehearse = Callable[..., Rehearsed]

__all__ = [
    "DAY", "HOUR", "MINUTE", "NUMBER", "OTHER_WABA", "SECOND", "START", "SWIFT", "WABA",
    "Outage", "Rehearse", "Rehearsed", "Seam", "roomy", "scenario",
]  # fmt: skip
