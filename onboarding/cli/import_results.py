"""The result of an import, a line per row of the file, as CSV or JSON lines.

It has the columns of the file as well, but for PINs: mend what was refused in it, and import it.
"""

from __future__ import annotations

import csv
import json
import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any, TextIO

from onboarding.cli.asking import STDIN
from onboarding.engine.file_rows import COLUMNS
from onboarding.engine.import_results import ImportResult
from onboarding.engine.request_files import FileFormat, format_of
from onboarding.errors import InputError

_TOLD = ("line", "phone_number", "id", "result", "state", "warning", "name_findings", "mistake")
_GIVEN = tuple(name for name in COLUMNS if name not in ("phone_number", "pin"))
#: What a number in international form needs no more.
_COUNTRY = ("cc", "region")


class Results:
    """Takes results as they come; they are there under their name once ``finish`` was called."""

    def __init__(
        self, file: TextIO | None, file_format: FileFormat, finish: Callable[[], None]
    ) -> None:
        self._add: Callable[[dict[str, Any]], object] = lambda _: None
        self.finish = finish
        if file is not None and file_format is FileFormat.JSONL:
            self._add = lambda facts: file.write(json.dumps(facts) + "\n")
        elif file is not None:
            writer = csv.DictWriter(file, (*_TOLD, *_GIVEN), lineterminator="\n")
            writer.writeheader()
            self._add = lambda facts: writer.writerow(
                facts | {"name_findings": " ".join(facts["name_findings"])}
            )

    def add(self, result: ImportResult) -> None:
        """Write one result."""
        given = dict.fromkeys(_GIVEN, "") | {
            name: text for name, text in result.given.items() if name in _GIVEN
        }
        if result.result != "refused":
            given |= dict.fromkeys(_COUNTRY, "")
        self._add({name: getattr(result, name) for name in _TOLD} | given)


@contextmanager
def open_results(target: str | None, source: Path, like: FileFormat) -> Iterator[Results]:
    """Open where results go before anything is stored, so that a bad path costs nothing.

    The file appears under its name only when it is complete; if the block fails, nothing is left
    of it, and an earlier file stays as it was.

    Args:
        target: a path, ``-`` for standard output, or ``None`` for nowhere.
        source: the file that is imported; it is never written over.
        like: the format on standard output; CSV in place of a spreadsheet.

    Raises:
        InputError: the file cannot be written, or is the one that is imported.
    """
    if target is None:
        yield Results(None, like, lambda: None)
    elif target == STDIN:
        with TemporaryFile("w+", encoding="utf-8", newline="") as spool:
            yield Results(spool, like, lambda: _print(spool))
    else:
        with _into_file(Path(target), source) as results:
            yield results


def _print(spool: TextIO) -> None:
    spool.seek(0)
    shutil.copyfileobj(spool, sys.stdout)


@contextmanager
def _into_file(path: Path, source: Path) -> Iterator[Results]:
    if path.exists() and path.samefile(source):
        raise InputError(
            f"the result would replace {source}, the file that is imported",
            field="result",
            hint="give another --result; nothing was stored",
        )
    file_format = format_of(path)
    if file_format is FileFormat.XLSX:
        raise InputError(
            f"{path.name} would be a spreadsheet; results are CSV or JSON lines",
            field="result",
            hint="name it .csv or .jsonl; nothing was stored",
        )
    draft = path.with_name(f".{path.name}.part")
    try:
        file = draft.open("w", encoding="utf-8", newline="")
    except OSError as error:
        raise InputError(
            f"{path} cannot be written: {error.strerror}", hint="nothing was stored"
        ) from None

    def finish() -> None:
        try:
            file.close()
            draft.replace(path)
        except OSError as error:
            raise InputError(
                f"the rows were stored, but {path} could not be written: {error.strerror}",
                hint="import the file again with another --result: nothing is stored twice",
            ) from None

    try:
        yield Results(file, file_format, finish)
    finally:
        file.close()
        draft.unlink(missing_ok=True)
