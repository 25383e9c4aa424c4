"""Expand: batches with a history of their own, and how many numbers Meta allows."""

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

INSTANT = sa.String(27).with_variant(postgresql.TIMESTAMP(timezone=True), "postgresql")
IN_BATCH = sa.text("batch_id IS NOT NULL")
QUEUED = sa.text("waiting = 'slot'")
CREATED = sa.text("name = 'create_number' AND status IN ('pending', 'unknown', 'succeeded')")


def upgrade():
    _batches()
    op.add_column("onboarding", sa.Column("batch_id", sa.String(32)))
    op.add_column("onboarding", sa.Column("batch_line", sa.Integer))
    for name in ("numbers_listed", "numbers_per_business", "numbers_per_waba"):
        op.add_column("account", sa.Column(name, sa.Integer))
    op.add_column("account", sa.Column("numbers_told_at", INSTANT))
    op.add_column("account", sa.Column("full_at", sa.Integer))
    op.add_column("account", sa.Column("full_since", INSTANT))
    op.create_index("ix_account_business_id", "account", ["business_id"])
    _indexes()
    if op.get_context().dialect.name == "postgresql":
        _guard_postgresql()
    else:
        _guard_sqlite()


def downgrade():
    raise RuntimeError("which numbers belong together would be lost; restore a backup instead")


def _batches():
    op.create_table(
        "batch",
        sa.Column("id", sa.String(32), nullable=False),
        sa.Column("name", sa.String(200), nullable=False),
        sa.Column("source", sa.Text, nullable=False),
        sa.Column("digest", sa.String(64)),
        sa.Column("created_by", sa.Text, nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("loaded_at", INSTANT),
        sa.Column("canary", sa.Integer, nullable=False),
        sa.Column("canary_state", sa.String(40), nullable=False),
        sa.Column("canary_line", sa.Integer),
        sa.Column("canary_passed_at", INSTANT),
        sa.Column("paused_at", INSTANT),
        sa.Column("cancelled_at", INSTANT),
        sa.Column("changed_by", sa.Text, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("history_seq", sa.Integer, nullable=False),
        sa.Column("head_hash", sa.String(64), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_batch"),
        sa.UniqueConstraint("name", name="uq_batch_name"),
    )
    op.create_table(
        "batch_history",
        sa.Column("batch_id", sa.String(32), nullable=False),
        sa.Column("seq", sa.Integer, nullable=False),
        sa.Column("entry", sa.Text, nullable=False),
        sa.Column("hash", sa.String(64), nullable=False),
        sa.PrimaryKeyConstraint("batch_id", "seq", name="pk_batch_history"),
        sa.ForeignKeyConstraint(["batch_id"], ["batch.id"], name="fk_batch_history_batch_id"),
    )


def _indexes():
    for table, name, columns, where in (
        ("onboarding", "batch_id_batch_line_id", ["batch_id", "batch_line", "id"], IN_BATCH),
        ("onboarding", "waba_id_slot", ["waba_id"], QUEUED),
        ("operation", "waba_id_intent_at_create", ["waba_id", "intent_at"], CREATED),
    ):
        op.create_index(
            f"ix_{table}_{name}",
            table,
            columns,
            sqlite_where=where,
            postgresql_where=where,
            if_not_exists=True,
        )


def _guard_sqlite():
    # INSERT OR REPLACE deletes without a DELETE trigger, so a third one refuses a taken key.
    taken = "SELECT 1 FROM batch_history WHERE batch_id = NEW.batch_id AND seq = NEW.seq"
    refusals = (
        ("update", "BEFORE UPDATE ON batch_history"),
        ("delete", "BEFORE DELETE ON batch_history"),
        ("replace", f"BEFORE INSERT ON batch_history WHEN EXISTS ({taken})"),
    )
    for name, moment in refusals:
        op.execute(
            f"CREATE TRIGGER batch_history_refuses_{name} {moment} "
            "BEGIN SELECT RAISE(ABORT, 'history is append-only'); END"
        )
    op.execute(
        "CREATE TRIGGER batch_history_is_unsealed AFTER INSERT ON batch_history "
        "BEGIN INSERT INTO unsealed (kind, owner) VALUES ('batch', NEW.batch_id); END"
    )


def _guard_postgresql():
    for name, each in (("update", "ROW"), ("delete", "ROW"), ("truncate", "STATEMENT")):
        trigger = f"batch_history_refuses_{name}"
        op.execute(
            f"CREATE TRIGGER {trigger} BEFORE {name.upper()} ON batch_history "
            f"FOR EACH {each} EXECUTE FUNCTION history_is_append_only()"
        )
        op.execute(f"ALTER TABLE batch_history ENABLE ALWAYS TRIGGER {trigger}")
    name = "batch_history_is_unsealed"
    op.execute(
        f"CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS "  # noqa: S608 - our own name
        "$$ BEGIN INSERT INTO unsealed (kind, owner) SELECT 'batch', batch_id FROM added; "
        "RETURN NULL; END $$"
    )
    op.execute(
        f"CREATE TRIGGER {name} AFTER INSERT ON batch_history REFERENCING NEW TABLE AS added "
        f"FOR EACH STATEMENT EXECUTE FUNCTION {name}()"
    )
    op.execute(f"ALTER TABLE batch_history ENABLE ALWAYS TRIGGER {name}")
