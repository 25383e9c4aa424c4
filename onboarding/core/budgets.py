"""Call budgets of the app and of each WABA: a moving hour, counted in buckets of five minutes.

Meta counts calls per app and WABA in a rolling hour (200; 5,000 once a number of the WABA is
registered) and says in its usage headers how full its own count is.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from onboarding.core.policy import Policy
from onboarding.model import Account, Operation

BUCKET = timedelta(minutes=5)
HOUR = timedelta(hours=1)
APP = "app"
#: What the budget keys of tokens begin with.
TOKENS = "token:"

#: Percent of Meta's own count at which reads stop, and at which everything does.
STOP_READS_AT = 85
STOP_ALL_AT = 100

#: What a call changes in the number of codes that may still be given back.
_CODES: dict[Operation | None, int] = {Operation.REQUEST_CODE: 1, Operation.VERIFY_CODE: -1}


def waba_key(waba_id: str) -> str:
    """Return the budget key of a WABA."""
    return f"waba:{waba_id}"


def token_key(digest: str) -> str:
    """Return the budget key of a token, by its keyed digest: it may be that of many accounts."""
    return f"{TOKENS}{digest[:32]}"


def bucket_of(now: datetime) -> datetime:
    """Return the start of the bucket that an instant falls into."""
    seconds = int(now.timestamp() // BUCKET.total_seconds() * BUCKET.total_seconds())
    return datetime.fromtimestamp(seconds, UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Breaker:
    """What Meta last said about a budget.

    Attributes:
        key: ``app``, ``waba:ID`` or ``token:DIGEST``.
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


def stricter(one: Breaker, other: Breaker) -> Breaker:
    """Return the breaker that stays open longer, with the higher of the two counts."""
    ends = (one.open_until or one.read_at, other.open_until or other.read_at)
    longer = one if ends[0] >= ends[1] else other
    return replace(longer, percent=max(one.percent, other.percent))


class Purse:
    """The calls that may still be made in this pass; every call asks it once.

    A code that was sent lapses within minutes, so the call that gives it back cannot wait for
    the next hour: for each code that is out one call is kept back, and a code is asked for only
    where both calls fit.

    Args:
        used: calls of the last hour, by budget.
        breakers: what Meta said, by budget.
        policy: limits.
        now: business time.
        codes_out: codes that may still be given back, by budget.
        urgent: numbers near their deadline that wait for a call, by budget.
        waiting: WABAs with numbers that wait for a call.
    """

    def __init__(
        self,
        used: Mapping[str, int],
        breakers: Mapping[str, Breaker],
        policy: Policy,
        now: datetime,
        *,
        codes_out: Mapping[str, int] | None = None,
        urgent: Mapping[str, int] | None = None,
        waiting: Collection[str] = (),
    ) -> None:
        self._used = dict(used)
        self._codes_out = dict(codes_out or {})
        self._urgent = dict(urgent or {})
        self._waiting = frozenset(waiting)
        self._breakers = breakers
        self._policy = policy
        self._now = now
        self.spent: dict[str, int] = {}

    def take(
        self,
        account: Account,
        operation: Operation | None = None,
        *,
        read: bool = False,
        urgent: bool = False,
    ) -> datetime | None:
        """Take one call of the app and of the account's WABA.

        Args:
            account: who pays.
            operation: which call, if it is one that changes something.
            read: whether it is one that can wait.
            urgent: whether its number is near its deadline.

        Returns:
            ``None`` if the call may be made, else when to ask again.
        """
        keys = (APP, waba_key(account.waba_id))
        can_wait = not read and not urgent and operation is not Operation.VERIFY_CODE
        if can_wait and self._has_its_share(account.waba_id):
            return bucket_of(self._now) + BUCKET
        reserved = {} if urgent else self._urgent
        refusals = [
            at
            for key in keys
            if (at := self._refused(key, account, operation, reserved.get(key, 0), read=read))
        ]
        if refusals:
            return max(refusals)
        for key in keys:
            self._used[key] = self._used.get(key, 0) + 1
            self.spent[key] = self.spent.get(key, 0) + 1
            self._codes_out[key] = max(0, self._codes_out.get(key, 0) + _CODES.get(operation, 0))
            self._urgent[key] = max(0, self._urgent.get(key, 0) - urgent)
        return None

    def _has_its_share(self, waba_id: str) -> bool:
        """Whether a WABA has used its part of the app's calls, while others wait for theirs.

        As long as half of them are left nobody is held to a part: those that wait may do so for
        a limit of their own, and what they cannot use would be lost.
        """
        others, limit = self._waiting - {waba_id}, self._policy.app_calls_per_hour
        if not others or self._used.get(APP, 0) < limit / 2:
            return False
        return self._used.get(waba_key(waba_id), 0) >= limit / (len(others) + 1)

    def _refused(
        self, key: str, account: Account, operation: Operation | None, reserved: int, *, read: bool
    ) -> datetime | None:
        breaker = self._breakers.get(key)
        if breaker is not None:
            if breaker.open_until is not None and breaker.open_until > self._now:
                return breaker.open_until
            fresh = breaker.read_at > self._now - HOUR
            if read and fresh and breaker.percent >= STOP_READS_AT:
                return self._now + BUCKET
        limit = self._limit(key, account)
        share = self._policy.list_budget_share if read else 1.0
        kept_back = reserved + self._kept_back(key, limit, operation)
        if self._used.get(key, 0) + kept_back >= limit * share:
            return bucket_of(self._now) + BUCKET
        return None

    def _kept_back(self, key: str, limit: int, operation: Operation | None) -> int:
        """Return how many calls this one must leave for codes that are out, or will be by it."""
        if operation is Operation.VERIFY_CODE:
            return 0
        own = 1 if operation is Operation.REQUEST_CODE and limit > 1 else 0
        return self._codes_out.get(key, 0) + own

    def _limit(self, key: str, account: Account) -> int:
        if key == APP:
            return self._policy.app_calls_per_hour
        if account.active:
            return self._policy.active_waba_calls_per_hour
        return self._policy.waba_calls_per_hour
