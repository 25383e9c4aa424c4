"""Expand: tokens from elsewhere and of businesses, their rotation, and Embedded Signup."""

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

INSTANT = sa.String(27).with_variant(postgresql.TIMESTAMP(timezone=True), "postgresql")
UNSETTLED = sa.text("settled_at IS NULL")


def upgrade():
    op.add_column("account", sa.Column("token_source", sa.Text))
    op.add_column("account", sa.Column("token_business_id", sa.String(32)))
    op.add_column("account", sa.Column("next_token_sealed", sa.Text))
    op.add_column("account", sa.Column("next_token_source", sa.Text))
    op.add_column("account", sa.Column("dead_token_mac", sa.String(64)))
    op.add_column("account", sa.Column("token_facts", sa.Text))
    op.add_column("account", sa.Column("override_callback_uri", sa.Text))
    op.add_column("account", sa.Column("verify_token_sealed", sa.Text))
    op.add_column("worker", sa.Column("key_ids", sa.Text))
    op.create_table(
        "business",
        sa.Column("business_id", sa.String(32), nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("token_sealed", sa.Text, nullable=False),
        sa.Column("token_source", sa.Text),
        sa.Column("added_by", sa.Text, nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("changed_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("business_id", name="pk_business"),
    )
    _signups()


def downgrade():
    raise RuntimeError("tokens would be lost; restore a backup instead")


def _signups():
    op.create_table(
        "signup",
        sa.Column("id", sa.String(32), nullable=False),
        sa.Column("waba_id", sa.String(32), nullable=False),
        sa.Column("event", sa.String(60), nullable=False),
        sa.Column("phone_number_id", sa.String(32)),
        sa.Column("business_id", sa.String(32)),
        sa.Column("key", sa.String(200)),
        sa.Column("onboarded_at", INSTANT, nullable=False),
        sa.Column("taken_by", sa.Text, nullable=False),
        sa.Column("taken_at", INSTANT, nullable=False),
        sa.Column("code_mac", sa.String(64)),
        sa.Column("settled_at", INSTANT),
        sa.Column("result", sa.Text),
        sa.PrimaryKeyConstraint("id", name="pk_signup"),
        sa.ForeignKeyConstraint(["waba_id"], ["account.waba_id"], name="fk_signup_waba_id"),
        sa.UniqueConstraint("code_mac", name="uq_signup_code_mac"),
    )
    op.create_index(
        "ix_signup_waba_id_unsettled",
        "signup",
        ["waba_id"],
        sqlite_where=UNSETTLED,
        postgresql_where=UNSETTLED,
    )
