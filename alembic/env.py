"""How migrations run: on the connection that is handed in, or on ONBOARDING_DATABASE_URL.

Nothing of the package is imported: a migration must mean the same in five years.
"""

import os

from sqlalchemy import create_engine, event, make_url

from alembic import context

#: The advisory lock that upgraders of PostgreSQL hold, one after the other ("onboardi" in ASCII).
#: It must stay, or upgraders of two releases would not wait for each other.
LOCK = 0x6F6E626F61726469


def _careful(seconds):
    return f"SET LOCAL lock_timeout = '{seconds}s'", f"SELECT pg_advisory_xact_lock({LOCK})"


def _run(connection):
    if connection.dialect.name == "postgresql":
        # A migration that waits for a lock holds up everybody who comes after it: better none.
        for statement in _careful(context.config.attributes.get("lock_timeout_s", 10)):
            connection.exec_driver_sql(statement)
    context.configure(connection=connection, transaction_per_migration=False)
    with context.begin_transaction():
        context.run_migrations()


def _own_engine():
    url = make_url(os.environ.get("ONBOARDING_DATABASE_URL", "sqlite:///onboarding.db"))
    if url.drivername == "postgresql":
        url = url.set(drivername="postgresql+psycopg")
    engine = create_engine(url)
    if engine.dialect.name == "sqlite":
        # DDL belongs to the transaction only if the driver does not commit by itself.
        @event.listens_for(engine, "connect")
        def _connect(connection, _record):
            connection.isolation_level = None

        @event.listens_for(engine, "begin")
        def _begin(connection):
            connection.exec_driver_sql("BEGIN IMMEDIATE")

    return engine


def _print():
    """Print SQL instead of running it: ``alembic -x dialect=postgresql upgrade head --sql``."""
    dialect = context.get_x_argument(as_dictionary=True).get("dialect", "sqlite")
    context.configure(dialect_name=dialect, transactional_ddl=True)
    with context.begin_transaction():
        if dialect == "postgresql":
            for statement in _careful(10):
                context.execute(statement)
        context.run_migrations()


if context.is_offline_mode():
    _print()
elif handed_in := context.config.attributes.get("connection"):
    _run(handed_in)
else:
    with _own_engine().begin() as own:
        _run(own)
