"""Facts of the deployment itself, by name."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import Connection, select, text

from onboarding.core.steps import Restore
from onboarding.core.timing import iso, parse_iso
from onboarding.store.identity import identity_sql
from onboarding.store.rowset import insert_rows, packed, storable, upsert
from onboarding.store.tables import deployment

#: The identity that the database had when its deployment was last known to be the original.
HOME = "home"
#: The identity that it has now; computed and not stored.
HERE = "here"
#: Set in a copy that ``onboarding backup`` made, and when it was made.
COPIED = "copied"
#: The last restore, released or not.
RESTORED = "restored"

#: The id of the key that secrets are sealed with, and the root that outlives it, encrypted.
KEY_ID, KEY_ROOT = "secret_key_id", "secret_root"

_FACTS = "SELECT name, value FROM deployment"


def load_fact(conn: Connection, name: str) -> str | None:
    """Return a fact of the deployment."""
    value: str | None = conn.execute(
        select(deployment.c.value).where(deployment.c.name == name)
    ).scalar()
    return value


def insert_fact(conn: Connection, name: str, value: str) -> None:
    """Keep a fact of the deployment."""
    insert_rows(conn, deployment, [{"name": name, "value": value}])


def load_facts(conn: Connection) -> dict[str, str]:
    """Return every fact, with the identity that the database has now as ``HERE``."""
    here = identity_sql(conn)
    return {row.name: row.value for row in conn.execute(_all_facts(here))}


@cache
def _all_facts(here: str | None) -> Any:
    return text(f"{_FACTS} UNION ALL SELECT '{HERE}', {here}" if here else _FACTS)


def lock_facts(conn: Connection) -> None:
    """Let nobody else change what is known of the deployment, until the transaction ends."""
    conn.execute(select(deployment.c.name).order_by(deployment.c.name).with_for_update())


def put_facts(conn: Connection, changes: Mapping[str, str]) -> None:
    """Keep facts in the place of what they were; an empty one is as good as none."""
    columns = [deployment.c.name, deployment.c.value]
    rows = [{"name": name, "value": value} for name, value in changes.items()]
    conn.execute(_put(conn.dialect.name), packed(columns, rows))


@cache
def _put(dialect: str) -> Any:
    return upsert(dialect, deployment, ("name", "value"), {"value": lambda _, new: new.value})


@dataclass(frozen=True, slots=True, kw_only=True)
class RestoreFact:
    """What is kept of a restore: the restore itself, who said so, and who ended it and why."""

    restore: Restore
    by: str
    released_by: str | None = None
    reason: str | None = None

    def to_text(self) -> str:
        """Return it as it is kept."""
        restore, released_at = self.restore, self.restore.released_at
        facts = {
            "at": iso(restore.at),
            "why": storable(restore.why),
            "by": storable(self.by),
            "released_at": iso(released_at) if released_at else None,
            "released_by": storable(self.released_by) if self.released_by else None,
            "reason": storable(self.reason) if self.reason else None,
        }
        return json.dumps(facts, sort_keys=True)


def parse_restore(kept: str) -> RestoreFact:
    """Return what is kept of a restore."""
    facts = json.loads(kept)
    released_at: datetime | None = parse_iso(facts["released_at"]) if facts["released_at"] else None
    return RestoreFact(
        restore=Restore(at=parse_iso(facts["at"]), why=facts["why"], released_at=released_at),
        by=facts["by"],
        released_by=facts["released_by"],
        reason=facts["reason"],
    )
