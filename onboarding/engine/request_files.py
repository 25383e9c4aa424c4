"""Files of requests, row by row: CSV (comma, semicolon or tab), JSON lines, and spreadsheets.

The columns are fields of ``NumberRequest``. What is wrong with a row as it stands is told by line
and column; whether its content can be accepted is for ``engine/requests.py`` to say. A file is
read as it is worked on: never more than a row of it is in memory.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from onboarding.engine.file_rows import (
    COLUMNS,
    REQUIRED,
    BadRow,
    ColumnMap,
    FileRow,
    Header,
    read_header,
    read_row,
    unknown_columns,
)
from onboarding.engine.text_lines import read_lines
from onboarding.engine.xlsx_rows import read_xlsx
from onboarding.errors import ImportFileError, RowError

__all__ = ["COLUMNS", "REQUIRED", "FileFormat", "Progress", "RequestFile", "format_of"]

#: Told how many rows are done, and how large a share of the work that was (0 to 1).
Progress = Callable[[int, float], None]

#: A row, or what is wrong with one; and the share of the file that was read by then.
Found = tuple[FileRow | BadRow, float]


class FileFormat(StrEnum):
    """How a file of requests is written."""

    CSV = "csv"
    JSONL = "jsonl"
    XLSX = "xlsx"


def format_of(path: Path) -> FileFormat:
    """Return the format that the file's suffix names.

    Raises:
        ImportFileError: it names none.
    """
    suffix = path.suffix.lower()
    if suffix in (".jsonl", ".ndjson", ".json"):
        return FileFormat.JSONL
    if suffix in (".csv", ".tsv", ".txt"):
        return FileFormat.CSV
    if suffix in (".xlsx", ".xlsm"):
        return FileFormat.XLSX
    if suffix == ".xls":
        raise ImportFileError(
            f"'{path.name}' is a spreadsheet of the old kind", hint="save it as .xlsx or CSV UTF-8"
        )
    raise ImportFileError(
        f"'{path.name}' does not say whether it is CSV, JSON lines or XLSX",
        hint="name it .csv, .jsonl or .xlsx, or give the format",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestFile:
    """A file of requests; it may be read several times.

    Attributes:
        path: where it is.
        file_format: how it is written; default: what the suffix says.
        columns: what its columns are called here.
        sheet: which sheet of a spreadsheet; default: the first.
        name: what it is called, where its path says nothing.
    """

    path: Path
    file_format: FileFormat | None = None
    columns: ColumnMap = field(default_factory=ColumnMap)
    sheet: str | None = None
    name: str = ""

    @property
    def shown(self) -> str:
        """What people call it."""
        return self.name or self.path.name

    def read(self) -> Iterator[Found]:
        """Yield its rows, and what is wrong with those that cannot be understood.

        Raises:
            ImportFileError: it cannot be read, is of another format, or holds nothing.
        """
        chosen = self.file_format or format_of(self.path)
        try:
            if chosen is FileFormat.XLSX:
                found = read_xlsx(self.path, self.columns, self.sheet)
            else:
                found = self._text(_READERS[chosen])
            yield from _not_empty(found)
        except OSError as error:
            raise ImportFileError(
                f"{self.path} cannot be read: {error.strerror or error}", hint="check the path"
            ) from None

    def _text(self, read: Reader) -> Iterator[Found]:
        with self.path.open("rb") as file:
            size = self.path.stat().st_size
            for found in read(read_lines(file), self.columns):
                yield found, _told(file) / size if size else 1.0


Reader = Callable[[Iterator[str], ColumnMap], Iterator[FileRow | BadRow]]


def _told(file: io.BufferedReader) -> int:
    try:
        return file.tell()
    except OSError:  # a pipe
        return 0


def _not_empty(found: Iterator[Found]) -> Iterator[Found]:
    is_empty = True
    for each in found:
        is_empty = False
        yield each
    if is_empty:
        raise ImportFileError("the file holds no numbers", hint="a row for each number")


def _read_csv(lines: Iterator[str], columns: ColumnMap) -> Iterator[FileRow | BadRow]:
    head = next(lines, None)
    if head is None:
        return
    reader = csv.reader(_rejoin(head, lines), delimiter=_delimiter(head), strict=True)
    header: Header | None = None
    while True:
        start = reader.line_num + 1
        try:
            cells = next(reader, None)
        except csv.Error as error:
            yield BadRow([RowError(start, "", f"not CSV: {error}")], is_all=True)
            return
        if cells is None:
            return
        if header is None:
            header = read_header(cells, columns)
            if header.errors:
                yield BadRow(header.errors, is_all=True)
                return
        elif any(cell.strip() for cell in cells):
            yield _csv_row(start, header, cells)


def _rejoin(head: str, rest: Iterable[str]) -> Iterator[str]:
    yield head
    yield from rest


def _delimiter(head: str) -> str:
    """Return what separates the columns; spreadsheets of half the world write semicolons."""
    return max(",;\t", key=head.count)


def _csv_row(line: int, header: Header, cells: Sequence[str]) -> FileRow | BadRow:
    count = len(header.names)
    given = header.named(cells)
    if any(cell.strip() for cell in cells[count:]):
        given.pop("pin", None)
        message = f"{len(cells)} cells, but {count} columns; quote commas"
        return BadRow([RowError(line, "", message)], given)
    return read_row(line, given)


def _read_jsonl(lines: Iterator[str], columns: ColumnMap) -> Iterator[FileRow | BadRow]:
    for line, text in enumerate(lines, start=1):
        if not text.strip():
            continue
        try:
            found = json.loads(text, object_pairs_hook=_unique)
        except (ValueError, RecursionError) as error:
            message = getattr(error, "msg", None) or str(error)
            yield BadRow([RowError(line, "", f"not a JSON object: {message}")])
            continue
        if not isinstance(found, dict):
            message = "not a JSON object; each line is one, like {...}"
            yield BadRow([RowError(line, "", message)])
            continue
        yield _json_row(line, found, columns)


def _unique(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a name is there twice")
    return found


def _json_row(line: int, found: Mapping[str, object], columns: ColumnMap) -> FileRow | BadRow:
    kept = {name: value for name, value in found.items() if columns.ours(name)}
    errors = unknown_columns(line, list(kept), columns)
    errors += [
        RowError(line, name, "neither text, a number, yes or no")
        for name, value in kept.items()
        if isinstance(value, dict | list | float)
    ]
    ours = [columns.ours(name) for name in kept]
    errors += [RowError(line, name, "is given twice") for name in set(ours) if ours.count(name) > 1]
    given = {columns.ours(name): _text(value) for name, value in kept.items()}
    if errors:
        return BadRow(errors, {name: text for name, text in given.items() if name != "pin"})
    return read_row(line, given)


def _text(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return "" if value is None else str(value).strip()


_READERS: dict[FileFormat, Reader] = {FileFormat.CSV: _read_csv, FileFormat.JSONL: _read_jsonl}
