"""How migrations run: on the connection that is handed in, or on ONBOARDING_DATABASE_URL.

Nothing of the package is imported: a migration must mean the same in five years.
"""

import os

from sqlalchemy import create_engine, event

from alembic import context


def _run(connection):
    context.configure(connection=connection, transaction_per_migration=False)
    with context.begin_transaction():
        context.run_migrations()


def _own_engine():
    engine = create_engine(os.environ.get("ONBOARDING_DATABASE_URL", "sqlite:///onboarding.db"))
    if engine.dialect.name == "sqlite":
        # DDL belongs to the transaction only if the driver does not commit by itself.
        @event.listens_for(engine, "connect")
        def _connect(connection, _record):
            connection.isolation_level = None

        @event.listens_for(engine, "begin")
        def _begin(connection):
            connection.exec_driver_sql("BEGIN IMMEDIATE")

    return engine


if context.is_offline_mode():
    context.configure(dialect_name=context.get_x_argument(as_dictionary=True).get("dialect"))
    with context.begin_transaction():
        context.run_migrations()
elif handed_in := context.config.attributes.get("connection"):
    _run(handed_in)
else:
    with _own_engine().begin() as own:
        _run(own)
