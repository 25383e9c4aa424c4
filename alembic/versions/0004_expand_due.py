"""Expand: by the nearest deadline, those whose turn is due and those that are claimed next."""

import sqlalchemy as sa

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

AWAKE = sa.text("next_due_at IS NOT NULL")
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
    op.create_index(
        "ix_onboarding_register_by_next_due_at_id_awake",
        "onboarding",
        ["register_by", "next_due_at", "id"],
        sqlite_where=AWAKE,
        postgresql_where=AWAKE,
        if_not_exists=True,
    )


def downgrade():
    op.drop_index("ix_onboarding_register_by_next_due_at_id_awake", "onboarding")
    op.drop_index("ix_onboarding_register_by_waiting_for_id_due", "onboarding")
