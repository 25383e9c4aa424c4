"""What a second person must agree to, and who that may be."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from onboarding.core.name_submissions import NameSubmission
from onboarding.errors import ConflictError, TransitionRefusedError
from onboarding.model import ApprovalKind, ApprovalStatus

#: A name that was submitted so often is submitted again only if a second person agrees: the first
#: time, and two times again.
_SUBMISSIONS = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Approval:
    """One thing that somebody asked for and somebody else has to agree to.

    Attributes:
        id: unique for ever.
        onboarding_id: whose.
        cycle: the onboarding's cycle when it was asked for.
        kind: what.
        detail: what exactly: the new display name.
        reason: why, in the words of whoever asked.
        asked_by: who asked.
        asked_at: when.
        status: how it stands.
        decided_by: who agreed or refused.
        decided_at: when.
        decision: why, in the words of whoever decided.
    """

    id: str
    onboarding_id: str
    cycle: int
    kind: ApprovalKind
    detail: str | None = None
    reason: str
    asked_by: str
    asked_at: datetime
    status: ApprovalStatus = ApprovalStatus.PENDING
    decided_by: str | None = None
    decided_at: datetime | None = None
    decision: str | None = None

    @property
    def why(self) -> str:
        """What waits for a second person, in words."""
        return (
            f"{self.asked_by} asked for '{self.kind}', to which a second person has to agree: "
            + (self.reason)
        )

    @property
    def how(self) -> str:
        """The command with which a second person decides."""
        by_another = f"onboarding --actor SOMEBODY_ELSE approval approve {self.id}"
        return f'{by_another}   (or: onboarding approval refuse {self.id} --reason "...")'

    @property
    def facts(self) -> dict[str, str]:
        """What the history tells of it with every entry about it."""
        told = {"approval": self.id, "kind": self.kind.value, "asked_by": self.asked_by}
        return told | ({"display_name": self.detail} if self.detail else {})


def is_resubmitted_often(versions: Iterable[NameSubmission]) -> bool:
    """Whether the next name would be at least the third that is submitted after the first."""
    return sum(version.submitted_at is not None for version in versions) >= _SUBMISSIONS


def require_pending(approval: Approval) -> None:
    """Refuse to decide twice.

    Raises:
        TransitionRefusedError: it was decided before.
    """
    if approval.status is not ApprovalStatus.PENDING:
        raise TransitionRefusedError(
            f"it was {approval.status} by {approval.decided_by} before",
            hint="see: onboarding approval list --all",
        )


def require_second_person(approval: Approval, actor: str) -> None:
    """Refuse to let whoever asked for something approve it.

    Raises:
        ConflictError: it is the same person, however the name is spelled.
    """
    if _same(actor, approval.asked_by):
        raise ConflictError(
            f"{approval.asked_by} asked for it, so another person has to approve it",
            field="actor",
            hint="a second person runs the same command under a name of their own",
        )


def _same(one: str, other: str) -> bool:
    return "".join(one.split()).casefold() == "".join(other.split()).casefold()
