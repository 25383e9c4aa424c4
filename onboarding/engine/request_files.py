"""Files of requests, row by row: CSV (comma, semicolon or tab) and JSON lines.

The columns are fields of ``NumberRequest``. What is wrong with a row as it stands is told by line
and column; whether its content can be accepted is for ``engine/requests.py`` to say.
"""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Any

from onboarding.core.timing import parse_iso
from onboarding.engine.requests import NumberRequest
from onboarding.engine.text_lines import read_lines
from onboarding.errors import ImportFileError, RowError

REQUIRED = ("waba_id", "phone_number", "display_name")
COLUMNS = (
    *REQUIRED, "cc", "region", "entry", "code_method", "code_language", "code_window",
    "code_ready", "onboarded_at", "pin", "key",
)  # fmt: skip

#: Told how many rows are read, and how large a share of the file that was (0 to 1).
Progress = Callable[[int, float], None]

_YES_NO = {
    "": False, "true": True, "yes": True, "y": True, "1": True,
    "false": False, "no": False, "n": False, "0": False,
}  # fmt: skip
_ROUNDED = re.compile(r"\d+([.,]\d+)?E\+\d+", re.IGNORECASE)


class FileFormat(StrEnum):
    """How a file of requests is written."""

    CSV = "csv"
    JSONL = "jsonl"


#: A request, and the line that it starts on.
Row = tuple[int, NumberRequest]
Reader = Callable[[Iterable[str]], Iterator[Row | RowError]]


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
    raise ImportFileError(
        f"'{path.name}' does not say whether it is CSV or JSON lines",
        hint="name it .csv or .jsonl, or give the format",
    )


def read_file(
    path: Path, file_format: FileFormat | None, on_progress: Progress | None
) -> tuple[list[Row], list[RowError]]:
    """Return the requests of a file with their lines, and what is wrong with its other rows.

    Raises:
        ImportFileError: it cannot be read, is not text, or holds nothing.
    """
    read = _READERS[file_format or format_of(path)]
    try:
        with path.open("rb") as file:
            return _read(file, read, path.stat().st_size, on_progress)
    except OSError as error:
        raise ImportFileError(
            f"{path} cannot be read: {error.strerror}", hint="check the path"
        ) from None


def _read(
    file: io.BufferedReader, read: Reader, size: int, on_progress: Progress | None
) -> tuple[list[Row], list[RowError]]:
    rows: list[Row] = []
    errors: list[RowError] = []
    for found in read(read_lines(file)):
        if isinstance(found, RowError):
            errors.append(found)
            continue
        rows.append(found)
        if on_progress is not None:
            on_progress(len(rows), file.tell() / size if size else 1.0)
    if not (rows or errors):
        raise ImportFileError("the file holds no numbers", hint="a row for each number")
    return rows, errors


def _read_csv(lines: Iterable[str]) -> Iterator[Row | RowError]:
    numbered = iter(lines)
    head = next(numbered, None)
    if head is None:
        return
    reader = csv.reader(_rejoin(head, numbered), delimiter=_delimiter(head), strict=True)
    start = 1
    names: list[str] | None = None
    while True:
        start = reader.line_num + 1
        try:
            cells = next(reader, None)
        except csv.Error as error:
            yield RowError(start, "", f"not CSV: {error}")
            return
        if cells is None:
            return
        if names is None:
            names = _names(cells)
            if errors := _header_errors(names):
                yield from errors
                return
        elif any(cell.strip() for cell in cells):
            yield from _csv_row(start, names, cells)


def _rejoin(head: str, rest: Iterator[str]) -> Iterator[str]:
    yield head
    yield from rest


def _delimiter(head: str) -> str:
    """Return what separates the columns; spreadsheets of half the world write semicolons."""
    return max(",;\t", key=head.count)


def _names(cells: Sequence[str]) -> list[str]:
    """Return the names of the columns; a spreadsheet's empty ones at the end do not count."""
    names = [cell.strip().lower() for cell in cells]
    while names and not names[-1]:
        names.pop()
    return names


def _header_errors(names: Sequence[str]) -> list[RowError]:
    errors = [
        RowError(1, name or "(empty)", f"unknown column; known: {', '.join(COLUMNS)}")
        for name in dict.fromkeys(names)
        if name not in COLUMNS
    ]
    errors += [
        RowError(1, name, "the column is there twice")
        for name in dict.fromkeys(names)
        if names.count(name) > 1
    ]
    errors += [RowError(1, name, "the column is missing") for name in REQUIRED if name not in names]
    return errors


def _csv_row(line: int, names: Sequence[str], cells: Sequence[str]) -> Iterator[Row | RowError]:
    if any(cell.strip() for cell in cells[len(names) :]):
        yield RowError(line, "", f"{len(cells)} cells, but {len(names)} columns; quote commas")
        return
    yield from _request(
        line, {name: cell.strip() for name, cell in zip(names, cells, strict=False)}
    )


def _read_jsonl(lines: Iterable[str]) -> Iterator[Row | RowError]:
    for line, text in enumerate(lines, start=1):
        if not text.strip():
            continue
        try:
            found = json.loads(text, object_pairs_hook=_unique)
        except (ValueError, RecursionError) as error:
            message = getattr(error, "msg", None) or str(error)
            yield RowError(line, "", f"not a JSON object: {message}")
            continue
        if not isinstance(found, dict):
            yield RowError(line, "", "not a JSON object; each line is one, like {...}")
            continue
        yield from _json_row(line, found)


def _unique(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a name is there twice")
    return found


def _json_row(line: int, found: Mapping[str, object]) -> Iterator[Row | RowError]:
    errors = [
        RowError(line, name, f"unknown column; known: {', '.join(COLUMNS)}")
        for name in found
        if name not in COLUMNS
    ]
    errors += [
        RowError(line, name, "neither text, a number, yes or no")
        for name, value in found.items()
        if isinstance(value, dict | list | float)
    ]
    if errors:
        yield from errors
        return
    yield from _request(line, {name: _text(value) for name, value in found.items()})


def _text(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return "" if value is None else str(value).strip()


def _request(line: int, given: Mapping[str, str]) -> Iterator[Row | RowError]:
    """Yield the request of a row, or everything that is wrong with it as it stands."""
    errors = [RowError(line, name, "is empty") for name in REQUIRED if not given.get(name)]
    number = given.get("phone_number", "")
    if _ROUNDED.fullmatch(number):
        errors.append(
            RowError(
                line,
                "phone_number",
                f"'{number}' was rounded by a spreadsheet; format the column as text",
            )
        )
    code_ready = _YES_NO.get(given.get("code_ready", "").lower())
    if code_ready is None:
        errors.append(RowError(line, "code_ready", "neither yes nor no"))
    onboarded_at, wrong = _instant(line, given.get("onboarded_at", ""))
    if wrong is not None:
        errors.append(wrong)
    if errors:
        yield from errors
        return
    present: dict[str, Any] = {
        name: text
        for name, text in given.items()
        if text and name not in ("code_ready", "onboarded_at")
    }
    yield line, NumberRequest(code_ready=bool(code_ready), onboarded_at=onboarded_at, **present)


def _instant(line: int, text: str) -> tuple[datetime | None, RowError | None]:
    if not text:
        return None, None
    try:
        return parse_iso(text), None
    except ValueError:
        message = f"'{text}' is not an instant; write it like 2026-03-02T09:00:00Z"
        return None, RowError(line, "onboarded_at", message)


_READERS: dict[FileFormat, Reader] = {FileFormat.CSV: _read_csv, FileFormat.JSONL: _read_jsonl}
