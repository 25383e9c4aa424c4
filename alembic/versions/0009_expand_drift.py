"""Expand: what Meta shows of registered numbers otherwise than the engine holds."""

import sqlalchemy as sa

from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade():
    op.add_column("onboarding", sa.Column("drift", sa.Text))
    op.add_column("onboarding", sa.Column("name_held", sa.Text))
    op.create_index(
        "ix_account_listed_at_active",
        "account",
        ["listed_at"],
        if_not_exists=True,
        sqlite_where=sa.text("active"),
        postgresql_where=sa.text("active"),
    )


def downgrade():
    raise RuntimeError("an upgrade only adds; restore a backup instead")
