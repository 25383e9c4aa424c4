"""One writer of many: claims what is due, moves it under the fence, tells of it, gives it back."""

from __future__ import annotations

import sys
from dataclasses import replace

from sqlalchemy import Engine

from onboarding.model import Onboarding
from onboarding.store import budgets, history, onboardings
from onboarding.store.database import open_database, writing
from tests.store.making import START, an_entry, claim


def write_hard(database: Engine, writer: str, turns: int) -> int:
    """Do at least so many turns; return how many there were."""
    done = 0
    while done < turns:
        for row in claim(database, writer, limit=2):
            turn(database, row)
            done += 1
    return done


def turn(database: Engine, row: Onboarding) -> None:
    """Count one more try of a row, with its history and a budget, in one transaction."""
    with writing(database) as conn:
        freed = replace(
            row, lease_owner=None, lease_until=None, next_due_at=START, tries=row.tries + 1
        )
        written = onboardings.write_step(conn, [freed])[row.id]
        is_first = written.history_seq == 0
        entry = an_entry("requested", source="") if is_first else an_entry()
        head = (written.history_seq, written.head_hash)
        history.append(conn, {row.id: [entry]}, {row.id: head})
        budgets.spend(conn, {"app": 1}, START)


if __name__ == "__main__":
    url, writer, turns = sys.argv[1:]
    sys.stdout.write(f"{write_hard(open_database(url), writer, int(turns))}\n")
