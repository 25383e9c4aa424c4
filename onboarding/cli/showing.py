"""``onboarding show``: how one onboarding stands, why, and what to do next."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from onboarding.cli.standing import Standing
    from onboarding.model import Onboarding

Field = tuple[str, object]


def show(
    ctx: typer.Context,
    ref: Annotated[str, typer.Argument(help="Id, start of an id, or phone number.")],
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Show how one onboarding stands, and why.

    Whose turn it is with the command to run next, the deadline and what it counts from, what Meta
    shows, the last trouble, every call made, and how many calls Meta's limits leave.

    Example:
        onboarding show "+1 631 555 1000"
        onboarding show 01a2013e591a --json
    """
    from onboarding.cli.output import print_fields, print_json, print_table, say
    from onboarding.cli.restored import note_restored
    from onboarding.cli.session import open_engine
    from onboarding.cli.standing import load_standing, operation_facts, standing_facts

    with open_engine(ctx) as engine:
        standing = load_standing(engine, ref)
        note_restored(engine)
    if as_json:
        print_json(standing_facts(standing))
        return
    print_fields(_all_fields(standing))
    if standing.operations:
        say("\ncalls made")
        names = ("intent_at", "name", "attempt", "status", "code", "subcode", "message")
        rows = [operation_facts(op) for op in standing.operations]
        print_table(names, [[row[name] for name in names] for row in rows])


def _all_fields(standing: Standing) -> Iterator[Field]:
    yield from _who(standing.row)
    yield from _turn(standing)
    yield from _required(standing)
    yield from _deadline(standing)
    yield from _codes(standing)
    yield from _at_meta(standing.row)
    yield from _trouble(standing.row)
    for budget in standing.budgets:
        wait = f", next one {budget.next_at:%Y-%m-%d %H:%M} UTC" if budget.next_at else ""
        yield (
            f"{budget.operation} left",
            f"{budget.left} of {budget.limit} in {budget.window}{wait}",
        )


def _who(row: Onboarding) -> Iterator[Field]:
    yield "number", row.phone_number
    yield "name", row.display_name
    if row.new_display_name:
        yield "new name", row.new_display_name
    yield "id", row.id
    yield "WABA", row.waba_id
    yield "entry", row.entry
    if row.key:
        yield "key", row.key
    yield "requested", f"by {row.requested_by}, {row.created_at:%Y-%m-%d %H:%M} UTC"


def _turn(standing: Standing) -> Iterator[Field]:
    from onboarding.cli.moments import distance
    from onboarding.cli.onboardings import how_to, is_declined, why
    from onboarding.core.lifecycle import STATE_MEANING
    from onboarding.core.name_decisions import rejection_of

    row, now = standing.row, standing.now
    yield "state", f"{row.state}: {STATE_MEANING[row.state]}"
    yield "since", f"{row.state_since:%Y-%m-%d %H:%M} UTC, {distance(row.state_since, now)}"
    first = next(iter(standing.requirements), None)
    if first is not None:
        yield "whose turn", first.from_whom
    yield "why", why(row) if first is None or is_declined(row) else first.why
    if next_step := how_to(row, first):
        yield "do", next_step
    yield from _moving_on(standing)
    if row.hold is not None:
        until = f", until {row.hold_until:%Y-%m-%d %H:%M} UTC" if row.hold_until else ""
        yield "hold", f"by {row.hold_by} since {row.hold_since:%Y-%m-%d %H:%M} UTC{until}"
    if standing.account.hold is not None:
        yield "account hold", standing.account.hold_text
    if is_declined(row) or row.rejection_reason:
        told = rejection_of(row.rejection_reason)
        code = f" ({row.rejection_reason})" if row.rejection_reason else ""
        yield "declined for", f"{told.text}{code}"
        yield "mended by", told.mend
    if (look := standing.next_look) is not None:
        yield "next look", f"{look.at:%Y-%m-%d %H:%M:%S} UTC: {look.why}"


