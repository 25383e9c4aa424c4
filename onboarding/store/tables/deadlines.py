"""Deadlines, and the rungs of their ladders that were raised."""

from __future__ import annotations

from sqlalchemy import Column, ForeignKey, Index, Integer, PrimaryKeyConstraint, String, Table, Text

from onboarding.model import DeadlineReason
from onboarding.store.columns import Instant, Word
from onboarding.store.tables.base import metadata, only

deadline = Table(
    "deadline",
    metadata,
    Column("onboarding_id", String(32), ForeignKey("onboarding.id"), nullable=False),
    Column("cycle", Integer, nullable=False),
    Column("reason", Word(DeadlineReason), nullable=False),
    Column("anchor_source", String(40), nullable=False),
    Column("starts_at", Instant, nullable=False),
    Column("due_at", Instant, nullable=False),
    Column("next_rung", Integer, nullable=False),
    Column("next_rung_at", Instant),
    Column("closed_at", Instant),
    Column("closed_how", String(20)),
    Column("climbed", Text),
    Column("snoozed_until", Instant),
    PrimaryKeyConstraint("onboarding_id", "cycle", "reason"),
    Index(
        "ix_deadline_next_rung_at",
        "next_rung_at",
        **only("closed_at IS NULL"),
    ),
)

escalation = Table(
    "escalation",
    metadata,
    Column("onboarding_id", String(32), nullable=False),
    Column("cycle", Integer, nullable=False),
    Column("reason", Word(DeadlineReason), nullable=False),
    Column("rung", String(40), nullable=False),
    Column("raised_at", Instant, nullable=False),
    Column("collapsed_into", String(40)),
    # Each rung of each deadline, once.
    PrimaryKeyConstraint("onboarding_id", "cycle", "reason", "rung"),
)
