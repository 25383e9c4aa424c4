"""The table of approvals: what one person asked for and another has to agree to."""

from __future__ import annotations

from sqlalchemy import Column, ForeignKey, Index, Integer, String, Table, Text

from onboarding.model import ApprovalKind, ApprovalStatus
from onboarding.store.columns import Instant, Word
from onboarding.store.tables.base import metadata, only

approval = Table(
    "approval",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("onboarding_id", String(32), ForeignKey("onboarding.id"), nullable=False),
    Column("cycle", Integer, nullable=False),
    Column("kind", Word(ApprovalKind), nullable=False),
    Column("detail", Text),
    Column("reason", Text, nullable=False),
    Column("asked_by", Text, nullable=False),
    Column("asked_at", Instant, nullable=False),
    Column("status", Word(ApprovalStatus), nullable=False),
    Column("decided_by", Text),
    Column("decided_at", Instant),
    Column("decision", Text),
    # What is asked for is asked for once, until it is decided.
    Index(
        "uq_approval_onboarding_id_kind_pending",
        "onboarding_id",
        "kind",
        unique=True,
        **only("status = 'pending'"),
    ),
)
