"""What stood in earlier rows of a file, kept beside the memory: files may have any length."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Mapping
from contextlib import closing
from types import TracebackType
from typing import Self

_MAKE = "CREATE TABLE seen (what TEXT PRIMARY KEY, line INTEGER NOT NULL) WITHOUT ROWID"
_FIND = "SELECT seen.what, seen.line FROM json_each(?) AS w JOIN seen ON seen.what = w.value"


class SeenRows:
    """Remembers on which line something stood first, in a nameless file that ends with it."""

    def __init__(self) -> None:
        self._file = sqlite3.connect("", isolation_level=None)
        for statement in ("PRAGMA journal_mode=OFF", "PRAGMA synchronous=OFF", _MAKE):
            self._file.execute(statement)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        tb: TracebackType | None,
    ) -> None:
        self._file.close()

    def find(self, what: Iterable[str]) -> dict[str, int]:
        """Return the lines of what was there before."""
        with closing(self._file.execute(_FIND, [json.dumps(list(what))])) as found:
            return dict(found.fetchall())

    def add(self, lines: Mapping[str, int]) -> None:
        """Remember lines of what was not there before."""
        self._file.execute("BEGIN")
        self._file.executemany("INSERT OR IGNORE INTO seen VALUES (?, ?)", lines.items())
        self._file.execute("COMMIT")
