"""What an import shows: a bar while it runs, mistakes by place, and a summary."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from onboarding.cli.output import note, warn_table
from onboarding.engine.import_results import ImportReport
from onboarding.engine.request_files import Progress
from onboarding.errors import RowError


@contextmanager
def show_progress(*, is_dry: bool) -> Iterator[Progress | None]:
    """Show a bar on a terminal; elsewhere nothing."""
    if not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("checking", total=1.0)
        before = 0
        doing = "checking"

        def tell(rows: int, share: float) -> None:
            nonlocal before, doing
            if rows < before and not is_dry:
                doing = "storing"
            before = rows
            bar.update(task, completed=share, description=f"{doing}, {rows} rows")

        yield tell


def show_errors(rows: Sequence[RowError], most: int) -> None:
    """Show mistakes by place."""
    if not rows:
        return
    table = [(row.line, row.place, row.message) for row in rows[:most]]
    warn_table(("line", "column", "mistake"), table)
    if len(rows) > most:
        note(f"... and {len(rows) - most} more; --max-errors shows more")


def summarise(report: ImportReport, tell: Callable[[str], None], *, dry_run: bool) -> None:
    """Tell what became of the rows, or would."""
    told = ", ".join(f"{count} {result}" for result, count in sorted(report.results.items()))
    tell(f"{report.rows} rows: {told}")
    if dry_run and report.duplicates:
        tell(f"{report.duplicates} repeat an earlier row of the file")
    if report.warned:
        tell(f"{report.warned} with a warning (--result FILE has them all); {report.first_warning}")
    if report.findings:
        rules = ", ".join(f"{count} {rule}" for rule, count in report.findings.most_common())
        note(
            f"warning: Meta may decline {report.doubtful_names} of the names ({rules}); "
            "see: onboarding name rules"
        )
