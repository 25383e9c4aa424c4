"""Drift as people are told of it: what the engine holds, what Meta shows, and who must do what."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime

from onboarding.core.drift import DriftKind, shown_standing
from onboarding.core.lifecycle import IN_PROGRESS, LIVE
from onboarding.core.reasons import MEANINGS, WHEN_OVER
from onboarding.core.seen import is_gone, shown
from onboarding.model import Drift, Onboarding, Owner, Reason, State


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One difference between the engine and Meta.

    Attributes:
        onboarding_id: whose number.
        phone_number: which number.
        waba_id: on which WABA.
        kind: in which way they differ.
        holds: what the engine holds.
        shows: what Meta shows.
        since: since when Meta's list shows it, as far as it was read.
        did: what the engine did about it.
        from_whom: who must act; ``None``: nobody.
        how: with which command or act; empty where nobody must.
    """

    onboarding_id: str
    phone_number: str
    waba_id: str
    kind: DriftKind
    holds: str
    shows: str
    since: datetime
    did: str
    from_whom: Owner | None = None
    how: str = ""

    @property
    def is_open(self) -> bool:
        """Whether somebody must act, or the engine is still looking into it."""
        return self.kind is not DriftKind.LEFT


def findings_of(row: Onboarding) -> tuple[Finding, ...]:
    """Return where Meta shows an onboarding's number otherwise than the engine holds."""
    if row.state is State.REGISTERED:
        return (*_missing(row), *_of_registered(row, row.drift or Drift()))
    if row.state is State.LEFT:
        return tuple(_left(row))
    return (*_missing(row), *_in_progress(row)) if row.state in LIVE else ()


def _finding(
    row: Onboarding,
    kind: DriftKind,
    since: datetime,
    *,
    shows: str,
    did: str,
    reason: Reason | None = None,
    holds: str = "",
) -> Finding:
    meaning = MEANINGS[reason] if reason is not None else None
    return Finding(
        onboarding_id=row.id,
        phone_number=row.phone_number,
        waba_id=row.waba_id,
        kind=kind,
        holds=holds or row.state.value,
        shows=shows,
        since=since,
        did=did,
        from_whom=meaning.owner if meaning else None,
        how=meaning.remedy.format(id=row.id, waba_id=row.waba_id) if meaning else "",
    )


def _missing(row: Onboarding) -> Iterator[Finding]:
    if row.phone_number_id is None:
        return
    if row.absent_since is not None:
        since, shows = row.absent_since, "not on the list"
    elif row.seen is not None and row.seen_at is not None and shown(row) is None:
        since, shows = row.seen_at, f"under another id, {row.seen.id}"
    else:
        return
    yield _finding(
        row, DriftKind.MISSING, since, shows=shows,
        did="reads the list again before the number counts as gone",
    )  # fmt: skip


def _of_registered(row: Onboarding, drift: Drift) -> Iterator[Finding]:
    seen = shown(row)
    shows = shown_standing(seen) if seen is not None else "nothing"
    if drift.banned_since is not None:
        yield _finding(
            row, DriftKind.BANNED, drift.banned_since, shows=shows,
            did="makes no call and waits for the appeal", reason=Reason.BANNED,
        )  # fmt: skip
    if drift.not_ours_since is not None:
        yield _finding(
            row, DriftKind.COEXISTENCE, drift.not_ours_since, shows=shows,
            did="leaves it alone: it is never registered or deregistered", reason=Reason.NOT_OURS,
        )  # fmt: skip
    if drift.disconnected_at is not None and drift.disconnected_since is not None:
        yield _finding(
            row, DriftKind.DISCONNECTED, drift.disconnected_since, shows=shows,
            did="asked an operator, and registers nothing by itself", reason=Reason.DISCONNECTED,
        )  # fmt: skip
    elif drift.disconnected_since is not None:
        yield _finding(
            row, DriftKind.DISCONNECTED, drift.disconnected_since, shows=shows,
            did="reads the list again before the connection counts as lost",
        )  # fmt: skip
    if drift.renamed_since is not None:
        yield _finding(
            row, DriftKind.NAME_CHANGED, drift.renamed_since,
            holds=f"'{row.name_held or row.display_name}'", shows=f"'{drift.display_name}'",
            did="asked the partner, and keeps its own name until then",
            reason=Reason.NAME_CHANGED,
        )  # fmt: skip
    if row.hold is Reason.PIN and row.hold_since is not None:
        yield _finding(
            row, DriftKind.PIN_CHANGED, row.hold_since, holds="a PIN of its own",
            shows="another PIN", did="makes no call that takes the PIN", reason=Reason.PIN,
        )  # fmt: skip


def _in_progress(row: Onboarding) -> Iterator[Finding]:
    kinds = {Reason.BANNED: DriftKind.BANNED, Reason.NOT_OURS: DriftKind.COEXISTENCE}
    seen = shown(row)
    if row.state in IN_PROGRESS and row.waiting in kinds and seen is not None:
        yield _finding(
            row, kinds[row.waiting], row.waiting_since, shows=shown_standing(seen),
            did="makes no call", reason=row.waiting,
        )  # fmt: skip


def _left(row: Onboarding) -> Iterator[Finding]:
    """Yield that a number which was registered is not on its WABA any more."""
    if row.registered_at is None or ((seen := shown(row)) is not None and not is_gone(seen)):
        return  # it never worked, or a person let it go
    is_listed = row.seen is not None and row.seen_present
    told = _finding(
        row, DriftKind.LEFT, row.state_since, holds="registered, then left",
        shows=shown_standing(row.seen) if is_listed and row.seen else "not on the list",
        did="ended the onboarding: the number is free to be asked for elsewhere",
    )  # fmt: skip
    how = WHEN_OVER[State.LEFT].format(id=row.id, waba_id=row.waba_id)
    yield replace(told, from_whom=Owner.OPERATOR, how=how)
