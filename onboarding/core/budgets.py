"""Call budgets of the app and of each WABA: a moving hour, counted in buckets of five minutes.

Meta counts calls per app and WABA in a rolling hour (200; 5,000 once a number of the WABA is
registered) and says in its usage headers how full its own count is.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from onboarding.core.policy import Policy
from onboarding.model import Account

BUCKET = timedelta(minutes=5)
HOUR = timedelta(hours=1)
APP = "app"

#: Percent of Meta's own count at which reads stop, and at which everything does.
STOP_READS_AT = 85
STOP_ALL_AT = 100


def waba_key(waba_id: str) -> str:
    """Return the budget key of a WABA."""
    return f"waba:{waba_id}"


def bucket_of(now: datetime) -> datetime:
    """Return the start of the bucket that an instant falls into."""
    seconds = int(now.timestamp() // BUCKET.total_seconds() * BUCKET.total_seconds())
    return datetime.fromtimestamp(seconds, UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Breaker:
    """What Meta last said about a budget.

    Attributes:
        key: ``app`` or ``waba:ID``.
        percent: how full Meta's count was.
        read_at: when it said so.
        open_until: no call before this.
        why: in words.
    """

    key: str
    percent: int = 0
    read_at: datetime
    open_until: datetime | None = None
    why: str = ""


class Purse:
    """The calls that may still be made in this pass; every call asks it once."""

    def __init__(
        self,
        used: Mapping[str, int],
        breakers: Mapping[str, Breaker],
        policy: Policy,
        now: datetime,
    ) -> None:
        self._used = dict(used)
        self._breakers = breakers
        self._policy = policy
        self._now = now
        self.spent: dict[str, int] = {}

    def take(self, account: Account, *, read: bool = False) -> datetime | None:
        """Take one call of the app and of the account's WABA.

        Returns:
            ``None`` if the call may be made, else when to ask again.
        """
        keys = (APP, waba_key(account.waba_id))
        refusals = [at for key in keys if (at := self._refused(key, account, read=read))]
        if refusals:
            return max(refusals)
        for key in keys:
            self._used[key] = self._used.get(key, 0) + 1
            self.spent[key] = self.spent.get(key, 0) + 1
        return None

    def _refused(self, key: str, account: Account, *, read: bool) -> datetime | None:
        breaker = self._breakers.get(key)
        if breaker is not None:
            if breaker.open_until is not None and breaker.open_until > self._now:
                return breaker.open_until
            fresh = breaker.read_at > self._now - HOUR
            if read and fresh and breaker.percent >= STOP_READS_AT:
                return self._now + BUCKET
        share = self._policy.list_budget_share if read else 1.0
        if self._used.get(key, 0) >= self._limit(key, account) * share:
            return bucket_of(self._now) + BUCKET
        return None

    def _limit(self, key: str, account: Account) -> int:
        if key == APP:
            return self._policy.app_calls_per_hour
        if account.active:
            return self._policy.active_waba_calls_per_hour
        return self._policy.waba_calls_per_hour
