"""``onboarding why``: the story of one onboarding, in sentences."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from collections.abc import Iterator

    from onboarding.core.story import Story

#: Entries of the history that are told unless all are asked for.
_LAST = 12


def why(
    ctx: typer.Context,
    ref: Annotated[str, typer.Argument(help="Id, start of an id, or phone number.")],
    *,
    everything: Annotated[bool, typer.Option("--all", help="Tell the whole history.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Tell in sentences what one waits for, and what comes.

    On whom it waits and since when, what happened before, which calls failed and what their codes
    mean, what happens next and when, and how many days are left.

    Example:
        onboarding why "+1 631 555 1000"
    """
    from onboarding.cli.output import cell, plain, print_json, say
    from onboarding.cli.restored import note_restored
    from onboarding.cli.session import open_engine

    with open_engine(ctx) as engine:
        id_ = engine.get(ref).id
        story = engine.why(id_)
        note_restored(engine)
    if as_json:
        print_json({"id": id_, **plain(story)})
        return
    for line in _lines(story, everything=everything):
        say(cell(line) if line else "")


def _lines(story: Story, *, everything: bool) -> Iterator[str]:
    yield from story.now
    yield from story.deadline
    if story.next:
        yield from ("", "What comes:", *story.next)
    if story.tried:
        yield from ("", "What was tried:", *story.tried)
    before = story.before if everything else story.before[-_LAST:]
    yield from ("", "What happened:")
    if len(before) < len(story.before):
        yield f"({len(story.before) - len(before)} earlier entries: --all tells them)"
    yield from before
