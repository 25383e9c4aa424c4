"""Accounts: WABAs and the business portfolios that they belong to, and what signup handed over."""

from __future__ import annotations

from sqlalchemy import (
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    PrimaryKeyConstraint,
    String,
    Table,
    Text,
)

from onboarding.model import Reason, TokenFacts, Trouble
from onboarding.store.columns import Instant, Record, Word
from onboarding.store.tables.base import metadata, only

account = Table(
    "account",
    metadata,
    Column("waba_id", String(32), primary_key=True),
    Column("business_id", String(32)),
    Column("name", Text, nullable=False),
    Column("token_sealed", Text, nullable=False),
    Column("added_by", Text, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("version", Integer, nullable=False),
    Column("active", Boolean, nullable=False),
    Column("listed_at", Instant),
    Column("observe_due_at", Instant),
    Column("check_due_at", Instant),
    Column("subscribed_at", Instant),
    Column("lease_until", Instant),
    Column("failures", Integer, nullable=False),
    Column("trouble", Record(Trouble)),
    Column("hold", Word(Reason)),
    Column("hold_text", Text),
    Column("hold_by", Text),
    Column("hold_since", Instant),
    Column("history_seq", Integer, nullable=False),
    Column("head_hash", String(64), nullable=False),
    Column("token_source", Text),
    Column("token_business_id", String(32)),
    Column("next_token_sealed", Text),
    Column("next_token_source", Text),
    Column("dead_token_mac", String(64)),
    Column("token_facts", Record(TokenFacts)),
    Column("override_callback_uri", Text),
    Column("verify_token_sealed", Text),
    Column("numbers_listed", Integer),
    Column("numbers_per_business", Integer),
    Column("numbers_per_waba", Integer),
    Column("numbers_told_at", Instant),
    Column("full_at", Integer),
    Column("full_since", Instant),
    Column("portfolio_raised", Boolean),
    Index(None, "business_id"),
    Index(None, "observe_due_at"),
    Index(None, "check_due_at"),
    # Lists that are read now and then although nothing is expected of them.
    Index(
        "ix_account_listed_at_active",
        "listed_at",
        **only("active"),
    ),
)

account_history = Table(
    "account_history",
    metadata,
    Column("waba_id", String(32), ForeignKey("account.waba_id"), nullable=False),
    Column("seq", Integer, nullable=False),
    Column("entry", Text, nullable=False),
    Column("hash", String(64), nullable=False),
    PrimaryKeyConstraint("waba_id", "seq"),
)

#: Business portfolios whose token several WABAs take.
business = Table(
    "business",
    metadata,
    Column("business_id", String(32), primary_key=True),
    Column("name", Text, nullable=False),
    Column("token_sealed", Text, nullable=False),
    Column("token_source", Text),
    Column("added_by", Text, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("changed_at", Instant, nullable=False),
)

#: What Embedded Signup handed over; settled once its number is asked for, or was none.
signup = Table(
    "signup",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("waba_id", String(32), ForeignKey("account.waba_id"), nullable=False),
    Column("event", String(60), nullable=False),
    Column("phone_number_id", String(32)),
    Column("business_id", String(32)),
    Column("key", String(200)),
    Column("onboarded_at", Instant, nullable=False),
    Column("taken_by", Text, nullable=False),
    Column("taken_at", Instant, nullable=False),
    # A code works once; whoever hands it over again is told so.
    Column("code_mac", String(64), unique=True),
    Column("settled_at", Instant),
    Column("result", Text),
    Index(
        "ix_signup_waba_id_unsettled",
        "waba_id",
        **only("settled_at IS NULL"),
    ),
)
