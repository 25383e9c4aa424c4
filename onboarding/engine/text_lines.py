"""Lines of a text file, whatever editor or spreadsheet saved it."""

from __future__ import annotations

import codecs
import io
from collections.abc import Iterator
from typing import BinaryIO

from onboarding.errors import ImportFileError, RowError

_UTF16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


def read_lines(file: BinaryIO) -> Iterator[str]:
    """Yield the lines of a file with their ends; a byte order mark is left out.

    The file is UTF-8, or UTF-16 with a byte order mark.

    Raises:
        ImportFileError: a line is neither; it names the line.
    """
    start = file.read(3)
    file.seek(0)
    if start[:2] in _UTF16:
        yield from _utf16(file)
        return
    for number, line in enumerate(file, start=1):
        try:
            yield line.removeprefix(codecs.BOM_UTF8).decode() if number == 1 else line.decode()
        except UnicodeDecodeError:
            raise _not_text(number) from None


def _utf16(file: BinaryIO) -> Iterator[str]:
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
