"""The catalogue of events: each type, its version and facts, and a sample of the program's."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from docs.generating.markdown import code, table
from onboarding.core import account_events, events
from onboarding.core.batch_events import canary_failed
from onboarding.core.batches import Batch
from onboarding.core.chain import Entry as HistoryEntry
from onboarding.core.deadlines import climb
from onboarding.core.events import VERSIONS, Event
from onboarding.core.policy import DEFAULT_LADDER
from onboarding.core.pool.stock import Stock, low_stock
from onboarding.core.telling import Overdue, Tell
from onboarding.model import (
    Account,
    AlertKind,
    Audience,
    Deadline,
    DeadlineReason,
    Entry,
    EventType,
    Onboarding,
    Owner,
    Reason,
    State,
    TokenFacts,
)

_START = datetime(2026, 3, 2, 9, tzinfo=UTC)
_DAY, _HOUR = timedelta(days=1), timedelta(hours=1)
_LATER = _START + 7 * _DAY
_TELL = Tell(channels=("ops",), then=("oncall",), after=4 * _HOUR)

#: When an event of each type happens.
WHEN: Mapping[EventType, str] = {
    EventType.TRANSITION: "an onboarding changed its state; the first one has no `from`",
    EventType.REQUIREMENT: "an onboarding began to wait for a person",
    EventType.ESCALATION: "a rung of a ladder was raised",
    EventType.OVERDUE: "something has waited for a person for too long: one event per onboarding, "
    "and one per account on hold",
    EventType.UNACKNOWLEDGED: "nobody took it on in time, and the next are told",
    EventType.ACKNOWLEDGED: "a person took an onboarding or an account on",
    EventType.SNOOZED: "a person put further rungs off",
    EventType.ACCOUNT_HELD: "Meta refuses an account's calls until a person mends it",
    EventType.ACCOUNT_RELEASED: "an account goes on",
    EventType.TOKEN_EXPIRING: "a token comes to its end: 14, 7, 3 and 1 days before, and then",
    EventType.DIGEST: "the weekly digest",
    EventType.LOW_STOCK: "a pool has fewer verified numbers of a country than it is to have, for "
    "longer than the need `stock` may wait; once more, with `told`, if nobody took it on",
    EventType.BATCH_STOPPED: "a batch stands still since one of its canaries failed; once more, "
    "with `told`, if nobody resumed or cancelled it",
    EventType.TEST: "a test of a channel; it is sent and not stored, and its `seq` is 0",
}

#: What each fact of ``data`` means.
FACTS: Mapping[str, str] = {
    "trigger": "what moved it, see [triggers](states.md)",
    "from": "of a transition, the state before; else whose turn it is",
    "to": "the state after",
    "reason": "why, in words",
    "actor": "`engine`, `meta`, or who asked",
    "what": "what is needed: see [needs](notify-file.md#needs)",
    "since": "since when it is needed",
    "due_by": "the deadline of the onboarding",
    "why": "what is needed, in words",
    "command": "what gives it",
    "batch": "name of the batch",
    "rung": "name of the rung",
    "collapsed": "rungs that were missed and went into this one",
    "deadline": "why the deadline was set",
    "deadline_at": "the deadline that the rung belongs to",
    "longer_than": "how long it may wait",
    "numbers": "how many onboardings stand still",
    "of": "`rung`, `requirement` or `account`",
    "told": "the channels that were told first",
    "after": "how long each of them had",
    "by": "who",
    "until": "until when",
    "in_progress": "onboardings that are in progress",
    "states": "how many of them per state",
    "waiting": "how many of them wait for whom",
    "business_id": "whose pool it is",
    "country": "of which country, two letters",
    "verified": "verified numbers that nobody has claimed",
    "pending": "numbers that a code is still needed for",
    "at_least": "how many verified ones there are to be",
    "due_soon": "how many are due within a week",
    "due": "the first 25 of these: `id`, `phone_number`, `register_by`, `waiting_for`, `waiting`",
    "channel": "the channel that is tested",
}


def catalogue() -> str:
    """Return a section per type: when, facts, sample.

    Raises:
        KeyError: the program tells a fact that has no words here.
    """
    return "\n".join(_section(each) for each in samples())


def overview() -> str:
    """Return a row per type."""
    rows = [
        (f"[{code(type_.value)}](#{type_.value})", str(VERSIONS[type_]), WHEN[type_])
        for type_ in EventType
    ]
    return table(("type", "version", "when"), rows)


def _section(event: Event) -> str:
    facts = table(("fact", "meaning"), ((code(name), FACTS[name]) for name in event.data))
    told = {"seq": 1204, **json.loads(event.body("019cadc69a80011cd57519"))}
    sample = json.dumps(told, indent=2)
    when = WHEN[event.type]
    words = f"### {event.type.value}\n\n{when[0].upper()}{when[1:]}.\n"
    return f"{words}\n{facts}\n```json\n{sample}\n```\n"


def samples() -> list[Event]:
    """Return one event of each type, made as the engine makes them."""
    row, account = _row(), _account()
    rule, kind = Overdue(longer_than=_DAY, tell=_TELL), AlertKind.REQUIREMENT
    entry = HistoryEntry(
        at=_START,
        trigger="number_created",
        source="requested",
        dest="created",
        actor="engine",
        reason="Meta created the number",
    )
    deadline = Deadline(
        onboarding_id=row.id,
        cycle=1,
        reason=DeadlineReason.POLICY,
        anchor_source="requested",
        starts_at=_START,
        due_at=_START + 14 * _DAY,
    )
    up = climb(deadline, _LATER, DEFAULT_LADDER)
    began = events.requirement(None, row, _START)
    if up is None or began is None:
        raise ValueError("the samples do not fit the rules any more")
    until, why = _LATER + 4 * _HOUR, "calling the customer"
    return [
        *events.transitions(replace(row, state=State.CREATED), [entry]),
        began,
        events.escalation(up, row, _TELL, _LATER),
        events.overdue(row, _START, rule, _START + _DAY),
        events.unacknowledged(row, kind, "code", 1, tell=_TELL, now=_START + _DAY + 4 * _HOUR),
        events.answered(
            EventType.ACKNOWLEDGED, row, actor="ada", reason=why, until=until, now=_LATER
        ),
        events.answered(EventType.SNOOZED, row, actor="ada", reason=why, until=until, now=_LATER),
        account_events.account_event(
            EventType.ACCOUNT_HELD, account, account_events.account_due(account), _START
        ),
        account_events.account_event(
            EventType.ACCOUNT_RELEASED,
            account,
            {"reason": "a new token was given", "by": "ada"},
            _LATER,
        ),
        account_events.token_expiring(
            account, TokenFacts(checked_at=_START, expires_at=_LATER), _TELL, _START
        ),
        events.digest(_digest(row), ("ops",), _LATER),
        low_stock(_stock(), _START, rule, _LATER),
        canary_failed(_batch(), _START, 95, rule, _LATER),
        Event(
            type=EventType.TEST,
            at=_START,
            subject=events.FLEET,
            audience=Audience.OPERATOR,
            data={"channel": "ops", "by": "ada"},
        ),
    ]


def _batch() -> Batch:
    return Batch(
        id="019cadc69a80011cd57520",
        name="june",
        source="june.csv",
        digest=None,
        created_by="ada",
        created_at=_START,
        loaded_at=_START,
        canary=5,
        paused_at=_START,
        changed_by="engine",
        reason="the canary +16315551000 is 'failed'",
    )


def _stock() -> Stock:
    return Stock(business_id="506914307656634", region="BR", verified=2, pending=1, at_least=5)


def _row() -> Onboarding:
    return Onboarding(
        id="019cadc69a80011cd57519",
        key="order-17",
        content_digest="",
        waba_id="102290129340398",
        number_key="16315551000",
        phone_number="+16315551000",
        cc="1",
        national_number="6315551000",
        region="US",
        display_name="Lucky Shrub",
        entry=Entry.NEW,
        requested_by="ada",
        created_at=_START,
        state=State.CREATED,
        state_since=_START,
        definition=1,
        next_due_at=None,
        waiting=Reason.CODE_READY,
        waiting_for=Owner.HOLDER,
        waiting_since=_START,
        register_by=_START + 14 * _DAY,
        register_by_reason=DeadlineReason.POLICY,
    )


def _account() -> Account:
    return Account(
        waba_id="102290129340398",
        name="Lucky Shrub",
        token_sealed="",
        created_at=_START,
        hold=Reason.ACCOUNT_HELD,
        hold_text="list_numbers: Error validating access token",
        hold_since=_START,
    )


def _digest(row: Onboarding) -> dict[str, object]:
    return {
        "in_progress": 1,
        "states": {"created": 1},
        "waiting": {"holder": 1},
        "due_soon": 1,
        "due": [
            {
                "id": row.id,
                "phone_number": row.phone_number,
                "register_by": row.register_by,
                "waiting_for": row.waiting_for,
                "waiting": row.waiting,
            }
        ],
    }
