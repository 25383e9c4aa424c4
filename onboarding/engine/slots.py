"""Slots: counted before numbers are created, told by Meta or a person, and shown to people."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from onboarding.core.slots import Bound, Slots, is_full, portfolio_of, told_of
from onboarding.engine.account_changes import change_account
from onboarding.engine.context import Context
from onboarding.errors import InputError, NotFoundError
from onboarding.graph.calls import GraphResult
from onboarding.model import Account, Operation
from onboarding.store import accounts, slots
from onboarding.store.database import reading, writing

#: What a bound may be; more is a mistake.
_MOST = 1_000_000


def open_slots(ctx: Context, conn: Connection, waba_ids: Iterable[str], now: datetime) -> Slots:
    """Return the slots of these WABAs and of their portfolios; two queries.

    Whoever takes some has locked the budgets before, so that nobody else counts meanwhile.
    """
    known = slots.load_portfolios(conn, sorted(set(waba_ids)))
    since = {account.waba_id: _since(account, ctx) for account in known}
    return Slots(known, slots.count_made(conn, since), ctx.policy, now)


def _since(account: Account, ctx: Context) -> tuple[datetime | None, datetime | None]:
    # Before its calls were settled, a list may not have shown what they made.
    if account.numbers_listed is None or account.listed_at is None:
        return None, None
    return account.listed_at, account.listed_at - ctx.policy.settle


def note_full(
    ctx: Context, conn: Connection, results: Iterable[GraphResult], waba_ids: Mapping[str, str]
) -> None:
    """Remember where Meta refused a number for want of a slot.

    Args:
        ctx: the engine's parts.
        conn: an open transaction, in which the outcomes are written already.
        results: answers to calls.
        waba_ids: whose each call was, by its tag.
    """
    full = {
        waba_ids[result.call.tag]
        for result in results
        if result.failure is not None
        and result.call.request.endpoint is Operation.CREATE_NUMBER
        and is_full(result.failure)
    }
    if not full:
        return
    now = ctx.clock.now()
    counted = open_slots(ctx, conn, full, now)
    for account in counted.accounts:
        if account.waba_id in full:
            used = counted.of_waba(account).used
            accounts.update_account(conn, account.waba_id, full_at=used, full_since=now)


def tell_bounds(
    ctx: Context, conn: Connection, waba_id: str, value: Mapping[str, Any], at: datetime
) -> None:
    """Take in what a ``business_capability_update`` says; the queue is looked at next.

    An older one than the last changes nothing. Meta tells the portfolio's bound while that is
    small, and the WABA's from then on: what is not told does not hold any more.
    """
    told = {
        "numbers_per_business": _number(value.get("max_phone_numbers_per_business")),
        "numbers_per_waba": _number(value.get("max_phone_numbers_per_waba")),
    }
    account = accounts.load_accounts(conn, [waba_id], lock=True).get(waba_id)
    if account is None or all(each is None for each in told.values()):
        return
    if account.numbers_told_at is not None and account.numbers_told_at > at:
        return
    _write(ctx, conn, account, {**told, "numbers_told_at": at}, actor="meta", reason="Meta says so")


def _number(value: object) -> int | None:
    """Return a whole number, which Meta may also write as text."""
    try:
        found = int(str(value))
    except ValueError:
        return None
    return found if 0 <= found <= _MOST else None


def set_bounds(
    ctx: Context,
    waba_id: str,
    *,
    per_business: int | None,
    per_waba: int | None,
    reason: str,
    actor: str,
) -> Account:
    """Take a person's word for how many numbers Meta takes; what Meta says later wins.

    Raises:
        NotFoundError: no such account.
        InputError: no bound is given, one is no number, or there is no reason.
    """
    if per_business is None and per_waba is None:
        raise InputError("no bound is given", field="per_waba", hint="--per-business or --per-waba")
    if not reason.strip():
        raise InputError("a reason is needed", field="reason", hint='--reason "Meta raised it"')
    for name, value in (("per_business", per_business), ("per_waba", per_waba)):
        if value is not None and not 0 <= value <= _MOST:
            raise InputError(f"{value} is no bound", field=name, hint=f"0 to {_MOST}")
    with writing(ctx.database) as conn:
        account = accounts.load_accounts(conn, [waba_id], lock=True).get(waba_id)
        if account is None:
            raise NotFoundError(
                f"the WABA '{waba_id}' is not known here", hint="see: onboarding account list"
            )
        if per_business is None:  # what was told last counts: without this it would be forgotten
            per_business = told_of(slots.load_portfolios(conn, [waba_id]))
        told = {
            "numbers_per_business": per_business,
            "numbers_per_waba": per_waba if per_waba is not None else account.numbers_per_waba,
            "numbers_told_at": ctx.clock.now(),
        }
        return _write(ctx, conn, account, told, actor=actor, reason=reason)


def _write(
    ctx: Context,
    conn: Connection,
    account: Account,
    told: dict[str, Any],
    *,
    actor: str,
    reason: str,
) -> Account:
    now = ctx.clock.now()
    names = {"numbers_per_business": "in the portfolio", "numbers_per_waba": "on the WABA"}
    words = [f"{told[name]} {where}" for name, where in names.items() if told[name] is not None]
    changed = change_account(
        ctx,
        conn,
        account.waba_id,
        "bounds_told",
        reason=f"at most {', '.join(words)}: {reason}",
        actor=actor,
        now=now,
        changes=told,
    )
    look_again(conn, now, {account.waba_id})
    return changed


def look_again(conn: Connection, now: datetime, waba_ids: Collection[str] | None = None) -> None:
    """Have the lists read of WABAs whose queue may move: of these portfolios, or of all."""
    queued = slots.count_queued(conn)
    if waba_ids is not None:
        among = {account.waba_id for account in slots.load_portfolios(conn, sorted(waba_ids))}
        queued = {waba_id: count for waba_id, count in queued.items() if waba_id in among}
    accounts.want(conn, dict.fromkeys(queued, now), {})


def look_at_queues(ctx: Context) -> None:
    """Have the lists read of all WABAs with a queue: a setting may allow more than before."""
    with reading(ctx.database) as conn:
        is_empty = not slots.count_queued(conn)
    if not is_empty:
        with writing(ctx.database) as conn:
            look_again(conn, ctx.clock.now())


@dataclass(frozen=True, slots=True, kw_only=True)
class WabaSlots:
    """The slots of one WABA."""

    waba_id: str
    name: str
    bound: Bound
    queued: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PortfolioSlots:
    """The slots of one portfolio and of its WABAs.

    Attributes:
        portfolio: the id of the business, or which WABA it is of.
        bound: how many numbers it may have.
        wabas: its WABAs.
    """

    portfolio: str
    bound: Bound
    wabas: tuple[WabaSlots, ...]

    @property
    def queued(self) -> int:
        """How many numbers wait for a slot."""
        return sum(each.queued for each in self.wabas)

    @property
    def left(self) -> int | None:
        """How many more numbers it takes, by its own bound and those of its WABAs."""
        lefts = [each.bound.left for each in self.wabas]
        own = self.bound.left
        if any(left is None for left in lefts):
            return own
        by_wabas = sum(left or 0 for left in lefts)
        return by_wabas if own is None else min(own, by_wabas)


class SlotDesk:
    """What people do with slots: ``engine.slots``."""

    def __init__(self, ctx: Context) -> None:
        self._ctx = ctx

    def portfolios(self) -> list[PortfolioSlots]:
        """Return the slots of every portfolio, by its id."""
        with reading(self._ctx.database) as conn:
            known = sorted(accounts.load_accounts(conn))
            opened = open_slots(self._ctx, conn, known, self._ctx.clock.now())
            queued = Counter(slots.count_queued(conn))
        members: dict[str, list[Account]] = {}
        for account in opened.accounts:
            members.setdefault(portfolio_of(account), []).append(account)
        return [
            PortfolioSlots(
                portfolio=name,
                bound=opened.of_portfolio(name),
                wabas=tuple(
                    WabaSlots(
                        waba_id=each.waba_id,
                        name=each.name,
                        bound=opened.of_waba(each),
                        queued=queued[each.waba_id],
                    )
                    for each in some
                ),
            )
            for name, some in sorted(members.items())
        ]

    def set_bounds(
        self,
        waba_id: str,
        *,
        per_business: int | None = None,
        per_waba: int | None = None,
        reason: str,
        actor: str | None = None,
    ) -> Account:
        """Say how many numbers Meta takes in a WABA's portfolio, or on the WABA.

        Raises:
            NotFoundError: no such account.
            InputError: no bound is given, or no reason.
        """
        who = actor or self._ctx.settings.who()
        return set_bounds(
            self._ctx,
            waba_id,
            per_business=per_business,
            per_waba=per_waba,
            reason=reason,
            actor=who,
        )
