"""What a refusal of the database means for people."""

from __future__ import annotations

import re

from sqlalchemy import URL
from sqlalchemy.exc import DBAPIError, OperationalError

from onboarding.errors import StoreError

#: PostgreSQL's codes for a deadlock and for a failure to serialise.
_GIVEN_UP = ("40P01", "40001")

#: PostgreSQL's code for a value of a unique index that somebody else has stored.
_TAKEN = "23505"

_UPGRADE = "run: onboarding db upgrade"
_AGAIN = "try again in a moment; nothing was changed"
_URL = "ONBOARDING_DATABASE_URL"

_NO_ROLE = ("the database server knows no such role", f"check the user in {_URL}")
_WRONG_PASSWORD = (
    "the database server does not take the password",
    f"check user and password in {_URL}",
)
_NO_DATABASE = (
    "the database server has no such database",
    f"create it (createdb NAME), or correct {_URL}",
)
_UNREACHABLE = (
    "the database server cannot be reached",
    f"check that PostgreSQL runs, and host and port in {_URL}",
)
_BUSY = (
    "the database server takes no more connections",
    "raise its max_connections, or run fewer workers",
)
_LOST = ("the connection to the database was lost", _AGAIN)
_AWAY = ("the database server is starting or stopping", _AGAIN)

#: SQLite has few codes; its texts are the same in every language.
_SQLITE = (
    ("readonly", "the database is read-only", "make the file and its folder writable"),
    ("disk is full", "the disk is full", "free some space; nothing was lost"),
    ("database is locked", "another process holds the database", "try again when it is done"),
    ("no such table", "the database has no schema", _UPGRADE),
    ("no such column", "the schema is of another release", _UPGRADE),
    ("unable to open", "the database file cannot be opened", "check the path and its folder"),
    ("not a database", "the file is not a SQLite database", f"check {_URL}"),
    ("malformed", "the database file is damaged", "restore it from a backup"),
)

#: By SQLSTATE, or by its class (the first two characters).
_POSTGRESQL = {
    "08": _LOST,
    "25006": (
        "the database is read-only",
        "connect to the primary; if it is one, switch default_transaction_read_only off",
    ),
    "25P03": _LOST,
    "28": ("the database server does not let this role in", f"check the user in {_URL}"),
    "28P01": _WRONG_PASSWORD,
    "3D000": _NO_DATABASE,
    "3F000": ("the database has no schema", _UPGRADE),
    "42501": (
        "the database role may not do this",
        "connect with the role that the deployment was made for, or let the owner grant it",
    ),
    "42703": ("the schema is of another release", _UPGRADE),
    "42P01": ("the database has no schema", _UPGRADE),
    "53": ("the database server has not enough memory or connections", _AGAIN),
    "53100": ("the disk of the database server is full", "free some space; nothing was lost"),
    "53300": _BUSY,
    "55P03": (
        "another process holds what this needs",
        "try again when it is done; pg_stat_activity shows who it is",
    ),
    "57": _AWAY,
    "57014": (
        "the database server ended a statement that took too long",
        "try again, or raise its statement_timeout",
    ),
    "57P05": _LOST,
    "XX001": ("the database is damaged", "restore it from a backup"),
    "XX002": ("the database is damaged", "restore it from a backup"),
}

#: A refused connection has no SQLSTATE, only a text; in another language it is told as it is.
_CONNECTING = (
    (r"password authentication failed|no password supplied", _WRONG_PASSWORD),
    (r'role ".*" does not exist', _NO_ROLE),
    (r'database ".*" does not exist', _NO_DATABASE),
    (
        r"pg_hba\.conf",
        (
            "the database server does not let this user in from this host",
            "have it allowed in pg_hba.conf; where it wants TLS, add ?sslmode=require to the URL",
        ),
    ),
    (r"too many connections|connection slots", _BUSY),
    (r"the database system is|not currently accepting connections", _AWAY),
    (r"refused|resolve host|timeout|no route|unreachable|no such file", _UNREACHABLE),
    (r"closed the connection|connection is lost|connection is closed|consuming input", _LOST),
)


def explain(url: URL, error: DBAPIError) -> StoreError | None:
    """Return what a refusal of the database means for people, or ``None`` for a fault of ours."""
    where = url.render_as_string(hide_password=True)
    if sqlstate_of(error) in _GIVEN_UP:
        given_up = StoreError(
            f"the database gave a transaction up ({where})", hint="try again; nothing was changed"
        )
        given_up.is_given_up = True
        return given_up
    is_sqlite = url.get_backend_name() == "sqlite"
    if meaning := _sqlite(error) if is_sqlite else _postgresql(error):
        message, hint = meaning
        return StoreError(f"{message} ({where})", hint=hint)
    if isinstance(error, OperationalError):
        return StoreError(
            f"the database cannot be used: {' '.join(str(error.orig).split())} ({where})",
            hint=f"check {_URL} and that the database runs",
        )
    return None


def sqlstate_of(error: DBAPIError) -> str | None:
    """Return PostgreSQL's code of a refusal; SQLite has none."""
    return getattr(error.orig, "sqlstate", None)


def is_taken(error: DBAPIError) -> bool:
    """Whether PostgreSQL refused a value because another transaction stored it meanwhile."""
    return sqlstate_of(error) == _TAKEN


def _sqlite(error: DBAPIError) -> tuple[str, str] | None:
    text = str(error.orig).lower()
    return next(((told, hint) for sign, told, hint in _SQLITE if sign in text), None)


def _postgresql(error: DBAPIError) -> tuple[str, str] | None:
    code = sqlstate_of(error)
    if code is not None:
        return _POSTGRESQL.get(code) or _POSTGRESQL.get(code[:2])
    text = str(error.orig)
    for sign, meaning in _CONNECTING:
        if isinstance(error, OperationalError) and re.search(sign, text, re.IGNORECASE):
            return meaning
    return None
