"""PostgreSQL's pipeline mode: a transaction waits only for the statements that return something.

The others travel with the next statement that does, or with the commit, and an error of theirs is
raised there, still within the transaction.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

from sqlalchemy import Connection, Engine, event
from sqlalchemy.exc import DBAPIError

_PIPELINE = "onboarding_pipeline"

# Of a connection that was lost it warns as well, beside the error that it raises.
logging.getLogger("psycopg").addHandler(logging.NullHandler())


@contextmanager
def pipelined(conn: Connection) -> Iterator[None]:
    """Have statements sent as said above; on SQLite, where no server is waited for, as ever."""
    if conn.dialect.name != "postgresql":
        yield
        return
    driver, is_over = conn.dialect.loaded_dbapi, False
    try:
        with conn.connection.driver_connection.pipeline() as pipeline:  # type: ignore[union-attr]  # psycopg's
            conn.execution_options(**{_PIPELINE: pipeline})
            yield
            is_over = True
    except driver.Error as error:
        if not is_over:
            told = DBAPIError.instance(None, None, error, driver.Error, dialect=conn.dialect)
            raise told from error
        # What was committed is: that its connection was lost a moment later takes nothing back.
        conn.invalidate()


def send_together(engine: Engine) -> None:
    """Let connections of this engine be ``pipelined``."""

    @event.listens_for(engine, "do_execute")
    def _execute(cursor: Any, statement: str, parameters: Any, context: Any) -> bool:
        return _send(context, lambda: cursor.execute(statement, parameters))

    @event.listens_for(engine, "do_executemany")
    def _execute_many(cursor: Any, statement: str, parameters: Any, context: Any) -> bool:
        return _send(context, lambda: cursor.executemany(statement, parameters))

    @event.listens_for(engine, "rollback")
    def _rollback(conn: Connection) -> None:
        if (pipeline := conn.get_execution_options().get(_PIPELINE)) is not None:
            _drain(engine, pipeline)


def _send(context: Any, queue: Callable[[], object]) -> bool:
    """Send a statement if its connection is pipelined; return whether it is."""
    pipeline = context.execution_options.get(_PIPELINE)
    if pipeline is None:
        return False
    if pipeline.status.name == "ABORTED":
        _drain(context.engine, pipeline)  # or it would refuse the way back to a savepoint
    queue()
    # An error within a savepoint must be raised within it, to end there.
    if _returns(context) or context.root_connection.in_nested_transaction():
        pipeline.sync()
    return True


def _returns(context: Any) -> bool:
    writes = context.isinsert or context.isupdate or context.isdelete
    return not writes or bool(context.compiled.effective_returning)


def _drain(engine: Engine, pipeline: Any) -> None:
    """Take what the server has yet to say of the statements behind one that failed."""
    with suppress(engine.dialect.loaded_dbapi.Error):
        pipeline.sync()
