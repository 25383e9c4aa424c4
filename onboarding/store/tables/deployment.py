"""The deployment itself: its marks, its workers, what it was sent, its seals."""

from __future__ import annotations

from sqlalchemy import Column, Identity, Integer, String, Table, Text

from onboarding.store.columns import Instant
from onboarding.store.tables.base import POSITION, metadata

#: Facts of the deployment itself: the id of its secret key, and later marks of restores.
deployment = Table(
    "deployment",
    metadata,
    Column("name", String(40), primary_key=True),
    Column("value", Text, nullable=False),
)

worker = Table(
    "worker",
    metadata,
    Column("id", String(120), primary_key=True),
    Column("started_at", Instant, nullable=False),
    Column("seen_at", Instant, nullable=False),
    Column("stopped_at", Instant),
    Column("loops", Text, nullable=False),
    Column("host", Text),
    Column("version", Text),
    Column("definition", Integer),
    # Ids of the keys that it opens secrets with; the first one is what it seals with.
    Column("key_ids", Text),
)

webhook_event = Table(
    "webhook_event",
    metadata,
    Column("digest", String(64), primary_key=True),
    Column("received_at", Instant, nullable=False),
    Column("field", String(60), nullable=False),
    Column("waba_id", String(32)),
)

seal = Table(
    "seal",
    metadata,
    Column("seq", Integer, primary_key=True, autoincrement=False),
    # One per span of time, whichever worker makes it.
    Column("bucket", Instant, nullable=False, unique=True),
    Column("entry", Text, nullable=False),
    Column("lines", Text, nullable=False),
    Column("hash", String(64), nullable=False),
)

#: Histories that grew since the last seal, as often as they did; triggers write it.
unsealed = Table(
    "unsealed",
    metadata,
    Column("position", POSITION, Identity(), primary_key=True),
    Column("kind", String(20), nullable=False),
    Column("owner", String(32), nullable=False),
)
