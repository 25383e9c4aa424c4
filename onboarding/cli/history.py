"""``onboarding history``: everything that happened to one onboarding."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from onboarding.core.chain import Entry


def history(
    ctx: typer.Context,
    ref: Annotated[str, typer.Argument(help="Id, start of an id, or phone number.")],
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Show everything that happened to one.

    Each entry is hashed onto the one before it: see "onboarding audit verify".

    Example:
        onboarding history "+1 631 555 1000"
    """
    from onboarding.cli.session import open_engine

    with open_engine(ctx) as engine:
        id_ = engine.get(ref).id
        entries = engine.history(id_)
    print_history(id_, entries, as_json=as_json)


def print_history(id_: str, entries: list[tuple[int, Entry]], *, as_json: bool) -> None:
    """Print the entries of a history, as a table or as JSON."""
    from onboarding.cli.output import plain, print_json, print_table

    if as_json:
        told = [{"seq": seq, **plain(entry)} for seq, entry in entries]
        print_json({"id": id_, "entries": told})
        return
    rows = [
        (seq, entry.at, entry.trigger, _states(entry), entry.actor, entry.reason, entry.fbtrace_id)
        for seq, entry in entries
    ]
    print_table(("#", "at", "event", "state", "actor", "reason", "fbtrace_id"), rows)


def _states(entry: Entry) -> str:
    if entry.source in ("", entry.dest):
        return entry.dest
    return f"{entry.source} -> {entry.dest}"
