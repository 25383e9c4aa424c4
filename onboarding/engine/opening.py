"""Opening a deployment: its database, its schema, its key, its Graph client."""

from __future__ import annotations

import os
import secrets
import socket
from collections.abc import Sequence
from functools import partial

from sqlalchemy import Engine as Database

from onboarding.clock import Clock, SystemClock
from onboarding.engine.context import CodeIntake, Context
from onboarding.engine.intakes import hosted
from onboarding.engine.restoring import keep_home
from onboarding.engine.token_sources import TokenSources
from onboarding.engine.vault import Vault, make_key_file, read_key_file
from onboarding.errors import ConfigurationError, StoreError
from onboarding.graph.client import GraphClient
from onboarding.graph.wire import Wire
from onboarding.notify.configuration import open_channel
from onboarding.settings import Settings
from onboarding.store import schema
from onboarding.store.database import (
    again_if_raced,
    open_database,
    reading,
    sqlite_path,
    writing,
)
from onboarding.store.deployment import KEY_ID, KEY_ROOT, insert_fact, load_fact
from onboarding.telemetry import log


def open_context(
    settings: Settings, *, clock: Clock | None = None, intakes: Sequence[CodeIntake] = ()
) -> Context:
    """Open a deployment whose schema and key are in order; the Graph client is open.

    Raises:
        ConfigurationError: the key is missing or is not the deployment's.
        SchemaError: the schema is not this release's.
        StoreError: the database cannot be used.
    """
    policy, notifications = settings.policy(), settings.notifications()
    database = open_existing(settings)
    try:
        schema.require_current(database)
        vault = open_vault(settings, database)
    except Exception:
        database.dispose()
        raise
    wire = Wire(
        base_url=settings.graph_base_url,
        version=settings.graph_version,
        timeout_s=settings.call_timeout_seconds,
        connect_timeout_s=min(settings.connect_timeout_seconds, settings.call_timeout_seconds / 2),
        max_in_flight=settings.max_in_flight,
        proxy=settings.graph_proxy,
        ca_file=settings.graph_ca_file,
        app_secret=settings.app_secret.get_secret_value() if settings.app_secret else None,
    )
    graph = GraphClient(wire)
    graph.open()
    return Context(
        database=database,
        clock=clock or SystemClock(),
        graph=graph,
        vault=vault,
        policy=policy,
        settings=settings,
        worker=worker_id(),
        intakes=(*intakes, *hosted(settings)),
        notifications=notifications,
        sources=TokenSources(settings.token_kinds()),
        channels={
            name: open_channel(each, partial(log.warning, "notification"))
            for name, each in notifications.channels.items()
        },
    )


def worker_id() -> str:
    """Return an id that no other process start has, on this host or another."""
    return f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(4)}"


def open_existing(settings: Settings) -> Database:
    """Open the database; a SQLite file that does not exist is not made by looking at it.

    Raises:
        StoreError: there is no such file.
    """
    path = sqlite_path(settings.database_url)
    if path is not None and not path.exists():
        raise StoreError(f"there is no database at {path}", hint="run: onboarding db upgrade")
    return open_database(settings.database_url, busy_timeout_s=settings.busy_timeout_seconds)


def upgrade(settings: Settings) -> tuple[str | None, str]:
    """Bring the schema to this release's revision and see that there is a key.

    A key file is made only together with a new SQLite database: a missing key of an existing one
    must be found again, not replaced.

    Returns:
        The revision before and after.

    Raises:
        ConfigurationError: there is no key, or it is not the deployment's.
        StoreError: the database cannot be used.
    """
    path = sqlite_path(settings.database_url)
    if path is not None and not path.parent.exists():
        raise StoreError(f"there is no folder {path.parent}", hint="make it, or change the URL")
    if path is not None and not path.exists():
        _first_key(settings)
    database = open_database(settings.database_url, busy_timeout_s=settings.busy_timeout_seconds)
    try:
        schema.current(database)
        Vault(keys_of(settings))
        before, after = schema.upgrade(database)
        with writing(database) as conn:
            keep_home(conn)
        open_vault(settings, database)
    finally:
        database.dispose()
    return before, after


def _first_key(settings: Settings) -> None:
    """Make the key of a new deployment before its database: a crash leaves a key, not a riddle."""
    file = settings.key_file()
    if settings.secret_key is None and file is not None:
        make_key_file(file)


def keys_of(settings: Settings) -> str:
    """Return the keys that the settings name.

    Raises:
        ConfigurationError: none is named, or the file cannot be read.
    """
    if settings.secret_key is not None:
        return settings.secret_key.get_secret_value()
    file = settings.key_file()
    if file is None:
        raise ConfigurationError(
            "there is no secret key", hint="set ONBOARDING_SECRET_KEY or ONBOARDING_SECRET_KEY_FILE"
        )
    return read_key_file(file)


def open_vault(settings: Settings, database: Database) -> Vault:
    """Return the vault of the deployment; the first key it is used with stays its key.

    Raises:
        ConfigurationError: the key is missing, or is not the one that the secrets were sealed with.
    """
    vault = Vault(keys_of(settings))
    with reading(database) as conn:
        facts = {name: load_fact(conn, name) for name in (KEY_ID, KEY_ROOT)}
    known = facts[KEY_ID]
    if known is None:
        known = again_if_raced(lambda: _keep_key_id(database, vault.key_id))
    if known not in vault.key_ids:
        raise ConfigurationError(
            "the secret key is not the one that this database's secrets were sealed with",
            hint="find the key that was used before; nothing was changed",
        )
    return vault.rooted(known, facts[KEY_ROOT])


def _keep_key_id(database: Database, key_id: str) -> str:
    """Keep the id of the first key, unless another process was first; return what is kept."""
    with writing(database) as conn:
        if known := load_fact(conn, KEY_ID):
            return known
        insert_fact(conn, KEY_ID, key_id)
    return key_id
