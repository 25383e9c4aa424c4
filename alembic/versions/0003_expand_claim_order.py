"""Expand: the index of what is due, in the order in which it is claimed.

Built within the transaction and not CONCURRENTLY: it takes a second or two for a million machines,
for which workers wait, and a build that fails half-way leaves nothing behind.
"""

import sqlalchemy as sa

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade():
    op.create_index(
        "ix_onboarding_claim_order",
        "onboarding",
        ["next_due_at", "id"],
        sqlite_where=sa.text("next_due_at IS NOT NULL"),
        postgresql_where=sa.text("next_due_at IS NOT NULL"),
        if_not_exists=True,
    )
    op.drop_index("ix_onboarding_next_due_at", "onboarding", if_exists=True)


def downgrade():
    op.create_index(
        "ix_onboarding_next_due_at",
        "onboarding",
        ["next_due_at"],
        sqlite_where=sa.text("next_due_at IS NOT NULL"),
        postgresql_where=sa.text("next_due_at IS NOT NULL"),
    )
    op.drop_index("ix_onboarding_claim_order", "onboarding")
