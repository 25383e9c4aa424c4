"""``Engine.migrations``: numbers that go from one WABA to another."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from onboarding.core.lifecycle import LIVE
from onboarding.core.migration_conditions import ConditionFinding, hindrances
from onboarding.core.migrations import Migration, require_source
from onboarding.core.numbers import number_key, parse_number
from onboarding.engine import accept, people
from onboarding.engine.context import Context
from onboarding.engine.migrating import Start, start
from onboarding.engine.migration_reads import look
from onboarding.engine.requests import NumberRequest
from onboarding.errors import InputError, NotFoundError, TransitionRefusedError
from onboarding.model import CodeMethod, Entry, Onboarding, State
from onboarding.store import accounts, migrations, onboardings
from onboarding.store.database import reading

_ASKED = "asked for"

#: States of a number that is on one of our WABAs, or on its way there.
_HERE = (*LIVE, State.MIGRATING)


@dataclass(frozen=True, slots=True, kw_only=True)
class MigrationCheck:
    """How Meta's conditions stand for one migration.

    Attributes:
        phone_number: the number, as it was given or as it is known.
        source: its onboarding where it is now; ``None`` if that WABA is not ours.
        to: the WABA that it is to go to.
        findings: a finding for each condition.
    """

    phone_number: str
    source: Onboarding | None
    to: str
    findings: tuple[ConditionFinding, ...]

    @property
    def hindrances(self) -> tuple[ConditionFinding, ...]:
        """What is not met, so that Meta would refuse."""
        return hindrances(self.findings)


class Migrations:
    """Migrations between WABAs; part of ``Engine``.

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

    def check(self, reference: str, to: str | None = None) -> MigrationCheck:
        """Read how Meta's conditions stand; nothing is changed, here or at Meta.

        Args:
            reference: an onboarding, or a phone number; one that is not ours may be given, too.
            to: the WABA that it is to go to; not needed for a migration that is under way.

        Raises:
            InputError: no WABA is given, or one that is not known here.
        """
        row = self._find(reference)
        migration = self.of(row) if row is not None else None
        source = self._source_of(migration) if migration else row
        to = to or (migration.destination_waba_id if migration else None)
        if to is None:
            raise InputError("to which WABA is not given", field="to", hint="give --to WABA_ID")
        self._require_known(to)
        key = row.number_key if row else number_key(reference)
        return MigrationCheck(
            phone_number=row.phone_number if row else reference,
            source=source,
            to=to,
            findings=look(self._ctx, key, source, to),
        )

    def start(
        self,
        reference: str,
        to: str,
        *,
        reason: str = _ASKED,
        display_name: str | None = None,
        force: bool = False,
        code_method: CodeMethod | str | None = None,
        code_language: str | None = None,
        code_window: str | None = None,
        code_ready: bool = False,
        actor: str | None = None,
    ) -> Onboarding:
        """Have a number migrated; return the onboarding that brings it to its new WABA.

        The number keeps working where it is until it is registered there. The new onboarding has
        the claim on it from now on; the old one rests in ``migrating``.

        Args:
            reference: an onboarding that is registered, or the number of one that is not ours.
            to: a WABA that was added as an account.
            reason: why, for the history.
            display_name: the name that the number has; needed only if it is not ours.
            force: start although a condition of Meta's does not seem to be met.
            code_method: SMS or VOICE; default: as before.
            code_language: of the code; default: as before.
            code_window: when the holder can read the code; default: as before.
            code_ready: the holder can read it now.
            actor: who asks for it.

        Raises:
            InputError: the WABA is not known, the number is on it, or the name is missing.
            TransitionRefusedError: a condition is not met, or the number is not at rest.
        """
        found = self._find(reference)
        if found is not None:
            require_source(found, to)
        if not force:
            self._require_fit(reference, to)
        asked = Start(
            to=to,
            reason=reason,
            actor=self._who(actor),
            code_method=code_method,
            code_language=code_language,
            code_window=code_window,
            code_ready=code_ready,
        )
        if found is not None:
            return start(self._ctx, found.id, asked)
        return self._bring(reference, display_name, asked)

    def undo(self, reference: str, reason: str, *, actor: str | None = None) -> Onboarding:
        """Give a migration up; the number stays where it is. Return the onboarding that has it.

        Args:
            reference: either of the two onboardings, or the number.
            reason: why, for the history.
            actor: who gives it up.

        Raises:
            TransitionRefusedError: nothing migrates.
            ConflictError: the last step was made.
        """
        row = self._get(reference)
        migration = self.of(row)
        if migration is None:
            raise TransitionRefusedError(
                "no migration of the number is under way", hint=f"see: onboarding show {row.id}"
            )
        people.cancel(self._ctx, migration.destination_id, reason, self._who(actor))
        return self._get(migration.source_id or migration.destination_id)

    def of(self, row: Onboarding) -> Migration | None:
        """Return the migration under way that an onboarding is a side of."""
        with reading(self._ctx.database) as conn:
            if row.state is State.MIGRATING:
                return migrations.load_of_source(conn, row.id)
            found = migrations.load_migrations(conn, [row.id]).get(row.id)
        return found if found is not None and found.ended_at is None else None

    def list(self, *, with_ended: bool = False) -> list[Migration]:
        """Return the migrations that are under way, or all of them; the first one first."""
        with reading(self._ctx.database) as conn:
            return migrations.load_all(conn, with_ended=with_ended)

    def _find(self, reference: str) -> Onboarding | None:
        """Return the onboarding that lives; a number that is over here is not ours any more."""
        try:
            row = self._get(reference)
        except NotFoundError as error:
            try:
                parse_number(reference)
            except InputError:
                raise error from None
            return None
        return row if row.state in _HERE else None

    def _source_of(self, migration: Migration) -> Onboarding | None:
        id_ = migration.source_id
        with reading(self._ctx.database) as conn:
            return onboardings.load_onboardings(conn, [id_] if id_ else []).get(id_ or "")

    def _require_known(self, to: str) -> None:
        with reading(self._ctx.database) as conn:
            if to in accounts.load_accounts(conn, [to]):
                return
        raise InputError(
            f"the WABA '{to}' is not known here", field="to", hint=f"onboarding account add {to}"
        )

    def _require_fit(self, reference: str, to: str) -> None:
        against = self.check(reference, to).hindrances
        if against:
            more = f" (and {len(against) - 1} more)" if len(against) > 1 else ""
            raise TransitionRefusedError(
                f"Meta would refuse the migration; it is not so that {against[0].text}{more}",
                hint=f"{against[0].mend}; all of it: onboarding migrate check",
            )

    def _bring(self, number: str, name: str | None, asked: Start) -> Onboarding:
        """Ask for a number that is on a WABA of somebody else."""
        if name is None:
            raise InputError(
                "the number is not ours, so the name that it has must be given",
                field="display_name",
                hint='--display-name "Lucky Shrub"',
            )
        request = NumberRequest(
            waba_id=asked.to,
            phone_number=number,
            display_name=name,
            entry=Entry.MIGRATION,
            code_method=asked.code_method,
            code_language=asked.code_language,
            code_window=asked.code_window,
            code_ready=asked.code_ready,
            again=True,
        )
        return accept.accept(self._ctx, [request], asked.actor)[0].onboarding
