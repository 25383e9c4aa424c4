"""Lines of a text file, whatever editor or spreadsheet saved it."""

from __future__ import annotations

import codecs
import io
from collections.abc import Iterator

from onboarding.errors import ImportFileError, RowError

_UTF16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


def read_lines(file: io.BufferedReader) -> Iterator[str]:
    """Yield the lines of a file with their ends; a byte order mark is left out.

    The file is UTF-8, or UTF-16 with a byte order mark.

    Raises:
        ImportFileError: a line is neither; it names the line.
    """
    if file.peek(2)[:2] in _UTF16:  # a pipe cannot go back to its start
        yield from _utf16(file)
        return
    for number, line in enumerate(file, start=1):
        try:
            yield line.removeprefix(codecs.BOM_UTF8).decode() if number == 1 else line.decode()
        except UnicodeDecodeError:
            raise _not_text(number) from None


def _utf16(file: io.BufferedReader) -> Iterator[str]:
    text = io.TextIOWrapper(file, encoding="utf-16", newline="")
    number = 0
    try:
        for number, line in enumerate(text, start=1):  # noqa: B007 - told when a line fails
            yield line
    except UnicodeError:
        raise _not_text(number + 1) from None
    finally:
        text.detach()


def _not_text(line: int) -> ImportFileError:
    error = RowError(line, "", "not UTF-8 text")
    return ImportFileError(
        f"nothing was stored, the file has mistakes: line {line}: {error.message}",
        rows=[error],
        hint="save it as UTF-8 (in a spreadsheet: CSV UTF-8)",
    )
