"""Webhook events that were taken in already: Meta repeats them, and gives them no id."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection

from onboarding.store.rowset import insert_rows
from onboarding.store.tables import webhook_event as t


def insert_events(conn: Connection, rows: Sequence[dict[str, Any]]) -> set[str]:
    """Note events; return the digests of those that are new."""
    return set(insert_rows(conn, t, rows, skip_conflicts=True, returning=t.c.digest))
