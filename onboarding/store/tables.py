"""The tables. The migrations under ``alembic/`` make them; a test holds the two together."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    ForeignKey,
    Identity,
    Index,
    Integer,
    MetaData,
    PrimaryKeyConstraint,
    String,
    Table,
    Text,
    text,
)

from onboarding.core.lifecycle import LIVE
from onboarding.model import (
    OPEN,
    AlertKind,
    CodeMethod,
    DeadlineReason,
    DeliveryStatus,
    Drift,
    Entry,
    Operation,
    OperationStatus,
    Outcome,
    Owner,
    PhoneNumber,
    Reason,
    State,
    TokenFacts,
    Trouble,
)
from onboarding.store.columns import Instant, Record, Word

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)


def _sql_list(values: tuple[str, ...]) -> str:
    return ", ".join(f"'{value}'" for value in values)


_LIVE = text(f"state IN ({_sql_list(tuple(s.value for s in LIVE))})")
_OPEN = text(f"status IN ({_sql_list(tuple(s.value for s in OPEN))})")

#: Facts of the deployment itself: the id of its secret key, and later marks of restores.
deployment = Table(
    "deployment",
    metadata,
    Column("name", String(40), primary_key=True),
    Column("value", Text, nullable=False),
)

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
        sqlite_where=text("active"),
        postgresql_where=text("active"),
    ),
)

onboarding = Table(
    "onboarding",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("key", String(200), unique=True),
    Column("content_digest", String(64), nullable=False),
    Column("waba_id", String(32), ForeignKey("account.waba_id"), nullable=False),
    Column("number_key", String(20), nullable=False),
    Column("phone_number", String(20), nullable=False),
    Column("cc", String(3), nullable=False),
    Column("national_number", String(20), nullable=False),
    Column("region", String(3), nullable=False),
    Column("display_name", Text, nullable=False),
    Column("entry", Word(Entry), nullable=False),
    Column("requested_by", Text, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("state", Word(State), nullable=False),
    Column("state_since", Instant, nullable=False),
    Column("cycle", Integer, nullable=False),
    Column("definition", Integer, nullable=False),
    Column("version", Integer, nullable=False),
    Column("next_due_at", Instant),
    Column("waiting", Word(Reason), nullable=False),
    Column("waiting_for", Word(Owner), nullable=False),
    Column("waiting_since", Instant, nullable=False),
    Column("lease_owner", Text),
    Column("lease_until", Instant),
    Column("reclaims", Integer, nullable=False),
    Column("phone_number_id", String(32)),
    Column("seen", Record(PhoneNumber)),
    Column("seen_at", Instant),
    Column("seen_present", Boolean),
    Column("absent_since", Instant),
    Column("code_method", Word(CodeMethod), nullable=False),
    Column("code_language", String(10), nullable=False),
    Column("code_window", Text),
    Column("code_ready", Boolean, nullable=False),
    Column("code_sent_at", Instant),
    Column("code_sends", Integer, nullable=False),
    Column("code_tries", Integer, nullable=False),
    Column("code_sealed", Text),
    Column("code_mac", String(64)),
    Column("code_given_at", Instant),
    Column("pin_sealed", Text),
    Column("pin_pending_sealed", Text),
    Column("pin_mismatches", Integer, nullable=False),
    Column("new_display_name", Text),
    Column("name_submitted_at", Instant),
    Column("name_unapproved_at", Instant),
    Column("name_approved_at", Instant),
    Column("renaming", Boolean, nullable=False),
    Column("rejection_reason", Text),
    Column("register_accepted_at", Instant),
    Column("registered_at", Instant),
    Column("onboarded_at", Instant),
    Column("register_by", Instant),
    Column("register_by_reason", Word(DeadlineReason)),
    Column("tries", Integer, nullable=False),
    Column("retry_at", Instant),
    Column("retry_operation", Word(Operation)),
    Column("trouble", Record(Trouble)),
    Column("hold", Word(Reason)),
    Column("hold_text", Text),
    Column("hold_by", Text),
    Column("hold_since", Instant),
    Column("hold_until", Instant),
    Column("history_seq", Integer, nullable=False),
    Column("head_hash", String(64), nullable=False),
    Column("name_status", Text),
    Column("new_name_status", Text),
    Column("name_decided_at", Instant),
    Column("drift", Record(Drift)),
    Column("name_held", Text),
    Column("preverified_id", String(32)),
    Column("claimed_at", Instant),
    Column("offboard_at", Instant),
    Column("batch_id", String(32)),
    Column("batch_line", Integer),
    Index(
        "ix_onboarding_batch_id_batch_line_id",
        "batch_id",
        "batch_line",
        "id",
        sqlite_where=text("batch_id IS NOT NULL"),
        postgresql_where=text("batch_id IS NOT NULL"),
    ),
    # The queue for slots of a WABA.
    Index(
        "ix_onboarding_waba_id_slot",
        "waba_id",
        sqlite_where=text("waiting = 'slot'"),
        postgresql_where=text("waiting = 'slot'"),
    ),
    # One live claim per number, in the whole database.
    Index(
        "uq_onboarding_number_key_live",
        "number_key",
        unique=True,
        sqlite_where=_LIVE,
        postgresql_where=_LIVE,
    ),
    # What is due, and nothing else: claims stay flat however many machines rest.
    Index(
        "ix_onboarding_claim_order",
        "next_due_at",
        "id",
        sqlite_where=text("next_due_at IS NOT NULL"),
        postgresql_where=text("next_due_at IS NOT NULL"),
    ),
    Index(None, "waba_id", "state"),
    Index(None, "number_key"),
    Index(None, "phone_number_id"),
    Index(None, "register_by"),
    Index(
        "ix_onboarding_code_sent_at_pending",
        "code_sent_at",
        sqlite_where=text("state = 'otp_pending'"),
        postgresql_where=text("state = 'otp_pending'"),
    ),
    Index(
        "ix_onboarding_waba_id_register_by_budget",
        "waba_id",
        "register_by",
        sqlite_where=text("waiting = 'budget'"),
        postgresql_where=text("waiting = 'budget'"),
    ),
    # What will be due, nearest deadline first: those whose deadline is near are claimed by it.
    Index(
        "ix_onboarding_register_by_next_due_at_id_awake",
        "register_by",
        "next_due_at",
        "id",
        sqlite_where=text("next_due_at IS NOT NULL"),
        postgresql_where=text("next_due_at IS NOT NULL"),
    ),
    # Whose turn it is, nearest deadline first; those that rest are not in it.
    Index(
        "ix_onboarding_register_by_waiting_for_id_due",
        "register_by",
        "waiting_for",
        "id",
        sqlite_where=text("waiting NOT IN ('done', 'over')"),
        postgresql_where=text("waiting NOT IN ('done', 'over')"),
    ),
)

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
        sqlite_where=_OPEN,
        postgresql_where=_OPEN,
    ),
    # A number is created on a WABA once, until a probe shows that it is not there.
    Index(
        "uq_operation_natural_key_create",
        "natural_key",
        unique=True,
        sqlite_where=text(
            "name = 'create_number' AND status IN ('pending', 'unknown', 'succeeded')"
        ),
        postgresql_where=text(
            "name = 'create_number' AND status IN ('pending', 'unknown', 'succeeded')"
        ),
    ),
    # The same of a migration.
    Index(
        "uq_operation_natural_key_migrate",
        "natural_key",
        unique=True,
        sqlite_where=text(
            "name = 'migrate_number' AND status IN ('pending', 'unknown', 'succeeded')"
        ),
        postgresql_where=text(
            "name = 'migrate_number' AND status IN ('pending', 'unknown', 'succeeded')"
        ),
    ),
    # Numbers that no read of the list need have shown yet: they take slots all the same.
    Index(
        "ix_operation_waba_id_intent_at_create",
        "waba_id",
        "intent_at",
        sqlite_where=text(
            "name = 'create_number' AND status IN ('pending', 'unknown', 'succeeded')"
        ),
        postgresql_where=text(
            "name = 'create_number' AND status IN ('pending', 'unknown', 'succeeded')"
        ),
    ),
    # A code is sent to Meta once, whatever came of it.
    Index(
        "uq_operation_natural_key_verify",
        "natural_key",
        unique=True,
        sqlite_where=text("name = 'verify_code' AND status <> 'unsent'"),
        postgresql_where=text("name = 'verify_code' AND status <> 'unsent'"),
    ),
    # The same for numbers of the pool: one open call each, one slot, and a code is sent once.
    Index(
        "uq_operation_pool_number_id_open",
        "pool_number_id",
        unique=True,
        sqlite_where=_OPEN,
        postgresql_where=_OPEN,
    ),
    Index(
        "uq_operation_natural_key_add",
        "natural_key",
        unique=True,
        sqlite_where=text(
            "name = 'add_preverified' AND status IN ('pending', 'unknown', 'succeeded')"
        ),
        postgresql_where=text(
            "name = 'add_preverified' AND status IN ('pending', 'unknown', 'succeeded')"
        ),
    ),
    Index(
        "uq_operation_natural_key_pool_code",
        "natural_key",
        unique=True,
        sqlite_where=text("name = 'verify_preverified' AND status <> 'unsent'"),
        postgresql_where=text("name = 'verify_preverified' AND status <> 'unsent'"),
    ),
    Index(None, "number_key", "intent_at"),
    Index(None, "onboarding_id", "applied"),
    Index(None, "pool_number_id", "applied"),
)

history = Table(
    "history",
    metadata,
    Column("onboarding_id", String(32), ForeignKey("onboarding.id"), nullable=False),
    Column("seq", Integer, nullable=False),
    Column("entry", Text, nullable=False),
    Column("hash", String(64), nullable=False),
    PrimaryKeyConstraint("onboarding_id", "seq"),
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
    Column("position", BigInteger().with_variant(Integer, "sqlite"), Identity(), primary_key=True),
    Column("kind", String(20), nullable=False),
    Column("owner", String(32), nullable=False),
)

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
        sqlite_where=text("closed_at IS NULL"),
        postgresql_where=text("closed_at IS NULL"),
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

#: Whose turn it was with an onboarding, and from when on; before the first it was the engine's.
turn = Table(
    "turn",
    metadata,
    Column("onboarding_id", String(32), nullable=False),
    Column("version", Integer, nullable=False),
    Column("since", Instant, nullable=False),
    Column("owner", Word(Owner)),
    Column("waiting", Word(Reason), nullable=False),
    PrimaryKeyConstraint("onboarding_id", "version"),
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

_POSITION = BigInteger().with_variant(Integer, "sqlite")

#: What happened, for programs that follow; kept for a while and then removed.
event = Table(
    "event",
    metadata,
    Column("seq", _POSITION, Identity(), primary_key=True),
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
    Column("event_seq", _POSITION, ForeignKey("event.seq"), nullable=False),
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
        sqlite_where=text("status = 'pending'"),
        postgresql_where=text("status = 'pending'"),
    ),
    Index(
        "ix_delivery_subject_channel_event_seq_pending",
        "subject",
        "channel",
        "event_seq",
        sqlite_where=text("status = 'pending'"),
        postgresql_where=text("status = 'pending'"),
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
        sqlite_where=text("next_at IS NOT NULL"),
        postgresql_where=text("next_at IS NOT NULL"),
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
        sqlite_where=text("settled_at IS NULL"),
        postgresql_where=text("settled_at IS NULL"),
    ),
)
# Tables with a module of their own are part of the same schema.
from onboarding.store import approval_tables, migration_tables  # noqa: E402, F401
