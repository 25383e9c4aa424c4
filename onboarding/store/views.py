"""Counts for people: how many, where, waiting for whom, and the nearest deadline."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, func, select

from onboarding.core.lifecycle import IN_PROGRESS
from onboarding.model import Operation, Owner, Reason, State
from onboarding.store.journal import count_open
from onboarding.store.tables import deadline, escalation, onboarding, operation


@dataclass(frozen=True, slots=True, kw_only=True)
class Overview:
    """The fleet at a glance.

    Attributes:
        states: onboardings per state; states with none are left out.
        waiting: onboardings in progress per reason and owner.
        nearest_deadline: the earliest deadline that is still ahead.
        calls: operations made, per name.
        open_calls: operations whose effect is not known yet.
        escalations: rungs raised, per rung.
    """

    states: dict[State, int]
    waiting: dict[tuple[Reason, Owner], int]
    nearest_deadline: datetime | None
    calls: dict[Operation, int]
    open_calls: int
    escalations: dict[str, int]


def overview(conn: Connection, now: datetime) -> Overview:
    """Count the fleet, in one read of the database."""
    o, count = onboarding.c, func.count()
    states = conn.execute(select(o.state, count).group_by(o.state))
    waiting = conn.execute(
        select(o.waiting, o.waiting_for, count)
        .where(o.state.in_(IN_PROGRESS))
        .group_by(o.waiting, o.waiting_for)
    )
    nearest = select(func.min(deadline.c.due_at)).where(
        deadline.c.closed_at.is_(None), deadline.c.due_at > now
    )
    calls = conn.execute(select(operation.c.name, count).group_by(operation.c.name))
    raised = conn.execute(
        select(escalation.c.rung, count)
        .where(escalation.c.collapsed_into.is_(None))
        .group_by(escalation.c.rung)
    )
    return Overview(
        states=dict(states.all()),
        waiting={(reason, owner): n for reason, owner, n in waiting},
        nearest_deadline=conn.execute(nearest).scalar(),
        calls=dict(calls.all()),
        open_calls=count_open(conn),
        escalations=dict(raised.all()),
    )
