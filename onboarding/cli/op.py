"""``onboarding op``: calls whose effect at Meta is not settled, and a person's word on them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from onboarding.engine.open_operation import OpenOperation

app = typer.Typer(add_completion=False, rich_markup_mode=None)

Id = Annotated[str, typer.Argument(help="Id of the call, or the start of it.", metavar="ID")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@app.callback()
def op() -> None:
    """Calls that are not settled, and what became of them.

    Example:
        onboarding op list
    """


@app.command("list")
def list_operations(ctx: typer.Context, *, as_json: Json = False) -> None:
    """List the calls that are open, and those that wait for a person.

    An open call is settled by its answer, or by a read of the WABA's list, or the pool's, after
    its settle time; where neither can tell, a person does.

    Example:
        onboarding op list
        onboarding op list --json
    """
    from onboarding.cli.output import note, print_json, print_table
    from onboarding.cli.session import open_engine

    with open_engine(ctx) as engine:
        found = engine.open_operations()
    if as_json:
        print_json({"items": [_facts(each) for each in found]})
        return
    if not found:
        note("no call is open")
        return
    columns = ("id", "number", "operation", "since", "status", "turn", "waits for")
    print_table(columns, [_line(each) for each in found])


def _line(held: OpenOperation) -> tuple[object, ...]:
    operation = held.operation
    return (
        operation.id,
        held.phone_number,
        operation.name,
        operation.intent_at,
        operation.status,
        held.waiting_for,
        held.waits_for,
    )


def _facts(held: OpenOperation) -> dict[str, Any]:
    from onboarding.cli.standing import operation_facts

    return operation_facts(held.operation) | {
        "onboarding_id": held.operation.onboarding_id,
        "pool_number_id": held.operation.pool_number_id,
        "phone_number": held.phone_number,
        "waba_id": held.operation.waba_id,
        "settle_at": held.operation.settle_at,
        "whose_turn": held.waiting_for,
        "waits_for": held.waits_for,
        "is_resolvable": held.is_resolvable,
    }


@app.command()
def show(ctx: typer.Context, id_: Id, *, as_json: Json = False) -> None:
    """Show what happened to a call, and what each answer to it means.

    Example:
        onboarding op show 019cadb56d1c
    """
    from onboarding.cli.op_words import answers, sentences
    from onboarding.cli.output import print_fields, print_json, say
    from onboarding.cli.session import open_engine
    from onboarding.engine.settling import find_operation

    with open_engine(ctx) as engine:
        held = find_operation(engine.context, id_)
    told, possible = list(sentences(held)), answers(held)
    if as_json:
        meanings = {each: {"command": c, "means": m} for each, (c, m) in possible.items()}
        print_json(_facts(held) | {"happened": told, "answers": meanings})
        return
    print_fields(_fields(held))
    say("\n" + " ".join(told))
    if held.is_resolvable:
        say("\nlook in WhatsApp Manager, then answer with one of")
        for command, meaning in possible.values():
            say(f"  {command}\n      {meaning}")


def _fields(held: OpenOperation) -> list[tuple[str, object]]:
    operation = held.operation
    return [
        ("call", operation.id),
        ("operation", operation.name),
        ("status", operation.status),
        ("number", held.phone_number),
        ("onboarding", operation.onboarding_id)
        if operation.onboarding_id
        else ("number of the pool", operation.pool_number_id),
        ("WABA", operation.waba_id),
        ("since", operation.intent_at),
        ("settles from", operation.settle_at),
    ]


@app.command()
def resolve(
    ctx: typer.Context,
    id_: Id,
    *,
    found: Annotated[
        str | None,
        typer.Option(
            metavar="PHONE_NUMBER_ID",
            help="It took effect: the id of the number at Meta; in a pool its temporary id.",
        ),
    ] = None,
    absent: Annotated[
        bool, typer.Option("--absent", help="It had no effect: it may be made again.")
    ] = False,
    abandon: Annotated[
        bool, typer.Option("--abandon", help="Nobody can tell: close it, and hold the number.")
    ] = False,
    reason: Annotated[str, typer.Option(help="Why, for the history.")],
) -> None:
    """Say what became of a call, where only a person can tell.

    Refused while the call may still be on its way, and once it is settled.

    Example:
        onboarding op resolve 019cadb56d1c --found 106540352242922 \
--reason "seen in WhatsApp Manager"
        onboarding op resolve 019cadb56d1c --absent --reason "not in WhatsApp Manager"
    """
    from onboarding.cli.output import cell, say, say_next
    from onboarding.cli.session import open_engine
    from onboarding.engine.settling import find_operation

    with open_engine(ctx) as engine:
        held = find_operation(engine.context, id_)
        resolve_it = engine.resolve_operation if held.onboarding else engine.pool.resolve
        row = resolve_it(id_, found=found, absent=absent, abandon=abandon, reason=reason)
    done = "on hold; the call is closed" if abandon else f"settled; it is '{row.state}' now"
    say(f"{row.phone_number} ({row.id}): {cell(done)}")
    on_hold = row.hold is not None
    releasing = "release" if held.onboarding else "pool release"
    say_next(
        f"onboarding {releasing} {row.id}   (when it may go on)" if on_hold else "onboarding worker"
    )
