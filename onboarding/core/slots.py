"""How many numbers Meta takes: bounds of portfolios and WABAs, and the slots that are left.

Meta's rules: 2 numbers in a new portfolio, 20 once it is verified, more by support; 25 on a WABA.
``business_capability_update`` tells the bounds; where nothing was told, the settings say them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from onboarding.core.policy import Policy
from onboarding.core.timing import DAY
from onboarding.model import Account, Failure

#: How Meta says that a portfolio or a WABA is full.
LIMIT = (200, 1349175)

#: So long a refusal for want of a slot says what the bound is; then it is tried once more.
REFUSED_FOR = DAY


def is_full(failure: Failure) -> bool:
    """Whether a create was refused because no slot is free."""
    return (failure.code, failure.subcode) == LIMIT


def portfolio_of(account: Account) -> str:
    """Return what names an account's portfolio; one that is not told has a WABA of its own."""
    return account.business_id or f"of WABA {account.waba_id}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Bound:
    """How many numbers something may have, and who says so.

    Attributes:
        most: ``None``: nobody knows.
        source: ``told`` (by Meta or a person), ``refused`` (by Meta), ``setting`` or ``exceeded``:
            more are there than the setting says.
        used: how many there are.
    """

    most: int | None
    source: str
    used: int

    @property
    def left(self) -> int | None:
        """How many more; ``None``: nobody knows of a bound."""
        return None if self.most is None else max(0, self.most - self.used)


class Slots:
    """The slots of some WABAs and their portfolios.

    Args:
        accounts: every account of these portfolios.
        made: numbers made on a WABA that its last list need not have shown, by WABA id.
        policy: the bounds where nothing was told.
        now: business time.
    """

    def __init__(
        self, accounts: Iterable[Account], made: Mapping[str, int], policy: Policy, now: datetime
    ) -> None:
        self._accounts = {account.waba_id: account for account in accounts}
        self._used = {
            waba_id: (account.numbers_listed or 0) + made.get(waba_id, 0)
            for waba_id, account in self._accounts.items()
        }
        self._policy, self._now = policy, now
        self._refused = {
            waba_id: most
            for waba_id, account in self._accounts.items()
            if (most := self._refused_at(account)) is not None
        }

    @property
    def accounts(self) -> list[Account]:
        """The accounts, by WABA id."""
        return [self._accounts[waba_id] for waba_id in sorted(self._accounts)]

    def left(self, waba_id: str) -> int | None:
        """Return how many more numbers Meta takes on a WABA; ``None``: no bound is known."""
        account = self._accounts.get(waba_id)
        if account is None:
            return None
        bounds = self.of_waba(account), self.of_portfolio(portfolio_of(account))
        return min((bound.left for bound in bounds if bound.left is not None), default=None)

    def take(self, waba_id: str) -> bool:
        """Take a slot of a WABA and of its portfolio; return whether there was one."""
        left = self.left(waba_id)
        if left is not None and left < 1:
            return False
        self._used[waba_id] = self._used.get(waba_id, 0) + 1
        return True

    def of_waba(self, account: Account) -> Bound:
        """Return the bound of a WABA."""
        used = self._used[account.waba_id]
        told = _bound(account.numbers_per_waba, self._policy.numbers_per_waba, used)
        most = self._refused.get(account.waba_id)
        if most is None or (told.most is not None and told.most <= most):
            return told
        return Bound(most=most, source="refused", used=used)

    def _refused_at(self, account: Account) -> int | None:
        """Return with how many numbers a WABA is full by Meta's own refusal, if one counts.

        It does until more numbers are there, or a bound was told later. After a while one more
        number is tried, and no more than that.
        """
        at, since, told_at = account.full_at, account.full_since, account.numbers_told_at
        if at is None or since is None or self._used[account.waba_id] > at:
            return None
        if told_at is not None and told_at > since:
            return None
        return at if since + REFUSED_FOR > self._now else at + 1

    def of_portfolio(self, portfolio: str) -> Bound:
        """Return the bound of a portfolio: what was told last of any of its WABAs."""
        members = [each for each in self._accounts.values() if portfolio_of(each) == portfolio]
        used = sum(self._used[each.waba_id] for each in members)
        told = [(each.numbers_told_at, each) for each in members if each.numbers_told_at]
        last = max(told, key=lambda pair: pair[0])[1] if told else None
        most = last.numbers_per_business if last else None
        return _bound(most, self._policy.numbers_per_business, used)


def _bound(told: int | None, by_setting: int, used: int) -> Bound:
    if told is not None:
        return Bound(most=told, source="told", used=used)
    if by_setting and used > by_setting:
        return Bound(most=None, source="exceeded", used=used)
    return Bound(most=by_setting or None, source="setting", used=used)
