"""What the rules cost of a list, where nothing is read from a database or written to it.

Timed are the rules as they are written here, with what they need and lead to: the page of 100
numbers is taken to pieces, each number is laid beside its onboarding and decided on until it waits,
and its entries are hashed onto its chain. No row is read or packed, nobody is told, and nothing is
budgeted.
"""

from __future__ import annotations

from datetime import datetime
from itertools import islice

from benchmarks.measure import seconds_of
from benchmarks.our_step import BETWEEN_LISTS, ENTRIES_OF_A_MOVE, WABA, lists
from onboarding.core.listed import lay_beside
from onboarding.core.plan import plan
from onboarding.core.policy import Policy
from onboarding.core.steps import Snapshot
from onboarding.graph.responses import parse_number_list
from onboarding.model import Account, Onboarding, changed
from onboarding.store import accounts, finding
from onboarding.store.database import open_database
from onboarding.store.history import grown


def rule(url: str, many: int) -> float:
    """Take the onboardings of a database through so many lists; return the seconds it took."""
    with open_database(url).begin() as conn:
        account = accounts.load_accounts(conn, [WABA])[WABA]
        rows = finding.load_observable(conn, WABA)
    return _ruled(account, rows, many)


def _ruled(account: Account, rows: list[Onboarding], many: int) -> float:
    now = max(row.seen_at for row in rows if row.seen_at is not None)
    taken = 0.0
    for page in islice(lists(), many):
        now += BETWEEN_LISTS
        done: list[list[Onboarding]] = []
        taken += seconds_of(lambda: done.append(_apply(account, rows, page, now)))  # noqa: B023 - called at once
        assert all(
            after.history_seq - before.history_seq == ENTRIES_OF_A_MOVE
            for before, after in zip(rows, done[0], strict=True)
        )
        rows = done[0]
    return taken


def _apply(
    account: Account, rows: list[Onboarding], page: dict[str, object], now: datetime
) -> list[Onboarding]:
    """Return the rows as a list leaves them, their heads included."""
    policy, numbers = Policy(), parse_number_list(page).numbers
    told = lay_beside(rows, numbers, now, is_sound=True)
    plans = [plan(Snapshot(row=row, account=account), now, policy) for row in told]
    growth = grown(
        {each.row.id: each.entries for each in plans},
        {row.id: (row.history_seq, row.head_hash) for row in rows},
    )
    heads = [growth.heads.get(row.id, (row.history_seq, row.head_hash)) for row in rows]
    return [
        changed(each.row, history_seq=seq, head_hash=head)
        for each, (seq, head) in zip(plans, heads, strict=True)
    ]
