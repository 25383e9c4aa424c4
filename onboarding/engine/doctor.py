"""A look at the whole deployment: what is in order, what is not, and how to mend it.

It changes nothing. A check that needs another one to have passed is left out when it has not.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from contextlib import closing, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, func, select
from sqlalchemy import Engine as Database

from onboarding.engine import opening
from onboarding.engine.channel_checks import examine_file
from onboarding.engine.doctor_contents import examine_contents
from onboarding.engine.findings import Finding, Level, failed, ok, problem, warning
from onboarding.errors import ConfigurationError, OnboardingError
from onboarding.settings import Settings
from onboarding.store import deployment, schema, workers
from onboarding.store.database import open_database, reading, sqlite_path, writing

#: How long the check of the database waits for another process to let go of it.
_BUSY_S = 2.0
_MOST_CLOCK_LAG = timedelta(seconds=5)
_MEBIBYTE = 2**20
_LOW_DISK, _EMPTY_DISK = 1024 * _MEBIBYTE, 100 * _MEBIBYTE
_LOOPBACK = ("127.0.0.1", "localhost", "::1")


def examine(settings: Settings) -> list[Finding]:
    """Check everything about a deployment, its tokens at Meta included."""
    findings = [*_settings(settings), *examine_file(settings), *_time_zones(), *_database(settings)]
    if any(f.level is Level.PROBLEM for f in findings):
        return [*findings, _left_out("the database's contents and the accounts")]
    key = _key(settings)
    if key.level is Level.PROBLEM:
        return [*findings, key, _left_out("the accounts")]
    findings += [key, *_key_file(settings)]
    context = opening.open_context(settings)
    with closing(context.graph):
        try:
            return [*findings, *examine_contents(context)]
        finally:
            context.database.dispose()


def _left_out(what: str) -> Finding:
    return warning("rest", f"not looked at: {what}", "mend the problems above, then look again")


# What needs no database


def _settings(settings: Settings) -> Iterator[Finding]:
    try:
        settings.policy()
    except ConfigurationError as error:
        yield failed("settings", error)
        return
    graph = urlsplit(settings.graph_base_url)
    if graph.scheme == "http" and graph.hostname not in _LOOPBACK:
        yield problem(
            "settings",
            f"tokens would travel in the clear to {settings.graph_base_url}",
            "set ONBOARDING_GRAPH_BASE_URL to an https:// address",
        )
    elif settings.app_id is None:
        yield warning(
            "settings",
            "ONBOARDING_APP_ID is not set: any app subscribed to a WABA counts as yours",
            "set it to the id of your Meta app",
        )
    else:
        yield ok("settings", f"Graph {settings.graph_version} at {settings.graph_base_url}")


def _time_zones() -> Iterator[Finding]:
    try:
        ZoneInfo("Europe/Berlin")
    except LookupError:
        yield problem("time zones", "this system knows no time zones", "install the package tzdata")
    else:
        yield ok("time zones", f"known; this system is at {time.strftime('%z')}")


# The database


def _database(settings: Settings) -> Iterator[Finding]:
    try:
        opening.open_existing(settings).dispose()
        database = open_database(settings.database_url, busy_timeout_s=_BUSY_S)
    except OnboardingError as error:
        yield failed("database", error)
        return
    try:
        yield from _open_database(settings, database)
    finally:
        database.dispose()


def _open_database(settings: Settings, database: Database) -> Iterator[Finding]:
    try:
        if problems := schema.problems(database):
            yield problem("schema", "; ".join(problems), "run: onboarding db upgrade")
            return
        _try_writing(database)
    except OnboardingError as error:
        yield failed("database", error)
        return
    yield ok("database", database.url.render_as_string(hide_password=True))
    yield ok("schema", f"at {schema.HEAD}, complete, with its triggers")
    yield from _clock(database)
    if (path := sqlite_path(settings.database_url)) is not None:
        yield _disk(path)


class _UndoError(Exception):
    """Rolls back what was written to see whether it can be."""


def _try_writing(database: Database) -> None:
    with suppress(_UndoError), writing(database) as conn:
        deployment.insert_fact(conn, "doctor", "writable")
        raise _UndoError


def _clock(database: Database) -> Iterator[Finding]:
    """Compare this host's clock with the database's, or with what was written last."""
    now = datetime.now(UTC)
    with reading(database) as conn:
        reference = _reference_time(conn, now)
    if reference is None:
        yield ok("clock", f"{now:%Y-%m-%d %H:%M:%S} UTC; nothing to compare it with yet")
        return
    source, at = reference
    if abs(now - at) > _MOST_CLOCK_LAG:
        yield problem(
            "clock",
            f"this host says {now:%Y-%m-%d %H:%M:%S} UTC, {source} {at:%Y-%m-%d %H:%M:%S} UTC",
            "set the clock, and keep it with NTP",
        )
    else:
        yield ok("clock", f"{now:%Y-%m-%d %H:%M:%S} UTC, as {source}")


def _reference_time(conn: Connection, now: datetime) -> tuple[str, datetime] | None:
    if conn.dialect.name == "postgresql":
        return "the database", conn.execute(select(func.clock_timestamp())).scalar_one()
    later = [row["seen_at"] for row in workers.load_workers(conn, now) if row["seen_at"] > now]
    return ("a worker was seen at", max(later)) if later else None


def _disk(path: Path) -> Finding:
    free = shutil.disk_usage(path.parent).free
    text = f"{free // _MEBIBYTE} MiB free beside {path.name}"
    remedy = f"free some space on the disk of {path.parent.resolve()}"
    if free < _EMPTY_DISK:
        return problem("disk", text, remedy)
    return warning("disk", text, remedy) if free < _LOW_DISK else ok("disk", text)


# The key


def _key(settings: Settings) -> Finding:
    try:
        database = opening.open_existing(settings)
        try:
            opening.open_vault(settings, database)
        finally:
            database.dispose()
    except OnboardingError as error:
        return failed("key", error)
    source = "ONBOARDING_SECRET_KEY" if settings.secret_key else settings.key_file()
    return ok("key", f"opens this database's secrets ({source})")


def _key_file(settings: Settings) -> Iterator[Finding]:
    file = None if settings.secret_key else settings.key_file()
    if file is not None and (mode := file.stat().st_mode & 0o777) & 0o077:
        yield problem(
            "key file", f"others may read {file} (mode {mode:o})", f"run: chmod 600 {file}"
        )
