"""What a dry run says of the time to come: slots, calls and days."""

from __future__ import annotations

from collections.abc import Callable

from onboarding.cli.output import print_table, say, warn_table
from onboarding.engine.facade import Engine
from onboarding.engine.import_results import ImportReport
from onboarding.engine.request_files import RequestFile
from onboarding.engine.slots import PortfolioSlots

#: Portfolios that are shown.
_MOST = 20


def show_outlook(
    engine: Engine, source: RequestFile, report: ImportReport, tell: Callable[[str], None]
) -> None:
    """Tell which slots the numbers find, and what they cost in calls and days."""
    if not report.fresh:
        return
    rows = [
        (each.portfolio, asked, each.bound.most, each.bound.used, each.left, _queued(each, asked))
        for each in engine.slots.portfolios()
        if (asked := sum(report.fresh[waba.waba_id] for waba in each.wabas))
    ]
    table = print_table if tell is say else warn_table
    tell("")
    table(("portfolio", "asked for", "bound", "used", "slots left", "to queue"), rows[:_MOST])
    if len(rows) > _MOST:
        tell(f"... and {len(rows) - _MOST} more portfolios")
    cost = engine.batches.cost(source, report)
    tell(f"\nGraph calls: {cost.calls}, which the budgets allow {_span(cost.hours)}")
    if cost.registered is not None:
        tell(
            f"if all goes as assumed (onboarding plan says how), {cost.registered} of "
            f"{cost.numbers} numbers are registered {_span(cost.days * 24)}"
        )


def _queued(each: PortfolioSlots, asked: int) -> int:
    left = each.left
    return 0 if left is None else max(0, asked - left)


def _span(hours: float) -> str:
    if hours <= 1:
        return "within an hour"
    return f"in {hours:.0f} hours" if hours < 48 else f"in {hours / 24:.1f} days"  # noqa: PLR2004
