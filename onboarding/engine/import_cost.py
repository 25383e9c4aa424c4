"""What the numbers of a file cost: calls by count, days by the forecast of ``onboarding plan``."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from onboarding.core.forecast.assumptions import Assumptions
from onboarding.core.timing import DAY
from onboarding.engine.context import Context
from onboarding.engine.forecasting import look_ahead
from onboarding.engine.import_results import ImportReport
from onboarding.engine.importing import preview_file
from onboarding.engine.request_files import RequestFile
from onboarding.store import accounts, due
from onboarding.store.database import reading

#: What a number takes that goes the whole way: create, a code, its return, register.
CALLS_PER_NUMBER = 4

#: A forecast holds its numbers in memory, and all that are on their way: of more than these only
#: the calls are told.
MOST_FORECAST, MOST_ON_THEIR_WAY = 2000, 5000

_AHEAD = timedelta(weeks=3)


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportCost:
    """What the new numbers of a file cost.

    Attributes:
        numbers: how many are new.
        calls: Graph calls that change something, if each number goes the whole way once.
        hours: how long the budgets of WABAs and app take for them, at least.
        registered: how many of them the forecast sees registered; ``None``: too many to look ahead.
        days: when the last of those is.
    """

    numbers: int
    calls: int
    hours: float
    registered: int | None = None
    days: float = 0.0


def cost_of(ctx: Context, file: RequestFile, report: ImportReport, actor: str) -> ImportCost:
    """Return what the new numbers of a file cost; nothing is called, and nothing is stored."""
    numbers = report.fresh.total()
    calls, hours = numbers * CALLS_PER_NUMBER, _hours(ctx, report)
    if numbers > MOST_FORECAST or report.mistakes or _is_too_much(ctx):
        return ImportCost(numbers=numbers, calls=calls, hours=hours)
    ours = {row.phone_number for row in preview_file(ctx, file, actor)}
    outlook = look_ahead(
        ctx, span=_AHEAD, assumed=Assumptions(), file=file, actor=actor, on_progress=lambda _: None
    )
    done = [
        each.registered_at - outlook.starts_at
        for each in outlook.endings
        if each.phone_number in ours and each.registered_at is not None
    ]
    last = max(done, default=timedelta())
    return ImportCost(
        numbers=numbers, calls=calls, hours=hours, registered=len(done), days=-(-last // DAY)
    )


def _is_too_much(ctx: Context) -> bool:
    with reading(ctx.database) as conn:
        return due.are_more_than(conn, MOST_ON_THEIR_WAY)


def _hours(ctx: Context, report: ImportReport) -> float:
    policy = ctx.policy
    with reading(ctx.database) as conn:
        known = accounts.load_accounts(conn, sorted(report.fresh))
    by_waba = [
        count
        * CALLS_PER_NUMBER
        / (
            policy.active_waba_calls_per_hour
            if waba_id in known and known[waba_id].active
            else policy.waba_calls_per_hour
        )
        for waba_id, count in report.fresh.items()
    ]
    by_app = report.fresh.total() * CALLS_PER_NUMBER / policy.app_calls_per_hour
    return max([by_app, *by_waba])
