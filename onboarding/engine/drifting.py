"""Drift: every onboarding compared with Meta's lists, and what people answer to differences."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from onboarding.core.drift_answers import accepted, registered_again
from onboarding.core.drift_findings import Finding, findings_of
from onboarding.core.timing import DAY
from onboarding.engine.adoption import count_adoptable
from onboarding.engine.changing import change
from onboarding.engine.context import Context
from onboarding.engine.listing_now import read_now, require_accounts
from onboarding.errors import GraphError, TransitionRefusedError
from onboarding.model import Account, Onboarding
from onboarding.store.database import reading
from onboarding.store.drifting import count_live, load_drifting

#: More findings than people could answer.
_MOST = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class DriftReport:
    """How onboardings compare with what Meta shows.

    Attributes:
        at: business time of the look.
        compared: onboardings that are not over, on WABAs whose list was read.
        findings: where they differ, longest first.
        adoptable: how many numbers each WABA has that are not known here and could be adopted.
        unread: WABAs whose list could not be read, and why.
    """

    at: datetime
    compared: int
    findings: tuple[Finding, ...]
    adoptable: Mapping[str, int]
    unread: Mapping[str, str]

    @property
    def is_clean(self) -> bool:
        """Whether everything was read and nothing differs."""
        return not self.findings and not self.unread


class DriftDesk:
    """Tells where Meta shows numbers otherwise than the engine holds; ``Engine.drift``."""

    def __init__(self, context: Context, actor: str, get: Callable[[str], Onboarding]) -> None:
        """Take an open context, who is named in histories, and how an onboarding is found."""
        self._context, self._actor, self._get = context, actor, get

    def check(self, waba_ids: Sequence[str] | None = None) -> DriftReport:
        """Read lists now, let the engine react as ever, and return where they differ.

        Args:
            waba_ids: whose lists; default: all that have onboardings which are not over.

        Raises:
            NotFoundError: a WABA is not known here.
        """
        ctx, at = self._context, self._context.clock.now()
        with reading(ctx.database) as conn:
            live = count_live(conn)
        wanted = list(waba_ids) if waba_ids is not None else sorted(live)
        adoptable: dict[str, int] = {}
        unread: dict[str, str] = {}
        for account in require_accounts(ctx, wanted):
            try:
                adoptable[account.waba_id] = self._read(account)
            except (GraphError, TransitionRefusedError) as error:
                unread[account.waba_id] = f"{error}" + (f" ({error.hint})" if error.hint else "")
        return DriftReport(
            at=at,
            compared=sum(live.get(waba_id, 0) for waba_id in adoptable),
            findings=self._findings(wanted, left_since=at),
            adoptable={waba_id: number for waba_id, number in adoptable.items() if number},
            unread=unread,
        )

    def findings(
        self, waba_ids: Sequence[str] | None = None, *, left_within: timedelta = 7 * DAY
    ) -> tuple[Finding, ...]:
        """Return where Meta showed numbers otherwise when their lists were last read.

        Args:
            waba_ids: on which WABAs; default: on all.
            left_within: registered numbers that left are told of for so long.
        """
        since = self._context.clock.now() - left_within
        return self._findings(waba_ids, left_since=since)

    def accept(self, reference: str, reason: str, *, actor: str | None = None) -> Onboarding:
        """Take what Meta shows for right: a lost number is let go, a changed name is the name.

        Raises:
            NotFoundError: no such onboarding.
            InputError: no reason is given.
            TransitionRefusedError: nothing is asked about the number.
        """
        policy = self._context.policy
        return change(
            self._context,
            self._get(reference).id,
            actor or self._actor,
            lambda row, *_: accepted(row, reason, policy),
        )

    def register(self, reference: str, reason: str, *, actor: str | None = None) -> Onboarding:
        """Have a number registered again that lost its connection.

        Raises:
            NotFoundError: no such onboarding.
            InputError: no reason is given.
            TransitionRefusedError: it did not lose it, as far as lists show.
        """
        policy = self._context.policy
        return change(
            self._context,
            self._get(reference).id,
            actor or self._actor,
            lambda row, now, _: registered_again(row, reason, now, policy),
        )

    def _read(self, account: Account) -> int:
        return count_adoptable(self._context, read_now(self._context, account), self._actor)

    def _findings(
        self, waba_ids: Sequence[str] | None, *, left_since: datetime
    ) -> tuple[Finding, ...]:
        with reading(self._context.database) as conn:
            rows = load_drifting(conn, waba_ids, left_since, _MOST)
        found = [finding for row in rows for finding in findings_of(row)]
        return tuple(sorted(found, key=lambda each: (each.since, each.onboarding_id)))
