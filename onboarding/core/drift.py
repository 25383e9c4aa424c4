"""What Meta shows of a registered number otherwise than the engine holds, and what follows.

Nothing at Meta is changed because of it. A number that left, left; what may have been meant is
noted in the history and asked of a person; and what Meta's list shows for a moment only, or does
not tell, is no finding.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields, replace
from datetime import datetime
from enum import StrEnum

from onboarding.core.offboarding import offboard
from onboarding.core.policy import Policy
from onboarding.core.seen import (
    USABLE_NAME,
    has_lost_connection,
    is_back,
    is_connected,
    is_not_ours,
    seen_after,
    shown,
)
from onboarding.core.steps import Move, Snapshot, Step, Wait
from onboarding.core.timing import next_poll
from onboarding.core.waits import idle_poll, wait_for_list
from onboarding.model import (
    Drift,
    NameStatus,
    NumberStatus,
    Onboarding,
    PhoneNumber,
    Reason,
    State,
)

#: A change of name that is under way, or waits for its registration.
UNDER_WAY = (*USABLE_NAME, NameStatus.PENDING_REVIEW)


class DriftKind(StrEnum):
    """In which way Meta shows a number otherwise than the engine holds."""

    DISCONNECTED = "disconnected"
    NAME_CHANGED = "name_changed"
    BANNED = "banned"
    COEXISTENCE = "coexistence"
    PIN_CHANGED = "pin_changed"
    MISSING = "missing"
    LEFT = "left"


def stopped(snap: Snapshot, now: datetime, policy: Policy) -> Move | None:
    """Note that a registered number is banned, or in the WhatsApp Business app; each once."""
    del now, policy
    row, seen = snap.row, shown(snap.row)
    if row.state is not State.REGISTERED or seen is None or row.seen_at is None:
        return None
    drift = row.drift or Drift()
    if seen.status == NumberStatus.BANNED and drift.banned_since is None:
        after = replace(drift, banned_since=row.seen_at)
        return _found(DriftKind.BANNED, after, "registered", "BANNED")
    if is_not_ours(seen) and drift.not_ours_since is None:
        after = replace(drift, not_ours_since=row.seen_at)
        return _found(DriftKind.COEXISTENCE, after, "registered", shown_standing(seen))
    return None


def registered(snap: Snapshot, now: datetime, policy: Policy) -> Step:
    """Rest, unless the list shows something else than what is held, or the number is to leave."""
    if snap.row.offboard_at is not None:
        return offboard(snap, now, policy)
    seen = shown(snap.row)
    if seen is None:
        return Wait(reason=Reason.DONE)
    row = _without_rumour(snap.row, seen)
    step = (
        _ended(row, seen)
        or _disconnected(row, seen, now, policy)
        or _renamed(row, seen, now, policy)
        or _at_rest(row, seen, now, policy)
    )
    if isinstance(step, Wait) and row is not snap.row:
        return replace(step, changes={"drift": row.drift, **step.changes})
    return step


def while_held(snap: Snapshot, now: datetime, policy: Policy) -> Step | None:
    """Look after a registered number that is on hold: a lost connection is not hidden by that."""
    row = snap.row
    if row.state is not State.REGISTERED or row.hold is None:
        return None
    step = registered(snap, now, policy)
    if isinstance(step, Move):
        return step
    if not isinstance(step, Wait) or step.reason not in (Reason.LISTING, Reason.DISCONNECTED):
        return None
    ends = row.hold_until
    return replace(step, until=ends if ends is not None and ends > now else None)


def _found(kind: DriftKind, drift: Drift, holds: str, shows: str) -> Move:
    return Move(
        note="drift_found",
        reason=f"Meta shows {shows}, the engine holds {holds}",
        changes={"drift": drift},
        detail={"kind": kind.value, "holds": holds, "shows": shows},
    )


def _without_rumour(row: Onboarding, seen: PhoneNumber) -> Onboarding:
    """Return the row without a loss that was never believed, of which nobody heard."""
    drift = row.drift
    if drift is None or drift.disconnected_since is None or drift.disconnected_at is not None:
        return row
    return replace(row, drift=_less(drift, "disconnected_since")) if is_back(seen) else row


def _less(drift: Drift, *names: str) -> Drift | None:
    """Return what is left of a drift; nothing if nothing is."""
    after = replace(drift, **dict.fromkeys(names))
    return after if any(getattr(after, field.name) for field in fields(after)) else None


def _ended(row: Onboarding, seen: PhoneNumber) -> Move | None:
    """Note that Meta shows again what is held."""
    drift = row.drift
    for kind, names in _over(row, seen, drift) if drift else ():
        return Move(
            note="drift_ended",
            reason=f"Meta shows {shown_standing(seen)} under '{seen.verified_name}' again",
            changes={"drift": _less(drift, *names) if drift else None},
            detail={"kind": kind.value},
        )
    return None


def _over(
    row: Onboarding, seen: PhoneNumber, drift: Drift
) -> Iterator[tuple[DriftKind, tuple[str, ...]]]:
    """Yield the kinds of a drift that the list shows no more, each with its fields."""
    if drift.banned_since is not None:  # the rule for banned numbers comes before
        yield DriftKind.BANNED, ("banned_since",)
    if drift.not_ours_since is not None:
        yield DriftKind.COEXISTENCE, ("not_ours_since",)
    if drift.disconnected_since is not None and is_back(seen):
        yield DriftKind.DISCONNECTED, ("disconnected_since", "disconnected_at")
    if drift.renamed_since is not None and _other_name(row, seen) is None:
        yield DriftKind.NAME_CHANGED, ("renamed_since", "display_name")


def _disconnected(row: Onboarding, seen: PhoneNumber, now: datetime, policy: Policy) -> Step | None:
    """Believe that the connection is lost only once two reads, a while apart, showed it."""
    drift = row.drift or Drift()
    since = drift.disconnected_since
    if since is None and not has_lost_connection(seen):
        return None
    if since is None and not seen_after(row, row.state_since):
        return wait_for_list(now)  # from before the registration
    since = since or row.seen_at or now
    if drift.disconnected_at is None:
        return _believed(row, seen, replace(drift, disconnected_since=since), now, policy)
    poll = next_poll(since, now, policy.poll_absent, row.waba_id)
    return Wait(reason=Reason.DISCONNECTED, observe_at=poll)


def _believed(
    row: Onboarding, seen: PhoneNumber, drift: Drift, now: datetime, policy: Policy
) -> Step:
    since = drift.disconnected_since or now
    sure_at = since + policy.absent_grace
    if has_lost_connection(seen) and seen_after(row, sure_at):
        after = replace(drift, disconnected_at=now)
        return _found(DriftKind.DISCONNECTED, after, "registered", shown_standing(seen))
    poll = next_poll(since, now, policy.poll_absent, row.waba_id)
    return Wait(
        reason=Reason.LISTING, observe_at=min(poll, max(sure_at, now)), changes={"drift": drift}
    )


def _renamed(row: Onboarding, seen: PhoneNumber, now: datetime, policy: Policy) -> Step | None:
    name = _other_name(row, seen)
    if name is None:
        return None
    drift = row.drift or Drift()
    if drift.display_name == name:
        return Wait(reason=Reason.NAME_CHANGED, observe_at=idle_poll(row, now, policy))
    after = replace(drift, display_name=name, renamed_since=drift.renamed_since or row.seen_at)
    is_asked = seen.verified_name != name
    shows = f"'{name}'" + (f" asked for ({seen.new_name_status})" if is_asked else "")
    return _found(DriftKind.NAME_CHANGED, after, f"'{row.name_held}'", shows)


def _other_name(row: Onboarding, seen: PhoneNumber) -> str | None:
    """Return the name that Meta shows, if nobody asked for it here."""
    held = (row.name_held, row.display_name)
    if row.name_held is None:
        return None
    if seen.new_display_name is not None and seen.new_name_status in UNDER_WAY:
        return None if seen.new_display_name in held else seen.new_display_name
    return None if seen.verified_name in (None, *held) else seen.verified_name


def _at_rest(row: Onboarding, seen: PhoneNumber, now: datetime, policy: Policy) -> Wait:
    """Return the rest of a number; a list without a connected number is not read by itself."""
    poll = None if is_connected(seen) else idle_poll(row, now, policy)
    return Wait(reason=Reason.DONE, observe_at=poll, changes=_taken_as_held(row, seen))


def _taken_as_held(row: Onboarding, seen: PhoneNumber) -> dict[str, str | None]:
    """Return the name to compare with from now on.

    What a customer typed in Embedded Signup may differ from what was requested here, and a list
    read before the registration may show the name before it.
    """
    name = seen.verified_name
    if name is None or name == row.name_held:
        return {}
    is_current = name == row.display_name or seen_after(row, row.state_since)
    return {"name_held": name} if is_current else {}


def shown_standing(seen: PhoneNumber) -> str:
    """Return how Meta shows a number to stand, in its own words."""
    where = f" on {seen.platform_type}" if seen.platform_type else ""
    app = ", in the WhatsApp Business app" if seen.is_on_biz_app else ""
    return f"{seen.status or 'no status'}{where}{app}"


def name_before(drift: Drift, row: Onboarding, policy: Policy) -> datetime | None:
    """Return an instant at which a name that was changed at Meta was not shown yet.

    Lists of registered numbers are read this often at least.
    """
    if drift.renamed_since is None:
        return None
    earliest = row.registered_at or row.state_since
    return max(earliest, drift.renamed_since - policy.watch_interval)
