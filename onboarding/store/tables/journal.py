"""The journal of calls, and the budgets that they are taken from."""

from __future__ import annotations

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    PrimaryKeyConstraint,
    String,
    Table,
    Text,
)

from onboarding.model import CodeMethod, Operation, OperationStatus, Outcome
from onboarding.store.columns import Instant, Record, Word
from onboarding.store.tables.base import IS_OPEN, metadata, only

operation = Table(
    "operation",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("onboarding_id", String(32), ForeignKey("onboarding.id")),
    Column("waba_id", String(32), ForeignKey("account.waba_id"), nullable=False),
    Column("number_key", String(20)),
    Column("cycle", Integer, nullable=False),
    Column("name", Word(Operation), nullable=False),
    Column("natural_key", Text, nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("status", Word(OperationStatus), nullable=False),
    Column("intent_at", Instant, nullable=False),
    Column("settle_at", Instant, nullable=False),
    Column("worker", Text, nullable=False),
    Column("outcome", Record(Outcome)),
    Column("outcome_at", Instant),
    Column("applied", Boolean, nullable=False),
    Column("resolved_by", String(20)),
    Column("code_method", Word(CodeMethod)),
    Column("pin_sealed", Text),
    Column("pool_number_id", String(32)),
    # One open call per onboarding: what is unanswered is settled before anything else is sent.
    Index(
        "uq_operation_onboarding_id_open",
        "onboarding_id",
        unique=True,
        **only(IS_OPEN),
    ),
    # A number is created on a WABA once, until a probe shows that it is not there.
    Index(
        "uq_operation_natural_key_create",
        "natural_key",
        unique=True,
        **only("name = 'create_number' AND status IN ('pending', 'unknown', 'succeeded')"),
    ),
    # The same of a migration.
    Index(
        "uq_operation_natural_key_migrate",
        "natural_key",
        unique=True,
        **only("name = 'migrate_number' AND status IN ('pending', 'unknown', 'succeeded')"),
    ),
    # Numbers that no read of the list need have shown yet: they take slots all the same.
    Index(
        "ix_operation_waba_id_intent_at_create",
        "waba_id",
        "intent_at",
        **only("name = 'create_number' AND status IN ('pending', 'unknown', 'succeeded')"),
    ),
    # A code is sent to Meta once, whatever came of it.
    Index(
        "uq_operation_natural_key_verify",
        "natural_key",
        unique=True,
        **only("name = 'verify_code' AND status <> 'unsent'"),
    ),
    # The same for numbers of the pool: one open call each, one slot, and a code is sent once.
    Index(
        "uq_operation_pool_number_id_open",
        "pool_number_id",
        unique=True,
        **only(IS_OPEN),
    ),
    Index(
        "uq_operation_natural_key_add",
        "natural_key",
        unique=True,
        **only("name = 'add_preverified' AND status IN ('pending', 'unknown', 'succeeded')"),
    ),
    Index(
        "uq_operation_natural_key_pool_code",
        "natural_key",
        unique=True,
        **only("name = 'verify_preverified' AND status <> 'unsent'"),
    ),
    Index(None, "number_key", "intent_at"),
    Index(None, "onboarding_id", "applied"),
    Index(None, "pool_number_id", "applied"),
)

budget = Table(
    "budget",
    metadata,
    Column("key", String(60), nullable=False),
    Column("bucket", Instant, nullable=False),
    Column("used", Integer, nullable=False),
    PrimaryKeyConstraint("key", "bucket"),
    CheckConstraint("used >= 0", name="used_not_negative"),
)

breaker = Table(
    "breaker",
    metadata,
    Column("key", String(60), primary_key=True),
    Column("percent", Integer, nullable=False),
    Column("read_at", Instant, nullable=False),
    Column("open_until", Instant),
    Column("why", Text, nullable=False),
)
