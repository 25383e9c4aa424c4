"""What the demo shows: a live table while it runs, and a summary at its end."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Iterator
from datetime import datetime

from rich.console import Console, Group
from rich.live import Live
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from onboarding.cli.demo_run import DemoRun
from onboarding.core.chain import Entry as HistoryEntry
from onboarding.core.lifecycle import FINAL
from onboarding.core.policy import DEFAULT_LADDER
from onboarding.core.reasons import FOR_PEOPLE, MEANINGS
from onboarding.model import Onboarding, Operation, State
from onboarding.store.views import Overview

_BAR = 36

#: Each frame counts the whole database, beside the worker whose work it shows.
_FRAME_S = 0.25


class DemoView:
    """Shows one run on the terminal; without one, how it ended."""

    def __init__(self, run: DemoRun) -> None:
        self._run = run
        self._console = Console()

    def show_until(self, over: threading.Event) -> None:
        """Show the run until it is over."""
        self._console.print(
            f"[bold]{self._run.numbers} numbers, three weeks[/bold]: "
            f"simulated Graph API on loopback, SQLite in {self._run.folder}, "
            f"seed {self._run.scenario.seed}"
        )
        with Live(self._frame(), console=self._console, refresh_per_second=4) as live:
            while not over.wait(_FRAME_S):
                if self._console.is_terminal:
                    live.update(self._frame())
            live.update(self._frame())

    def _frame(self) -> Group:
        view, now = self._run.engine.overview(), self._run.now()
        total = sum(view.states.values()) or 1
        states = Table("state", "numbers", "", box=None, padding=(0, 2), header_style="dim")
        for state in State:
            count = view.states.get(state, 0)
            bar = "█" * round(_BAR * count / total)
            states.add_row(state.value, str(count), Text(bar, style=_style(state)))
        return Group(
            Panel(Group(self._clock_line(view, now), states), title="onboarding", expand=False),
            self._waiting(view),
        )

    def _clock_line(self, view: Overview, now: datetime) -> Text:
        day = (now - self._run.starts_at).total_seconds() / 86400
        left = (
            f"{(view.nearest_deadline - now).total_seconds() / 86400:.1f} days left"
            if view.nearest_deadline
            else "none open"
        )
        calls = self._run.graph_calls()
        elapsed = time.monotonic() - self._run.started_at
        return Text(
            f"{now:%Y-%m-%d %H:%M} UTC (day {day:4.1f}) · nearest deadline: {left} · "
            f"Graph calls: {calls} · {elapsed:4.1f} s",
            style="bold",
        )

    def _waiting(self, view: Overview) -> Table:
        table = Table("waiting for", "numbers", "why", box=None, padding=(0, 2), header_style="dim")
        for (reason, owner), count in sorted(view.waiting.items(), key=lambda item: -item[1]):
            style = "yellow" if reason in FOR_PEOPLE else "dim"
            table.add_row(owner.value, str(count), MEANINGS[reason].text, style=style)
        return table

    def summarise(self) -> bool:
        """Show how everything ended; return whether it ended as the scenario says it must."""
        rows = list(self._run.engine.find_all())
        self._results(rows)
        for story in self._run.stories:
            self._story(**story)
        self._one_history(rows)
        count, broken = self._run.engine.verify()
        self._console.print(
            f"\n[bold]Hash chains:[/bold] {count - len(broken)} of {count} histories verify"
        )
        misses = self._run.misses()
        for row, expected in misses:
            self._console.print(
                f"[red]unexpected:[/red] {row.phone_number} '{row.display_name}' ended "
                f"{row.state} ({row.waiting}), not {expected.state} {expected.waiting}"
            )
        verdict = "[green]as the scenario says[/green]" if not misses else "[red]not all[/red]"
        elapsed = time.monotonic() - self._run.started_at
        self._console.print(
            f"[bold]Ended where they must:[/bold] {len(rows) - len(misses)} of {len(rows)}, "
            f"{verdict}; {elapsed:.0f} s in all"
        )
        self._next_steps(rows)
        return not misses and not broken

    def _results(self, rows: list[Onboarding]) -> None:
        groups = Counter(_group(row) for row in rows)
        table = Table("ended", "numbers", "why", header_style="bold", title="\nSummary")
        for (ended, why), count in sorted(groups.items(), key=lambda item: -item[1]):
            table.add_row(ended, str(count), why)
        self._console.print(table)
        view = self._run.engine.overview()
        calls = ", ".join(f"{n} {view.calls[n]}" for n in Operation if n in view.calls)
        self._console.print(
            f"[bold]Graph calls:[/bold] {self._run.graph_calls()}, of which changes: {calls}"
        )
        rungs = ", ".join(
            f"{rung.name} {view.escalations.get(rung.name, 0)}" for rung in DEFAULT_LADDER
        )
        self._console.print(f"[bold]Escalations raised:[/bold] {rungs}")

    def _story(self, number: str, title: str) -> None:
        """Tell what became of a number after its name went to review."""
        told = self._run.engine.get(number)
        history = [entry for _, entry in self._run.engine.history(told.id)]
        began = next(n for n, entry in enumerate(history) if entry.dest == State.NAME_REVIEW)
        table = Table("at", "who", "event", "why", box=None, padding=(0, 1), header_style="dim")
        for entry in _without_repeats(history[began:]):
            table.add_row(f"{entry.at:%m-%d %H:%M}", entry.actor, entry.trigger, entry.reason)
        self._console.print(f"\n[bold]{title}:[/bold] {number} '{told.display_name}'")
        self._console.print(table)

    def _one_history(self, rows: list[Onboarding]) -> None:
        told = max(rows, key=lambda row: (row.state is State.REGISTERED, row.history_seq))
        table = Table("at", "event", "state", header_style="bold")
        table.add_column("why", overflow="fold")
        table.title = f"\nOne history in full: {told.phone_number} '{told.display_name}'"
        for _, entry in self._run.engine.history(told.id):
            table.add_row(f"{entry.at:%m-%d %H:%M:%S}", entry.trigger, _path(entry), entry.reason)
        self._console.print(table)

    def _next_steps(self, rows: list[Onboarding]) -> None:
        waiting = next((row for row in rows if row.waiting in FOR_PEOPLE), rows[0])
        url = self._run.database_url
        self._console.print("\n[bold]Try next:[/bold]")
        for command in (
            "list --state registered",
            f"history {waiting.id}",
            "audit verify",
        ):
            self._console.print(
                f"  .venv/bin/onboarding --database-url {url} {command}", soft_wrap=True
            )


def _style(state: State) -> str:
    if state is State.REGISTERED:
        return "green"
    return "red" if state in FINAL else "cyan"


def _group(row: Onboarding) -> tuple[str, str]:
    if row.state is State.REGISTERED:
        return "registered", "CONNECTED on CLOUD_API"
    if row.state in FINAL:
        return row.state.value, "the Embedded Signup window closed during the review"
    who = (
        f"needs {row.waiting_for}" if row.waiting in FOR_PEOPLE else f"waits for {row.waiting_for}"
    )
    return who, f"{MEANINGS[row.waiting].text} ({row.waiting})"


def _without_repeats(entries: list[HistoryEntry]) -> Iterator[HistoryEntry]:
    """Leave out tries that came to nothing after the first of their kind."""
    told: set[str] = set()
    for entry in entries:
        if entry.trigger in told and entry.trigger in ("early_registration_due", "name_not_usable"):
            continue
        told.add(entry.trigger)
        yield entry


def _path(entry: HistoryEntry) -> str:
    return entry.dest if entry.source == entry.dest else f"{entry.source} → {entry.dest}"
