"""Ways in which one-time codes arrive."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Column,
    ForeignKey,
    Index,
    Integer,
    PrimaryKeyConstraint,
    String,
    Table,
    Text,
)

from onboarding.store.columns import Instant
from onboarding.store.tables.base import metadata

#: Links with which holders give their codes; of each only a digest is kept.
code_link = Table(
    "code_link",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("onboarding_id", String(32), ForeignKey("onboarding.id"), nullable=False),
    Column("cycle", Integer, nullable=False),
    Column("digest", String(64), nullable=False, unique=True),
    Column("made_by", Text, nullable=False),
    Column("made_at", Instant, nullable=False),
    Column("expires_at", Instant, nullable=False),
    Column("codes", Integer, nullable=False),
    Column("used_at", Instant),
    Column("revoked_at", Instant),
    Column("revoked_by", Text),
    Index(None, "onboarding_id"),
)

#: Messages of mailboxes that were looked at: none is handed in twice, whoever reads.
mail_read = Table(
    "mail_read",
    metadata,
    Column("mailbox", String(200), nullable=False),
    Column("uidvalidity", BigInteger, nullable=False),
    Column("uid", BigInteger, nullable=False),
    Column("read_at", Instant, nullable=False),
    Column("result", String(40), nullable=False),
    PrimaryKeyConstraint("mailbox", "uidvalidity", "uid"),
    Index(None, "read_at"),
)
