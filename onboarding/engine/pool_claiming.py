"""Onboardings claim numbers of the pool, in the transaction that stores them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta

from sqlalchemy import Connection

from onboarding.core.pool.lifecycle import PoolState, PoolTrigger
from onboarding.core.pool.model import Claim, PoolNumber
from onboarding.core.pool.steps import NO_CODE, PoolMove, PoolSnapshot, seen_after
from onboarding.core.restored import certain_from
from onboarding.engine.context import Context
from onboarding.engine.pool_changes import Make, change_locked, find
from onboarding.engine.requests import NumberRequest, Refusal, ValidRequest
from onboarding.engine.restoring import restore_of
from onboarding.errors import ConflictError, InputError, NotFoundError
from onboarding.model import Entry, Onboarding
from onboarding.store import finding, pools
from onboarding.store.database import reading

#: How long a number must stay verified to be picked: the create call has to reach Meta in time.
_MARGIN = timedelta(days=1)

#: Picks that others may be first at.
_MOST_PICKS = 50


#: What is wrong with a request whose number of the pool somebody else has.
CLAIM = "preverified_id"


def chosen(ctx: Context, reference: str, request: NumberRequest) -> NumberRequest:
    """Return the request with the number of the pool that it names, by any of its names.

    Raises:
        NotFoundError: the pool has no such number.
    """
    with reading(ctx.database) as conn:
        return _with(request, find(conn, reference))


def picked(
    ctx: Context, region: str, request: NumberRequest, business_id: str | None, attempt: int
) -> NumberRequest:
    """Return the request with some verified number of a country.

    With a key that was used before it is the number that it was used for.

    Raises:
        NotFoundError: there is none; or others were first too often.
    """
    wanted = region.upper()
    with reading(ctx.database) as conn:
        if request.key and (known := finding.load_by_key(conn, [request.key]).get(request.key)):
            return replace(
                request,
                phone_number=known.phone_number,
                preverified_id=known.preverified_id,
                entry=Entry.PREVERIFIED,
            )
        now = ctx.clock.now()
        row = pools.pick(
            conn,
            wanted,
            now + _MARGIN,
            business_id=business_id,
            seen_since=_seen_since(ctx, conn, now),
        )
    if row is None or attempt > _MOST_PICKS:
        raise NotFoundError(
            f"no verified number of {wanted} is free in the pool",
            hint="see: onboarding pool stock",
        )
    return _with(request, row)


def is_free(ctx: Context, asked: NumberRequest) -> bool:
    """Whether nobody else has claimed the number that a request was to have."""
    with reading(ctx.database) as conn:
        slot, now = find(conn, asked.preverified_id or ""), ctx.clock.now()
        return _why_not(slot, now, _seen_since(ctx, conn, now)) is None


def _seen_since(ctx: Context, conn: Connection, now: datetime) -> datetime | None:
    """Return since when a number must have been seen, as it may be given away since a backup."""
    restore = restore_of(conn, now)
    return certain_from(restore, ctx.policy) if restore is not None else None


def _why_not(slot: PoolNumber, now: datetime, seen_since: datetime | None) -> str | None:
    """Return why nobody can claim a number of the pool now; ``None`` if anybody can."""
    if slot.state is not PoolState.VERIFIED:
        return f"it is '{slot.state}' in the pool"
    if slot.is_leaving:
        return "it is being taken out of the pool"
    if slot.expires_at is None or slot.expires_at <= now:
        return "its verification has ended"
    if slot.seen_present is False:
        return "the pool's list does not show it any more"
    if seen_since is not None and not seen_after(slot, seen_since):
        return "it was not seen on the pool's list since the restore"
    return None


def _with(request: NumberRequest, row: PoolNumber) -> NumberRequest:
    if row.preverified_id is None:
        raise ConflictError(
            f"{row.phone_number} is not in the pool yet",
            field=CLAIM,
            hint=f"see: onboarding pool show {row.id}",
        )
    return replace(
        request,
        phone_number=row.phone_number,
        preverified_id=row.preverified_id,
        entry=Entry.PREVERIFIED,
    )


def claim_refusals(
    ctx: Context, conn: Connection, fresh: Mapping[int, ValidRequest]
) -> list[Refusal]:
    """Return why requests cannot have the numbers of the pool that they name."""
    slots = pools.load_slots(conn, [each.number.key for each in fresh.values()])
    now = ctx.clock.now()
    seen_since = _seen_since(ctx, conn, now) if slots else None
    refused = []
    for index, each in fresh.items():
        if error := _refused(each, slots.get(each.number.key), now, seen_since):
            refused.append(Refusal(index, error))
    return refused


def _refused(
    each: ValidRequest, slot: PoolNumber | None, now: datetime, seen_since: datetime | None
) -> InputError | None:
    if each.entry is Entry.NEW and slot is not None:
        return ConflictError(
            f"{each.number.e164} is in the pool of business {slot.business_id} ({slot.state})",
            field="phone_number",
            hint="claim it from there: --preverified, or remove it from the pool first",
        )
    if each.entry is not Entry.PREVERIFIED:
        return None
    id_ = each.request.preverified_id
    if slot is None or slot.preverified_id != id_:
        return ConflictError(
            f"the pool has no number {each.number.e164} with the temporary id {id_}",
            field=CLAIM,
            hint="see: onboarding pool list",
        )
    if why := _why_not(slot, now, seen_since):
        return ConflictError(
            f"{each.number.e164} cannot be claimed: {why}",
            field=CLAIM,
            hint=f"see: onboarding pool show {slot.id}",
        )
    return None


def reserve(
    ctx: Context, conn: Connection, rows: Mapping[int, Onboarding], actor: str
) -> list[Refusal]:
    """Claim the numbers of onboardings that were just stored; return who came too late.

    The rows of the pool are locked one after another in the order of their ids.
    """
    claiming = {index: row for index, row in rows.items() if row.entry is Entry.PREVERIFIED}
    slots = pools.load_slots(conn, [row.number_key for row in claiming.values()])
    found = sorted((slots[row.number_key].id, index) for index, row in claiming.items())
    refused = []
    for id_, index in found:
        try:
            change_locked(ctx, conn, id_, actor, _claiming(claiming[index], actor))
        except ConflictError as error:
            refused.append(Refusal(index, error))
    return refused


def _claiming(row: Onboarding, actor: str) -> Make:
    return lambda snap, now: _claimed(snap, now, row, actor)


def _claimed(snap: PoolSnapshot, now: datetime, row: Onboarding, actor: str) -> PoolMove:
    if _why_not(snap.row, now, None) or snap.claim is not None:
        raise ConflictError(
            f"{row.phone_number} was claimed by somebody else just now",
            field=CLAIM,
            hint=f"see: onboarding pool show {snap.row.id}",
        )
    claim = Claim(
        id="",
        pool_number_id=snap.row.id,
        number_key=row.number_key,
        preverified_id=row.preverified_id,
        claimed_for=row.display_name,
        claimed_by=actor,
        claimed_at=now,
        onboarding_id=row.id,
        waba_id=row.waba_id,
    )
    return PoolMove(
        trigger=PoolTrigger.CLAIMED,
        reason=f"claimed for '{row.display_name}' on WABA {row.waba_id}",
        changes=NO_CODE,
        claim=claim,
        detail={"onboarding": row.id},
    )
