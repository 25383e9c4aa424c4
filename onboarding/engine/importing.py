"""Importing a file: every row is checked before any is stored, and a mistake is named by place."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from onboarding.core.name_rules import NameFinding, check_display_name
from onboarding.engine.accept import accept, check, preview, warning_of
from onboarding.engine.context import Context
from onboarding.engine.request_files import FileFormat, Progress, Row, read_file
from onboarding.engine.requests import Refusal, RequestsRefusedError, ValidRequest
from onboarding.errors import ImportFileError, RowError
from onboarding.model import Onboarding


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportResult:
    """What became of one row: ``created``, or ``known`` because it was asked for before.

    A row of a dry run that would be created is ``valid`` and has no id. The warning says what
    speaks against sending a code to the number; it is empty if nothing does. ``name_findings`` are
    the rules that speak against the display name.
    """

    line: int
    phone_number: str
    id: str | None
    result: str
    state: str | None
    warning: str = ""
    name_findings: tuple[str, ...] = ()


def import_file(
    ctx: Context,
    path: Path,
    *,
    file_format: FileFormat | None = None,
    actor: str,
    dry_run: bool = False,
    code_ready: bool = False,
    strict_names: bool = False,
    on_progress: Progress | None = None,
) -> list[ImportResult]:
    """Store the requests of a file, all of them or none. Importing it again changes nothing.

    Args:
        ctx: the engine's parts.
        path: CSV or JSON lines.
        file_format: which of the two; default: what the suffix says.
        actor: who imports.
        dry_run: check everything and store nothing.
        code_ready: the holders of all these numbers can read a code now.
        strict_names: refuse a display name that breaks a published rule of Meta's.
        on_progress: told while the file is read.

    Returns:
        A result per row, in the order of the file.

    Raises:
        ImportFileError: what is wrong, each with line and column; nothing was stored.
    """
    rows, errors = read_file(path, file_format, on_progress)
    lines = [line for line, _ in rows]
    requests = [replace(r, code_ready=True) if code_ready else r for _, r in rows]
    if dry_run or errors:
        results, refusals = _look_up(ctx, rows, strict_names=strict_names)
        if errors or refusals:
            raise _refused([*errors, *_row_errors(refusals, lines)])
        return results
    try:
        receipts = accept(ctx, requests, actor, strict_names=strict_names)
    except RequestsRefusedError as error:
        raise _refused(_row_errors(error.refusals, lines)) from None
    return [
        _result(line, receipt.onboarding, receipt.result, receipt.name_findings, receipt.warning)
        for line, receipt in zip(lines, receipts, strict=True)
    ]


def _result(
    line: int,
    row: Onboarding,
    result: str,
    findings: Sequence[NameFinding],
    warning: str = "",
) -> ImportResult:
    return ImportResult(
        line=line,
        phone_number=row.phone_number,
        id=row.id,
        result=result,
        state=row.state.value,
        warning=warning,
        name_findings=tuple(each.rule for each in findings),
    )


def _look_up(
    ctx: Context, rows: Sequence[Row], *, strict_names: bool
) -> tuple[list[ImportResult], list[Refusal]]:
    """Check requests as storing them would, and store nothing."""
    checked = check(ctx, [request for _, request in rows], strict_names=strict_names)
    results = []
    for index, (line, request) in enumerate(rows):
        findings = check_display_name(request.display_name)
        if index in checked.known:
            results.append(_result(line, checked.known[index], "known", findings))
        else:
            results.append(_valid(line, checked.fresh.get(index), findings))
    return results, list(checked.refusals)


def _valid(
    line: int, request: ValidRequest | None, findings: Sequence[NameFinding]
) -> ImportResult:
    return ImportResult(
        line=line,
        phone_number=request.number.e164 if request else "",
        id=None,
        result="valid",
        state=None,
        warning=warning_of(request) if request else "",
        name_findings=tuple(each.rule for each in findings),
    )


def read_requests(
    path: Path, *, file_format: FileFormat | None = None, on_progress: Progress | None = None
) -> list[Row]:
    """Return the requests of a file, each with its line; nothing of the database is looked at.

    Raises:
        ImportFileError: what is wrong with the file, each with line and column.
    """
    rows, errors = read_file(path, file_format, on_progress)
    if errors:
        raise _refused(errors)
    return rows


def preview_file(ctx: Context, path: Path, actor: str) -> list[Onboarding]:
    """Return the onboardings that a file would make, for a look ahead; nothing is stored.

    Raises:
        ImportFileError: what is wrong with the file, each with line and column.
    """
    rows = read_requests(path)
    try:
        return preview(ctx, [request for _, request in rows], actor)
    except RequestsRefusedError as error:
        raise _refused(_row_errors(error.refusals, [line for line, _ in rows])) from None


def _refused(errors: Sequence[RowError]) -> ImportFileError:
    """Return the error of a file, its rows in order."""
    ordered = sorted(errors, key=lambda each: each.line)
    first = ordered[0]
    place = f"line {first.line}" + (f", {first.column}" if first.column else "")
    more = f" (and {len(ordered) - 1} more)" if len(ordered) > 1 else ""
    return ImportFileError(
        f"nothing was stored, the file has mistakes: {place}: {first.message}{more}",
        rows=ordered,
        hint="mend the rows and import the file again",
    )


def _row_errors(refusals: Sequence[Refusal], lines: Sequence[int]) -> list[RowError]:
    """Return refusals of a batch as errors of the file that it came from."""
    return [
        RowError(lines[each.index], each.error.field, _explained(each, lines)) for each in refusals
    ]


def _explained(refusal: Refusal, lines: Sequence[int]) -> str:
    if refusal.earlier is not None:
        return f"{refusal.error}; see line {lines[refusal.earlier]}"
    return "; ".join(part for part in (str(refusal.error), refusal.error.hint) if part)
