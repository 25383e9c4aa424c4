"""Expand: seals of the histories, and what a worker says of itself."""

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

INSTANT = sa.String(27).with_variant(postgresql.TIMESTAMP(timezone=True), "postgresql")
POSITION = sa.BigInteger().with_variant(sa.Integer, "sqlite")

#: Each ledger: its entries, the column that names the owner, the owners, their key.
LEDGERS = {
    "onboarding": ("history", "onboarding_id", "onboarding", "id"),
    "account": ("account_history", "waba_id", "account", "waba_id"),
}


def upgrade():
    op.create_table(
        "seal",
        sa.Column("seq", sa.Integer, nullable=False, autoincrement=False),
        sa.Column("bucket", INSTANT, nullable=False),
        sa.Column("entry", sa.Text, nullable=False),
        sa.Column("lines", sa.Text, nullable=False),
        sa.Column("hash", sa.String(64), nullable=False),
        sa.PrimaryKeyConstraint("seq", name="pk_seal"),
        sa.UniqueConstraint("bucket", name="uq_seal_bucket"),
    )
    op.create_table(
        "unsealed",
        sa.Column("position", POSITION, sa.Identity(), nullable=False),
        sa.Column("kind", sa.String(20), nullable=False),
        sa.Column("owner", sa.String(32), nullable=False),
        sa.PrimaryKeyConstraint("position", name="pk_unsealed"),
    )
    op.add_column("worker", sa.Column("host", sa.Text))
    op.add_column("worker", sa.Column("version", sa.Text))
    op.add_column("worker", sa.Column("definition", sa.Integer))
    if op.get_context().dialect.name == "postgresql":
        _guard_postgresql()
        _note_postgresql()
    else:
        _guard_sqlite()
        _note_sqlite()
    for kind, (_, _, owners, key) in LEDGERS.items():
        op.execute(
            "INSERT INTO unsealed (kind, owner) "  # noqa: S608 - our own names
            f"SELECT '{kind}', {key} FROM {owners} WHERE history_seq > 0 ORDER BY {key}"
        )


def downgrade():
    raise RuntimeError("seals are evidence and stay; restore a backup instead")


def _guard_sqlite():
    # INSERT OR REPLACE deletes without a DELETE trigger, so a third one refuses what is taken.
    taken = "SELECT 1 FROM seal WHERE seq = NEW.seq OR bucket = NEW.bucket"
    refusals = (
        ("update", "BEFORE UPDATE ON seal"),
        ("delete", "BEFORE DELETE ON seal"),
        ("replace", f"BEFORE INSERT ON seal WHEN EXISTS ({taken})"),
    )
    for name, moment in refusals:
        op.execute(
            f"CREATE TRIGGER seal_refuses_{name} {moment} "
            "BEGIN SELECT RAISE(ABORT, 'history is append-only'); END"
        )


def _guard_postgresql():
    for name, each in (("update", "ROW"), ("delete", "ROW"), ("truncate", "STATEMENT")):
        op.execute(
            f"CREATE TRIGGER seal_refuses_{name} BEFORE {name.upper()} ON seal "
            f"FOR EACH {each} EXECUTE FUNCTION history_is_append_only()"
        )
        op.execute(f"ALTER TABLE seal ENABLE ALWAYS TRIGGER seal_refuses_{name}")


def _note_sqlite():
    for kind, (entries, owner, _, _) in LEDGERS.items():
        op.execute(
            f"CREATE TRIGGER {entries}_is_unsealed AFTER INSERT ON {entries} "  # noqa: S608 - our own names
            f"BEGIN INSERT INTO unsealed (kind, owner) VALUES ('{kind}', NEW.{owner}); END"
        )


def _note_postgresql():
    for kind, (entries, owner, _, _) in LEDGERS.items():
        name = f"{entries}_is_unsealed"
        op.execute(
            f"CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS "  # noqa: S608 - our own names
            "$$ BEGIN INSERT INTO unsealed (kind, owner) "
            f"SELECT DISTINCT '{kind}', {owner} FROM added; RETURN NULL; END $$"
        )
        op.execute(
            f"CREATE TRIGGER {name} AFTER INSERT ON {entries} REFERENCING NEW TABLE AS added "
            f"FOR EACH STATEMENT EXECUTE FUNCTION {name}()"
        )
        op.execute(f"ALTER TABLE {entries} ENABLE ALWAYS TRIGGER {name}")
