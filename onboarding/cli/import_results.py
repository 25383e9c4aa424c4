"""The result of an import, a line per row of the file, as CSV or JSON lines."""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TextIO

from onboarding.cli.asking import STDIN
from onboarding.engine.importing import ImportResult
from onboarding.engine.request_files import FileFormat, format_of
from onboarding.errors import InputError

Write = Callable[[Sequence[ImportResult]], None]
_COLUMNS = ("line", "phone_number", "id", "result", "state", "warning", "name_findings")


@contextmanager
def open_results(target: str | None, source: Path, like: FileFormat) -> Iterator[Write]:
    """Open where results go before anything is stored, so that a bad path costs nothing.

    The file appears under its name only when it is complete; if the block fails, nothing is left
    of it, and an earlier file stays as it was.

    Args:
        target: a path, ``-`` for standard output, or ``None`` for nowhere.
        source: the file that is imported; it is never written over.
        like: the format on standard output.

    Raises:
        InputError: the file cannot be written, or is the one that is imported.
    """
    if target is None:
        yield lambda _results: None
        return
    if target == STDIN:
        yield lambda results: _write(sys.stdout, results, like)
        return
    path = Path(target)
    if path.exists() and path.samefile(source):
        raise InputError(
            f"the result would replace {source}, the file that is imported",
            field="result",
            hint="give another --result; nothing was stored",
        )
    file_format = format_of(path)
    draft = path.with_name(f".{path.name}.part")
    try:
        file = draft.open("w", encoding="utf-8", newline="")
    except OSError as error:
        raise InputError(
            f"{path} cannot be written: {error.strerror}", hint="nothing was stored"
        ) from None

    def write(results: Sequence[ImportResult]) -> None:
        try:
            _write(file, results, file_format)
            file.close()
            draft.replace(path)
        except OSError as error:
            raise InputError(
                f"the rows were stored, but {path} could not be written: {error.strerror}",
                hint="import the file again with another --result: nothing is stored twice",
            ) from None

    try:
        yield write
    finally:
        file.close()
        draft.unlink(missing_ok=True)


def _write(file: TextIO, results: Sequence[ImportResult], file_format: FileFormat) -> None:
    if file_format is FileFormat.JSONL:
        file.writelines(json.dumps(asdict(each)) + "\n" for each in results)
        return
    writer = csv.DictWriter(file, _COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(
        asdict(each) | {"name_findings": " ".join(each.name_findings)} for each in results
    )
