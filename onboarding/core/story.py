"""An onboarding told in sentences: what it waits for, what happened, what comes, and by when."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from onboarding.core.chain import Entry
from onboarding.core.deadlines import ANCHORS
from onboarding.core.lifecycle import FINAL, STATE_MEANING, Trigger
from onboarding.core.next_look import looks
from onboarding.core.policy import Policy
from onboarding.core.reasons import AT_REST, WHEN_OVER
from onboarding.core.requirements import Known, Problem, Requirement, problem, requirements
from onboarding.core.timing import DAY, HOUR
from onboarding.model import JournaledOperation, OperationStatus, Owner, State, Trouble, What

#: How long what is required takes as a rule, once it is given or begun. Reviews take hours to
#: three working days (Meta's rules, display names), which a weekend makes five days.
_TAKES = {What.REVIEW: 5 * DAY, What.DISPLAY_NAME: 5 * DAY}
_TAKES_ELSE = 2 * HOUR


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """An onboarding in sentences.

    Attributes:
        now: what it waits for, on whom, and since when.
        before: what happened, oldest first.
        tried: the calls that failed, with their codes and what those mean.
        next: what comes, and when.
        deadline: how much time is left, and whether that is enough.
    """

    now: tuple[str, ...]
    before: tuple[str, ...]
    tried: tuple[str, ...]
    next: tuple[str, ...]
    deadline: tuple[str, ...]


def tell(
    known: Known, entries: Sequence[Entry], operations: Sequence[JournaledOperation], policy: Policy
) -> Story:
    """Return an onboarding's story.

    Args:
        known: the onboarding, with all that its turn depends on.
        entries: its history, oldest first.
        operations: its calls, oldest first.
        policy: waits and limits.
    """
    required = requirements(known)
    return Story(
        now=tuple(_now(known, required)),
        before=tuple(map(_happened, entries)),
        tried=tuple(_tried(known, operations)),
        next=tuple(_next(known, required, policy)),
        deadline=tuple(_deadline(known, required)),
    )


def _at(instant: datetime) -> str:
    return f"{instant:%Y-%m-%d %H:%M} UTC"


def length(span: timedelta) -> str:
    """Return a span as people say it: ``2.5 days``, ``40 minutes``."""
    seconds = abs(span.total_seconds())
    for unit, size in (("days", 86400.0), ("hours", 3600.0), ("minutes", 60.0)):
        if seconds >= 2 * size:
            return f"{seconds / size:.1f}".removesuffix(".0") + f" {unit}"
    return f"{seconds:.0f} seconds"


def _now(known: Known, required: Sequence[Requirement]) -> Iterator[str]:
    row, now = known.row, known.now
    yield (
        f"{row.phone_number} is '{row.state}' since {_at(row.state_since)}: "
        f"{STATE_MEANING[row.state]}."
    )
    if not required:
        yield "Nothing is due from anybody."
    for place, each in enumerate(required):
        waits = _WAITS[each.from_whom]
        also = "" if place == 0 else ", too,"
        since = f"{_at(each.since)}, for {length(now - each.since)}"
        yield f"{waits}{also} since {since}: {each.why}."


_WAITS = {
    Owner.META: "It waits for Meta",
    Owner.HOLDER: "It waits for the number's holder",
    Owner.PARTNER: "It waits for the partner",
    Owner.OPERATOR: "It waits for an operator",
    Owner.ENGINE: "It is the engine's turn",
}


def _happened(entry: Entry) -> str:
    by = "" if entry.actor == "engine" else f" by {entry.actor}"
    moved = f" ({entry.source} -> {entry.dest})" if entry.source not in ("", entry.dest) else ""
    event = _EVENTS.get(entry.trigger, entry.trigger.replace("_", " "))
    return f"{_at(entry.at)}, {event}{by}{moved}: {entry.reason}."


_EVENTS: dict[str, str] = {
    Trigger.NUMBER_CREATED: "the number was created",
    Trigger.NUMBER_FOUND: "the number was found",
    Trigger.CODE_REQUESTED: "a code was asked for",
    Trigger.CODE_VERIFIED: "the code was accepted",
    Trigger.OWNERSHIP_OBSERVED: "ownership was seen to be proven",
    Trigger.OWNERSHIP_LOST: "the proof of ownership was lost",
    Trigger.NAME_USABLE: "the display name became usable",
    Trigger.NAME_NOT_USABLE: "the display name could not be used",
    Trigger.EARLY_REGISTRATION_DUE: "registration was due before the review's end",
    Trigger.CONNECTED: "the number was connected",
    Trigger.RENAME_REQUESTED: "a new display name was asked for",
    Trigger.REGISTRATION_REQUESTED: "another registration was asked for",
    Trigger.WINDOW_CLOSED: "the window closed",
    Trigger.NUMBER_LEFT: "the number left",
    Trigger.REFUSED: "Meta refused for good",
    Trigger.CANCELLED: "it was given up",
    Trigger.RESTARTED: "it was started anew",
    "requested": "it was asked for",
    "adopted": "it was taken over from the WABA's list",
    "drift_found": "a difference to Meta was found",
    "drift_ended": "a difference to Meta was gone",
    "escalated": "a rung of the ladder was raised",
    "overdue": "it had waited too long for a person",
    "unacknowledged": "nobody had taken it on",
    "deadline_set": "the deadline was set",
}


def _tried(known: Known, operations: Sequence[JournaledOperation]) -> Iterator[str]:
    """Yield a sentence per call and kind of failure."""
    made: dict[tuple[str, int | None, int | None], list[JournaledOperation]] = {}
    for op in operations:
        failure = op.outcome.failure if op.outcome else None
        if failure is not None:
            made.setdefault((op.name, failure.code, failure.subcode), []).append(op)
        elif op.status is OperationStatus.ABSENT:
            made.setdefault((op.name, None, None), []).append(op)
    for (name, _, _), calls in made.items():
        last = calls[-1]
        times = "once" if len(calls) == 1 else f"{len(calls)} times, the last time"
        failure = last.outcome.failure if last.outcome else None
        if failure is None:
            yield f"{name} was lost {times} at {_at(last.intent_at)}: no answer came."
            continue
        trouble = Trouble(operation=name, at=last.intent_at, failure=failure)
        told = sentence(problem(trouble, known.explain))
        yield f"{name} failed {times} at {_at(last.intent_at)}: {told}"


def sentence(error: Problem) -> str:
    """Return a failure in sentences: its codes, what they mean, what mends it, its trace id."""
    codes = "/".join(str(code) for code in (error.code, error.subcode) if code is not None)
    said = error.message.strip().rstrip(".")
    parts = [f"{codes}, {said}" if codes and codes not in said else said, error.meaning]
    parts += [error.remedy, f"fbtrace_id {error.fbtrace_id}" if error.fbtrace_id else ""]
    return " ".join(f"{part.strip().rstrip('.')}." for part in parts if part.strip())


def _next(known: Known, required: Sequence[Requirement], policy: Policy) -> Iterator[str]:
    row = known.row
    for each in required:
        if each.is_for_people:
            yield f"The {each.from_whom}: {each.how}"
    upcoming = looks(row, known.account, policy)
    for look in upcoming:
        if look.at > known.now:
            yield f"At {_at(look.at)}, in {length(look.at - known.now)}: {look.why}."
        else:
            yield f"As soon as a worker runs: {look.why}."
    if not upcoming and row.waiting not in AT_REST:
        is_asked = any(each.is_for_people for each in required)
        until = "that is given" if is_asked else "then, and goes on by itself"
        yield f"The engine does nothing until {until}."
    if row.state in FINAL:
        yield f"To take it up again: {WHEN_OVER[row.state].format(id=row.id, waba_id=row.waba_id)}"


def _deadline(known: Known, required: Sequence[Requirement]) -> Iterator[str]:
    row, now = known.row, known.now
    if known.due_by is None:
        if row.state is State.REGISTERED and row.registered_at is not None:
            yield f"It was registered at {_at(row.registered_at)}; no deadline runs."
        return
    left = known.due_by - now
    source = known.deadline.anchor_source if known.deadline else ""
    counted = f", counted from {ANCHORS.get(source, source)}" if source else ""
    if left <= timedelta():
        yield f"It was to be registered by {_at(known.due_by)}{counted}: {length(left)} ago."
        return
    yield f"It must be registered by {_at(known.due_by)}{counted}: {length(left)} are left."
    needed = max((_TAKES.get(each.what, _TAKES_ELSE) for each in required), default=_TAKES_ELSE)
    yield f"{_verdict(left, needed)} What is awaited takes up to {length(needed)} as a rule."


def _verdict(left: timedelta, needed: timedelta) -> str:
    if left >= 2 * needed:
        return "That is enough."
    return "That is tight." if left >= needed else "That is not enough, as a rule."
