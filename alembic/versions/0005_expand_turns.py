"""Expand: whose turn it was, and from when on."""

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

INSTANT = sa.String(27).with_variant(postgresql.TIMESTAMP(timezone=True), "postgresql")


def upgrade():
    op.create_table(
        "turn",
        sa.Column("onboarding_id", sa.String(32), nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("since", INSTANT, nullable=False),
        sa.Column("owner", sa.String(40)),
        sa.Column("waiting", sa.String(40), nullable=False),
        sa.PrimaryKeyConstraint("onboarding_id", "version", name="pk_turn"),
    )
    # Of those that are there, only the present turn is known.
    op.execute(
        "INSERT INTO turn (onboarding_id, version, since, owner, waiting) "
        "SELECT id, version, waiting_since, "
        "CASE WHEN waiting IN ('done', 'over') THEN NULL ELSE waiting_for END, waiting "
        "FROM onboarding WHERE waiting <> 'due'"
    )


def downgrade():
    op.drop_table("turn")
