"""A consistent copy of a live SQLite database, marked as a copy."""

from __future__ import annotations

import os
import secrets
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from onboarding.core.timing import iso
from onboarding.engine.opening import open_existing
from onboarding.errors import ConflictError, InputError, StoreError
from onboarding.settings import Settings
from onboarding.store import schema
from onboarding.store.database import sqlite_path
from onboarding.store.deployment import COPIED


@dataclass(frozen=True, slots=True)
class Backup:
    """A copy that was made: where it is, how large, and when."""

    file: Path
    size: int
    at: datetime


def back_up(settings: Settings, file: Path) -> Backup:
    """Copy a SQLite database, live or not, into a file that does not exist yet.

    The copy is one state of the database, checked, marked as a copy, and on the disk when this
    returns. The key is not in it.

    Raises:
        ConflictError: there is such a file already.
        InputError: the database is not SQLite, or the file cannot be made.
        StoreError: the database cannot be read, or has no schema.
    """
    source = sqlite_path(settings.database_url)
    if source is None:
        raise InputError(
            "a PostgreSQL database is not copied by this program",
            hint="run: pg_dump -Fc --file FILE DATABASE   (or take a base backup); a restore into "
            "another database, cluster or timeline is noticed and calls nobody until released",
        )
    _require_schema(settings)
    at = datetime.now(UTC)
    try:
        with _reserved(file) as part:
            _copy(source, part, at)
            _sync(part)
            part.replace(file)
            _sync(file.parent)
    except sqlite3.Error as error:
        raise StoreError(f"the copy failed: {error}", hint="free some space, try again") from None
    except OSError as error:
        raise InputError(f"{file} cannot be made: {error.strerror}", field="file") from None
    return Backup(file=file, size=file.stat().st_size, at=at)


def _require_schema(settings: Settings) -> None:
    database = open_existing(settings)
    try:
        if schema.current(database) is None:
            raise StoreError("the database has no schema", hint="there is nothing to copy yet")
    finally:
        database.dispose()


@contextmanager
def _reserved(file: Path) -> Iterator[Path]:
    """Reserve the name, so that nothing is overwritten, and yield the name to write under.

    Whatever goes wrong, no file is left that could be taken for a copy.
    """
    try:
        file.touch(mode=0o600, exist_ok=False)
    except FileExistsError:
        raise ConflictError(
            f"{file} exists, and no copy overwrites a file",
            field="file",
            hint="choose another name",
        ) from None
    part = file.with_name(f".{file.name}.{secrets.token_hex(4)}.part")
    try:
        part.touch(mode=0o600, exist_ok=False)
        yield part
    except BaseException:
        for left in (part, file):
            with suppress(FileNotFoundError):
                left.unlink()
        raise


def _copy(source: Path, part: Path, at: datetime) -> None:
    """Copy one state of the database: writers go on, and what they write meanwhile is not in it."""
    with (
        closing(sqlite3.connect(f"{source.resolve().as_uri()}?mode=ro", uri=True)) as live,
        closing(sqlite3.connect(part, isolation_level=None)) as copy,
    ):
        live.backup(copy, pages=-1)
        copy.execute("PRAGMA journal_mode=DELETE")  # one file; the program turns WAL on again
        told = copy.execute("PRAGMA quick_check(1)").fetchone()[0]
        if told != "ok":
            raise StoreError(f"the copy is damaged: {told}", hint="run: onboarding db check")
        mark = "INSERT OR REPLACE INTO deployment (name, value) VALUES (?, ?)"
        copy.execute(mark, (COPIED, iso(at)))


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
