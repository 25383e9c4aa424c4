"""How many numbers Meta takes: bounds of portfolios and WABAs, and the slots that are left.

Meta's rules: 2 numbers in a new portfolio, 20 once it is verified or has reached a messaging limit
of 2,000, more by support; 25 on a WABA. ``business_capability_update`` tells the bounds; where
nothing was told, a setting says them, and without one the rule, by what a read of the WABA shows.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from onboarding.core.policy import Policy
from onboarding.core.timing import DAY
from onboarding.model import Account, Failure

#: What a portfolio takes at first, and from when on Meta has raised that by itself.
NEW, RAISED = 2, 20

#: Messaging limits of 2,000 and more.
_RAISED_TIERS = frozenset({"TIER_2K", "TIER_10K", "TIER_100K", "TIER_UNLIMITED"})

#: How Meta says that a portfolio or a WABA is full.
LIMIT = (200, 1349175)

#: So long a refusal for want of a slot says what the bound is; then it is tried once more.
REFUSED_FOR = DAY


def is_full(failure: Failure) -> bool:
    """Whether a create was refused because no slot is free."""
    return (failure.code, failure.subcode) == LIMIT


def is_raised(verification: str | None, messaging_limit: str | None) -> bool:
    """Whether a portfolio takes the larger number by Meta's rule, as a read of a WABA shows it."""
    return (verification or "").upper() == "VERIFIED" or messaging_limit in _RAISED_TIERS


def is_unread(account: Account, policy: Policy) -> bool:
    """Whether nothing says yet how many numbers a portfolio takes: a read of the WABA does."""
    is_said = policy.numbers_per_business is not None or account.numbers_per_business is not None
    return not is_said and account.portfolio_raised is None


def told_of(accounts: Iterable[Account]) -> int | None:
    """Return the bound of a portfolio that was told last of any of its WABAs, if one holds."""
    told = [(each.numbers_told_at, each) for each in accounts if each.numbers_told_at]
    return max(told, key=lambda pair: pair[0])[1].numbers_per_business if told else None


def portfolio_of(account: Account) -> str:
    """Return what names an account's portfolio; one that is not told has a WABA of its own."""
    return account.business_id or f"of WABA {account.waba_id}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Bound:
    """How many numbers something may have, and who says so.

    Attributes:
        most: ``None``: nobody knows.
        source: ``told`` (by Meta or a person), ``refused`` (by Meta), ``setting``, ``rule`` (of
            Meta's, for new or for raised portfolios) or ``exceeded``: more are there than setting
            or rule say.
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
        if account.numbers_per_waba is not None:
            bound = Bound(most=account.numbers_per_waba, source="told", used=used)
        else:
            bound = _unless_exceeded(self._policy.numbers_per_waba, "setting", used)
        most = self._refused.get(account.waba_id)
        if most is None or (bound.most is not None and bound.most <= most):
            return bound
        return Bound(most=most, source="refused", used=used)

    def _refused_at(self, account: Account) -> int | None:
        """Return with how many numbers a WABA is full by Meta's own refusal, if one counts.

        It does until more numbers are there, or a bound was told later: of the WABA, or of its
        portfolio through any of its WABAs. After a while one more number is tried, and no more
        than that.
        """
        at, since = account.full_at, account.full_since
        if at is None or since is None or self._used[account.waba_id] > at:
            return None
        telling = [each for each in self._members(account) if each.numbers_per_business is not None]
        if any(told is not None and told > since for told in _told_at([account, *telling])):
            return None
        return at if since + REFUSED_FOR > self._now else at + 1

    def _members(self, account: Account) -> list[Account]:
        mine = portfolio_of(account)
        return [each for each in self._accounts.values() if portfolio_of(each) == mine]

    def of_portfolio(self, portfolio: str) -> Bound:
        """Return the bound of a portfolio: what was told last of any of its WABAs."""
        members = [each for each in self._accounts.values() if portfolio_of(each) == portfolio]
        used = sum(self._used[each.waba_id] for each in members)
        if (told := told_of(members)) is not None:
            return Bound(most=told, source="told", used=used)
        if self._policy.numbers_per_business is not None:
            return _unless_exceeded(self._policy.numbers_per_business, "setting", used)
        return _unless_exceeded(RAISED if _is_proven(members) else NEW, "rule", used)


def _told_at(accounts: Iterable[Account]) -> Iterable[datetime | None]:
    return (each.numbers_told_at for each in accounts)


def _is_proven(members: Iterable[Account]) -> bool:
    """Whether something says that Meta takes more in a portfolio than in a new one.

    A read of one of its WABAs, a bound that was told of one, or more numbers on their lists.
    """
    some = list(members)
    return sum(each.numbers_listed or 0 for each in some) > NEW or any(
        each.portfolio_raised or (each.numbers_per_waba or 0) > NEW for each in some
    )


def _unless_exceeded(most: int, source: str, used: int) -> Bound:
    """Return a bound that nobody told, unless what is there shows that it is none; 0: no bound."""
    if most and used > most:
        return Bound(most=None, source="exceeded", used=used)
    return Bound(most=most or None, source=source, used=used)
