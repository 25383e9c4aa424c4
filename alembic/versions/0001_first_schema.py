"""The first schema."""

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

#: States that hold the one claim on a number.
LIVE = (
    "state IN ('requested', 'created', 'otp_pending', 'verified', 'name_review', "
    "'register_deadline', 'registered')"
)
INSTANT = sa.String(27).with_variant(postgresql.TIMESTAMP(timezone=True), "postgresql")


def upgrade():
    op.create_table(
        "account",
        sa.Column("waba_id", sa.String(32), nullable=False),
        sa.Column("business_id", sa.String(32)),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("token_sealed", sa.Text, nullable=False),
        sa.Column("added_by", sa.Text, nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("active", sa.Boolean, nullable=False),
        sa.Column("listed_at", INSTANT),
        sa.Column("observe_due_at", INSTANT),
        sa.Column("check_due_at", INSTANT),
        sa.Column("subscribed_at", INSTANT),
        sa.Column("lease_until", INSTANT),
        sa.Column("failures", sa.Integer, nullable=False),
        sa.Column("trouble", sa.Text),
        sa.Column("hold", sa.String(40)),
        sa.Column("hold_text", sa.Text),
        sa.Column("hold_by", sa.Text),
        sa.Column("hold_since", INSTANT),
        sa.Column("history_seq", sa.Integer, nullable=False),
        sa.Column("head_hash", sa.String(64), nullable=False),
        sa.PrimaryKeyConstraint("waba_id", name="pk_account"),
    )
    op.create_index("ix_account_check_due_at", "account", ["check_due_at"])
    op.create_index("ix_account_observe_due_at", "account", ["observe_due_at"])
    op.create_table(
        "breaker",
        sa.Column("key", sa.String(60), nullable=False),
        sa.Column("percent", sa.Integer, nullable=False),
        sa.Column("read_at", INSTANT, nullable=False),
        sa.Column("open_until", INSTANT),
        sa.Column("why", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("key", name="pk_breaker"),
    )
    op.create_table(
        "budget",
        sa.Column("key", sa.String(60), nullable=False),
        sa.Column("bucket", INSTANT, nullable=False),
        sa.Column("used", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("key", "bucket", name="pk_budget"),
        sa.CheckConstraint("used >= 0", name="ck_budget_used_not_negative"),
    )
    op.create_table(
        "deployment",
        sa.Column("name", sa.String(40), nullable=False),
        sa.Column("value", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_deployment"),
    )
    op.create_table(
        "escalation",
        sa.Column("onboarding_id", sa.String(32), nullable=False),
        sa.Column("cycle", sa.Integer, nullable=False),
        sa.Column("reason", sa.String(40), nullable=False),
        sa.Column("rung", sa.String(40), nullable=False),
        sa.Column("raised_at", INSTANT, nullable=False),
        sa.Column("collapsed_into", sa.String(40)),
        sa.PrimaryKeyConstraint("onboarding_id", "cycle", "reason", "rung", name="pk_escalation"),
    )
    op.create_table(
        "webhook_event",
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("received_at", INSTANT, nullable=False),
        sa.Column("field", sa.String(60), nullable=False),
        sa.Column("waba_id", sa.String(32)),
        sa.PrimaryKeyConstraint("digest", name="pk_webhook_event"),
    )
    op.create_table(
        "worker",
        sa.Column("id", sa.String(120), nullable=False),
        sa.Column("started_at", INSTANT, nullable=False),
        sa.Column("seen_at", INSTANT, nullable=False),
        sa.Column("stopped_at", INSTANT),
        sa.Column("loops", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_worker"),
    )
    op.create_table(
        "onboarding",
        sa.Column("id", sa.String(32), nullable=False),
        sa.Column("key", sa.String(200)),
        sa.Column("content_digest", sa.String(64), nullable=False),
        sa.Column("waba_id", sa.String(32), nullable=False),
        sa.Column("number_key", sa.String(20), nullable=False),
        sa.Column("phone_number", sa.String(20), nullable=False),
        sa.Column("cc", sa.String(3), nullable=False),
        sa.Column("national_number", sa.String(20), nullable=False),
        sa.Column("region", sa.String(3), nullable=False),
        sa.Column("display_name", sa.Text, nullable=False),
        sa.Column("entry", sa.String(40), nullable=False),
        sa.Column("requested_by", sa.Text, nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("state", sa.String(40), nullable=False),
        sa.Column("state_since", INSTANT, nullable=False),
        sa.Column("cycle", sa.Integer, nullable=False),
        sa.Column("definition", sa.Integer, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("next_due_at", INSTANT),
        sa.Column("waiting", sa.String(40), nullable=False),
        sa.Column("waiting_for", sa.String(40), nullable=False),
        sa.Column("waiting_since", INSTANT, nullable=False),
        sa.Column("lease_owner", sa.Text),
        sa.Column("lease_until", INSTANT),
        sa.Column("reclaims", sa.Integer, nullable=False),
        sa.Column("phone_number_id", sa.String(32)),
        sa.Column("seen", sa.Text),
        sa.Column("seen_at", INSTANT),
        sa.Column("seen_present", sa.Boolean),
        sa.Column("absent_since", INSTANT),
        sa.Column("code_method", sa.String(40), nullable=False),
        sa.Column("code_language", sa.String(10), nullable=False),
        sa.Column("code_window", sa.Text),
        sa.Column("code_ready", sa.Boolean, nullable=False),
        sa.Column("code_sent_at", INSTANT),
        sa.Column("code_sends", sa.Integer, nullable=False),
        sa.Column("code_tries", sa.Integer, nullable=False),
        sa.Column("code_sealed", sa.Text),
        sa.Column("code_mac", sa.String(64)),
        sa.Column("code_given_at", INSTANT),
        sa.Column("pin_sealed", sa.Text),
        sa.Column("pin_pending_sealed", sa.Text),
        sa.Column("pin_mismatches", sa.Integer, nullable=False),
        sa.Column("new_display_name", sa.Text),
        sa.Column("name_submitted_at", INSTANT),
        sa.Column("name_unapproved_at", INSTANT),
        sa.Column("name_approved_at", INSTANT),
        sa.Column("renaming", sa.Boolean, nullable=False),
        sa.Column("rejection_reason", sa.Text),
        sa.Column("register_accepted_at", INSTANT),
        sa.Column("registered_at", INSTANT),
        sa.Column("onboarded_at", INSTANT),
        sa.Column("register_by", INSTANT),
        sa.Column("register_by_reason", sa.String(40)),
        sa.Column("tries", sa.Integer, nullable=False),
        sa.Column("retry_at", INSTANT),
        sa.Column("retry_operation", sa.String(40)),
        sa.Column("trouble", sa.Text),
        sa.Column("hold", sa.String(40)),
        sa.Column("hold_text", sa.Text),
        sa.Column("hold_by", sa.Text),
        sa.Column("hold_since", INSTANT),
        sa.Column("hold_until", INSTANT),
        sa.Column("history_seq", sa.Integer, nullable=False),
        sa.Column("head_hash", sa.String(64), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_onboarding"),
        sa.ForeignKeyConstraint(["waba_id"], ["account.waba_id"], name="fk_onboarding_waba_id"),
        sa.UniqueConstraint("key", name="uq_onboarding_key"),
    )
    op.create_index(
        "ix_onboarding_next_due_at",
        "onboarding",
        ["next_due_at"],
        sqlite_where=sa.text("next_due_at IS NOT NULL"),
        postgresql_where=sa.text("next_due_at IS NOT NULL"),
    )
    op.create_index("ix_onboarding_number_key", "onboarding", ["number_key"])
    op.create_index("ix_onboarding_phone_number_id", "onboarding", ["phone_number_id"])
    op.create_index("ix_onboarding_register_by", "onboarding", ["register_by"])
    op.create_index(
        "ix_onboarding_code_sent_at_pending",
        "onboarding",
        ["code_sent_at"],
        sqlite_where=sa.text("state = 'otp_pending'"),
        postgresql_where=sa.text("state = 'otp_pending'"),
    )
    op.create_index(
        "ix_onboarding_waba_id_register_by_budget",
        "onboarding",
        ["waba_id", "register_by"],
        sqlite_where=sa.text("waiting = 'budget'"),
        postgresql_where=sa.text("waiting = 'budget'"),
    )
    op.create_index("ix_onboarding_waba_id_state", "onboarding", ["waba_id", "state"])
    op.create_index(
        "uq_onboarding_number_key_live",
        "onboarding",
        ["number_key"],
        unique=True,
        sqlite_where=sa.text(LIVE),
        postgresql_where=sa.text(LIVE),
    )
    op.create_table(
        "account_history",
        sa.Column("waba_id", sa.String(32), nullable=False),
        sa.Column("seq", sa.Integer, nullable=False),
        sa.Column("entry", sa.Text, nullable=False),
        sa.Column("hash", sa.String(64), nullable=False),
        sa.PrimaryKeyConstraint("waba_id", "seq", name="pk_account_history"),
        sa.ForeignKeyConstraint(
            ["waba_id"], ["account.waba_id"], name="fk_account_history_waba_id"
        ),
    )
    op.create_table(
        "deadline",
        sa.Column("onboarding_id", sa.String(32), nullable=False),
        sa.Column("cycle", sa.Integer, nullable=False),
        sa.Column("reason", sa.String(40), nullable=False),
        sa.Column("anchor_source", sa.String(40), nullable=False),
        sa.Column("starts_at", INSTANT, nullable=False),
        sa.Column("due_at", INSTANT, nullable=False),
        sa.Column("next_rung", sa.Integer, nullable=False),
        sa.Column("next_rung_at", INSTANT),
        sa.Column("closed_at", INSTANT),
        sa.Column("closed_how", sa.String(20)),
        sa.PrimaryKeyConstraint("onboarding_id", "cycle", "reason", name="pk_deadline"),
        sa.ForeignKeyConstraint(
            ["onboarding_id"], ["onboarding.id"], name="fk_deadline_onboarding_id"
        ),
    )
    op.create_index(
        "ix_deadline_next_rung_at",
        "deadline",
        ["next_rung_at"],
        sqlite_where=sa.text("closed_at IS NULL"),
        postgresql_where=sa.text("closed_at IS NULL"),
    )
    op.create_table(
        "history",
        sa.Column("onboarding_id", sa.String(32), nullable=False),
        sa.Column("seq", sa.Integer, nullable=False),
        sa.Column("entry", sa.Text, nullable=False),
        sa.Column("hash", sa.String(64), nullable=False),
        sa.PrimaryKeyConstraint("onboarding_id", "seq", name="pk_history"),
        sa.ForeignKeyConstraint(
            ["onboarding_id"], ["onboarding.id"], name="fk_history_onboarding_id"
        ),
    )
    op.create_table(
        "operation",
        sa.Column("id", sa.String(32), nullable=False),
        sa.Column("onboarding_id", sa.String(32)),
        sa.Column("waba_id", sa.String(32), nullable=False),
        sa.Column("number_key", sa.String(20)),
        sa.Column("cycle", sa.Integer, nullable=False),
        sa.Column("name", sa.String(40), nullable=False),
        sa.Column("natural_key", sa.Text, nullable=False),
        sa.Column("attempt", sa.Integer, nullable=False),
        sa.Column("status", sa.String(40), nullable=False),
        sa.Column("intent_at", INSTANT, nullable=False),
        sa.Column("settle_at", INSTANT, nullable=False),
        sa.Column("worker", sa.Text, nullable=False),
        sa.Column("outcome", sa.Text),
        sa.Column("outcome_at", INSTANT),
        sa.Column("applied", sa.Boolean, nullable=False),
        sa.Column("resolved_by", sa.String(20)),
        sa.PrimaryKeyConstraint("id", name="pk_operation"),
        sa.ForeignKeyConstraint(["waba_id"], ["account.waba_id"], name="fk_operation_waba_id"),
        sa.ForeignKeyConstraint(
            ["onboarding_id"], ["onboarding.id"], name="fk_operation_onboarding_id"
        ),
    )
    op.create_index("ix_operation_number_key_intent_at", "operation", ["number_key", "intent_at"])
    op.create_index("ix_operation_onboarding_id_applied", "operation", ["onboarding_id", "applied"])
    op.create_index(
        "uq_operation_natural_key_create",
        "operation",
        ["natural_key"],
        unique=True,
        sqlite_where=sa.text(
            "name = 'create_number' AND status IN ('pending', 'unknown', 'succeeded')"
        ),
        postgresql_where=sa.text(
            "name = 'create_number' AND status IN ('pending', 'unknown', 'succeeded')"
        ),
    )
    op.create_index(
        "uq_operation_natural_key_verify",
        "operation",
        ["natural_key"],
        unique=True,
        sqlite_where=sa.text("name = 'verify_code' AND status <> 'unsent'"),
        postgresql_where=sa.text("name = 'verify_code' AND status <> 'unsent'"),
    )
    op.create_index(
        "uq_operation_onboarding_id_open",
        "operation",
        ["onboarding_id"],
        unique=True,
        sqlite_where=sa.text("status IN ('pending', 'unknown')"),
        postgresql_where=sa.text("status IN ('pending', 'unknown')"),
    )
    if op.get_context().dialect.name == "postgresql":
        _guard_postgresql()
    else:
        _guard_sqlite("history", "onboarding_id")
        _guard_sqlite("account_history", "waba_id")


def downgrade():
    raise RuntimeError("there is nothing before the first schema; restore a backup instead")


def _guard_sqlite(table, owner):
    # INSERT OR REPLACE deletes without a DELETE trigger, so a third one refuses a taken key.
    taken = f"SELECT 1 FROM {table} WHERE {owner} = NEW.{owner} AND seq = NEW.seq"  # noqa: S608 - our own names
    refusals = (
        ("update", f"BEFORE UPDATE ON {table}"),
        ("delete", f"BEFORE DELETE ON {table}"),
        ("replace", f"BEFORE INSERT ON {table} WHEN EXISTS ({taken})"),
    )
    for name, moment in refusals:
        op.execute(
            f"CREATE TRIGGER {table}_refuses_{name} {moment} "
            "BEGIN SELECT RAISE(ABORT, 'history is append-only'); END"
        )


def _guard_postgresql():
    op.execute(
        "CREATE FUNCTION history_is_append_only() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN RAISE EXCEPTION 'history is append-only'; END $$"
    )
    for table in ("history", "account_history"):
        for name, each in (("update", "ROW"), ("delete", "ROW"), ("truncate", "STATEMENT")):
            trigger = f"{table}_refuses_{name}"
            op.execute(
                f"CREATE TRIGGER {trigger} BEFORE {name.upper()} ON {table} "
                f"FOR EACH {each} EXECUTE FUNCTION history_is_append_only()"
            )
            op.execute(f"ALTER TABLE {table} ENABLE ALWAYS TRIGGER {trigger}")
