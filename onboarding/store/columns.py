"""Column types: how instants, enums and small records are kept, the same in both databases."""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import datetime
from enum import Enum
from functools import cached_property
from typing import Any, Generic, Protocol, TypeVar, runtime_checkable

from pydantic import TypeAdapter
from sqlalchemy import Dialect, String, Text, TypeDecorator
from sqlalchemy.dialects.postgresql import TIMESTAMP
from sqlalchemy.types import TypeEngine

from onboarding.core.timing import iso, parse_iso

E = TypeVar("E", bound=Enum)
T = TypeVar("T")


@runtime_checkable
class JsonReady(Protocol):
    """A column type whose values can travel in a JSON array."""

    def to_json(self, value: Any) -> Any:
        """Return what stands for the value in JSON."""
        ...


class Instant(TypeDecorator[datetime]):
    """An aware UTC instant: ``timestamptz`` on PostgreSQL, text that sorts as time on SQLite."""

    impl = String(27)
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """Choose the column type of the database."""
        if dialect.name == "postgresql":
            return dialect.type_descriptor(TIMESTAMP(timezone=True))
        return dialect.type_descriptor(String(27))

    def to_json(self, value: datetime | None) -> str | None:
        """Return the instant as text."""
        return None if value is None else iso(value)

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> Any:
        """Turn an instant into what the database keeps."""
        return value if dialect.name == "postgresql" else self.to_json(value)

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:
        """Turn what the database keeps into an instant."""
        if value is None or dialect.name == "postgresql":
            return value  # type: ignore[no-any-return]  # the driver gives an aware datetime
        return parse_iso(value)


class Word(TypeDecorator[E], Generic[E]):
    """A member of one of our enums, kept as its value."""

    impl = String(40)
    cache_ok = True

    def __init__(self, enum: type[E]) -> None:
        super().__init__()
        self.enum = enum

    def to_json(self, value: E | None) -> str | None:
        """Return the member's value."""
        return None if value is None else str(self.enum(value).value)

    def process_bind_param(self, value: E | None, dialect: Dialect) -> Any:
        """Return the member's value."""
        del dialect
        return self.to_json(value)

    def process_result_value(self, value: Any, dialect: Dialect) -> E | None:
        """Return the member of a value."""
        del dialect
        return None if value is None else self.enum(value)


class Record(TypeDecorator[T], Generic[T]):
    """A small frozen dataclass, kept as JSON text without its empty fields."""

    impl = Text
    cache_ok = True

    def __init__(self, record: type[T]) -> None:
        super().__init__()
        self.record = record

    @cached_property
    def _adapter(self) -> TypeAdapter[T]:
        return TypeAdapter(self.record)

    def to_json(self, value: Any) -> str | None:
        """Return the record's JSON text."""
        if value is None:
            return None
        return json.dumps(_without_empty(asdict(value)), default=_plain, sort_keys=True)

    def process_bind_param(self, value: T | None, dialect: Dialect) -> str | None:
        """Return the record's JSON text."""
        del dialect
        return self.to_json(value)

    def process_result_value(self, value: Any, dialect: Dialect) -> T | None:
        """Return the record of a JSON text."""
        del dialect
        return None if value is None else self._adapter.validate_json(value)


def _without_empty(fields: dict[str, Any]) -> dict[str, Any]:
    return {
        key: _without_empty(value) if isinstance(value, dict) else value
        for key, value in fields.items()
        if value is not None
    }


def _plain(value: Any) -> str:
    if isinstance(value, datetime):
        return iso(value)
    raise TypeError(f"{type(value).__name__} has no place in a stored record")
