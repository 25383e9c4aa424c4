"""``Engine.approvals``: what one person asked for, and another has to agree to."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

from sqlalchemy import Connection

from onboarding.core.approvals import Approval, require_pending, require_second_person
from onboarding.core.name_desk import renamed
from onboarding.core.offboarding import offboarding
from onboarding.core.steps import Move
from onboarding.engine.asking import decided
from onboarding.engine.changing import change, write_moves
from onboarding.engine.context import Context
from onboarding.errors import InputError, NotFoundError, TransitionRefusedError
from onboarding.model import ApprovalKind, ApprovalStatus, JournaledOperation, Onboarding
from onboarding.store import approvals, journal, onboardings
from onboarding.store.database import again_if_raced, reading, writing

_SHORTEST_PREFIX = 6


class Approvals:
    """Approvals by a second person; part of ``Engine``.

    Args:
        ctx: the engine's parts.
        get: finds an onboarding by a reference.
        who: says who acts.
    """

    def __init__(
        self,
        ctx: Context,
        get: Callable[[str], Onboarding],
        who: Callable[[str | None], str],
    ) -> None:
        self._ctx, self._get, self._who = ctx, get, who

    def list(self, reference: str | None = None, *, with_decided: bool = False) -> list[Approval]:
        """Return what waits for a second person, or all; of one onboarding, or of every one."""
        id_ = self._get(reference).id if reference is not None else None
        statuses = () if with_decided else (ApprovalStatus.PENDING,)
        with reading(self._ctx.database) as conn:
            return approvals.find(conn, statuses=statuses, onboarding_id=id_)

    def approve(
        self, approval_id: str, *, reason: str = "approved", actor: str | None = None
    ) -> Onboarding:
        """Agree to what somebody else asked for, and set it going; return its onboarding.

        Who asked, who approved, and when, is in the history.

        Raises:
            NotFoundError: nothing has this id.
            InputError: the reason is empty.
            ConflictError: who approves is who asked.
            TransitionRefusedError: it was decided before, or is not possible any more.
        """
        by, known = self._who(actor), self._load(approval_id)
        require_second_person(known, by)
        if not reason.strip():
            raise InputError("a reason is needed", field="reason", hint="or leave it out")
        return again_if_raced(lambda: self._approve(known.id, reason, by))

    def refuse(self, approval_id: str, reason: str, *, actor: str | None = None) -> Onboarding:
        """Refuse what somebody asked for, or take back what oneself asked for.

        Raises:
            NotFoundError: nothing has this id.
            TransitionRefusedError: it was decided before.
        """
        by, known = self._who(actor), self._load(approval_id)

        def make(_: Onboarding, now: datetime, conn: Connection) -> Move:
            return _decided(conn, known, ApprovalStatus.REFUSED, by=by, now=now, why=reason)

        return change(self._ctx, known.onboarding_id, by, make)

    def _load(self, approval_id: str) -> Approval:
        with reading(self._ctx.database) as conn:
            found = approvals.load_by_prefix(conn, approval_id, 2)
        if len(found) != 1 or len(approval_id) < _SHORTEST_PREFIX:
            raise NotFoundError(
                f"there is not exactly one approval '{approval_id}'",
                hint="see: onboarding approval list",
            )
        require_pending(found[0])
        return found[0]

    def _approve(self, approval_id: str, reason: str, by: str) -> Onboarding:
        known = self._load(approval_id)
        ctx, id_ = self._ctx, known.onboarding_id
        with writing(ctx.database) as conn:
            now = ctx.clock.now()
            row = onboardings.load_onboardings(conn, [id_], lock=True)[id_]
            step = _decided(conn, known, ApprovalStatus.APPROVED, by=by, now=now, why=reason)
            approved = write_moves(ctx, conn, [(row, step)], by, now)[id_]
            # What was asked for is done in the name of whoever asked, after the word of the other.
            wanted = _wanted(approved, known, now, journal.load_pressing(conn, [id_]))
            return write_moves(ctx, conn, [(approved, wanted)], known.asked_by, now)[id_]


def _decided(
    conn: Connection,
    known: Approval,
    status: ApprovalStatus,
    *,
    by: str,
    now: datetime,
    why: str,
) -> Move:
    if not approvals.decide(conn, known.id, status, by=by, at=now, why=why):
        raise TransitionRefusedError(
            "it was decided meanwhile", hint="see: onboarding approval list --all"
        )
    decided(conn, known.onboarding_id, now)
    note = "approval_given" if status is ApprovalStatus.APPROVED else "approval_refused"
    asked_at = f"{known.asked_at:%Y-%m-%dT%H:%M:%SZ}"
    return Move(note=note, reason=why, detail={**known.facts, "asked_at": asked_at})


def _wanted(
    row: Onboarding, known: Approval, now: datetime, pressing: Sequence[JournaledOperation]
) -> Move:
    """Return the step that was asked for, as it is possible now.

    Raises:
        TransitionRefusedError: it is not possible any more; the approval stays undecided.
        ConflictError: it is not possible yet, as what became of a call is not known.
    """
    if row.cycle != known.cycle:
        raise TransitionRefusedError(
            "the onboarding was started again since it was asked for",
            hint=f'onboarding approval refuse {known.id} --reason "..."',
        )
    match known.kind:
        case ApprovalKind.OFFBOARD:
            return offboarding(row, known.reason, now)
        case ApprovalKind.DISPLAY_NAME:
            return renamed(row, known.detail or "", pressing)
