"""Expand: how Meta last showed each name, and which PIN a call carried."""

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

INSTANT = sa.String(27).with_variant(postgresql.TIMESTAMP(timezone=True), "postgresql")


def upgrade():
    op.add_column("onboarding", sa.Column("name_status", sa.Text))
    op.add_column("onboarding", sa.Column("new_name_status", sa.Text))
    op.add_column("onboarding", sa.Column("name_decided_at", INSTANT))
    op.add_column("operation", sa.Column("pin_sealed", sa.Text))


def downgrade():
    raise RuntimeError("a PIN that only a call knows would be lost; restore a backup instead")
