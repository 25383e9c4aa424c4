"""Rows of a file: what its columns are called, and what a row asks for."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from onboarding.core.timing import parse_iso
from onboarding.engine.requests import NumberRequest
from onboarding.errors import InputError, RowError

REQUIRED = ("waba_id", "phone_number", "display_name")
COLUMNS = (
    *REQUIRED, "cc", "region", "entry", "code_method", "code_language", "code_window",
    "code_ready", "onboarded_at", "pin", "key",
)  # fmt: skip

#: Columns that only results have: such a file may be imported again, and they are left out.
OF_RESULTS = ("line", "id", "result", "state", "warning", "name_findings", "mistake")

_YES_NO = {
    "": False, "true": True, "yes": True, "y": True, "1": True,
    "false": False, "no": False, "n": False, "0": False,
}  # fmt: skip
_ROUNDED = re.compile(r"\d+([.,]\d+)?E\+?\d+", re.IGNORECASE)
_DECIMAL = re.compile(r"\+?\d+[.,]0+")


@dataclass(frozen=True, slots=True)
class FileRow:
    """A request of a file.

    Attributes:
        line: where it starts; in a spreadsheet its row.
        request: what it asks for.
        given: its cells by column, as they stand; a PIN is not among them.
    """

    line: int
    request: NumberRequest
    given: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class BadRow:
    """A row that cannot be understood.

    Attributes:
        errors: all that is wrong with it.
        given: its cells by column, as far as they could be read.
        is_all: nothing after it can be read either.
    """

    errors: Sequence[RowError]
    given: Mapping[str, str] = field(default_factory=dict)
    is_all: bool = False


class ColumnMap:
    """What the columns of a file are called here.

    Args:
        given: names of the file's columns to ours; to nothing: the column is left out.

    Raises:
        InputError: there is no such column here, or two are mapped to one.
    """

    def __init__(self, given: Mapping[str, str] | None = None) -> None:
        pairs = {_plain(name): ours.strip().lower() for name, ours in (given or {}).items()}
        for name, ours in pairs.items():
            if ours and ours not in COLUMNS:
                raise InputError(
                    f"'{ours}' is no column of ours ('{name}' is mapped to it)",
                    field="map",
                    hint=f"one of: {', '.join(COLUMNS)}",
                )
        taken = [ours for ours in pairs.values() if ours]
        if twice := next((ours for ours in taken if taken.count(ours) > 1), None):
            raise InputError(f"two columns are mapped to '{twice}'", field="map", hint="map one")
        self._pairs = pairs

    def __repr__(self) -> str:
        return f"ColumnMap({dict(self.pairs) or ''})"

    @property
    def pairs(self) -> Sequence[tuple[str, str]]:
        """What is mapped to what, in order."""
        return tuple(sorted(self._pairs.items()))

    @property
    def names(self) -> Sequence[str]:
        """The names that a file's columns are mapped from, in plain form."""
        return tuple(self._pairs)

    def ours(self, name: str) -> str:
        """Return what a column is called here; nothing, if it is left out."""
        plain = _plain(name)
        return self._pairs.get(plain, "" if plain in OF_RESULTS else plain)


def parse_map(texts: Sequence[str]) -> ColumnMap:
    """Return the map that options like ``Phone=phone_number`` say.

    Raises:
        InputError: one is not such a pair.
    """
    pairs: dict[str, str] = {}
    for text in texts:
        name, sign, ours = text.rpartition("=")
        if not sign or not name.strip():
            raise InputError(
                f"'{text}' maps nothing",
                field="map",
                hint='like --map "Phone=phone_number"; --map "Notes=" leaves a column out',
            )
        if _plain(name) in map(_plain, pairs):
            raise InputError(f"'{name}' is mapped twice", field="map", hint="map it once")
        pairs[name] = ours
    return ColumnMap(pairs)


def _plain(name: str) -> str:
    return " ".join(name.split()).lower()


@dataclass(frozen=True, slots=True)
class Header:
    """The columns of a table: what each is called here; nothing, where it is left out."""

    names: Sequence[str]
    errors: Sequence[RowError] = ()

    def named(self, cells: Sequence[str]) -> dict[str, str]:
        """Return the cells of a row by column."""
        return {name: cell.strip() for name, cell in zip(self.names, cells, strict=False) if name}


def read_header(cells: Sequence[str], columns: ColumnMap, line: int = 1) -> Header:
    """Return the columns that a header names; empty ones at the end do not count."""
    given = [_plain(cell) for cell in cells]
    while given and not given[-1]:
        given.pop()
    names = [columns.ours(name) if name else "" for name in given]
    errors = [
        RowError(line, name or "(empty)", _unknown())
        for name in dict.fromkeys(given)
        if not name or (columns.ours(name) not in (*COLUMNS, ""))
    ]
    errors += [
        RowError(line, name, "the column is there twice")
        for name in dict.fromkeys(names)
        if name and names.count(name) > 1
    ]
    errors += [
        RowError(line, name, "is mapped, but there is no such column")
        for name in columns.names
        if name not in given
    ]
    errors += [
        RowError(line, name, "the column is missing") for name in REQUIRED if name not in names
    ]
    return Header(names, errors)


def _unknown() -> str:
    return f"unknown column; known: {', '.join(COLUMNS)}"


def unknown_columns(line: int, names: Sequence[str], columns: ColumnMap) -> list[RowError]:
    """Return what is wrong with the names that one object of a file has."""
    return [
        RowError(line, name, _unknown())
        for name in names
        if columns.ours(name) not in (*COLUMNS, "")
    ]


def read_row(
    line: int, given: Mapping[str, str], cells: Mapping[str, str] | None = None
) -> FileRow | BadRow:
    """Return the request of a row, or everything that is wrong with it as it stands.

    Args:
        line: where it starts.
        given: its cells by column.
        cells: in a spreadsheet, what the cell of each column is called.
    """
    errors = list(_errors(line, given, cells or {}))
    open_ = {name: text for name, text in given.items() if name != "pin"}
    if errors:
        return BadRow(errors, open_)
    present: dict[str, Any] = {
        name: text
        for name, text in given.items()
        if text and name not in ("code_ready", "onboarded_at")
    }
    request = NumberRequest(
        code_ready=_YES_NO[given.get("code_ready", "").lower()],
        onboarded_at=_instant(given.get("onboarded_at", "")),
        **present,
    )
    return FileRow(line, request, open_)


def _errors(line: int, given: Mapping[str, str], cells: Mapping[str, str]) -> Iterator[RowError]:
    def wrong(name: str, message: str) -> RowError:
        return RowError(line, name, message, cells.get(name, ""))

    for name in REQUIRED:
        if not given.get(name):
            yield wrong(name, "is empty")
    number = given.get("phone_number", "")
    if _ROUNDED.fullmatch(number):
        yield wrong(
            "phone_number", f"'{number}' was rounded by a spreadsheet; format the column as text"
        )
    elif _DECIMAL.fullmatch(number):
        yield wrong("phone_number", f"'{number}' is a decimal; format the column as text")
    if given.get("code_ready", "").lower() not in _YES_NO:
        yield wrong("code_ready", "neither yes nor no")
    at = given.get("onboarded_at", "")
    try:
        _instant(at)
    except ValueError:
        yield wrong("onboarded_at", f"'{at}' is not an instant; write it like 2026-03-02T09:00:00Z")


def _instant(text: str) -> datetime | None:
    return parse_iso(text) if text else None
