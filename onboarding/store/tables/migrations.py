"""The table of migrations: who brings which number from where to where, and how it ended."""

from __future__ import annotations

from sqlalchemy import Column, ForeignKey, Index, String, Table, Text

from onboarding.store.columns import Instant
from onboarding.store.tables.base import metadata, only

#: One row per onboarding that came by migration: that is the destination.
migration = Table(
    "migration",
    metadata,
    Column("destination_id", String(32), ForeignKey("onboarding.id"), primary_key=True),
    Column("destination_waba_id", String(32), nullable=False),
    Column("number_key", String(20), nullable=False),
    Column("source_id", String(32), ForeignKey("onboarding.id")),
    Column("source_waba_id", String(32)),
    Column("started_by", Text, nullable=False),
    Column("started_at", Instant, nullable=False),
    Column("looked_at", Instant),
    Column("ended_at", Instant),
    Column("ended_how", String(40)),
    # A number goes to one place at a time.
    Index(
        "uq_migration_source_id_open",
        "source_id",
        unique=True,
        **only("ended_at IS NULL"),
    ),
    Index(
        "ix_migration_started_at_open",
        "started_at",
        **only("ended_at IS NULL"),
    ),
)
