"""The loop of a forecast: from one due instant to the next, with the engine's rules and budgets."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import count

from onboarding.core.budgets import Purse
from onboarding.core.creation import slot_wait
from onboarding.core.forecast.assumptions import Assumptions
from onboarding.core.forecast.endings import outlook_of
from onboarding.core.forecast.ledger import Ledger
from onboarding.core.forecast.machine import Machine
from onboarding.core.forecast.outlook import Outlook
from onboarding.core.forecast.people import answer, answers_at
from onboarding.core.forecast.queue import Queue
from onboarding.core.forecast.start import Start
from onboarding.core.policy import Policy
from onboarding.core.seen import is_connected
from onboarding.core.steps import Call, Wait
from onboarding.core.timing import earliest
from onboarding.model import (
    Account,
    Onboarding,
    Operation,
    Read,
    Reason,
    State,
)

#: Numbers on one page of a list.
_PAGE = 100
_NEVER = datetime.max.replace(tzinfo=UTC)

Progress = Callable[[float], None]


def forecast(
    start: Start,
    assumed: Assumptions,
    policy: Policy,
    span: timedelta,
    on_progress: Progress = lambda _: None,
) -> Outlook:
    """Return what happens in the coming span, if all goes as assumed.

    Args:
        start: today's data and budgets.
        assumed: what Meta and people do.
        policy: waits and limits.
        span: how far ahead.
        on_progress: is told the share of the span that has passed.
    """
    fleet = Fleet(start, assumed, policy)
    fleet.run(start.now + span, on_progress)
    return outlook_of(
        fleet.machines.values(),
        fleet.ledger,
        fleet.accounts,
        assumed,
        between=(start.now, start.now + span),
    )


class Fleet:
    """All numbers of a forecast, and what is due when."""

    def __init__(self, start: Start, assumed: Assumptions, policy: Policy) -> None:
        self.ledger = Ledger(start.used, start.breakers, policy, start.now)
        self.accounts = {
            waba_id: replace(account, lease_until=None)
            for waba_id, account in start.accounts.items()
        }
        self._start, self._assumed, self._policy = start, assumed, policy
        self._restore = start.restore
        self._queue = Queue()
        self._asked: dict[str, tuple[Reason, datetime, datetime | None]] = {}
        self._codes_out: dict[str, datetime] = {}
        self._refused: set[str] = set()
        self.machines = {row.id: self._machine(row) for row in start.rows}
        self._of_waba: dict[str, list[Machine]] = defaultdict(list)
        for machine in self.machines.values():
            self._of_waba[machine.row.waba_id].append(machine)
            self._settle(machine, start.now)
        for account in self.accounts.values():
            self._schedule_account(account)
        if start.restore is not None and not start.restore.is_released and assumed.operator:
            self._queue.push(start.now + assumed.operator, "release", "")

    def _machine(self, row: Onboarding) -> Machine:
        return Machine(
            row,
            self._start.operations.get(row.number_key, ()),
            self._start.deadlines.get(row.id, ()),
            assumed=self._assumed,
            policy=self._policy,
            now=self._start.now,
            tell=self._tell,
        )

    def _tell(self, at: datetime, what: str) -> None:
        self.ledger.day(at).events[what] += 1

    # Time

    def run(self, until: datetime, on_progress: Progress) -> None:
        """Let time pass."""
        starts_at, now = self._start.now, self._start.now
        for turn in count():
            at = self._queue.next_at
            if at is None or at > until:
                break
            now = max(now, at)
            if turn % 64 == 0:
                on_progress((now - starts_at) / (until - starts_at))
            self._do(now, self._queue.take(now))
        for machine in self.machines.values():
            machine.finish(until)
        on_progress(1.0)

    def _do(self, now: datetime, due: dict[str, set[str]]) -> None:
        for id_ in sorted(due["meta"]):
            self.machines[id_].meta.tick(now)
            self._queue.push(self.machines[id_].meta.next_at, "meta", id_)
        for id_ in sorted(due["person"]):
            self._let_answer(self.machines[id_], now)
        if due["release"]:
            self._release(now)
        for waba_id in sorted(due["mend"]):
            self._mend(waba_id, now)
        for waba_id in sorted(due["account"]):
            self._look_at(waba_id, now)
        self._step([self.machines[id_] for id_ in sorted(due["machine"])], now)

    # Machines

    def _step(self, due: Sequence[Machine], now: datetime) -> None:
        """Take the machines that are due a step further, as one batch of a worker."""
        ready = [
            machine
            for machine in due
            if machine.row.next_due_at is not None and machine.row.next_due_at <= now
        ]
        looked = [(machine, self._look(machine, now)) for machine in ready]
        calling = [(machine, step) for machine, step in looked if step is not None]
        if calling:
            self._call(calling, now)
        for machine in ready:
            self._settle(machine, now)

    def _look(self, machine: Machine, now: datetime) -> Call | None:
        account = self.accounts[machine.row.waba_id]
        reads = self._start.reads(machine.row)
        slots = self._start.slots
        left = slots.left(account.waba_id) if slots else None
        made = machine.look(account, self._restore, now, reads=reads, slots=left)
        if made.account_hold is not None:
            self._hold(account, made.account_hold, now)
        if isinstance(made.step, Call):
            return made.step
        self._want(account.waba_id, made.step, now)
        return None

    def _want(self, waba_id: str, wait: Wait, now: datetime) -> None:
        account = self.accounts[waba_id]
        check = now if wait.check_subscription else None
        wanted = replace(
            account,
            observe_due_at=earliest(account.observe_due_at, wait.observe_at),
            check_due_at=earliest(account.check_due_at, check),
        )
        if wanted != account:
            self.accounts[waba_id] = wanted
            self._schedule_account(wanted)

    def _call(self, calling: Sequence[tuple[Machine, Call]], now: datetime) -> None:
        """Make the calls that fit the budgets, those nearest their deadline first."""
        soon = now + self._policy.urgent_within
        purse = self._purse({machine.row.waba_id for machine, _ in calling}, now)
        for machine, step in sorted(calling, key=_deadline_then_age):
            account = self.accounts[machine.row.waba_id]
            urgent = (machine.row.register_by or _NEVER) < soon
            if step.operation is Operation.CREATE_NUMBER and not self._has_slot(account.waba_id):
                machine.wait(slot_wait(machine.row, now, self._policy), now)
                continue
            if until := purse.take(account, step.operation, urgent=urgent):
                self.ledger.put_off += 1
                machine.wait(Wait(reason=Reason.BUDGET, until=until), now)
                continue
            self.ledger.called(account, step.operation.value, now)
            machine.call(step, now)
            machine.wake(now + self._assumed.answer)

    def _has_slot(self, waba_id: str) -> bool:
        """Take a slot, if there is one; nothing frees one in a forecast."""
        return self._start.slots is None or self._start.slots.take(waba_id)

    def _purse(self, waba_ids: set[str], now: datetime) -> Purse:
        validity, soon = self._policy.code_validity, now + self._policy.urgent_within
        lapsed = [id_ for id_, sent in self._codes_out.items() if sent + validity <= now]
        for id_ in lapsed:
            del self._codes_out[id_]
        refused = [self.machines[id_].row for id_ in self._refused]
        return self.ledger.purse(
            waba_ids,
            now,
            codes_out=Counter(self.machines[id_].row.waba_id for id_ in self._codes_out),
            urgent=Counter(row.waba_id for row in refused if (row.register_by or _NEVER) < soon),
            waiting={row.waba_id for row in refused},
        )

    def _settle(self, machine: Machine, now: datetime) -> None:
        """Note what a machine waits for: its wake-up, Meta, and people."""
        row = machine.row
        self._queue.push(row.next_due_at and max(row.next_due_at, now), "machine", row.id)
        self._queue.push(machine.meta.next_at, "meta", row.id)
        if row.state is State.OTP_PENDING and row.code_sent_at is not None:
            self._codes_out[row.id] = row.code_sent_at
        else:
            self._codes_out.pop(row.id, None)
        keep = self._refused.add if row.waiting is Reason.BUDGET else self._refused.discard
        keep(row.id)
        self._ask(machine, now)

    # People

    def _ask(self, machine: Machine, now: datetime) -> None:
        """Let whoever is asked for something new give it in their own time."""
        row = machine.row
        since = row.code_sent_at or row.waiting_since
        if self._asked.get(row.id, ())[:2] == (row.waiting, since):
            return
        at = answers_at(row, now, self._assumed)
        self._asked[row.id] = (row.waiting, since, at)
        is_held = row.waiting is Reason.ACCOUNT_HELD
        self._queue.push(at, "mend" if is_held else "person", row.waba_id if is_held else row.id)

    def _let_answer(self, machine: Machine, now: datetime) -> None:
        row = machine.row
        _, _, at = self._asked[row.id]
        if at is None or at > now:
            return  # what was asked for is not wanted any more
        if row.waiting is Reason.NOT_ON_WABA:
            machine.meta.sign_up(now, row.display_name)
            self._want(row.waba_id, Wait(reason=Reason.LISTING, observe_at=now), now)
        elif step := answer(row, now):
            machine.given(step, now)
            self._settle(machine, now)

    def _release(self, now: datetime) -> None:
        """Let an operator release a restored copy."""
        if self._restore is not None:
            self._restore = replace(self._restore, released_at=now)
        for machine in self.machines.values():
            if machine.row.waiting is Reason.RESTORED:
                machine.wake(now)
                self._settle(machine, now)

    def _hold(self, account: Account, text: str, now: datetime) -> None:
        held = replace(account, hold=Reason.ACCOUNT_HELD, hold_text=text, hold_since=now)
        self.accounts[account.waba_id] = held

    def _mend(self, waba_id: str, now: datetime) -> None:
        """Let an operator give the account a new token: its list is read, and work goes on."""
        account = self.accounts[waba_id]
        if account.hold is None:
            return
        mended = replace(
            account, hold=None, hold_text=None, hold_since=None, trouble=None, observe_due_at=now
        )
        self.accounts[waba_id] = mended
        self._schedule_account(mended)
        for machine in self._of_waba[waba_id]:
            if machine.row.waiting is Reason.ACCOUNT_HELD:
                machine.wake(now)
                self._settle(machine, now)

    # Accounts

    def _schedule_account(self, account: Account) -> None:
        at = earliest(self._list_at(account), account.check_due_at)
        if account.hold is None and at is not None:
            self._queue.push(max(at, self._start.now), "account", account.waba_id)

    def _list_at(self, account: Account) -> datetime | None:
        at = account.observe_due_at
        if at is None or account.listed_at is None:
            return at
        return max(at, account.listed_at + self._policy.list_interval)

    def _look_at(self, waba_id: str, now: datetime) -> None:
        """Read the list and the subscription of an account, as far as they are due."""
        account = self.accounts[waba_id]
        if account.hold is not None:
            return
        checks = account.check_due_at is not None and account.check_due_at <= now
        list_at = self._list_at(account)
        reads = list_at is not None and list_at <= now
        if not (checks or reads):
            return
        purse = self._purse({waba_id}, now)
        if until := self._refusal(purse, account, 2 * checks + reads * self._pages(waba_id)):
            self.ledger.put_off += 1
            put_off = replace(
                account,
                check_due_at=until if checks else account.check_due_at,
                observe_due_at=until if reads else account.observe_due_at,
            )
            self.accounts[waba_id] = put_off
            self._schedule_account(put_off)
            return
        if checks:
            self._check(account, now)
        if reads:
            self._read(waba_id, now)
        self._schedule_account(self.accounts[waba_id])

    @staticmethod
    def _refusal(purse: Purse, account: Account, calls: int) -> datetime | None:
        refusals = (purse.take(account, read=True) for _ in range(calls))
        return max((at for at in refusals if at), default=None)

    def _pages(self, waba_id: str) -> int:
        there = sum(machine.meta.number is not None for machine in self._of_waba[waba_id])
        return 1 + (max(there + self._start.others.get(waba_id, 0) - 1, 0)) // _PAGE

    def _check(self, account: Account, now: datetime) -> None:
        first = account.subscribed_at is None
        self.ledger.called(account, Read.LIST_SUBSCRIBED_APPS.value, now)
        if first:
            self.ledger.called(account, Operation.SUBSCRIBE_APP.value, now)
        self.accounts[account.waba_id] = replace(account, subscribed_at=now, check_due_at=None)
        for machine in self._of_waba[account.waba_id]:
            if machine.row.waiting is Reason.SUBSCRIBING:
                machine.wake(now)
                self._settle(machine, now)

    def _read(self, waba_id: str, now: datetime) -> None:
        machines = self._of_waba[waba_id]
        account = self.accounts[waba_id]
        self.ledger.called(account, Read.LIST_NUMBERS.value, now, self._pages(waba_id))
        shown = [machine.meta.number for machine in machines]
        self.accounts[waba_id] = replace(
            account,
            listed_at=now,
            observe_due_at=None,
            active=account.active or any(n is not None and is_connected(n) for n in shown),
        )
        for machine in machines:
            if not machine.see(now):
                continue
            if self._look(machine, now) is not None:
                machine.wake(now)
            self._settle(machine, now)


def _deadline_then_age(each: tuple[Machine, Call]) -> tuple[datetime, str]:
    row = each[0].row
    return row.register_by or _NEVER, row.id
