"""Statements are compiled once for all tests, and not again by the engine of each.

SQLAlchemy keeps what it compiled per engine and dialect object. A process that runs has one of
each; a run of the tests makes thousands, and spent a quarter of its time on the same statements.
"""

from __future__ import annotations

from functools import partial
from typing import Any

from sqlalchemy import create_engine
from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg
from sqlalchemy.dialects.sqlite.pysqlite import SQLiteDialect_pysqlite

from onboarding.store import database

#: By dialect, statement and names of parameters: SQLAlchemy's own key.
_compiled: dict[Any, Any] = {}


def compile_once() -> None:
    """Let all engines of this process share what is compiled; dialects of a kind are all alike."""
    for kind in (SQLiteDialect_pysqlite, PGDialect_psycopg):
        setattr(kind, "__hash__", lambda self: hash(type(self)))  # noqa: B010 - mypy refuses =
        setattr(kind, "__eq__", lambda self, other: type(self) is type(other))  # noqa: B010 - same
    sharing = partial(create_engine, execution_options={"compiled_cache": _compiled})
    setattr(database, "create_engine", sharing)  # noqa: B010 - it is not exported
