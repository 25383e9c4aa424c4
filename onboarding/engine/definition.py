"""The definition of the rules that this release writes rows by, and what it leaves to a newer one.

A worker neither claims a row of a newer definition nor moves it by a list: it stores what it saw,
and wakes the row for a newer worker. What people, webhooks and codes tell of it is refused. Only
the end of a migration moves its source all the same: the claim on the number goes with it.

Releases that follow each other work on one database, so a state, reason or class that is new is
known to one release before the next one writes it.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from onboarding.errors import SchemaError
from onboarding.model import Onboarding

#: Raised by one with every release whose rules the release before does not know.
DEFINITION: Final = 1


def is_newer(row: Onboarding) -> bool:
    """Whether a newer release wrote the row, by rules that this one may not know."""
    return row.definition > DEFINITION


def newer_refused(row: Onboarding) -> SchemaError:
    """Return what is raised where a row is one that a newer release wrote."""
    return SchemaError(
        f"onboarding {row.id} was written by a newer release of this program",
        hint="do it with that release",
    )


def require_known(rows: Iterable[Onboarding]) -> None:
    """Refuse rows that a newer release wrote: what people and webhooks tell must not get lost.

    Raises:
        SchemaError: a newer release wrote one of them.
    """
    for row in rows:
        if is_newer(row):
            raise newer_refused(row)
