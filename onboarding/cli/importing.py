"""``onboarding import``: ask for all numbers of a file to be onboarded."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from onboarding.model import State

if TYPE_CHECKING:
    from onboarding.engine.batch_loading import BatchOrder
    from onboarding.engine.facade import Engine
    from onboarding.engine.import_results import ImportReport
    from onboarding.engine.request_files import RequestFile

_MAX_ERRORS = 20


# What to read, and how

File = Annotated[Path, typer.Argument(help="CSV, JSON lines or XLSX; - for standard input.")]
Format = Annotated[
    str | None,
    typer.Option("--format", metavar="csv|jsonl|xlsx", help="Default: what the suffix says."),
]
Columns = Annotated[
    list[str] | None,
    typer.Option(
        "--map",
        metavar="THEIRS=OURS",
        help='What a column is called here: "Phone=phone_number"; "Notes=" leaves it out.',
    ),
]
Sheet = Annotated[
    str | None, typer.Option(metavar="NAME", help="The sheet of an XLSX file; default: first.")
]

# Which batch its numbers go into

Name = Annotated[
    str | None, typer.Option(metavar="NAME", help="Put the numbers into a batch of this name.")
]
Canary = Annotated[
    int, typer.Option(min=0, help="So many of the batch go first, before the rest begins.")
]
CanaryState = Annotated[
    State, typer.Option(metavar="STATE", help="What the first ones have to reach.")
]

# What to take of it, and what to tell

LeaveOut = Annotated[
    bool, typer.Option("--leave-out", help="Store the sound rows; leave those refused out.")
]
Result = Annotated[
    str | None,
    typer.Option(
        metavar="FILE",
        help="Write a result per row: .csv or .jsonl, or - for standard output.",
    ),
]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Check all, store nothing.")]
CodeReady = Annotated[bool, typer.Option("--code-ready", help="All holders can read a code now.")]
Strict = Annotated[
    bool, typer.Option("--strict", help="Refuse names that Meta's rules speak against.")
]
MaxErrors = Annotated[int, typer.Option(min=1, help="Show at most so many mistakes.")]


def import_numbers(
    ctx: typer.Context,
    file: File,
    *,
    file_format: Format = None,
    columns: Columns = None,
    sheet: Sheet = None,
    batch: Name = None,
    canary: Canary = 0,
    canary_state: CanaryState = State.REGISTERED,
    leave_out: LeaveOut = False,
    result: Result = None,
    dry_run: DryRun = False,
    code_ready: CodeReady = False,
    strict: Strict = False,
    max_errors: MaxErrors = _MAX_ERRORS,
) -> None:
    """Ask for all numbers of a file to be onboarded.

    Every row is checked before any is stored, and a file with mistakes is refused as a whole; with
    --leave-out its sound rows are taken. Importing it again changes nothing, and completes what
    was interrupted. The columns are waba_id, phone_number, display_name, and as needed cc,
    region, entry, code_method, code_language, code_window, code_ready, onboarded_at, pin and key.

    With --batch no number begins before the whole file is stored, and with --canary the rest
    begins once the first ones have come through: see "onboarding batch".

    The result has for each row: line, phone_number, id, result (created, known, refused; valid in
    a dry run), state, warning, name_findings (rules that speak against the display name: see
    "onboarding name rules"), mistake, and the columns of the file but pin. It can be mended and
    imported.

    Example:
        onboarding import numbers.csv --dry-run
        onboarding import numbers.xlsx --map "Phone=phone_number" --batch june --canary 5
        onboarding import numbers.jsonl --result - | jq .id
    """
    from onboarding.cli.import_source import open_source
    from onboarding.cli.session import open_engine
    from onboarding.engine.file_rows import parse_map

    order = _order(batch, canary, canary_state)
    mapped = parse_map(columns or ())
    with (
        open_engine(ctx) as engine,
        open_source(file, file_format, columns=mapped, sheet=sheet) as source,
    ):
        report = _import(
            engine,
            source,
            result,
            max_errors,
            dry_run=dry_run,
            code_ready=code_ready,
            strict_names=strict,
            leave_out=leave_out,
            batch=order,
        )
        _tell(engine, source, report, max_errors, dry_run=dry_run, to_stderr=result == "-")


def _order(batch: str | None, canary: int, canary_state: State) -> BatchOrder | None:
    from onboarding.engine.batch_loading import BatchOrder
    from onboarding.errors import InputError

    if batch is not None:
        return BatchOrder(name=batch, canary=canary, canary_state=canary_state)
    if canary:
        raise InputError("canaries are of a batch", field="canary", hint="give --batch NAME")
    return None


def _import(
    engine: Engine, source: RequestFile, result: str | None, max_errors: int, **options: Any
) -> ImportReport:
    from onboarding.cli.import_results import open_results
    from onboarding.cli.import_view import show_errors, show_progress
    from onboarding.engine.import_results import ImportReport, ImportResult
    from onboarding.engine.request_files import format_of
    from onboarding.errors import ImportFileError

    like = source.file_format or format_of(source.path)
    told = ImportReport()
    with open_results(result, source.path, like) as results:

        def take(each: ImportResult) -> None:
            told.count(each)
            results.add(each)

        try:
            with show_progress(is_dry=options["dry_run"]) as tell:
                report = engine.batches.import_file(
                    source, on_result=take, on_progress=tell, **options
                )
        except ImportFileError as error:
            show_errors(error.rows, max_errors)
            if options["dry_run"]:
                told.mistakes += error.rows
                _look_ahead(engine, source, told, to_stderr=True)
            raise
        results.finish()
    return report


def _look_ahead(
    engine: Engine, source: RequestFile, report: ImportReport, *, to_stderr: bool
) -> None:
    """Tell what the sound rows of a file would come to."""
    from onboarding.cli.import_outlook import show_outlook
    from onboarding.cli.import_view import summarise
    from onboarding.cli.output import note, say

    tell = note if to_stderr else say
    summarise(report, tell, dry_run=True)
    show_outlook(engine, source, report, tell)


def _tell(
    engine: Engine,
    source: RequestFile,
    report: ImportReport,
    max_errors: int,
    *,
    dry_run: bool,
    to_stderr: bool,
) -> None:
    from onboarding.cli.import_view import show_errors, summarise
    from onboarding.cli.output import note, say

    show_errors(report.mistakes, max_errors)
    tell = note if to_stderr else say
    if dry_run:
        _look_ahead(engine, source, report, to_stderr=to_stderr)
        tell("Next: the same without --dry-run")
        return
    summarise(report, tell, dry_run=False)
    if report.batch:
        tell(f"Next: onboarding worker, and: onboarding batch show {report.batch!r}")
    elif report.results["created"]:
        tell("Next: onboarding worker")
