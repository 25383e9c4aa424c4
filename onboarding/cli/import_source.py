"""The file that an import reads; what comes through a pipe is put where it can be read twice."""

from __future__ import annotations

import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

from onboarding.cli.asking import STDIN
from onboarding.engine.file_rows import ColumnMap
from onboarding.engine.request_files import FileFormat, RequestFile, format_of
from onboarding.errors import ImportFileError, InputError

_AT_ONCE = 1024 * 1024
#: More than a million rows have.
_MOST = 512 * _AT_ONCE


@contextmanager
def open_source(
    file: Path, file_format: str | None, *, columns: ColumnMap, sheet: str | None
) -> Iterator[RequestFile]:
    """Yield the file to import.

    Raises:
        InputError: the format is none.
        ImportFileError: it cannot be read, or its name does not say how it is written.
    """
    chosen = _format(file_format)
    path = Path("/dev/stdin") if str(file) == STDIN else file
    made = RequestFile(
        path=path, file_format=chosen or format_of(path), columns=columns, sheet=sheet
    )
    if not _is_pipe(path):
        yield made
        return
    with TemporaryDirectory() as folder:  # nobody else may read it: it may hold PINs
        copy = Path(folder) / "piped"
        _copy(path, copy)
        yield replace(made, path=copy, name="standard input" if str(file) == STDIN else path.name)


def _format(text: str | None) -> FileFormat | None:
    if text is None:
        return None
    try:
        return FileFormat(text.lower())
    except ValueError:
        raise InputError(f"'{text}' is not a format", hint="--format csv, jsonl or xlsx") from None


def _is_pipe(path: Path) -> bool:
    try:
        return not stat.S_ISREG(path.stat().st_mode) and not path.is_dir()
    except OSError:
        return False  # reading it says what is wrong


def _copy(path: Path, copy: Path) -> None:
    left = _MOST
    try:
        with path.open("rb") as source, copy.open("xb") as target:
            while some := source.read(_AT_ONCE):
                left -= len(some)
                if left < 0:
                    raise ImportFileError(
                        f"more than {_MOST // _AT_ONCE} MB came through the pipe",
                        hint="this is no file of numbers; if it is, give the file itself",
                    )
                target.write(some)
    except OSError as error:
        raise ImportFileError(
            f"{path} cannot be read: {error.strerror}", hint="check the path"
        ) from None
