"""Expand: how each code went out, links for holders, and the mail that was read."""

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

INSTANT = sa.String(27).with_variant(postgresql.TIMESTAMP(timezone=True), "postgresql")


def upgrade():
    op.add_column("operation", sa.Column("code_method", sa.String(40)))
    op.create_table(
        "code_link",
        sa.Column("id", sa.String(32), nullable=False),
        sa.Column("onboarding_id", sa.String(32), nullable=False),
        sa.Column("cycle", sa.Integer, nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("made_by", sa.Text, nullable=False),
        sa.Column("made_at", INSTANT, nullable=False),
        sa.Column("expires_at", INSTANT, nullable=False),
        sa.Column("codes", sa.Integer, nullable=False),
        sa.Column("used_at", INSTANT),
        sa.Column("revoked_at", INSTANT),
        sa.Column("revoked_by", sa.Text),
        sa.PrimaryKeyConstraint("id", name="pk_code_link"),
        sa.UniqueConstraint("digest", name="uq_code_link_digest"),
        sa.ForeignKeyConstraint(
            ["onboarding_id"], ["onboarding.id"], name="fk_code_link_onboarding_id"
        ),
    )
    op.create_index("ix_code_link_onboarding_id", "code_link", ["onboarding_id"])
    op.create_table(
        "mail_read",
        sa.Column("mailbox", sa.String(200), nullable=False),
        sa.Column("uidvalidity", sa.BigInteger, nullable=False),
        sa.Column("uid", sa.BigInteger, nullable=False),
        sa.Column("read_at", INSTANT, nullable=False),
        sa.Column("result", sa.String(40), nullable=False),
        sa.PrimaryKeyConstraint("mailbox", "uidvalidity", "uid", name="pk_mail_read"),
    )
    op.create_index("ix_mail_read_read_at", "mail_read", ["read_at"])


def downgrade():
    raise RuntimeError("an upgrade only adds; restore a backup instead")
