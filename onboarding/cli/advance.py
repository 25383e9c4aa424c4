"""``onboarding advance``: do what is due, once; for those who run no worker."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from onboarding.engine.facade import Engine
    from onboarding.model import Onboarding, Trouble


def advance(
    ctx: typer.Context,
    ref: Annotated[
        str | None, typer.Argument(help="Id, start of an id, or phone number; default: all due.")
    ] = None,
    *,
    now: Annotated[
        bool, typer.Option("--now", help="Of one onboarding: whatever wait of ours it is in.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Do what is due, once.

    Without REF it is one pass: deadlines, lists, and a step of each onboarding that is due. With
    REF it is one step of that onboarding now, and with --now it says which wait that ended: waits
    of our own making are skipped (the rest after a failure or between two codes, and the pause
    until the next read of the list), but no budget, no window of the holder, and no wait that
    Meta imposed. It is safe beside workers.

    Example:
        onboarding advance
        onboarding advance "+1 631 555 1000" --now
    """
    from onboarding.cli.output import print_json, say
    from onboarding.cli.session import open_engine, settings_of
    from onboarding.engine.intakes import load_named
    from onboarding.errors import InputError

    if now and ref is None:
        raise InputError(
            "--now is for one onboarding", field="ref", hint="onboarding advance ID --now"
        )
    with open_engine(ctx, intakes=load_named(settings_of(ctx).code_intakes)) as engine:
        told = _one(engine, ref) if ref is not None else _all(engine)
        if now:
            told["text"] += told["skipped"]
        told["next_due_at"] = engine.next_due_at()
        present = engine.context.clock.now()
    if as_json:
        print_json({name: value for name, value in told.items() if name not in _WORDS})
        return
    say(told["text"])
    say(_next_due(told["next_due_at"], present))


#: What is told to people only.
_WORDS = ("text", "skipped")


def _all(engine: Engine) -> dict[str, Any]:
    done = engine.advance()
    text = (
        f"{done.advanced} onboardings advanced, {done.observed} accounts read, "
        f"{done.escalated} deadlines escalated"
    )
    return {
        "advanced": done.advanced,
        "observed": done.observed,
        "escalated": done.escalated,
        "text": text,
    }


def _one(engine: Engine, ref: str) -> dict[str, Any]:
    from onboarding.cli.onboardings import facts, remedy, why

    before = engine.get(ref)
    skipped = _wait_of(engine, before)
    done = engine.advance(before.id)
    row = engine.get(before.id)
    if not done.advanced:
        text = f"{row.phone_number} is in a worker's hands; nothing was done"
    else:
        path = f"{before.state} -> {row.state}" if before.state != row.state else f"{row.state}"
        then = f"\ndo: {remedy(row)}" if remedy(row) else ""
        new = row.trouble if row.trouble != before.trouble else None
        text = f"{row.phone_number} ({row.id}): {path}; {why(row)}{_refused(new)}{then}"
    return {
        "advanced": done.advanced,
        "onboarding": facts(row),
        "text": text,
        "skipped": skipped if done.advanced else "",
    }


def _wait_of(engine: Engine, row: Onboarding) -> str:
    """Return the wait that a look right now comes before, as a line; empty if there is none."""
    from onboarding.engine.whose_turn import next_looks

    look = next_looks(engine.context, [row])[row.id]
    if look is None or look.at <= engine.context.clock.now():
        return ""
    return f"\nlooked at before {look.at:%Y-%m-%d %H:%M:%S} UTC, when it would be: {look.why}"


def _refused(trouble: Trouble | None) -> str:
    """Return what the step met with, in a line, and how to mend it in another."""
    from onboarding.cli.output import cell

    if trouble is None:
        return ""
    mended = f"\nremedy: {cell(trouble.failure.remedy)}" if trouble.failure.remedy else ""
    return f"\ntrouble: {trouble.operation}: {cell(trouble.failure.message)}{mended}"


def _next_due(at: Any, now: Any) -> str:
    from onboarding.cli.moments import distance

    if at is None:
        return "nothing is due until something happens"
    if at <= now:
        return "more is due now: run it again, or: onboarding worker"
    return f"next due: {at:%Y-%m-%d %H:%M:%S} UTC, {distance(at, now)}"
