"""The tables of batches: what was asked for together, and every decision about it."""

from __future__ import annotations

from sqlalchemy import (
    Column,
    ForeignKey,
    Integer,
    PrimaryKeyConstraint,
    String,
    Table,
    Text,
    case,
    literal,
)

from onboarding.core.batches import Standing
from onboarding.model import State
from onboarding.store.columns import Instant, Word
from onboarding.store.tables.base import metadata

batch = Table(
    "batch",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("name", String(200), nullable=False, unique=True),
    Column("source", Text, nullable=False),
    Column("digest", String(64)),
    Column("created_by", Text, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("loaded_at", Instant),
    Column("canary", Integer, nullable=False),
    Column("canary_state", Word(State), nullable=False),
    Column("canary_line", Integer),
    Column("canary_passed_at", Instant),
    Column("paused_at", Instant),
    Column("cancelled_at", Instant),
    Column("changed_by", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("history_seq", Integer, nullable=False),
    Column("head_hash", String(64), nullable=False),
)

#: Every decision about a batch; append-only and chained like the histories of numbers.
batch_history = Table(
    "batch_history",
    metadata,
    Column("batch_id", String(32), ForeignKey("batch.id"), nullable=False),
    Column("seq", Integer, nullable=False),
    Column("entry", Text, nullable=False),
    Column("hash", String(64), nullable=False),
    PrimaryKeyConstraint("batch_id", "seq"),
)

#: SQL for ``Batch.standing``.
standing = case(
    (batch.c.cancelled_at.is_not(None), literal(Standing.CANCELLED.value)),
    (batch.c.paused_at.is_not(None), literal(Standing.PAUSED.value)),
    (batch.c.loaded_at.is_(None), literal(Standing.LOADING.value)),
    (
        (batch.c.canary > 0) & batch.c.canary_passed_at.is_(None),
        literal(Standing.CANARY.value),
    ),
    else_=literal(Standing.RUNNING.value),
)
