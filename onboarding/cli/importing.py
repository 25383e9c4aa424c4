"""``onboarding import``: ask for all numbers of a file to be onboarded."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from onboarding.engine.importing import ImportResult
    from onboarding.engine.request_files import Progress
    from onboarding.errors import RowError

_MAX_ERRORS = 20


def import_numbers(
    ctx: typer.Context,
    file: Annotated[Path, typer.Argument(help="CSV or JSON lines; - for standard input.")],
    *,
    file_format: Annotated[
        str | None,
        typer.Option("--format", metavar="csv|jsonl", help="Default: what the suffix says."),
    ] = None,
    result: Annotated[
        str | None,
        typer.Option(
            metavar="FILE",
            help="Write a result per row: .csv or .jsonl, or - for standard output.",
        ),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Check all, store nothing.")] = False,
    code_ready: Annotated[
        bool, typer.Option("--code-ready", help="All holders can read a code now.")
    ] = False,
    strict: Annotated[
        bool, typer.Option("--strict", help="Refuse names that Meta's rules speak against.")
    ] = False,
    max_errors: Annotated[
        int, typer.Option(min=1, help="Show at most so many mistakes.")
    ] = _MAX_ERRORS,
) -> None:
    """Ask for all numbers of a file to be onboarded.

    Every row is checked before any is stored: all of the file is taken, or nothing. Importing it
    again changes nothing. The columns are waba_id, phone_number, display_name, and as needed cc,
    region, entry, code_method, code_language, code_window, code_ready, onboarded_at, pin and key.

    The result has for each row: line, phone_number, id, result (created, known; valid in a dry
    run), state, warning and name_findings (rules that speak against the display name: see
    "onboarding name rules"). On standard output it is written as the file is.

    Example:
        onboarding import numbers.csv --dry-run
        onboarding import numbers.csv --result result.csv
        onboarding import numbers.jsonl --result - | jq .id
    """
    from onboarding.cli.asking import STDIN
    from onboarding.cli.import_results import open_results
    from onboarding.cli.session import open_engine
    from onboarding.engine.request_files import format_of
    from onboarding.errors import ImportFileError

    file = Path("/dev/stdin") if str(file) == STDIN else file
    chosen = _format(file_format) or format_of(file)
    with open_engine(ctx) as engine, open_results(result, file, chosen) as write:
        try:
            with _progress() as tell:
                results = engine.import_file(
                    file,
                    file_format=chosen,
                    dry_run=dry_run,
                    code_ready=code_ready,
                    strict_names=strict,
                    on_progress=tell,
                )
        except ImportFileError as error:
            _show_errors(error.rows, max_errors)
            raise
        write(results)
    _summarise(results, dry_run=dry_run, to_stderr=result == "-")


def _format(text: str | None) -> Any:
    from onboarding.engine.request_files import FileFormat
    from onboarding.errors import InputError

    if text is None:
        return None
    try:
        return FileFormat(text.lower())
    except ValueError:
        raise InputError(f"'{text}' is not a format", hint="--format csv or jsonl") from None


@contextmanager
def _progress() -> Iterator[Progress | None]:
    """Show a bar on a terminal; elsewhere nothing."""
    if not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("reading", total=1.0)

        def tell(rows: int, share: float) -> None:
            done = share >= 1.0
            text = f"checking and storing {rows} rows" if done else f"reading, {rows} rows"
            bar.update(task, completed=share, total=None if done else 1.0, description=text)

        yield tell


def _show_errors(rows: tuple[RowError, ...], most: int) -> None:
    from onboarding.cli.output import note, warn_table

    if not rows:
        return
    warn_table(("line", "column", "mistake"), [(r.line, r.column, r.message) for r in rows[:most]])
    if len(rows) > most:
        note(f"... and {len(rows) - most} more; --max-errors shows more")


def _summarise(results: list[ImportResult], *, dry_run: bool, to_stderr: bool) -> None:
    from collections import Counter

    from onboarding.cli.output import note, say

    counts = Counter(each.result for each in results)
    told = ", ".join(f"{count} {result}" for result, count in sorted(counts.items()))
    tell = note if to_stderr else say
    tell(f"{len(results)} rows: {told}")
    if warned := [each for each in results if each.warning]:
        first = f"line {warned[0].line}: {warned[0].warning}"
        tell(f"{len(warned)} with a warning (--result FILE has them all); {first}")
    if broken := Counter(rule for each in results for rule in each.name_findings):
        rows = sum(bool(each.name_findings) for each in results)
        rules = ", ".join(f"{count} {rule}" for rule, count in broken.most_common())
        note(f"warning: Meta may decline {rows} of the names ({rules}); see: onboarding name rules")
    if dry_run:
        tell("Next: the same without --dry-run")
    elif counts["created"]:
        tell("Next: onboarding worker")
