"""What doctor looks at in the database's contents: accounts, workers, unanswered calls."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from onboarding.core.timing import parse_iso
from onboarding.engine.channel_checks import examine_channels
from onboarding.engine.context import Context
from onboarding.engine.definition import DEFINITION
from onboarding.engine.findings import Finding, ok, problem, warning
from onboarding.engine.restoring import look
from onboarding.graph import requests
from onboarding.graph.calls import GraphCall, GraphResult
from onboarding.model import Account, Effect, Failure, RecoveryClass
from onboarding.store import accounts, journal, leases, workers
from onboarding.store.database import reading
from onboarding.store.deployment import HERE, load_facts
from onboarding.store.identity import is_told_in_part

#: A worker writes its heartbeat every ten seconds.
_SILENT_AFTER = timedelta(minutes=1)
_RECENT = timedelta(days=1)
_MOST_CLOCK_LAG = timedelta(seconds=30)


def examine_contents(ctx: Context) -> list[Finding]:
    """Check each account at Meta, all at once, then the workers and the calls they made."""
    with reading(ctx.database) as conn:
        known = list(accounts.load_accounts(conn).values())
        rows = workers.load_workers(conn, datetime.now(UTC) - _RECENT)
        due = leases.next_due(conn, DEFINITION)
        newer = workers.count_newer(conn, DEFINITION)
        overdue = journal.count_open(conn) - journal.count_settling(conn, ctx.clock.now())
    late = (ctx.clock.now() - due).total_seconds() if due is not None else 0.0
    return [
        _original(ctx),
        *_accounts(ctx, known),
        *(_subscription(account) for account in known),
        *_workers(rows, late),
        *_definitions(newer),
        _operations(overdue),
        *examine_channels(ctx),
    ]


def _original(ctx: Context) -> Finding:
    """Say whether this is a restored copy, and whether one would be noticed."""
    held = look(ctx)
    if held is not None:
        unseen = held.missing or f"0 of {held.live} live onboardings"
        return problem(
            "restore",
            f"a restored copy, which calls nobody ({held.restore.why}); {unseen} were not seen on "
            "Meta's lists since",
            'run: onboarding worker, then: onboarding db release --reason "..."',
        )
    with reading(ctx.database) as conn:
        here = load_facts(conn).get(HERE)
    if here is not None and is_told_in_part(here):
        text = "this server does not tell its identity: a restore of it is not noticed"
        return warning("restore", text, "after a restore, run: onboarding db mark-restored")
    told = "a copy of it is noticed" if here else "a raw copy of the file is not noticed"
    return ok("restore", f"not a restored copy; {told}")


def _accounts(ctx: Context, known: Sequence[Account]) -> Iterator[Finding]:
    if not known:
        yield warning("accounts", "there are none", "run: onboarding account add WABA_ID")
        return
    calls = [
        GraphCall(
            request=requests.read_waba(account.waba_id),
            token=ctx.token_of(account),
            tag=account.waba_id,
        )
        for account in known
    ]
    results = {result.call.tag: result for result in ctx.graph.send(calls)}
    told = [result.answered_at for result in results.values() if result.answered_at is not None]
    if told:
        yield _clock(max(told))
    for account in known:
        yield _account(ctx, account, results[account.waba_id])


def _clock(told: datetime) -> Finding:
    """Compare this host's clock with Graph's, which says whole seconds."""
    lag = abs(datetime.now(UTC) - told)
    if lag <= _MOST_CLOCK_LAG:
        return ok("clock, beside Graph's", "they agree")
    return problem(
        "clock, beside Graph's",
        f"they differ by {lag.total_seconds():.0f} s",
        "set this host's clock, and keep it with NTP",
    )


def _account(ctx: Context, account: Account, result: GraphResult) -> Finding:
    name, asked = f"account {account.waba_id}", ctx.settings.graph_version
    if result.failure is not None:
        return problem(name, _told(result.failure), _mended_by(result.failure, account.waba_id))
    if account.hold is not None:
        return problem(
            name,
            f"on hold: {account.hold_text}",
            f"run: onboarding account check {account.waba_id}",
        )
    if result.served_version not in (None, asked):
        return warning(
            name,
            f"Meta serves {result.served_version} where {asked} is asked for",
            "set ONBOARDING_GRAPH_VERSION to a version that Meta still serves",
        )
    return ok(name, f"its token reaches it, served by {result.served_version or asked}")


def _told(failure: Failure) -> str:
    codes = "/".join(str(code) for code in (failure.code, failure.subcode) if code is not None)
    return f"{failure.message} ({codes})" if codes else failure.message


def _mended_by(failure: Failure, waba_id: str) -> str:
    if failure.effect in (Effect.UNSENT, Effect.UNKNOWN):
        return "check ONBOARDING_GRAPH_BASE_URL, the network, and that Graph is up"
    if failure.recovery is RecoveryClass.REAUTH or not failure.remedy:
        return f"run: onboarding account add {waba_id}   (with a token that works)"
    return failure.remedy


def _subscription(account: Account) -> Finding:
    name = f"subscription {account.waba_id}"
    if account.subscribed_at is None:
        return ok(name, "not looked at yet; done before the first registration")
    return ok(name, f"the app was seen subscribed at {account.subscribed_at:%Y-%m-%d %H:%M} UTC")


def _workers(rows: Sequence[dict[str, Any]], late_s: float) -> Iterator[Finding]:
    running = [row for row in rows if row["stopped_at"] is None]
    now = datetime.now(UTC)
    yield from (_worker(row, now) for row in running)
    if any(now - row["seen_at"] <= _SILENT_AFTER for row in running):
        return
    if late_s > _SILENT_AFTER.total_seconds():
        text = f"none runs, and onboardings are due for {late_s / 60:.0f} minutes"
        yield problem("workers", text, "run: onboarding worker")
    else:
        yield warning("workers", "none runs", "run: onboarding worker")


def _worker(row: dict[str, Any], now: datetime) -> Finding:
    name, seen_at = f"worker {row['id']}", row["seen_at"]
    if now - seen_at > _SILENT_AFTER:
        return warning(
            name,
            f"silent since {seen_at:%Y-%m-%d %H:%M:%S} UTC; it ended without stopping",
            "nothing to do if another one runs: what it held is taken over",
        )
    runs = {loop: parse_iso(at) for loop, at in row["loops"].items()}
    late = sorted(loop for loop, at in runs.items() if now - at > _SILENT_AFTER)
    if late:
        text = f"these loops have not run for over a minute: {', '.join(late)}"
        return problem(name, text, "read its log, and restart it")
    age = max((now - at for at in runs.values()), default=now - seen_at)
    return ok(name, f"every loop ran within the last {max(0, age.total_seconds()):.0f} seconds")


def _definitions(newer: int) -> Iterator[Finding]:
    if newer:
        yield warning(
            "definitions",
            f"{newer} onboardings of a newer definition: a newer release's worker takes them",
            "run a worker of the newest release",
        )


def _operations(overdue: int) -> Finding:
    if not overdue:
        return ok("operations", "none is unanswered beyond its settle window")
    return warning(
        "operations",
        f"{overdue} unanswered beyond their settle window",
        "run: onboarding worker   (it settles them by reading Meta's lists)",
    )
