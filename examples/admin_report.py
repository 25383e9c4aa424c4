"""A report for administrators: who is due this week, and what waits for whom.

It uses nothing but the command line with ``--json``, as a script in any language would::

    python examples/admin_report.py
    python examples/admin_report.py --within 3d

The exit status is 1 if something is due in that time and waits for a person, so that a timer or a
monitor can send the report on. If ``onboarding list`` fails, its error and its exit status are
passed on.
"""

from __future__ import annotations

import json
import subprocess
import sys
from argparse import ArgumentParser
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

PEOPLE = ("holder", "partner", "operator")

Row = Mapping[str, Any]


def ask(*arguments: str) -> list[Row]:
    """Return the onboardings that ``onboarding list`` finds."""
    command = [sys.executable, "-m", "onboarding", "list", *arguments, "--all", "--json"]
    done = subprocess.run(command, stdout=subprocess.PIPE, check=False)  # noqa: S603 - our own program
    if done.returncode:  # it has said why
        sys.exit(done.returncode)
    found: list[Row] = json.loads(done.stdout)["items"]
    return found


def tell_due(rows: Sequence[Row], within: str) -> None:
    """Tell who must be registered soon, the nearest first."""
    print(f"Due within {within}: {len(rows)}")
    for row in sorted(rows, key=lambda row: str(row["register_by"])):
        day, minute = str(row["register_by"])[:10], str(row["register_by"])[11:16]
        print(f"  {day} {minute} UTC  {row['phone_number']}  {row['state']}, {row['whose_turn']}")


def tell_waits(rows: Sequence[Row]) -> None:
    """Tell what waits for whom, and the command or the act that goes on with each."""
    groups: dict[tuple[str, str], list[Row]] = defaultdict(list)
    for row in rows:
        if row["whose_turn"] in PEOPLE:
            groups[row["whose_turn"], row["why"]].append(row)
    print(f"Waiting for a person: {sum(map(len, groups.values()))}")
    for (who, why), waiting in sorted(groups.items()):
        print(f"  {who}: {why}")
        for row in waiting:
            print(f"    {row['phone_number']} '{row['display_name']}': {row['remedy']}")


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the report; return the exit status."""
    parser = ArgumentParser(description="Who is due, and what waits for whom.")
    parser.add_argument("--within", default="7d", help="how far to look ahead, like 3d or 12h")
    within = parser.parse_args(arguments).within
    due = ask("--deadline-before", within)
    tell_due(due, within)
    states = ("requested", "created", "otp_pending", "verified", "name_review", "register_deadline")
    tell_waits(ask(*(part for state in states for part in ("--state", state))))
    return int(any(row["whose_turn"] in PEOPLE for row in due))


if __name__ == "__main__":
    sys.exit(main())
