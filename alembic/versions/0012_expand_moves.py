"""Expand: migrations between WABAs, numbers that are to leave, and approvals."""

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

INSTANT = sa.String(27).with_variant(postgresql.TIMESTAMP(timezone=True), "postgresql")
OPEN = sa.text("ended_at IS NULL")
PENDING = sa.text("status = 'pending'")
MIGRATE = sa.text("name = 'migrate_number' AND status IN ('pending', 'unknown', 'succeeded')")


def upgrade():
    op.add_column("onboarding", sa.Column("offboard_at", INSTANT))
    op.create_index(
        "uq_operation_natural_key_migrate",
        "operation",
        ["natural_key"],
        unique=True,
        sqlite_where=MIGRATE,
        postgresql_where=MIGRATE,
        if_not_exists=True,
    )
    op.create_table(
        "migration",
        sa.Column("destination_id", sa.String(32), nullable=False),
        sa.Column("destination_waba_id", sa.String(32), nullable=False),
        sa.Column("number_key", sa.String(20), nullable=False),
        sa.Column("source_id", sa.String(32)),
        sa.Column("source_waba_id", sa.String(32)),
        sa.Column("started_by", sa.Text, nullable=False),
        sa.Column("started_at", INSTANT, nullable=False),
        sa.Column("looked_at", INSTANT),
        sa.Column("ended_at", INSTANT),
        sa.Column("ended_how", sa.String(40)),
        sa.PrimaryKeyConstraint("destination_id", name="pk_migration"),
        sa.ForeignKeyConstraint(
            ["destination_id"], ["onboarding.id"], name="fk_migration_destination_id"
        ),
        sa.ForeignKeyConstraint(["source_id"], ["onboarding.id"], name="fk_migration_source_id"),
    )
    op.create_index(
        "uq_migration_source_id_open",
        "migration",
        ["source_id"],
        unique=True,
        sqlite_where=OPEN,
        postgresql_where=OPEN,
    )
    op.create_index(
        "ix_migration_started_at_open",
        "migration",
        ["started_at"],
        sqlite_where=OPEN,
        postgresql_where=OPEN,
    )
    op.create_table(
        "approval",
        sa.Column("id", sa.String(32), nullable=False),
        sa.Column("onboarding_id", sa.String(32), nullable=False),
        sa.Column("cycle", sa.Integer, nullable=False),
        sa.Column("kind", sa.String(40), nullable=False),
        sa.Column("detail", sa.Text),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("asked_by", sa.Text, nullable=False),
        sa.Column("asked_at", INSTANT, nullable=False),
        sa.Column("status", sa.String(40), nullable=False),
        sa.Column("decided_by", sa.Text),
        sa.Column("decided_at", INSTANT),
        sa.Column("decision", sa.Text),
        sa.PrimaryKeyConstraint("id", name="pk_approval"),
        sa.ForeignKeyConstraint(
            ["onboarding_id"], ["onboarding.id"], name="fk_approval_onboarding_id"
        ),
    )
    op.create_index(
        "uq_approval_onboarding_id_kind_pending",
        "approval",
        ["onboarding_id", "kind"],
        unique=True,
        sqlite_where=PENDING,
        postgresql_where=PENDING,
    )


def downgrade():
    raise RuntimeError("an upgrade only adds; restore a backup instead")
