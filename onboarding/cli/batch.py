"""``onboarding batch``: numbers that were imported together."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from onboarding.core.batches import Batch
    from onboarding.engine.batches import BatchView
    from onboarding.engine.facade import Engine

app = typer.Typer(add_completion=False, rich_markup_mode=None)

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Name = Annotated[str, typer.Argument(help="The name of the batch.")]
Why = Annotated[str, typer.Option("--reason", help="Why, for the history.")]


@app.callback()
def batch() -> None:
    """Numbers that were imported together.

    Example:
        onboarding import numbers.csv --batch june --canary 5
        onboarding batch show june
    """


@app.command("list")
def list_batches(ctx: typer.Context, *, as_json: AsJson = False) -> None:
    """List the batches, the latest first, and how each stands.

    A batch is loading (its file is being imported), canary (the first numbers go ahead), running,
    paused or cancelled.

    Example:
        onboarding batch list
    """
    from onboarding.cli.output import print_json, print_table, say
    from onboarding.cli.session import open_engine

    with open_engine(ctx) as engine:
        views = engine.batches.find_all()
    if as_json:
        print_json({"items": [_facts(view) for view in views]})
    elif views:
        columns = ("batch", "standing", "numbers", "registered", "over", "source", "by", "begun")
        print_table(columns, [_line(view) for view in views])
    else:
        say("there are no batches; one is made with: onboarding import FILE --batch NAME")


def _line(view: BatchView) -> tuple[object, ...]:
    from onboarding.core.lifecycle import FINAL
    from onboarding.model import State

    each = view.batch
    over = sum(view.states[state] for state in FINAL)
    registered = view.states[State.REGISTERED]
    begun = f"{each.created_at:%Y-%m-%d %H:%MZ}"
    return (
        each.name, each.standing, view.numbers, registered, over, each.source, each.created_by,
        begun,
    )  # fmt: skip


def _facts(view: BatchView) -> dict[str, Any]:
    from onboarding.cli.output import plain

    hidden = ("digest", "history_seq", "head_hash")
    facts = {name: value for name, value in plain(view.batch).items() if name not in hidden}
    return {
        **facts,
        "standing": view.batch.standing,
        "numbers": view.numbers,
        "states": dict(view.states),
        "waiting": dict(view.waits),
    }


@app.command()
def show(ctx: typer.Context, name: Name, *, as_json: AsJson = False) -> None:
    """Show how far the numbers of a batch have come.

    Also what they wait for, and who decided what.

    Example:
        onboarding batch show june
    """
    from onboarding.cli.output import plain, print_json
    from onboarding.cli.session import open_engine

    with open_engine(ctx) as engine:
        view = engine.batches.get(name)
        if as_json:
            canaries = [
                {"id": row.id, "phone_number": row.phone_number, "state": row.state, "passed": done}
                for row, done in engine.batches.canaries(name)
            ]
            entries = [{"seq": seq, **plain(entry)} for seq, entry in engine.batches.history(name)]
            print_json({**_facts(view), "canaries": canaries, "history": entries})
            return
        _print(engine, view)


def _print(engine: Engine, view: BatchView) -> None:
    from onboarding.cli.output import print_fields

    each = view.batch
    print_fields(
        [
            ("batch", each.name),
            ("standing", f"{each.standing}: {each.reason}"),
            ("source", each.source),
            ("begun", f"{each.created_at:%Y-%m-%d %H:%M} UTC by {each.created_by}"),
            ("numbers", view.numbers),
        ]
    )
    _print_funnel(view)
    _print_canaries(engine, each)
    _print_history(engine, each)


def _print_funnel(view: BatchView) -> None:
    from onboarding.cli.output import print_table, say
    from onboarding.core.reasons import AT_REST, MEANINGS
    from onboarding.model import State

    rows = [
        (state, view.states[state], f"{100 * view.states[state] / view.numbers:.0f} %")
        for state in State
        if view.states[state]
    ]
    if rows:
        say("")
        print_table(("state", "numbers", "share"), rows)
    waits = [
        (reason, count, MEANINGS[reason].owner, MEANINGS[reason].text)
        for reason, count in view.waits.most_common()
        if reason not in AT_REST
    ]
    if waits:
        say("")
        print_table(("waiting for", "numbers", "turn", "why"), waits)


def _print_canaries(engine: Engine, each: Batch) -> None:
    from onboarding.cli.output import print_table, say

    rows = [
        (row.id, row.phone_number, row.state, row.waiting, passed)
        for row, passed in engine.batches.canaries(each.name)
    ]
    if rows:
        say(f"\n{each.canary} go first, to '{each.canary_state}'")
        print_table(("canary", "number", "state", "waits for", "there"), rows)


def _print_history(engine: Engine, each: Batch) -> None:
    from onboarding.cli.output import print_table, say

    say("")
    rows = [
        (seq, entry.at, entry.trigger, entry.actor, entry.reason)
        for seq, entry in engine.batches.history(each.name)
    ]
    print_table(("seq", "at", "what", "who", "why"), rows)


@app.command()
def pause(ctx: typer.Context, name: Name, *, reason: Why) -> None:
    """Stop all calls for the numbers of a batch; deadlines go on.

    Numbers that are registered are left alone.

    Example:
        onboarding batch pause june --reason "wrong display names"
    """
    from onboarding.cli.output import say, say_next
    from onboarding.cli.session import open_engine

    with open_engine(ctx) as engine:
        engine.batches.pause(name, reason)
    say(f"batch '{name}' is paused")
    say_next(f'onboarding batch resume {name!r} --reason "..."')


@app.command()
def resume(ctx: typer.Context, name: Name, *, reason: Why) -> None:
    """Let a paused batch go on.

    Where a canary failed, it goes on with all of its numbers.

    Example:
        onboarding batch resume june --reason "names are mended"
    """
    from onboarding.cli.output import say, say_next
    from onboarding.cli.session import open_engine

    with open_engine(ctx) as engine:
        standing = engine.batches.resume(name, reason).standing
    say(f"batch '{name}' is {standing}")
    say_next("onboarding worker")


@app.command()
def cancel(ctx: typer.Context, name: Name, *, reason: Why) -> None:
    """Give up the numbers of a batch that are not registered.

    What is at Meta stays there.

    Example:
        onboarding batch cancel june --reason "the customer withdrew"
    """
    from onboarding.cli.output import say, say_next
    from onboarding.cli.session import open_engine

    with open_engine(ctx) as engine:
        _, count = engine.batches.cancel(name, reason)
    say(f"batch '{name}' is cancelled, and {count} numbers with it")
    say_next(f"onboarding batch show {name!r}")


@app.command()
def result(
    ctx: typer.Context,
    name: Name,
    *,
    file: Annotated[
        str, typer.Option("--result", metavar="FILE", help=".csv or .jsonl; - for CSV to stdout.")
    ] = "-",
) -> None:
    """Write a row per number of a batch, as it stands now.

    The file can be imported again.

    Example:
        onboarding batch result june --result june.csv
    """
    from pathlib import Path

    from onboarding.cli.import_results import open_results
    from onboarding.cli.session import open_engine
    from onboarding.engine.batch_results import results_of
    from onboarding.engine.request_files import FileFormat

    with open_engine(ctx) as engine, open_results(file, Path(), FileFormat.CSV) as results:
        for each in results_of(engine.batches.numbers(name)):
            results.add(each)
        results.finish()
