"""What people decide about a number."""

from __future__ import annotations

from datetime import datetime

from onboarding.engine import (
    answering,
    people,
    settling,
)
from onboarding.engine.face.finding import Finding
from onboarding.engine.open_operation import OpenOperation, answer_of
from onboarding.errors import NotFoundError
from onboarding.model import (
    Deadline,
    Onboarding,
)


class People(Finding):
    """What people tell ``Engine`` to do."""

    def rename(
        self, reference: str, display_name: str, *, strict: bool = False, actor: str | None = None
    ) -> Onboarding:
        """Give the number another display name.

        With ``strict`` one that breaks a published rule of Meta's is refused.
        """
        id_ = self.get(reference).id
        return people.rename(self.context, id_, display_name, self._actor(actor), strict=strict)

    def cancel(self, reference: str, reason: str, *, actor: str | None = None) -> Onboarding:
        """Give the onboarding up; what exists at Meta stays there."""
        return people.cancel(self.context, self.get(reference).id, reason, self._actor(actor))

    def restart(
        self,
        reference: str,
        reason: str,
        *,
        onboarded_at: datetime | None = None,
        actor: str | None = None,
    ) -> Onboarding:
        """Start a new cycle of an onboarding that expired, failed or left."""
        id_ = self.get(reference).id
        return people.restart(self.context, id_, reason, self._actor(actor), onboarded_at)

    def hold(
        self,
        reference: str,
        reason: str,
        *,
        until: datetime | None = None,
        actor: str | None = None,
    ) -> Onboarding:
        """Stop all calls for the onboarding; its deadline goes on."""
        id_ = self.get(reference).id
        return people.hold(self.context, id_, reason, self._actor(actor), until)

    def release(self, reference: str, reason: str, *, actor: str | None = None) -> Onboarding:
        """End a hold, whoever made it."""
        return people.release(self.context, self.get(reference).id, reason, self._actor(actor))

    def set_pin(self, reference: str, pin: str, *, actor: str | None = None) -> Onboarding:
        """Give the two-step verification PIN that the number has already."""
        return people.set_pin(self.context, self.get(reference).id, pin, self._actor(actor))

    def reveal_pin(self, reference: str, reason: str, *, actor: str | None = None) -> str:
        """Return the two-step verification PIN; who asked, and why, goes into the history."""
        return people.reveal_pin(self.context, self.get(reference).id, reason, self._actor(actor))

    def acknowledge(
        self, reference: str, *, until: datetime, reason: str = "", actor: str | None = None
    ) -> None:
        """Take an onboarding on, or a WABA on hold: until then nobody else is told of it.

        Further rungs of its ladder are raised all the same.

        Raises:
            NotFoundError: no such onboarding or account.
            InputError: the time is past.
            TransitionRefusedError: nothing is asked of anybody.
        """
        who = self._actor(actor)
        try:
            id_ = self.get(reference).id
        except NotFoundError:
            answering.acknowledge_account(self.context, reference, until, reason, who)
        else:
            answering.acknowledge(self.context, id_, until, reason, who)

    def snooze(
        self, reference: str, *, until: datetime, reason: str = "", actor: str | None = None
    ) -> Deadline:
        """Put further rungs of an onboarding's ladder off, but never its end.

        Raises:
            NotFoundError: no such onboarding.
            InputError: the time is past.
            TransitionRefusedError: it has no deadline.
        """
        id_ = self.get(reference).id
        return answering.snooze(self.context, id_, until, reason, self._actor(actor))

    def open_operations(self) -> list[OpenOperation]:
        """Return the calls whose effect is not settled, or that wait for a person; oldest first."""
        return settling.open_operations(self.context)

    def resolve_operation(
        self,
        operation_id: str,
        *,
        found: str | None = None,
        absent: bool = False,
        abandon: bool = False,
        reason: str,
        actor: str | None = None,
    ) -> Onboarding:
        """Say what became of a call, where nothing but a person can tell.

        Args:
            operation_id: which call, or the start of its id.
            found: it took effect: the id that the number has at Meta.
            absent: it had no effect; the engine may make it again.
            abandon: nobody looks into it any more; its onboarding is put on hold.
            reason: why, for the history.
            actor: who says so.

        Raises:
            NotFoundError: no such operation, or it is one of a pool (``Engine.pool.resolve``).
            InputError: not exactly one answer, no reason, or an id that is not the number's.
            TransitionRefusedError: it is settled already, or may still be on its way.
        """
        return settling.resolve(
            self.context,
            operation_id,
            answer_of(found=found, absent=absent, abandon=abandon),
            phone_number_id=found,
            reason=reason,
            actor=self._actor(actor),
        )
