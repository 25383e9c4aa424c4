"""Adopting: numbers that are on a WABA's list already are taken over where Meta says they stand."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import Connection

from onboarding.core.adoption import Verdict, adoption_deadline, entry_of, judge
from onboarding.core.chain import Entry as HistoryEntry
from onboarding.core.deadlines import dated
from onboarding.core.events import transitions
from onboarding.core.lifecycle import LIVE
from onboarding.core.listed import newest_by_key
from onboarding.core.numbers import number_key
from onboarding.core.plan import plan
from onboarding.core.reasons import WHEN_OVER
from onboarding.core.seen import is_connected
from onboarding.core.steps import DeadlineSet, Snapshot
from onboarding.core.timing import iso
from onboarding.engine.announcing import announce
from onboarding.engine.context import Context, Ids
from onboarding.engine.listing import Listing
from onboarding.engine.listing_now import read_now, require_accounts
from onboarding.engine.looking import plan_each, snapshots
from onboarding.engine.requests import NumberRequest, ValidRequest, validate
from onboarding.engine.taking_in import row_of
from onboarding.engine.writing import due_now, write_plans
from onboarding.model import Deadline, Onboarding, PhoneNumber, State
from onboarding.store import deadlines, finding, history, onboardings
from onboarding.store.database import again_if_raced, reading, writing


@dataclass(frozen=True, slots=True, kw_only=True)
class Adopted:
    """What adopting did, or would do, with one number of a WABA's list.

    Attributes:
        waba_id: whose list.
        phone_number_id: the number's id at Meta.
        phone_number: as Meta shows it.
        display_name: as Meta shows it.
        verdict: ``adopt``, or why the number is left alone.
        why: the reason in words.
        onboarding_id: the onboarding that was made, or is there; ``None`` in a dry run.
        state: where it begins, or stands.
        register_by: until when it must be registered.
        anchor: what that is counted from.
        anchored_at: the instant that it is counted from.
    """

    waba_id: str
    phone_number_id: str
    phone_number: str | None
    display_name: str | None
    verdict: Verdict
    why: str
    onboarding_id: str | None = None
    state: State | None = None
    register_by: datetime | None = None
    anchor: str | None = None
    anchored_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Taken:
    """A number to be adopted, and the onboarding that it becomes."""

    number: PhoneNumber
    row: Onboarding
    deadline: DeadlineSet
    choice: str
    why: str


class Adoption:
    """Takes numbers over that are on a WABA's list already; ``Engine.adoption``."""

    def __init__(self, context: Context, actor: str) -> None:
        """Take an open context, and who is named in the histories by default."""
        self._context, self._actor = context, actor

    def preview(self, waba_id: str, *, live: bool = False) -> list[Adopted]:
        """Read a WABA's list and return what ``adopt`` would do with its numbers; store none.

        Raises:
            NotFoundError: the WABA is not known here.
            GraphError: Meta refused, or could not be reached.
            TransitionRefusedError: the account is on hold, or its budget of calls is spent.
        """
        ctx = self._context
        (account,) = require_accounts(ctx, [waba_id])
        listing = read_now(ctx, account)
        with reading(ctx.database) as conn:
            taken, left = _sort(ctx, conn, listing, self._actor, live=live)
        now = ctx.clock.now()
        begun = [
            plan(Snapshot(row=each.row, account=account), now, ctx.policy).row for each in taken
        ]
        return _in_order(
            listing, [*(_told(t, row) for t, row in zip(taken, begun, strict=True)), *left]
        )

    def adopt(self, waba_id: str, *, live: bool = False, actor: str | None = None) -> list[Adopted]:
        """Read a WABA's list and take its numbers over, each where Meta says it stands.

        Left alone are numbers that are known here, registered (unless ``live``), in the WhatsApp
        Business app, banned, gone, or whose Embedded Signup must be done again. Doing it twice
        adopts nothing twice.

        Args:
            waba_id: whose list.
            live: also take numbers that are registered already, to watch over them.
            actor: who is named in the histories.

        Raises:
            NotFoundError: the WABA is not known here.
            GraphError: Meta refused, or could not be reached; nothing was stored.
            TransitionRefusedError: the account is on hold, or its budget of calls is spent.
        """
        ctx = self._context
        (account,) = require_accounts(ctx, [waba_id])
        listing = read_now(ctx, account)
        who = actor or self._actor
        done = again_if_raced(lambda: _adopt(ctx, listing, who, live=live))
        return _in_order(listing, done)


