"""SQLite does not wait for the disk in this process, as the PostgreSQL of most tests does not.

Nothing that tests do to it could tell: a process that is killed loses no commit by that, only a
machine whose power fails. Programs that tests start as processes of their own wait all the same.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Pool, event

_HURRIES = "hurries"


def hurry_sqlite() -> None:
    """Let every connection to SQLite commit without waiting for the disk."""
    event.listen(Pool, "checkout", _hurry)


@contextmanager
def as_it_is() -> Iterator[None]:
    """Let connections that are opened meanwhile be as the program opens them."""
    event.remove(Pool, "checkout", _hurry)
    try:
        yield
    finally:
        hurry_sqlite()


def _hurry(connection: Any, record: Any, _proxy: Any) -> None:
    if isinstance(connection, sqlite3.Connection) and not record.info.get(_HURRIES):
        connection.execute("PRAGMA synchronous=OFF")
        record.info[_HURRIES] = True
