"""Expand: events, the outbox, what somebody must hear of, and ladders that can be snoozed."""

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

INSTANT = sa.String(27).with_variant(postgresql.TIMESTAMP(timezone=True), "postgresql")
POSITION = sa.BigInteger().with_variant(sa.Integer, "sqlite")
PENDING = sa.text("status = 'pending'")
DUE = sa.text("next_at IS NOT NULL")


def upgrade():
    op.add_column("deadline", sa.Column("climbed", sa.Text))
    op.add_column("deadline", sa.Column("snoozed_until", INSTANT))
    _events()
    _deliveries()
    op.create_table(
        "alert",
        sa.Column("kind", sa.String(40), nullable=False),
        sa.Column("subject", sa.String(32), nullable=False),
        sa.Column("what", sa.String(40), nullable=False),
        sa.Column("since", INSTANT, nullable=False),
        sa.Column("step", sa.Integer, nullable=False),
        sa.Column("next_at", INSTANT),
        sa.Column("closed_at", INSTANT),
        sa.PrimaryKeyConstraint("kind", "subject", name="pk_alert"),
    )
    op.create_index(
        "ix_alert_next_at", "alert", ["next_at"], sqlite_where=DUE, postgresql_where=DUE
    )
    op.create_table(
        "acknowledgement",
        sa.Column("subject", sa.String(32), nullable=False),
        sa.Column("by", sa.Text, nullable=False),
        sa.Column("at", INSTANT, nullable=False),
        sa.Column("until", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("subject", name="pk_acknowledgement"),
    )


def downgrade():
    raise RuntimeError("what was told to whom would be lost; restore a backup instead")


def _events():
    op.create_table(
        "event",
        sa.Column("seq", POSITION, sa.Identity(), nullable=False),
        sa.Column("id", sa.String(32), nullable=False),
        sa.Column("at", INSTANT, nullable=False),
        sa.Column("type", sa.String(40), nullable=False),
        sa.Column("subject", sa.String(32), nullable=False),
        sa.Column("body", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("seq", name="pk_event"),
        sa.UniqueConstraint("id", name="uq_event_id"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_event_at", "event", ["at"])


def _deliveries():
    op.create_table(
        "delivery",
        sa.Column("id", sa.String(32), nullable=False),
        sa.Column("event_seq", POSITION, nullable=False),
        sa.Column("channel", sa.String(60), nullable=False),
        sa.Column("subject", sa.String(32), nullable=False),
        sa.Column("topic", sa.String(20)),
        sa.Column("status", sa.String(40), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("next_at", INSTANT, nullable=False),
        sa.Column("tries", sa.Integer, nullable=False),
        sa.Column("lease_owner", sa.Text),
        sa.Column("lease_until", INSTANT),
        sa.Column("tried_at", INSTANT),
        sa.Column("error", sa.Text),
        sa.Column("settled_by", sa.Text),
        sa.PrimaryKeyConstraint("id", name="pk_delivery"),
        sa.ForeignKeyConstraint(["event_seq"], ["event.seq"], name="fk_delivery_event_seq"),
    )
    op.create_index("ix_delivery_event_seq", "delivery", ["event_seq"])
    op.create_index(
        "ix_delivery_channel_next_at_pending",
        "delivery",
        ["channel", "next_at"],
        sqlite_where=PENDING,
        postgresql_where=PENDING,
    )
    op.create_index(
        "ix_delivery_subject_channel_event_seq_pending",
        "delivery",
        ["subject", "channel", "event_seq"],
        sqlite_where=PENDING,
        postgresql_where=PENDING,
    )
