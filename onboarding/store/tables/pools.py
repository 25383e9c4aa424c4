"""The tables of the pool of pre-verified numbers."""

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

from onboarding.core.pool.lifecycle import FINAL, PoolState
from onboarding.core.pool.model import PreverifiedNumber, ShareState
from onboarding.model import CodeMethod, Operation, Owner, Reason, Trouble
from onboarding.store.columns import Instant, Record, Word
from onboarding.store.tables.base import metadata, only

_IS_SLOT = "state NOT IN ({})".format(", ".join(f"'{s.value}'" for s in FINAL))
_IS_LIVE = "released_at IS NULL"
_IS_DUE = "next_due_at IS NOT NULL"

#: The pool of one business portfolio, and by which account its calls are made.
pool = Table(
    "pool",
    metadata,
    Column("business_id", String(32), primary_key=True),
    Column("waba_id", String(32), ForeignKey("account.waba_id"), nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("listed_at", Instant),
    Column("observe_due_at", Instant),
    Column("failures", Integer, nullable=False),
    Column("trouble", Record(Trouble)),
)

#: One number in a pool: a machine of its own.
pool_number = Table(
    "pool_number",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("business_id", String(32), ForeignKey("pool.business_id"), nullable=False),
    Column("number_key", String(20), nullable=False),
    Column("phone_number", String(20), nullable=False),
    Column("region", String(3), nullable=False),
    Column("added_by", Text, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("state", Word(PoolState), nullable=False),
    Column("state_since", Instant, nullable=False),
    Column("next_due_at", Instant),
    Column("waiting", Word(Reason), nullable=False),
    Column("waiting_for", Word(Owner), nullable=False),
    Column("waiting_since", Instant, nullable=False),
    Column("preverified_id", String(32)),
    Column("added_at", Instant),
    Column("verified_at", Instant),
    Column("expires_at", Instant),
    Column("seen", Record(PreverifiedNumber)),
    Column("seen_at", Instant),
    Column("seen_present", Boolean),
    Column("absent_since", Instant),
    Column("code_method", Word(CodeMethod), nullable=False),
    Column("code_language", String(10), nullable=False),
    Column("code_ready", Boolean, nullable=False),
    Column("code_sent_at", Instant),
    Column("code_sends", Integer, nullable=False),
    Column("code_tries", Integer, nullable=False),
    Column("code_sealed", Text),
    Column("code_mac", String(64)),
    Column("is_leaving", Boolean, nullable=False),
    Column("tries", Integer, nullable=False),
    Column("retry_at", Instant),
    Column("retry_operation", Word(Operation)),
    Column("trouble", Record(Trouble)),
    Column("hold", Word(Reason)),
    Column("hold_text", Text),
    Column("hold_by", Text),
    Column("hold_since", Instant),
    Column("history_seq", Integer, nullable=False),
    Column("head_hash", String(64), nullable=False),
    # One slot per number, in all pools.
    Index(
        "uq_pool_number_number_key_live",
        "number_key",
        unique=True,
        **only(_IS_SLOT),
    ),
    Index(
        "ix_pool_number_next_due_at_due",
        "next_due_at",
        **only(_IS_DUE),
    ),
    Index(None, "business_id", "region", "state"),
    Index(None, "preverified_id"),
)

pool_history = Table(
    "pool_history",
    metadata,
    Column("pool_number_id", String(32), ForeignKey("pool_number.id"), nullable=False),
    Column("seq", Integer, nullable=False),
    Column("entry", Text, nullable=False),
    Column("hash", String(64), nullable=False),
    PrimaryKeyConstraint("pool_number_id", "seq"),
)

#: With which partner businesses a number is shared, was, or is to be.
pool_share = Table(
    "pool_share",
    metadata,
    Column("pool_number_id", String(32), ForeignKey("pool_number.id"), nullable=False),
    Column("partner_business_id", String(32), nullable=False),
    Column("state", Word(ShareState), nullable=False),
    Column("asked_by", Text, nullable=False),
    Column("asked_at", Instant, nullable=False),
    Column("changed_at", Instant, nullable=False),
    Column("why", Text),
    Column("seen_at", Instant),
    Column("seen_present", Boolean),
    PrimaryKeyConstraint("pool_number_id", "partner_business_id"),
)

#: The claim ledger: which temporary id became which phone number id, for whom, when.
pool_claim = Table(
    "pool_claim",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("pool_number_id", String(32), ForeignKey("pool_number.id"), nullable=False),
    Column("number_key", String(20), nullable=False),
    Column("preverified_id", String(32)),
    Column("claimed_for", Text, nullable=False),
    Column("claimed_by", Text, nullable=False),
    Column("claimed_at", Instant, nullable=False),
    Column("onboarding_id", String(32), ForeignKey("onboarding.id")),
    Column("waba_id", String(32)),
    Column("phone_number_id", String(32)),
    Column("replaced_at", Instant),
    Column("released_at", Instant),
    Column("released_why", Text),
    # One live claim per slot, and per onboarding.
    Index(
        "uq_pool_claim_pool_number_id_live",
        "pool_number_id",
        unique=True,
        **only(_IS_LIVE),
    ),
    Index(
        "uq_pool_claim_onboarding_id_live",
        "onboarding_id",
        unique=True,
        **only(_IS_LIVE),
    ),
    Index(None, "number_key"),
)

#: How many verified numbers of a country a pool is to have at least.
pool_stock = Table(
    "pool_stock",
    metadata,
    Column("business_id", String(32), ForeignKey("pool.business_id"), nullable=False),
    Column("region", String(3), nullable=False),
    Column("at_least", Integer, nullable=False),
    Column("set_by", Text, nullable=False),
    Column("set_at", Instant, nullable=False),
    PrimaryKeyConstraint("business_id", "region"),
)
