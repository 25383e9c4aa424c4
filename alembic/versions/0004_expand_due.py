"""Expand: an index of those whose turn is due, nearest deadline first."""

import sqlalchemy as sa

from alembic import op

revision = "0004"
down_revision = "0002"
branch_labels = None
depends_on = None

SOMEBODYS_TURN = sa.text("waiting NOT IN ('done', 'over')")


def upgrade():
    op.create_index(
        "ix_onboarding_register_by_waiting_for_id_due",
        "onboarding",
        ["register_by", "waiting_for", "id"],
        sqlite_where=SOMEBODYS_TURN,
        postgresql_where=SOMEBODYS_TURN,
        if_not_exists=True,
    )


def downgrade():
    op.drop_index("ix_onboarding_register_by_waiting_for_id_due", "onboarding")
