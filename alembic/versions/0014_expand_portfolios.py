"""Expand: whether Meta takes more numbers in an account's portfolio than in a new one."""

import sqlalchemy as sa

from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade():
    op.add_column("account", sa.Column("portfolio_raised", sa.Boolean))


def downgrade():
    op.drop_column("account", "portfolio_raised")
