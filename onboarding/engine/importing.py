"""Importing a file: every row is checked before any is stored, and a mistake is named by place.

A file is read twice and never held: once to check all of it, then to store it, a few hundred rows
in a transaction. Whoever is interrupted in between imports it again: what is stored is known.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from onboarding.engine.accept import Receipt, accept_sound, preview
from onboarding.engine.batch_loading import BatchOrder, begin, end
from onboarding.engine.context import Context
from onboarding.engine.file_checks import check_chunk
from onboarding.engine.file_rows import BadRow, FileRow
from onboarding.engine.import_results import (
    CREATED,
    ImportReport,
    ImportResult,
    OnResult,
    place_of,
    refused_result,
    result_of,
    row_errors,
)
from onboarding.engine.request_files import FileFormat, Progress, RequestFile
from onboarding.engine.requests import NumberRequest, RequestsRefusedError
from onboarding.engine.seen_rows import SeenRows
from onboarding.engine.taking_in import Into
from onboarding.errors import ImportFileError, RowError
from onboarding.model import Onboarding

__all__ = ["ImportOptions", "ImportReport", "ImportResult", "import_file", "preview_file"]

#: Rows of one transaction.
CHUNK = 500

#: A file with more mistakes is not a file that a person mends row by row: the rest is not read.
MOST_MISTAKES = 1000

#: Checking is this share of the work, storing the rest.
_CHECKING = 0.4


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportOptions:
    """How a file is imported.

    Attributes:
        actor: who imports.
        dry_run: check everything and store nothing.
        code_ready: the holders of all these numbers can read a code now.
        strict_names: refuse a display name that breaks a published rule of Meta's.
        leave_out: store the sound rows of a file that has mistakes, and leave the others out.
        batch: the batch that its numbers go into.
    """

    actor: str
    dry_run: bool = False
    code_ready: bool = False
    strict_names: bool = False
    leave_out: bool = False
    batch: BatchOrder | None = None


@dataclass(slots=True)
class _Chunk:
    """Rows of one transaction, and what could not be understood between them."""

    rows: list[FileRow] = field(default_factory=list)
    bad: list[BadRow] = field(default_factory=list)
    share: float = 0.0
    read: int = 0

    @property
    def requests(self) -> list[NumberRequest]:
        return [row.request for row in self.rows]

    @property
    def lines(self) -> list[int]:
        return [row.line for row in self.rows]

    def wrong(self, errors: Sequence[RowError]) -> list[RowError]:
        """Return what is wrong with all of it, in the order of the file."""
        others = (error for bad in self.bad for error in bad.errors)
        return sorted((*others, *errors), key=lambda error: error.line)


def import_file(
    ctx: Context,
    file: RequestFile,
    options: ImportOptions,
    *,
    on_result: OnResult = lambda _: None,
    on_progress: Progress | None = None,
) -> ImportReport:
    """Store the requests of a file. Importing it again changes nothing.

    Args:
        ctx: the engine's parts.
        file: the file.
        options: how.
        on_result: told what became of each row, in the order of the file.
        on_progress: told how far it is.

    Raises:
        ImportFileError: what is wrong, each with line and column; nothing was stored, unless the
            message says otherwise.
        ConflictError: the batch was cancelled, or another file is being imported into it.
    """
    tell = on_progress or (lambda _rows, _share: None)
    report = ImportReport()
    if options.dry_run or not options.leave_out:
        told = on_result if options.dry_run else None
        _check(ctx, file, options, report, on_result=told, on_progress=tell)
    if options.dry_run:
        return report
    stored = ImportReport()
    batch = begin(ctx, options.batch, file, options.actor) if options.batch else None
    _store(ctx, file, options, stored, batch=batch, on_result=on_result, on_progress=tell)
    if batch is not None:
        end(ctx, batch, options.actor)
        stored = replace(stored, batch=batch.name)
    return stored


def _check(
    ctx: Context,
    file: RequestFile,
    options: ImportOptions,
    report: ImportReport,
    *,
    on_result: OnResult | None,
    on_progress: Progress,
) -> None:
    """Check all of a file, and store nothing.

    Raises:
        ImportFileError: what is wrong with it.
    """
    with SeenRows() as seen:
        for chunk in _chunks(file, options):
            results, errors = check_chunk(ctx, chunk.rows, seen, strict_names=options.strict_names)
            for each in _in_order(results, chunk.bad):
                report.count(each)
                if on_result is not None:
                    on_result(each)
            wrong = chunk.wrong(errors)
            report.mistakes += wrong[: MOST_MISTAKES + 1 - len(report.mistakes)]
            on_progress(report.rows, chunk.share * (1 if options.dry_run else _CHECKING))
            _require_readable(chunk, options, stored=0)
            if not options.leave_out and len(report.mistakes) > MOST_MISTAKES:
                break
    if report.mistakes and not options.leave_out:
        raise refused(report.mistakes)


def _store(
    ctx: Context,
    file: RequestFile,
    options: ImportOptions,
    report: ImportReport,
    *,
    batch: Into | None,
    on_result: OnResult,
    on_progress: Progress,
) -> None:
    before = 0.0 if options.leave_out else _CHECKING
    for chunk in _chunks(file, options):
        into = replace(batch, lines=chunk.lines) if batch is not None else None
        receipts, refusals = accept_sound(
            ctx,
            chunk.requests,
            options.actor,
            strict_names=options.strict_names,
            leave_out=options.leave_out,
            into=into,
        )
        errors = row_errors(refusals, chunk.lines)
        wrong = chunk.wrong(errors)
        if wrong and not options.leave_out:
            raise refused(wrong, stored=report.results[CREATED])
        report.mistakes += wrong[: MOST_MISTAKES + 1 - len(report.mistakes)]
        for each in _in_order(_results(chunk, receipts, errors, batch), chunk.bad):
            report.count(each)
            on_result(each)
        on_progress(report.rows, before + (1 - before) * chunk.share)
        _require_readable(chunk, options, stored=report.results[CREATED])


def _require_readable(chunk: _Chunk, options: ImportOptions, *, stored: int) -> None:
    """Refuse to leave out what is the whole rest of the file.

    Raises:
        ImportFileError: nothing can be read after a mistake.
    """
    if options.leave_out and (ends := [bad for bad in chunk.bad if bad.is_all]):
        raise refused(ends[0].errors, stored=stored)


def _results(
    chunk: _Chunk,
    receipts: Mapping[int, Receipt],
    errors: Sequence[RowError],
    batch: Into | None,
) -> list[ImportResult]:
    by_line = {error.line: error for error in reversed(errors)}
    return [
        result_of(row, receipts[index], batch)
        if index in receipts
        else refused_result(row.line, row.given, [by_line[row.line]])
        for index, row in enumerate(chunk.rows)
    ]


def _in_order(results: Sequence[ImportResult], bad: Sequence[BadRow]) -> list[ImportResult]:
    """Return the results of a chunk, those of rows that nobody understands among them."""
    others = [refused_result(each.errors[0].line, each.given, each.errors) for each in bad]
    return sorted((*results, *others), key=lambda each: each.line)


def _chunks(file: RequestFile, options: ImportOptions) -> Iterator[_Chunk]:
    chunk = _Chunk()
    for found, share in file.read():
        if isinstance(found, FileRow):
            request = found.request
            if options.code_ready:
                request = replace(request, code_ready=True)
            chunk.rows.append(replace(found, request=request))
        else:
            chunk.bad.append(found)
        chunk.share = share
        chunk.read += 1
        if chunk.read == CHUNK:
            yield chunk
            chunk = _Chunk()
    if chunk.read:
        chunk.share = 1.0
        yield chunk


def read_requests(
    path: Path, *, file_format: FileFormat | None = None, on_progress: Progress | None = None
) -> list[tuple[int, NumberRequest]]:
    """Return the requests of a file, each with its line; nothing of the database is looked at.

    Raises:
        ImportFileError: what is wrong with the file, each with line and column.
    """
    file = RequestFile(path=path, file_format=file_format)
    return [(row.line, row.request) for row in _sound_rows(file, on_progress)]


def _sound_rows(file: RequestFile, on_progress: Progress | None = None) -> list[FileRow]:
    rows: list[FileRow] = []
    errors: list[RowError] = []
    for found, share in file.read():
        if isinstance(found, BadRow):
            errors += found.errors
            if len(errors) > MOST_MISTAKES:
                break
            continue
        rows.append(found)
        if on_progress is not None:
            on_progress(len(rows), share)
    if errors:
        raise refused(errors)
    return rows


def preview_file(ctx: Context, file: RequestFile, actor: str) -> list[Onboarding]:
    """Return the onboardings that a file would make, for a look ahead; nothing is stored.

    Raises:
        ImportFileError: what is wrong with the file, each with line and column.
    """
    rows = _sound_rows(file)
    try:
        return preview(ctx, [row.request for row in rows], actor)
    except RequestsRefusedError as error:
        raise refused(row_errors(error.refusals, [row.line for row in rows])) from None


def refused(errors: Sequence[RowError], *, stored: int = 0) -> ImportFileError:
    """Return the error of a file, its rows in order."""
    ordered = sorted(errors, key=lambda each: each.line)
    first = ordered[0]
    count = len(ordered) - 1
    more = f" (and {count} more)" if count else ""
    if len(ordered) > MOST_MISTAKES:
        more = f" (and more than {MOST_MISTAKES} more; the rest was not read)"
    before = f"{stored} rows were stored, then the file had mistakes"
    if not stored:
        before = "nothing was stored, the file has mistakes"
    return ImportFileError(
        f"{before}: {place_of(first)}: {first.message}{more}",
        rows=ordered,
        hint="mend the rows and import the file again",
    )