def _moving_on(standing: Standing) -> Iterator[Field]:
    row, migration = standing.row, standing.migration
    if migration is not None and migration.destination_id == row.id:
        yield "migrates from", f"WABA {migration.source_waba_id or 'of somebody else'}"
        if migration.ended_at is None:
            yield "still works", "where it was, until it is registered here"
    elif migration is not None:
        yield "migrates to", f"WABA {migration.destination_waba_id} as {migration.destination_id}"
    if row.offboard_at is not None:
        yield "to be taken off", f"asked for {row.offboard_at:%Y-%m-%d %H:%M} UTC"
    for each in standing.approvals:
        yield "to be approved", f"{each.kind}, asked for by {each.asked_by}: {each.reason}"
        yield "  do", f"onboarding approval approve {each.id}"


def _required(standing: Standing) -> Iterator[Field]:
    """Yield what is required beside the first thing, and for whom was waited so far."""
    from onboarding.core.story import length

    for each in standing.requirements[1:]:
        since = f"since {each.since:%Y-%m-%d %H:%M} UTC"
        yield "also required", f"{each.what}, from the {each.from_whom}, {since}: {each.why}"
        if each.how:
            yield "  do", each.how
    spans = standing.attribution.waited.items()
    told = [f"{owner} {length(span)}" for owner, span in spans if span.total_seconds() > 0]
    if told:
        yield "waited for", ", ".join(told)


def _deadline(standing: Standing) -> Iterator[Field]:
    from onboarding.cli.moments import distance
    from onboarding.core.deadlines import ANCHORS

    deadline = standing.deadline
    if deadline is None:
        return
    anchor = ANCHORS.get(deadline.anchor_source, deadline.anchor_source)
    source = f"({deadline.reason}: {deadline.anchor_source})"
    yield (
        "register by",
        f"{deadline.due_at:%Y-%m-%d %H:%M} UTC, {distance(deadline.due_at, standing.now)}",
    )
    yield (
        "counted from",
        f"{deadline.starts_at:%Y-%m-%d %H:%M} UTC, {anchor} {source}",
    )
    if standing.rungs:
        yield "escalated", ", ".join(standing.rungs)


def _codes(standing: Standing) -> Iterator[Field]:
    from onboarding.core.code_ledger import CODE_STATES

    if standing.row.state not in CODE_STATES:
        return
    yield "code by", standing.code_choice
    if standing.row.code_window is not None:
        yield "read within", standing.row.code_window
    if standing.quiet_hours:
        yield "quiet hours", standing.quiet_hours


def _at_meta(row: Onboarding) -> Iterator[Field]:
    from onboarding.core.lifecycle import LIVE

    if row.phone_number_id:
        yield "number id", row.phone_number_id
    if row.seen_at is None:
        yield "Meta shows", "not read yet"
    elif not row.seen_present and row.state in LIVE and row.seen_at < row.state_since:
        # Meta may have made the number only after that read began.
        yield "Meta shows", f"not read since it is '{row.state}'"
    elif row.seen is None or not row.seen_present:
        yield "Meta shows", f"not on the WABA's list (read {row.seen_at:%Y-%m-%d %H:%M} UTC)"
    else:
        yield "Meta shows", f"as of {row.seen_at:%Y-%m-%d %H:%M} UTC"
        for name in _SEEN:
            if (value := getattr(row.seen, name)) is not None:
                yield f"  {name}", value


_SEEN = (
    "status", "platform_type", "code_verification_status", "verified_name", "name_status",
    "new_display_name", "new_name_status", "quality_rating", "messaging_limit_tier",
    "is_on_biz_app", "last_onboarded_time",
)  # fmt: skip


def _trouble(row: Onboarding) -> Iterator[Field]:
    trouble = row.trouble
    if trouble is None:
        return
    failure = trouble.failure
    codes = "/".join(str(code) for code in (failure.code, failure.subcode) if code is not None)
    yield "trouble", f"{trouble.operation} at {trouble.at:%Y-%m-%d %H:%M} UTC: {failure.message}"
    if codes:
        yield "  code", codes
    if failure.remedy:
        yield "  remedy", failure.remedy
    if failure.fbtrace_id:
        yield "  fbtrace_id", failure.fbtrace_id
    if row.retry_at is not None:
        yield "  again", row.retry_at
