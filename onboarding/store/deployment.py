"""Facts of the deployment itself, by name."""

from __future__ import annotations

from sqlalchemy import Connection, select

from onboarding.store.rowset import insert_rows
from onboarding.store.tables import deployment


def load_fact(conn: Connection, name: str) -> str | None:
    """Return a fact of the deployment."""
    value: str | None = conn.execute(
        select(deployment.c.value).where(deployment.c.name == name)
    ).scalar()
    return value


def insert_fact(conn: Connection, name: str, value: str) -> None:
    """Keep a fact of the deployment."""
    insert_rows(conn, deployment, [{"name": name, "value": value}])
