"""From the machines of a forecast to what is told of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime

from onboarding.core.forecast.assumptions import Assumptions
from onboarding.core.forecast.ledger import Ledger
from onboarding.core.forecast.machine import Machine
from onboarding.core.forecast.outlook import Ending, Outlook, Risk
from onboarding.core.lifecycle import IN_PROGRESS
from onboarding.core.timing import DAY
from onboarding.model import Account, State

_ORDER = (Risk.MISSED, Risk.OPEN, Risk.TIGHT, Risk.NONE)
_NEVER = datetime.max.replace(tzinfo=UTC)


def outlook_of(
    machines: Iterable[Machine],
    ledger: Ledger,
    accounts: Mapping[str, Account],
    assumed: Assumptions,
    *,
    between: tuple[datetime, datetime],
) -> Outlook:
    """Return what a forecast found between two instants."""
    starts_at, ends_at = between
    endings = sorted((_ending(machine, ends_at) for machine in machines), key=_in_order)
    return Outlook(
        starts_at=starts_at,
        ends_at=ends_at,
        assumptions=tuple(assumed.told()),
        days=tuple(ledger.days[each] for each in sorted(ledger.days)),
        endings=tuple(endings),
        busiest=tuple(ledger.busiest(accounts)),
        put_off=ledger.put_off,
    )


def _in_order(each: Ending) -> tuple[int, datetime, str]:
    return _ORDER.index(each.risk), each.register_by or _NEVER, each.phone_number


def _ending(machine: Machine, ends_at: datetime) -> Ending:
    row = machine.row
    due_by, reason = row.register_by, row.register_by_reason
    waiting, waiting_for = row.waiting, row.waiting_for
    if machine.due_at_end is not None and row.state not in IN_PROGRESS:
        due_by, reason, waiting, waiting_for = machine.due_at_end
    done_at = machine.registered_at if row.state is State.REGISTERED else None
    return Ending(
        id=row.id,
        phone_number=row.phone_number,
        waba_id=row.waba_id,
        state=row.state,
        registered_at=done_at,
        register_by=due_by,
        deadline=reason,
        left=due_by - (done_at or ends_at) if due_by else None,
        risk=_risk(row.state, due_by, done_at, ends_at),
        waiting=waiting,
        waiting_for=waiting_for,
    )


def _risk(
    state: State, due_by: datetime | None, done_at: datetime | None, ends_at: datetime
) -> Risk:
    if state is State.REGISTERED:
        if due_by is None or done_at is None:
            return Risk.NONE
        left = due_by - done_at
        return Risk.NONE if left >= DAY else Risk.TIGHT if left.total_seconds() > 0 else Risk.MISSED
    is_missed = state is State.EXPIRED or (due_by is not None and due_by <= ends_at)
    return Risk.MISSED if is_missed else Risk.OPEN
