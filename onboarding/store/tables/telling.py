"""Events, messages and alerts: who is told of what."""

from __future__ import annotations

from sqlalchemy import (
    Column,
    ForeignKey,
    Identity,
    Index,
    Integer,
    PrimaryKeyConstraint,
    String,
    Table,
    Text,
)

from onboarding.model import AlertKind, DeliveryStatus
from onboarding.store.columns import Instant, Word
from onboarding.store.tables.base import POSITION, metadata, only

#: What happened, for programs that follow; kept for a while and then removed.
event = Table(
    "event",
    metadata,
    Column("seq", POSITION, Identity(), primary_key=True),
    Column("id", String(32), nullable=False, unique=True),
    Column("at", Instant, nullable=False),
    Column("type", String(40), nullable=False),
    Column("subject", String(32), nullable=False),
    Column("body", Text, nullable=False),
    Index(None, "at"),
    # A number is never given twice, or a program that follows would miss what has it.
    sqlite_autoincrement=True,
)

#: One message for one channel; what is pending is what is still to be sent.
delivery = Table(
    "delivery",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("event_seq", POSITION, ForeignKey("event.seq"), nullable=False),
    Column("channel", String(60), nullable=False),
    Column("subject", String(32), nullable=False),
    Column("topic", String(20)),
    Column("status", Word(DeliveryStatus), nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("next_at", Instant, nullable=False),
    Column("tries", Integer, nullable=False),
    Column("lease_owner", Text),
    Column("lease_until", Instant),
    Column("tried_at", Instant),
    Column("error", Text),
    Column("settled_by", Text),
    Index(None, "event_seq"),
    Index(
        "ix_delivery_channel_next_at_pending",
        "channel",
        "next_at",
        **only("status = 'pending'"),
    ),
    Index(
        "ix_delivery_subject_channel_event_seq_pending",
        "subject",
        "channel",
        "event_seq",
        **only("status = 'pending'"),
    ),
)

#: What somebody must hear of, and who was told: one row per subject and kind.
alert = Table(
    "alert",
    metadata,
    Column("kind", Word(AlertKind), nullable=False),
    Column("subject", String(32), nullable=False),
    Column("what", String(40), nullable=False),
    Column("since", Instant, nullable=False),
    Column("step", Integer, nullable=False),
    Column("next_at", Instant),
    Column("closed_at", Instant),
    PrimaryKeyConstraint("kind", "subject"),
    Index(
        "ix_alert_next_at",
        "next_at",
        **only("next_at IS NOT NULL"),
    ),
)

#: Who has taken something on, and until when nobody else is told of it.
acknowledgement = Table(
    "acknowledgement",
    metadata,
    Column("subject", String(32), primary_key=True),
    Column("by", Text, nullable=False),
    Column("at", Instant, nullable=False),
    Column("until", Instant, nullable=False),
)