def _adopt(ctx: Context, listing: Listing, actor: str, *, live: bool) -> list[Adopted]:
    with writing(ctx.database) as conn:
        taken, left = _sort(ctx, conn, listing, actor, live=live)
        rows = _store(ctx, conn, taken, actor) if taken else {}
    begun = [replace(_told(t, rows[t.row.id]), onboarding_id=t.row.id) for t in taken]
    return [*begun, *left]


def _in_order(listing: Listing, done: Sequence[Adopted]) -> list[Adopted]:
    place = {number.id: place for place, number in enumerate(listing.numbers)}
    return sorted(
        done, key=lambda each: (each.verdict is not Verdict.ADOPT, place[each.phone_number_id])
    )


def _sort(
    ctx: Context, conn: Connection, listing: Listing, actor: str, *, live: bool
) -> tuple[list[_Taken], list[Adopted]]:
    """Return the numbers to adopt, and the others with the reason."""
    newest = newest_by_key(listing.numbers)
    known = finding.load_by_number(conn, list(newest))
    ids = Ids(ctx.clock.now())
    taken: list[_Taken] = []
    left: list[Adopted] = []
    for number in {number.id: number for number in listing.numbers}.values():
        key = number_key(number.display_phone_number or "")
        if rows := known.get(key):
            left.append(_known(listing, number, rows))
            continue
        judged = judge(number, listing.read_started_at, ctx.policy, live=live)
        verdict, why = judged.verdict, judged.why
        if verdict is Verdict.ADOPT and newest[key].id != number.id:
            verdict, why = Verdict.UNCLEAR, f"the list has the number as {newest[key].id}, too"
        if verdict is Verdict.ADOPT:
            valid = _valid(ctx, listing, number)
            if isinstance(valid, ValidRequest):
                taken.append(_take(ctx, listing, number, valid, ids.next(), actor=actor, why=why))
                continue
            verdict, why = Verdict.UNCLEAR, valid
        left.append(_left_alone(listing, number, verdict, why))
    return taken, left


def _valid(ctx: Context, listing: Listing, number: PhoneNumber) -> ValidRequest | str:
    """Return a number as a request for it would be read, or why it cannot be read."""
    request = NumberRequest(
        waba_id=listing.account.waba_id,
        phone_number=number.display_phone_number or "",
        display_name=number.verified_name or "",
        entry=entry_of(number),
    )
    valid, refusals = validate([request], ctx.clock.now())
    return valid[0] if valid else str(refusals[0].error)


def _take(
    ctx: Context,
    listing: Listing,
    number: PhoneNumber,
    valid: ValidRequest,
    id_: str,
    *,
    actor: str,
    why: str,
) -> _Taken:
    at = listing.read_started_at
    deadline = adoption_deadline(number, at, ctx.policy)
    row = replace(
        row_of(ctx, valid, id_, actor, at),
        state=State.CREATED,
        phone_number_id=number.id,
        seen=number,
        seen_at=at,
        seen_present=True,
        register_by=deadline.due_at,
        register_by_reason=deadline.reason,
    )
    return _Taken(number=number, row=row, deadline=deadline, choice=valid.code.why, why=why)


