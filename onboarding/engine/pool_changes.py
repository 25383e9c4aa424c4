"""What people do with numbers of a pool: each change names its actor and is in the history."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

from sqlalchemy import Connection

from onboarding.core.numbers import number_key
from onboarding.core.pool.lifecycle import LIVE, OFFERED, PoolState, PoolTrigger
from onboarding.core.pool.model import Claim, PoolNumber, Share, ShareState
from onboarding.core.pool.plan import plan
from onboarding.core.pool.steps import NO_HOLD, NO_TROUBLE, PoolMove, PoolSnapshot, share_with
from onboarding.engine.context import Context
from onboarding.engine.pool_looking import pool_snapshots
from onboarding.engine.pool_writing import write_plans
from onboarding.errors import InputError, NotFoundError, TransitionRefusedError
from onboarding.store import pools
from onboarding.store.database import again_if_raced, writing
from onboarding.store.rowset import storable

_SHORTEST_START = 6

#: Says what a person's step is, from the number as it stands in the transaction.
Make = Callable[[PoolSnapshot, datetime], PoolMove]


def find(conn: Connection, reference: str) -> PoolNumber:
    """Return a number of a pool by its id, its temporary id, its number or the start of its id.

    Raises:
        NotFoundError: there is none, or more than one.
    """
    key = number_key(reference)
    found = pools.find_by_reference(conn, reference, key)
    exact = [n for n in found if reference in (n.id, n.preverified_id) or n.number_key == key]
    if exact:
        return exact[0]
    if len(found) == 1 and len(reference) >= _SHORTEST_START:
        return found[0]
    several = "more than one number of the pool starts with" if found else "the pool has no number"
    raise NotFoundError(f"{several} '{reference}'", hint="see: onboarding pool list")


def change(ctx: Context, reference: str, actor: str, make: Make) -> PoolNumber:
    """Apply a person's step to one number, and what follows from it, in one transaction.

    Raises:
        NotFoundError: no such number.
        TransitionRefusedError: the lifecycle has no room for the step.
    """
    return again_if_raced(lambda: _change(ctx, reference, actor, make))


def _change(ctx: Context, reference: str, actor: str, make: Make) -> PoolNumber:
    with writing(ctx.database) as conn:
        id_ = find(conn, reference).id
        return change_locked(ctx, conn, id_, actor, make)


def change_locked(ctx: Context, conn: Connection, id_: str, actor: str, make: Make) -> PoolNumber:
    """Apply a step in an open transaction, on the row as it is once it is locked."""
    now = ctx.clock.now()
    rows = list(pools.load_numbers(conn, [id_], lock=True).values())
    (snap,) = pool_snapshots(ctx, conn, rows, now)
    made = plan(snap, now, ctx.policy, first=make(snap, now), actor=actor)
    write_plans(ctx, conn, [(snap, made)], now)
    return made.row


def require_state(row: PoolNumber, states: tuple[PoolState, ...], what: str) -> None:
    """Refuse what a number of the pool has no room for in its state.

    Raises:
        TransitionRefusedError: it is in another state than these.
    """
    if row.state not in states:
        raise TransitionRefusedError(
            f"{what} while the number of the pool is '{row.state}'",
            hint=f"see: onboarding pool show {row.id}",
        )


def share(ctx: Context, reference: str, partner_business_id: str, actor: str) -> PoolNumber:
    """Let a partner business offer the number; Meta is told at the next pass."""
    return _sharing(ctx, reference, partner_business_id, actor, ShareState.WANTED)


def unshare(ctx: Context, reference: str, partner_business_id: str, actor: str) -> PoolNumber:
    """Take the number back from a partner business; Meta is told at the next pass."""
    return _sharing(ctx, reference, partner_business_id, actor, ShareState.UNWANTED)


def _sharing(
    ctx: Context, reference: str, partner: str, actor: str, wanted: ShareState
) -> PoolNumber:
    if not partner.isdecimal() or not partner.isascii():
        raise InputError(
            f"'{partner}' is not a business id", field="partner_business_id", hint="digits"
        )

    def make(snap: PoolSnapshot, now: datetime) -> PoolMove:
        require_state(snap.row, (PoolState.REQUESTED, *OFFERED), "it cannot be shared")
        known = share_with(snap, partner)
        _require_other(snap.row, known, partner, wanted)
        after = Share(
            pool_number_id=snap.row.id,
            partner_business_id=partner,
            state=wanted,
            asked_by=actor,
            asked_at=now,
            changed_at=now,
        )
        is_asked = wanted is ShareState.WANTED
        return PoolMove(
            note="share_asked" if is_asked else "unshare_asked",
            reason=f"{'share it with' if is_asked else 'take it back from'} business {partner}",
            share=after,
            detail={"partner_business_id": partner},
        )

    return change(ctx, reference, actor, make)


def _require_other(row: PoolNumber, known: Share | None, partner: str, wanted: ShareState) -> None:
    """Refuse what is so already, or asked for already.

    What nobody asked for here may have been done by hand, and what Meta refused may go now.
    """
    is_share = wanted is ShareState.WANTED
    done = ShareState.SHARED if is_share else ShareState.ENDED
    what = "shared with" if is_share else "not shared with"
    if known is not None and known.state in (wanted, done):
        raise TransitionRefusedError(
            f"it is {what} business {partner}, or this was asked for already",
            hint=f"see: onboarding pool show {row.id}",
        )


def claim(
    ctx: Context,
    reference: str,
    *,
    claimed_for: str,
    waba_id: str | None,
    phone_number_id: str | None,
    actor: str,
) -> PoolNumber:
    """Write down who has taken a number by other ways than ours, and what took its place.

    Raises:
        InputError: nobody is named.
        TransitionRefusedError: it is not in the pool, or claimed by an onboarding.
    """
    if not claimed_for.strip():
        raise InputError("for whom is needed", field="for", hint='--for "Lucky Shrub"')

    def make(snap: PoolSnapshot, now: datetime) -> PoolMove:
        row = snap.row
        require_state(row, (*OFFERED, PoolState.CLAIMED), "it cannot be claimed")
        known = snap.claim
        if known is not None and known.onboarding_id is not None:
            raise TransitionRefusedError(
                f"it is claimed by onboarding {known.onboarding_id}",
                hint=f"see: onboarding show {known.onboarding_id}",
            )
        told = Claim(
            id=known.id if known else "",
            pool_number_id=row.id,
            number_key=row.number_key,
            preverified_id=row.preverified_id,
            claimed_for=storable(claimed_for),
            claimed_by=actor,
            claimed_at=known.claimed_at if known else now,
            waba_id=waba_id,
            phone_number_id=phone_number_id,
        )
        is_new = row.state is not PoolState.CLAIMED
        return PoolMove(
            trigger=PoolTrigger.CLAIMED if is_new else None,
            note="" if is_new else "claim_told",
            reason=f"claimed for {storable(claimed_for)}",
            claim=told,
        )

    return change(ctx, reference, actor, make)


def release(ctx: Context, reference: str, reason: str, actor: str) -> PoolNumber:
    """End a hold of a number, or a claim that was not used.

    Raises:
        InputError: no reason is given.
        TransitionRefusedError: neither holds it, or an onboarding that is not over has it.
    """
    _require_reason(reason)

    def make(snap: PoolSnapshot, now: datetime) -> PoolMove:
        row, known, found = snap.row, snap.claim, snap.claimant
        if row.state is not PoolState.CLAIMED:
            if row.hold is None:
                raise TransitionRefusedError(
                    "it is neither on hold nor claimed",
                    hint=f"see: onboarding pool show {row.id}",
                )
            return PoolMove(note="released", reason=reason, changes={**NO_HOLD, **NO_TROUBLE})
        if known is not None and known.onboarding_id is not None and found is not None:
            raise TransitionRefusedError(
                f"onboarding {found.id} has it; it comes back by itself if that ends without it",
                hint=f"give that up first: onboarding cancel {found.id}",
            )
        ended = replace(known, released_at=now, released_why=storable(reason)) if known else None
        changes = {**NO_HOLD, **NO_TROUBLE}
        return PoolMove(trigger=PoolTrigger.RELEASED, reason=reason, claim=ended, changes=changes)

    return change(ctx, reference, actor, make)


def remove(ctx: Context, reference: str, reason: str, actor: str) -> PoolNumber:
    """Have a number taken out of the pool; Meta is told at the next pass.

    Raises:
        InputError: no reason is given.
        TransitionRefusedError: it is claimed, or no longer there.
    """
    _require_reason(reason)

    def make(snap: PoolSnapshot, _: datetime) -> PoolMove:
        states = tuple(s for s in LIVE if s is not PoolState.CLAIMED)
        require_state(snap.row, states, "it cannot be removed")
        changes = {"is_leaving": True, **NO_HOLD, **NO_TROUBLE}
        return PoolMove(note="removal_asked", reason=reason, changes=changes)

    return change(ctx, reference, actor, make)


def _require_reason(reason: str) -> None:
    if not reason.strip():
        raise InputError("a reason is needed", field="reason", hint='--reason "no longer ours"')
