"""``Engine.offboarding``: numbers that are to leave the Cloud API."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from sqlalchemy import Connection

from onboarding.core.offboarding import offboarding, withdrawn
from onboarding.core.steps import Move
from onboarding.engine.asking import ask
from onboarding.engine.changing import change
from onboarding.engine.context import Context
from onboarding.errors import ConflictError
from onboarding.model import ApprovalKind, Onboarding
from onboarding.store import journal


class Offboarding:
    """Deregistering numbers; part of ``Engine``.

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

    def ask(self, reference: str, reason: str, *, actor: str | None = None) -> Onboarding:
        """Have a registered number deregistered; then its onboarding is ``left``.

        It stays on its WABA, with its name and its history, and can be started again. Where the
        settings ask for a second person, it waits for an approval first.

        Raises:
            TransitionRefusedError: it is not registered, or is in use by the Business app.
            ConflictError: it is being deregistered already, or waits for its approval.
        """
        ctx, by = self._ctx, self._who(actor)

        def make(row: Onboarding, now: datetime, conn: Connection) -> Move:
            step = offboarding(row, reason, now)
            if ApprovalKind.OFFBOARD in ctx.settings.to_approve():
                return ask(ctx, conn, row, ApprovalKind.OFFBOARD, reason=reason, actor=by, now=now)
            return step

        return change(ctx, self._get(reference).id, by, make)

    def withdraw(self, reference: str, reason: str, *, actor: str | None = None) -> Onboarding:
        """Keep a number after all that was to be deregistered, as long as no call was made.

        Raises:
            TransitionRefusedError: it is not to be deregistered.
            ConflictError: what became of a call is not known yet.
        """

        def make(row: Onboarding, _: datetime, conn: Connection) -> Move:
            if calls := journal.load_pressing(conn, [row.id]):
                raise ConflictError(
                    f"what became of {calls[0].name} is not known yet",
                    hint=f"wait until it is settled, then look again: onboarding show {row.id}",
                )
            return withdrawn(row, reason)

        return change(self._ctx, self._get(reference).id, self._who(actor), make)
