"""Expand: the pool of pre-verified numbers, its claims, and the calls that are made for it."""

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

INSTANT = sa.String(27).with_variant(postgresql.TIMESTAMP(timezone=True), "postgresql")
OPEN = sa.text("status IN ('pending', 'unknown')")
ADDED = sa.text("name = 'add_preverified' AND status IN ('pending', 'unknown', 'succeeded')")
CODE_SENT = sa.text("name = 'verify_preverified' AND status <> 'unsent'")
IS_SLOT = sa.text("state NOT IN ('replaced', 'removed', 'failed')")
IS_LIVE = sa.text("released_at IS NULL")
IS_DUE = sa.text("next_due_at IS NOT NULL")


def upgrade():
    op.add_column("onboarding", sa.Column("preverified_id", sa.String(32)))
    op.add_column("onboarding", sa.Column("claimed_at", INSTANT))
    op.add_column("operation", sa.Column("pool_number_id", sa.String(32)))
    _unique("uq_operation_pool_number_id_open", "operation", "pool_number_id", OPEN)
    _unique("uq_operation_natural_key_add", "operation", "natural_key", ADDED)
    _unique("uq_operation_natural_key_pool_code", "operation", "natural_key", CODE_SENT)
    op.create_index(
        "ix_operation_pool_number_id_applied",
        "operation",
        ["pool_number_id", "applied"],
        if_not_exists=True,
    )
    _pool()
    _number()
    _history()
    _share()
    _claim()
    op.create_table(
        "pool_stock",
        sa.Column("business_id", sa.String(32), nullable=False),
        sa.Column("region", sa.String(3), nullable=False),
        sa.Column("at_least", sa.Integer, nullable=False),
        sa.Column("set_by", sa.Text, nullable=False),
        sa.Column("set_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("business_id", "region", name="pk_pool_stock"),
        sa.ForeignKeyConstraint(
            ["business_id"], ["pool.business_id"], name="fk_pool_stock_business_id"
        ),
    )
    if op.get_context().dialect.name == "postgresql":
        _guard_postgresql()
    else:
        _guard_sqlite()


def downgrade():
    raise RuntimeError("who claimed which number would be lost; restore a backup instead")


def _unique(name, table, column, where):
    op.create_index(
        name,
        table,
        [column],
        unique=True,
        sqlite_where=where,
        postgresql_where=where,
        if_not_exists=True,
    )


def _pool():
    op.create_table(
        "pool",
        sa.Column("business_id", sa.String(32), nullable=False),
        sa.Column("waba_id", sa.String(32), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("listed_at", INSTANT),
        sa.Column("observe_due_at", INSTANT),
        sa.Column("failures", sa.Integer, nullable=False),
        sa.Column("trouble", sa.Text),
        sa.PrimaryKeyConstraint("business_id", name="pk_pool"),
        sa.ForeignKeyConstraint(["waba_id"], ["account.waba_id"], name="fk_pool_waba_id"),
    )


def _number():
    op.create_table(
        "pool_number",
        sa.Column("id", sa.String(32), nullable=False),
        sa.Column("business_id", sa.String(32), nullable=False),
        sa.Column("number_key", sa.String(20), nullable=False),
        sa.Column("phone_number", sa.String(20), nullable=False),
        sa.Column("region", sa.String(3), nullable=False),
        sa.Column("added_by", sa.Text, nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("state", sa.String(40), nullable=False),
        sa.Column("state_since", INSTANT, nullable=False),
        sa.Column("next_due_at", INSTANT),
        sa.Column("waiting", sa.String(40), nullable=False),
        sa.Column("waiting_for", sa.String(40), nullable=False),
        sa.Column("waiting_since", INSTANT, nullable=False),
        sa.Column("preverified_id", sa.String(32)),
        sa.Column("added_at", INSTANT),
        sa.Column("verified_at", INSTANT),
        sa.Column("expires_at", INSTANT),
        sa.Column("seen", sa.Text),
        sa.Column("seen_at", INSTANT),
        sa.Column("seen_present", sa.Boolean),
        sa.Column("absent_since", INSTANT),
        sa.Column("code_method", sa.String(40), nullable=False),
        sa.Column("code_language", sa.String(10), nullable=False),
        sa.Column("code_ready", sa.Boolean, nullable=False),
        sa.Column("code_sent_at", INSTANT),
        sa.Column("code_sends", sa.Integer, nullable=False),
        sa.Column("code_tries", sa.Integer, nullable=False),
        sa.Column("code_sealed", sa.Text),
        sa.Column("code_mac", sa.String(64)),
        sa.Column("is_leaving", sa.Boolean, nullable=False),
        sa.Column("tries", sa.Integer, nullable=False),
        sa.Column("retry_at", INSTANT),
        sa.Column("retry_operation", sa.String(40)),
        sa.Column("trouble", sa.Text),
        sa.Column("hold", sa.String(40)),
        sa.Column("hold_text", sa.Text),
        sa.Column("hold_by", sa.Text),
        sa.Column("hold_since", INSTANT),
        sa.Column("history_seq", sa.Integer, nullable=False),
        sa.Column("head_hash", sa.String(64), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_pool_number"),
        sa.ForeignKeyConstraint(
            ["business_id"], ["pool.business_id"], name="fk_pool_number_business_id"
        ),
    )
    _unique("uq_pool_number_number_key_live", "pool_number", "number_key", IS_SLOT)
    op.create_index(
        "ix_pool_number_next_due_at_due",
        "pool_number",
        ["next_due_at"],
        sqlite_where=IS_DUE,
        postgresql_where=IS_DUE,
    )
    op.create_index(
        "ix_pool_number_business_id_region_state",
        "pool_number",
        ["business_id", "region", "state"],
    )
    op.create_index("ix_pool_number_preverified_id", "pool_number", ["preverified_id"])


def _history():
    op.create_table(
        "pool_history",
        sa.Column("pool_number_id", sa.String(32), nullable=False),
        sa.Column("seq", sa.Integer, nullable=False),
        sa.Column("entry", sa.Text, nullable=False),
        sa.Column("hash", sa.String(64), nullable=False),
        sa.PrimaryKeyConstraint("pool_number_id", "seq", name="pk_pool_history"),
        sa.ForeignKeyConstraint(
            ["pool_number_id"], ["pool_number.id"], name="fk_pool_history_pool_number_id"
        ),
    )


def _share():
    op.create_table(
        "pool_share",
        sa.Column("pool_number_id", sa.String(32), nullable=False),
        sa.Column("partner_business_id", sa.String(32), nullable=False),
        sa.Column("state", sa.String(40), nullable=False),
        sa.Column("asked_by", sa.Text, nullable=False),
        sa.Column("asked_at", INSTANT, nullable=False),
        sa.Column("changed_at", INSTANT, nullable=False),
        sa.Column("why", sa.Text),
        sa.Column("seen_at", INSTANT),
        sa.Column("seen_present", sa.Boolean),
        sa.PrimaryKeyConstraint("pool_number_id", "partner_business_id", name="pk_pool_share"),
        sa.ForeignKeyConstraint(
            ["pool_number_id"], ["pool_number.id"], name="fk_pool_share_pool_number_id"
        ),
    )


def _claim():
    op.create_table(
        "pool_claim",
        sa.Column("id", sa.String(32), nullable=False),
        sa.Column("pool_number_id", sa.String(32), nullable=False),
        sa.Column("number_key", sa.String(20), nullable=False),
        sa.Column("preverified_id", sa.String(32)),
        sa.Column("claimed_for", sa.Text, nullable=False),
        sa.Column("claimed_by", sa.Text, nullable=False),
        sa.Column("claimed_at", INSTANT, nullable=False),
        sa.Column("onboarding_id", sa.String(32)),
        sa.Column("waba_id", sa.String(32)),
        sa.Column("phone_number_id", sa.String(32)),
        sa.Column("replaced_at", INSTANT),
        sa.Column("released_at", INSTANT),
        sa.Column("released_why", sa.Text),
        sa.PrimaryKeyConstraint("id", name="pk_pool_claim"),
        sa.ForeignKeyConstraint(
            ["pool_number_id"], ["pool_number.id"], name="fk_pool_claim_pool_number_id"
        ),
        sa.ForeignKeyConstraint(
            ["onboarding_id"], ["onboarding.id"], name="fk_pool_claim_onboarding_id"
        ),
    )
    _unique("uq_pool_claim_pool_number_id_live", "pool_claim", "pool_number_id", IS_LIVE)
    _unique("uq_pool_claim_onboarding_id_live", "pool_claim", "onboarding_id", IS_LIVE)
    op.create_index("ix_pool_claim_number_key", "pool_claim", ["number_key"])


def _guard_sqlite():
    # INSERT OR REPLACE deletes without a DELETE trigger, so a third one refuses what is taken.
    taken = "SELECT 1 FROM pool_history WHERE pool_number_id = NEW.pool_number_id AND seq = NEW.seq"
    refusals = (
        ("update", "BEFORE UPDATE ON pool_history"),
        ("delete", "BEFORE DELETE ON pool_history"),
        ("replace", f"BEFORE INSERT ON pool_history WHEN EXISTS ({taken})"),
    )
    for name, moment in refusals:
        op.execute(
            f"CREATE TRIGGER pool_history_refuses_{name} {moment} "
            "BEGIN SELECT RAISE(ABORT, 'history is append-only'); END"
        )
    op.execute(
        "CREATE TRIGGER pool_history_is_unsealed AFTER INSERT ON pool_history "
        "BEGIN INSERT INTO unsealed (kind, owner) VALUES ('pool_number', NEW.pool_number_id); END"
    )


def _guard_postgresql():
    for name, each in (("update", "ROW"), ("delete", "ROW"), ("truncate", "STATEMENT")):
        op.execute(
            f"CREATE TRIGGER pool_history_refuses_{name} BEFORE {name.upper()} ON pool_history "
            f"FOR EACH {each} EXECUTE FUNCTION history_is_append_only()"
        )
        op.execute(f"ALTER TABLE pool_history ENABLE ALWAYS TRIGGER pool_history_refuses_{name}")
    op.execute(
        "CREATE FUNCTION pool_history_is_unsealed() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN INSERT INTO unsealed (kind, owner) "
        "SELECT DISTINCT 'pool_number', pool_number_id FROM added; RETURN NULL; END $$"
    )
    op.execute(
        "CREATE TRIGGER pool_history_is_unsealed AFTER INSERT ON pool_history "
        "REFERENCING NEW TABLE AS added "
        "FOR EACH STATEMENT EXECUTE FUNCTION pool_history_is_unsealed()"
    )
    op.execute("ALTER TABLE pool_history ENABLE ALWAYS TRIGGER pool_history_is_unsealed")
