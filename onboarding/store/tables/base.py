"""What all tables have in common."""

from __future__ import annotations

from typing import Any

from sqlalchemy import BigInteger, Integer, MetaData, text

from onboarding.core.lifecycle import LIVE
from onboarding.model import OPEN

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)


def _listed(values: tuple[str, ...]) -> str:
    return ", ".join(f"'{value}'" for value in values)


def only(condition: str) -> dict[str, Any]:
    """Return what makes an index partial, on both databases."""
    return {"sqlite_where": text(condition), "postgresql_where": text(condition)}


IS_LIVE = f"state IN ({_listed(tuple(s.value for s in LIVE))})"
IS_OPEN = f"status IN ({_listed(tuple(s.value for s in OPEN))})"

#: A number that rises by itself.
POSITION = BigInteger().with_variant(Integer, "sqlite")
