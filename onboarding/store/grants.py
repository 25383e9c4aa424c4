"""What each role may do on PostgreSQL, as SQL.

Who owns a table may switch its triggers off, so that workers run as a role that owns none.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from sqlalchemy import Table

from onboarding.errors import InputError
from onboarding.store import tables

#: Nobody but the owner, who would have to switch a trigger off first, changes these.
_APPEND_ONLY = (
    tables.history,
    tables.account_history,
    tables.pool_history,
    tables.batch_history,
    tables.seal,
    tables.turn,
)

#: From where rows are removed in everyday work.
_EMPTIED = (tables.budget, tables.unsealed, tables.mail_read, tables.event, tables.delivery)

_SECRET = "_sealed"  # noqa: S105 - how the names of encrypted columns end
_FUNCTIONS = (
    "history_is_append_only",
    "history_is_unsealed",
    "account_history_is_unsealed",
    "pool_history_is_unsealed",
    "batch_history_is_unsealed",
)
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_-]{0,62}")

#: The queue of a fleet is Procrastinate's; it is there once ``db upgrade --fleet`` has run.
_QUEUE = """\
DO $$ DECLARE each regclass; BEGIN
  FOR each IN SELECT oid FROM pg_class WHERE relnamespace = 'public'::regnamespace
    AND relname LIKE 'procrastinate\\_%' AND relkind = 'r' LOOP
    EXECUTE format('ALTER TABLE %s OWNER TO {owner}', each);
    EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON %s TO {app}', each);
  END LOOP;
  FOR each IN SELECT oid FROM pg_class WHERE relnamespace = 'public'::regnamespace
    AND relname LIKE 'procrastinate\\_%' AND relkind = 'S' LOOP
    EXECUTE format('GRANT USAGE ON SEQUENCE %s TO {app}', each);
  END LOOP;
END $$;
"""


def grants_sql(*, owner: str, app: str, reader: str) -> str:
    """Return the SQL that gives three roles what they need, and takes all else from two of them.

    Args:
        owner: has the tables, and changes the schema.
        app: runs workers and commands; appends to histories and seals, and never changes them.
        reader: reads everything but secrets.

    Raises:
        InputError: two of them are one, or a name is none.
    """
    names = (owner, app, reader)
    if len(set(names)) < len(names):
        raise InputError(
            "owner, app and reader are three roles", field="app", hint="give each its own name"
        )
    o, a, r = (_quoted(name) for name in names)
    return "\n".join(
        [
            "BEGIN;",
            *(_role(name, quoted) for name, quoted in zip(names, (o, a, r), strict=True)),
            "",
            "REVOKE CREATE ON SCHEMA public FROM PUBLIC;",
            f"REVOKE ALL ON SCHEMA public FROM {a}, {r};",
            f"GRANT USAGE, CREATE ON SCHEMA public TO {o};",
            f"GRANT USAGE ON SCHEMA public TO {a}, {r};",
            f"REVOKE ALL ON ALL TABLES IN SCHEMA public FROM {a}, {r}, PUBLIC;",
            "",
            *(f"ALTER TABLE {name} OWNER TO {o};" for name in _all_names()),
            *(f"ALTER FUNCTION {name}() OWNER TO {o};" for name in _FUNCTIONS),
            "",
            *(f"GRANT {_rights(t)} ON {t.name} TO {a};" for t in tables.metadata.sorted_tables),
            *(f"GRANT {_readable(t)} ON {t.name} TO {r};" for t in tables.metadata.sorted_tables),
            f"GRANT SELECT ON alembic_version TO {a}, {r};",
            "",
            f"{_QUEUE.format(owner=o, app=a)}COMMIT;",
            "",
        ]
    )


def _quoted(name: str) -> str:
    if not _NAME.fullmatch(name):
        raise InputError(
            f"'{name}' is no name for a role", field="name", hint="use letters, digits, _ and -"
        )
    return f'"{name}"'


def _role(name: str, quoted: str) -> str:
    known = f"SELECT FROM pg_roles WHERE rolname = '{name}'"
    return f"DO $$ BEGIN IF NOT EXISTS ({known}) THEN CREATE ROLE {quoted} LOGIN; END IF; END $$;"


def _all_names() -> Iterator[str]:
    yield from (table.name for table in tables.metadata.sorted_tables)
    yield "alembic_version"


def _rights(table: Table) -> str:
    if table in _APPEND_ONLY:
        return "SELECT, INSERT"
    return "SELECT, INSERT, UPDATE" + (", DELETE" if table in _EMPTIED else "")


def _readable(table: Table) -> str:
    open_ = [c.name for c in table.columns if not c.name.endswith(_SECRET)]
    return "SELECT" if len(open_) == len(table.columns) else f"SELECT ({', '.join(open_)})"