def _store(
    ctx: Context, conn: Connection, taken: Sequence[_Taken], actor: str
) -> dict[str, Onboarding]:
    """Store adopted numbers and take each as far as what Meta shows takes it."""
    now = ctx.clock.now()
    rows = {each.row.id: each.row for each in taken}
    onboardings.insert_onboardings(conn, list(rows.values()))
    entries = {each.row.id: [_entry(each, actor)] for each in taken}
    ends = history.append(conn, entries, dict.fromkeys(rows, (0, "")))
    deadlines.set_deadlines(conn, [_deadline(ctx, each) for each in taken])
    announce(ctx, conn, [e for row in rows.values() for e in transitions(row, entries[row.id])])
    headed = [
        replace(row, history_seq=ends[id_][0], head_hash=ends[id_][1]) for id_, row in rows.items()
    ]
    made = plan_each(ctx, snapshots(ctx, conn, headed, now), now)
    return rows | write_plans(ctx, conn, [due_now(each, now) for _, each in made], now)


def _entry(taken: _Taken, actor: str) -> HistoryEntry:
    row, deadline = taken.row, taken.deadline
    detail = {
        "entry": row.entry.value,
        "display_name": row.display_name,
        "phone_number_id": taken.number.id,
        "register_by": iso(deadline.due_at),
        "anchor": deadline.anchor_source,
        "anchored_at": iso(deadline.starts_at),
        "code_choice": taken.choice,
    }
    return HistoryEntry(
        at=row.created_at,
        trigger="adopted",
        source="",
        dest=row.state.value,
        actor=actor,
        reason=f"{row.phone_number} as '{row.display_name}' is on the list of WABA {row.waba_id}",
        detail=detail,
    )


def _deadline(ctx: Context, taken: _Taken) -> Deadline:
    deadline = Deadline(
        onboarding_id=taken.row.id,
        cycle=taken.row.cycle,
        reason=taken.deadline.reason,
        anchor_source=taken.deadline.anchor_source,
        starts_at=taken.deadline.starts_at,
        due_at=taken.deadline.due_at,
    )
    return dated(deadline, ctx.policy.ladder)


def _told(taken: _Taken, row: Onboarding) -> Adopted:
    """Return what is told of an adopted number: where it stands once the engine has looked."""
    is_done = is_connected(taken.number)
    return Adopted(
        waba_id=row.waba_id,
        phone_number_id=taken.number.id,
        phone_number=row.phone_number,
        display_name=row.display_name,
        verdict=Verdict.ADOPT,
        why=taken.why,
        state=row.state,
        register_by=None if is_done else row.register_by,
        anchor=None if is_done else taken.deadline.anchor_source,
        anchored_at=None if is_done else taken.deadline.starts_at,
    )


def _left_alone(listing: Listing, number: PhoneNumber, verdict: Verdict, why: str) -> Adopted:
    return Adopted(
        waba_id=listing.account.waba_id,
        phone_number_id=number.id,
        phone_number=number.display_phone_number,
        display_name=number.verified_name,
        verdict=verdict,
        why=why,
    )


def _known(listing: Listing, number: PhoneNumber, rows: Sequence[Onboarding]) -> Adopted:
    row = next((row for row in rows if row.state in LIVE), rows[-1])
    where = "" if row.waba_id == listing.account.waba_id else f" on WABA {row.waba_id}"
    why = f"it is onboarded here{where}: '{row.state}'"
    if row.state in WHEN_OVER:
        again = WHEN_OVER[row.state].format(id=row.id, waba_id=row.waba_id)
        why = f"it was onboarded here{where}, and that is over ('{row.state}'); {again}"
    told = _left_alone(listing, number, Verdict.KNOWN, why)
    return replace(told, onboarding_id=row.id, state=row.state, register_by=row.register_by)


def count_adoptable(ctx: Context, listing: Listing, actor: str) -> int:
    """Return how many numbers of a list could be adopted."""
    with reading(ctx.database) as conn:
        taken, _ = _sort(ctx, conn, listing, actor, live=False)
    return len(taken)
