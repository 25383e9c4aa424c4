"""What a forecast starts from."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from onboarding.core.budgets import Breaker
from onboarding.core.slots import Slots
from onboarding.core.steps import Restore
from onboarding.model import Account, Deadline, JournaledOperation, Onboarding


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    """What a forecast starts from: today's data and budgets.

    Attributes:
        now: business time.
        rows: the onboardings that are somebody's turn, and those of a file.
        accounts: all accounts by WABA id.
        operations: calls by number key, as far back as windows reach.
        deadlines: open deadlines by onboarding id.
        others: numbers on a WABA that are not among the rows: they make its list longer.
        used: calls of the last hour by budget.
        breakers: what Meta said of the budgets.
        restore: the last restore of the database.
        slots: how many numbers Meta takes; ``None``: as many as are asked for.
        reads: what intakes would read of a number's code; fields of a ``Snapshot``.
    """

    now: datetime
    rows: Sequence[Onboarding]
    accounts: Mapping[str, Account]
    operations: Mapping[str, Sequence[JournaledOperation]] = field(default_factory=dict)
    deadlines: Mapping[str, Sequence[Deadline]] = field(default_factory=dict)
    others: Mapping[str, int] = field(default_factory=dict)
    used: Mapping[str, int] = field(default_factory=dict)
    breakers: Mapping[str, Breaker] = field(default_factory=dict)
    restore: Restore | None = None
    slots: Slots | None = None
    reads: Callable[[Onboarding], Mapping[str, bool]] = lambda _: {}
