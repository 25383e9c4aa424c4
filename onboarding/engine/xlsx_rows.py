"""Rows of a spreadsheet (XLSX), read as a stream; every mistake is named by its cell."""

from __future__ import annotations

import datetime as dt
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

from onboarding.engine.file_rows import (
    BadRow,
    ColumnMap,
    FileRow,
    Header,
    read_header,
    read_row,
)
from onboarding.errors import ConfigurationError, ImportFileError, RowError

if TYPE_CHECKING:
    from openpyxl.workbook import Workbook

#: Columns that are looked at; no file of numbers has more.
_MOST_COLUMNS = 100

#: What a part of the file may be unpacked: texts are held in memory, sheets are streamed.
_MOST_TEXTS = 64 * 1024 * 1024
_MOST_SHEET = 1024 * 1024 * 1024

#: A spreadsheet keeps so many digits of a number, and fills the rest up with zeros.
_MOST_DIGITS = 15


def read_xlsx(
    path: Path, columns: ColumnMap, sheet: str | None
) -> Iterator[tuple[FileRow | BadRow, float]]:
    """Yield the rows of a sheet, each with the share of it that was read.

    Raises:
        ImportFileError: it is no XLSX file, far too large, or has no such sheet.
        ConfigurationError: openpyxl is not installed.
    """
    _require_sound(path)
    with closing(_open(path)) as book:
        page = _sheet(book, sheet)
        rows = max(page.max_row or 1, 1)
        page.reset_dimensions()  # what a file says of its size need not be so
        header: Header | None = None
        for line, cells in _cells(path, page):
            if not any(cell.value not in (None, "") for cell in cells):
                continue
            if header is None:
                header = read_header([_plain(cell.value) for cell in cells], columns, line)
                if header.errors:
                    yield BadRow(header.errors, is_all=True), 1.0
                    return
                continue
            yield _row(line, header, cells), min(1.0, line / rows)


def _cells(path: Path, page: Any) -> Iterator[tuple[int, Sequence[Any]]]:
    rows = enumerate(page.iter_rows(max_col=_MOST_COLUMNS), start=1)
    while True:
        try:
            found = next(rows, None)
        except OSError:
            raise
        except Exception as error:  # noqa: BLE001 - whatever a broken file makes of the library
            raise _broken(path, error) from None
        if found is None:
            return
        yield found


def _broken(path: Path, error: Exception) -> ImportFileError:
    return ImportFileError(
        f"{path.name} is not an XLSX file that can be read ({type(error).__name__})",
        hint="open it in a spreadsheet and save it anew, or as CSV UTF-8",
    )


def _require_sound(path: Path) -> None:
    """Refuse what is no XLSX file, or would fill the memory, before any of it is unpacked."""
    try:
        with zipfile.ZipFile(path) as packed:
            parts = packed.infolist()
    except zipfile.BadZipFile:
        raise ImportFileError(
            f"{path.name} is not an XLSX file", hint="save it as .xlsx, or as CSV UTF-8"
        ) from None
    for part in parts:
        is_sheet = part.filename.startswith("xl/worksheets/")
        if part.file_size > (_MOST_SHEET if is_sheet else _MOST_TEXTS):
            raise ImportFileError(
                f"{path.name} unpacks to more than a file of numbers can have ({part.filename})",
                hint="save the sheet with the numbers alone, or as CSV UTF-8",
            )


def _open(path: Path) -> Workbook:
    try:
        from openpyxl import load_workbook  # noqa: PLC0415 - an extra, and slow to import
    except ImportError:
        raise ConfigurationError(
            "spreadsheets need openpyxl, which is not installed",
            hint="run: pip install 'onboarding[xlsx]', or save the file as CSV UTF-8",
        ) from None
    try:
        return load_workbook(path, read_only=True, keep_links=False)
    except OSError:
        raise
    except Exception as error:  # noqa: BLE001 - whatever a broken file makes of the library
        raise _broken(path, error) from None


def _sheet(book: Workbook, name: str | None) -> Any:
    if name is None:
        return book.worksheets[0]
    if name not in book.sheetnames:
        raise ImportFileError(
            f"there is no sheet '{name}'", hint=f"there are: {', '.join(book.sheetnames)}"
        )
    return book[name]


def _row(line: int, header: Header, cells: Sequence[Any]) -> FileRow | BadRow:
    used = list(zip(header.names, cells, strict=False))
    places = {name: f"{_letters(place)}{line}" for place, name in enumerate(header.names) if name}
    errors = [
        RowError(line, name, message, places[name])
        for name, cell in used
        if name and (message := _wrong(cell))
    ]
    errors += [
        RowError(line, "", "a cell without a column", f"{_letters(place)}{line}")
        for place, cell in enumerate(cells)
        if place >= len(header.names) and cell.value not in (None, "")
    ][:1]
    given = header.named([_plain(cell.value) for cell in cells])
    if errors:
        given.pop("pin", None)
        return BadRow(errors, given)
    return read_row(line, given, places)


def _wrong(cell: Any) -> str:
    """Return why the value of a cell cannot be trusted, if it cannot."""
    value = cell.value
    if cell.value is None:
        return ""
    if cell.data_type == "f":
        return "a formula; copy the column and paste its values"
    if cell.data_type == "e":
        return f"the spreadsheet says {value}"
    if isinstance(value, float) and not value.is_integer():
        return f"{value} is no whole number; format the column as text"
    if isinstance(value, int | float) and abs(value) >= 10**_MOST_DIGITS:
        return (
            f"a number of more than {_MOST_DIGITS} digits, of which a spreadsheet keeps no more; "
            "format the column as text, and enter it again"
        )
    return ""


def _plain(value: object) -> str:
    """Return a value as it would stand in a text file."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return f"{value:.0f}"
    if isinstance(value, dt.datetime | dt.date):
        return value.isoformat()
    return str(value).strip()


def _letters(place: int) -> str:
    """Return what a spreadsheet calls a column; the first is 0."""
    text = ""
    place += 1
    while place:
        place, rest = divmod(place - 1, 26)
        text = chr(ord("A") + rest) + text
    return text
