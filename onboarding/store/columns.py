"""Column types: how instants, enums and small records are kept, the same in both databases.

A row has dozens of such columns, and a batch a hundred rows. So each type hands SQLAlchemy what
reads a value (``result_processor``) as one function, without the layers that it would put around
``process_result_value``.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import is_dataclass
from datetime import datetime
from enum import Enum
from functools import cached_property
from typing import Any, Generic, Protocol, TypeVar, runtime_checkable

import orjson
from pydantic import TypeAdapter
from sqlalchemy import Dialect, String, Text, TypeDecorator
from sqlalchemy.dialects.postgresql import TIMESTAMP
from sqlalchemy.types import TypeEngine

from onboarding.core.timing import iso, parse_iso

E = TypeVar("E", bound=Enum)
T = TypeVar("T")

#: Turns what the database keeps into the value.
Read = Callable[[Any], Any]


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

    def result_processor(self, dialect: Dialect, _coltype: object) -> Read | None:
        """Return what turns what the database keeps into an instant."""
        if dialect.name == "postgresql":
            return None  # the driver gives an aware datetime
        return lambda value: None if value is None else parse_iso(value)


class Word(TypeDecorator[E], Generic[E]):
    """A member of one of our enums, kept as its value."""

    impl = String(40)
    cache_ok = True

    def __init__(self, enum: type[E]) -> None:
        super().__init__()
        self.enum = enum

    @cached_property
    def _members(self) -> dict[Any, E]:
        return {member.value: member for member in self.enum}

    @cached_property
    def _texts(self) -> dict[Any, str]:
        return {member.value: str(member.value) for member in self.enum}

    def _member(self, value: Any) -> E | None:
        return None if value is None else self._members.get(value) or self.enum(value)

    def to_json(self, value: E | None) -> str | None:
        """Return the member's value."""
        return None if value is None else self._texts.get(value) or str(self.enum(value).value)

    def process_bind_param(self, value: E | None, dialect: Dialect) -> Any:
        """Return the member's value."""
        del dialect
        return self.to_json(value)

    def result_processor(self, _dialect: Dialect, _coltype: object) -> Read:
        """Return what turns a value into its member."""
        return self._member


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
        return None if value is None else _json(_present(value))

    def process_bind_param(self, value: T | None, dialect: Dialect) -> str | None:
        """Return the record's JSON text."""
        del dialect
        return self.to_json(value)

    def process_result_value(self, value: Any, dialect: Dialect) -> T | None:
        """Return the record of a JSON text."""
        del dialect
        return None if value is None else self._adapter.validate_json(value)

    def result_processor(self, _dialect: Dialect, _coltype: object) -> Read:
        """Return what turns a JSON text into its record."""
        read = self._adapter.validate_json
        return lambda value: None if value is None else read(value)


def _present(record: Any) -> dict[str, Any]:
    """Return the fields of a record that are not empty."""
    return {
        name: value
        for name in record.__dataclass_fields__
        if (value := getattr(record, name)) is not None
    }


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return iso(value)
    if is_dataclass(value):
        return _present(value)
    raise TypeError(f"{type(value).__name__} has no place in a stored record")


def _json(record: dict[str, Any]) -> str:
    try:
        return orjson.dumps(record, default=_plain, option=_OPTIONS).decode()
    except TypeError:  # halves of characters, which nothing could read again; or fails below
        text = json.dumps(record, default=_plain, sort_keys=True, ensure_ascii=False)
        return text.encode(errors="replace").decode()


_OPTIONS = orjson.OPT_SORT_KEYS | orjson.OPT_PASSTHROUGH_DATACLASS | orjson.OPT_PASSTHROUGH_DATETIME
