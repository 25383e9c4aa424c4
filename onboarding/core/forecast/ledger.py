"""The calls of a forecast: counted against the same budgets as the engine's own."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping
from datetime import date, datetime

from onboarding.core.budgets import APP, HOUR, Breaker, Purse, bucket_of, waba_key
from onboarding.core.forecast.outlook import BusiestHour, Day
from onboarding.core.policy import Policy
from onboarding.model import Account


class Ledger:
    """Budgets in memory, and what was called and what happened on which day.

    Args:
        used: calls of the last hour by budget, as they are stored now.
        breakers: what Meta said of the budgets.
        policy: limits.
        now: when the forecast begins.
    """

    def __init__(
        self, used: Mapping[str, int], breakers: Mapping[str, Breaker], policy: Policy,
        now: datetime,
    ) -> None:  # fmt: skip
        self._buckets: dict[str, Counter[datetime]] = {
            key: Counter({bucket_of(now): count}) for key, count in used.items()
        }
        self._breakers, self._policy = breakers, policy
        self._hours: dict[str, Counter[datetime]] = {}
        self.days: dict[date, Day] = {}
        self.put_off = 0

    def purse(
        self,
        waba_ids: Collection[str],
        now: datetime,
        *,
        codes_out: Mapping[str, int],
        urgent: Mapping[str, int],
        waiting: Collection[str],
    ) -> Purse:
        """Return what may be called now, as the engine would open it for these WABAs."""
        keys = [APP, *map(waba_key, waba_ids)]
        return Purse(
            {key: self._used(key, now) for key in keys},
            self._breakers,
            self._policy,
            now,
            codes_out=_by_budget(codes_out),
            urgent=_by_budget(urgent),
            waiting=waiting,
        )

    def _used(self, key: str, now: datetime) -> int:
        spent = self._buckets.get(key)
        if not spent:
            return 0
        oldest = bucket_of(now - HOUR)
        for bucket in [bucket for bucket in spent if bucket < oldest]:
            del spent[bucket]
        return spent.total()

    def called(self, account: Account, endpoint: str, now: datetime, times: int = 1) -> None:
        """Count calls of a WABA."""
        for key in (APP, waba_key(account.waba_id)):
            self._buckets.setdefault(key, Counter())[bucket_of(now)] += times
        hour = now.replace(minute=0, second=0, microsecond=0)
        self._hours.setdefault(account.waba_id, Counter())[hour] += times
        self.day(now).calls[endpoint] += times

    def day(self, now: datetime) -> Day:
        """Return the day that an instant falls into."""
        return self.days.setdefault(now.date(), Day(date=now.date()))

    def busiest(self, accounts: Mapping[str, Account]) -> list[BusiestHour]:
        """Return the busiest hour of each WABA, the fullest first."""
        found = []
        for waba_id, hours in self._hours.items():
            at, calls = hours.most_common(1)[0]
            active = accounts[waba_id].active
            policy = self._policy
            limit = policy.active_waba_calls_per_hour if active else policy.waba_calls_per_hour
            found.append(BusiestHour(waba_id=waba_id, at=at, calls=calls, limit=limit))
        return sorted(found, key=lambda each: each.calls / each.limit, reverse=True)


def _by_budget(counts: Mapping[str, int]) -> dict[str, int]:
    return {waba_key(waba_id): n for waba_id, n in counts.items()} | {APP: sum(counts.values())}
