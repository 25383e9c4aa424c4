"""Turns: whose turn it was with an onboarding, and from when on; appended, never changed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import fields
from functools import cache
from typing import Any

from sqlalchemy import Connection, Select, select

from onboarding.core.attribution import Turn
from onboarding.store.rowset import insert_rows, listed, packed_list
from onboarding.store.tables import turn as t

_FIELDS = tuple(f.name for f in fields(Turn))


def append(conn: Connection, turns: Iterable[Turn]) -> None:
    """Store turns that began, with one statement; one that is there already is left as it is."""
    rows = [{name: getattr(turn, name) for name in _FIELDS} for turn in turns]
    insert_rows(conn, t, rows, skip_conflicts=True)


@cache
def _load(dialect: str) -> Select[Any]:
    ids = listed(dialect, t.c.onboarding_id)
    return select(t).where(t.c.onboarding_id.in_(ids)).order_by(t.c.onboarding_id, t.c.version)


def load(conn: Connection, onboarding_ids: Sequence[str]) -> dict[str, list[Turn]]:
    """Return the turns of these onboardings, in order; the engine's first is not among them."""
    found: dict[str, list[Turn]] = {}
    wanted = packed_list(t.c.onboarding_id, onboarding_ids)
    for row in conn.execute(_load(conn.dialect.name), wanted):
        found.setdefault(row.onboarding_id, []).append(
            Turn(**row._mapping)  # noqa: SLF001 - SQLAlchemy's public name for it
        )
    return found
