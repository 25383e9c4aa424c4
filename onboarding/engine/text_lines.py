"""Lines of a text file, whatever editor or spreadsheet saved it."""

from __future__ import annotations

import codecs
import io
from collections.abc import Iterator

from onboarding.errors import ImportFileError, RowError

_UTF16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)

#: A longer line is not a row of a file of numbers: it is refused before more of it is read.
LONGEST = 256 * 1024


def read_lines(file: io.BufferedReader) -> Iterator[str]:
    """Yield the lines of a file with their ends; a byte order mark is left out.

    The file is UTF-8, or UTF-16 with a byte order mark. At no time more than a line is in memory.

    Raises:
        ImportFileError: a line is neither, or far too long; it names the line.
    """
    if file.peek(2)[:2] in _UTF16:  # a pipe cannot go back to its start
        yield from _utf16(file)
        return
    number = 0
    while line := file.readline(LONGEST + 1):
        number += 1
        _require_line(number, len(line), is_text=b"\x00" not in line)
        try:
            yield line.removeprefix(codecs.BOM_UTF8).decode() if number == 1 else line.decode()
        except UnicodeDecodeError:
            raise _not_text(number) from None


def _utf16(file: io.BufferedReader) -> Iterator[str]:
    text = io.TextIOWrapper(file, encoding="utf-16", newline="")
    number = 0
    try:
        while line := text.readline(LONGEST + 1):
            number += 1
            _require_line(number, len(line), is_text="\x00" not in line)
            yield line
    except UnicodeError:
        raise _not_text(number + 1) from None
    finally:
        text.detach()


def _require_line(number: int, length: int, *, is_text: bool) -> None:
    if not is_text:
        raise _not_text(number)
    if length > LONGEST:
        raise _refused(
            RowError(number, "", f"longer than {LONGEST // 1024} kB: this is no file of numbers"),
            hint="check which file it is; a row for each number, a line for each row",
        )


def _not_text(line: int) -> ImportFileError:
    return _refused(
        RowError(line, "", "not UTF-8 text"),
        hint="save it as UTF-8 (in a spreadsheet: CSV UTF-8)",
    )


def _refused(error: RowError, hint: str) -> ImportFileError:
    return ImportFileError(
        f"nothing was stored, the file has mistakes: line {error.line}: {error.message}",
        rows=[error],
        hint=hint,
    )
