"""``Engine``: the one object that an embedding program works with."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Self

from sqlalchemy import Connection

from onboarding.clock import Clock
from onboarding.core.chain import Broken, Entry
from onboarding.core.lifecycle import LIVE
from onboarding.core.numbers import number_key
from onboarding.core.reasons import ENDED_BY_LIST
from onboarding.core.timing import earliest
from onboarding.engine import (
    accept,
    accounting,
    adopting,
    answering,
    code_intake,
    feed,
    importing,
    opening,
    outbox_desk,
    people,
    restoring,
    settling,
    telling,
)
from onboarding.engine.accept import Receipt
from onboarding.engine.accounting import AccountCheck
from onboarding.engine.advance import advance_due, advance_these
from onboarding.engine.context import CodeIntake, Context
from onboarding.engine.importing import ImportResult
from onboarding.engine.ingest import Ingested, ingest
from onboarding.engine.observe import ask_for_list, observe_due
from onboarding.engine.request_files import FileFormat, Progress
from onboarding.engine.requests import NumberRequest
from onboarding.engine.restoring import Restored
from onboarding.engine.seal_checks import check_against, check_seals
from onboarding.engine.seal_files import HeadsFile
from onboarding.engine.settling import OpenOperation
from onboarding.errors import ChainBrokenError, InputError, NotFoundError, OnboardingError
from onboarding.model import Account, Deadline, JournaledOperation, Onboarding, Owner, State
from onboarding.settings import load_settings
from onboarding.store import (
    accounts,
    alerts,
    deadlines,
    finding,
    history,
    journal,
    onboardings,
    outbox,
    views,
)
from onboarding.store.database import reading
from onboarding.store.outbox import Delivery
from onboarding.store.views import Overview

_SHORTEST_PREFIX = 6
_MOST_PER_PAGE = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """Some onboardings, and where the next ones start: ``None`` if there are no more."""

    items: tuple[Onboarding, ...]
    next_cursor: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Pass:
    """What one pass did: rungs and alerts raised, accounts read, machines taken a step further.

    And messages that were sent.
    """

    escalated: int
    observed: int
    advanced: int
    delivered: int = 0

    @property
    def is_idle(self) -> bool:
        """Whether there was nothing to do."""
        return not (self.escalated or self.observed or self.advanced or self.delivered)


def _latest(rows: Sequence[Onboarding]) -> Onboarding | None:
    """Return the onboarding of a number: one that was started again lives on before a later one."""
    return next((row for row in rows if row.state in LIVE), rows[-1] if rows else None)


def _find_started(conn: Connection, reference: str) -> Onboarding | NotFoundError:
    started = finding.load_by_prefix(conn, reference, limit=2)
    if len(reference) >= _SHORTEST_PREFIX and len(started) == 1:
        return started[0]
    several = "more than one onboarding starts with" if started else "there is no onboarding"
    return NotFoundError(f"{several} '{reference}'", hint="see: onboarding list")


class Engine:
    """Takes numbers from requested to registered; open it with ``Engine.open``.

    Thread-safe: any number of threads may use one engine. Every method that changes something
    takes ``actor``, who is named in the history; by default it is the one of the settings.
    """

    def __init__(self, context: Context) -> None:
        """Take an open context; ``Engine.open`` makes one."""
        self.context = context
        self._is_known = False  # whether this is a restored copy

    @classmethod
    def open(
        cls,
        url: str | None = None,
        *,
        upgrade: bool = False,
        clock: Clock | None = None,
        intakes: Sequence[CodeIntake] = (),
        **settings: Any,
    ) -> Self:
        """Open the deployment at a database URL.

        Args:
            url: like ``sqlite:///onboarding.db``; default: ONBOARDING_DATABASE_URL.
            upgrade: bring the schema up to date first, and make a new SQLite database.
            clock: business time; default: the system's.
            intakes: what may read one-time codes.
            settings: any field of ``Settings``; wins over the environment.

        Raises:
            ConfigurationError: a setting or the key is missing or wrong.
            StoreError: the database cannot be used.
        """
        loaded = load_settings(database_url=url, **settings)
        if upgrade:
            opening.upgrade(loaded)
        return cls(opening.open_context(loaded, clock=clock, intakes=intakes))

    def close(self) -> None:
        """Give up calls that are in flight (they stay journaled) and close the connections."""
        self.context.graph.close()
        self.context.database.dispose()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _actor(self, actor: str | None) -> str:
        return actor or self.context.settings.who()

    # Requests

    def request(self, request: NumberRequest, *, actor: str | None = None) -> Receipt:
        """Store one request; see ``request_many``."""
        return self.request_many([request], actor=actor)[0]

    def request_many(
        self, requests: Sequence[NumberRequest], *, actor: str | None = None
    ) -> list[Receipt]:
        """Store requests, all of them or none. Asking again changes nothing.

        A request whose ``key``, or whose WABA, number and content, are known gives the onboarding
        that is there already.

        Raises:
            RequestsRefusedError: which of them cannot be accepted, and why; nothing was stored.
        """
        return accept.accept(self.context, requests, self._actor(actor))

    def import_file(
        self,
        path: Path | str,
        *,
        file_format: FileFormat | None = None,
        actor: str | None = None,
        dry_run: bool = False,
        code_ready: bool = False,
        on_progress: Progress | None = None,
    ) -> list[ImportResult]:
        """Store the requests of a CSV or JSON lines file, all of them or none.

        Raises:
            ImportFileError: what is wrong, each with line and column; nothing was stored.
        """
        return importing.import_file(
            self.context,
            Path(path),
            file_format=file_format,
            actor=self._actor(actor),
            dry_run=dry_run,
            code_ready=code_ready,
            on_progress=on_progress,
        )

    # Looking

    def get(self, reference: str) -> Onboarding:
        """Return an onboarding by its id, the start of its id, or its phone number.

        Raises:
            NotFoundError: there is none, or more than one.
        """
        (found,) = self._find_each([reference])
        if isinstance(found, NotFoundError):
            raise found
        return found

    def _find_each(self, references: Sequence[str]) -> list[Onboarding | NotFoundError]:
        with reading(self.context.database) as conn:
            exact = onboardings.load_onboardings(conn, references)
            keys = {reference: number_key(reference) for reference in references}
            numbered = finding.load_by_number(conn, sorted(set(keys.values())))
            return [
                exact.get(reference)
                or _latest(numbered.get(keys[reference], []))
                or _find_started(conn, reference)
                for reference in references
            ]

    def find(
        self,
        *,
        states: Sequence[State] = (),
        waiting_for: Owner | None = None,
        waba_id: str | None = None,
        phone_number: str | None = None,
        deadline_before: datetime | None = None,
        cursor: str | None = None,
        limit: int = 100,
    ) -> Page:
        """Return onboardings that fit every condition given, in the order of their making.

        Args:
            states: any of these.
            waiting_for: whose turn it is.
            waba_id: on this WABA.
            phone_number: of this number, in any spelling with its country code.
            deadline_before: to be registered before this.
            cursor: ``Page.next_cursor`` of the page before.
            limit: 1 to 1000.

        Raises:
            InputError: the limit is out of range.
        """
        if not 1 <= limit <= _MOST_PER_PAGE:
            raise InputError(
                f"a page holds 1 to {_MOST_PER_PAGE} onboardings", field="limit", hint="use cursor"
            )
        with reading(self.context.database) as conn:
            rows = finding.find(
                conn,
                states=states,
                waiting_for=waiting_for,
                waba_id=waba_id,
                number_key=number_key(phone_number) if phone_number is not None else None,
                due_before=deadline_before,
                after_id=cursor,
                limit=limit + 1,
            )
        more = len(rows) > limit
        return Page(items=tuple(rows[:limit]), next_cursor=rows[limit - 1].id if more else None)

    def find_all(self, **conditions: Any) -> Iterator[Onboarding]:
        """Yield every onboarding that fits, page after page; conditions as in ``find``."""
        cursor: str | None = None
        while True:
            page = self.find(cursor=cursor, limit=_MOST_PER_PAGE, **conditions)
            yield from page.items
            cursor = page.next_cursor
            if cursor is None:
                return

    def history(self, reference: str) -> list[tuple[int, Entry]]:
        """Return the history of an onboarding, oldest first, each entry with its number.

        Raises:
            NotFoundError: no such onboarding.
        """
        row = self.get(reference)
        with reading(self.context.database) as conn:
            return history.read(conn, row.id)

    def operations(self, reference: str) -> list[JournaledOperation]:
        """Return the calls that were made for an onboarding, oldest first."""
        row = self.get(reference)
        with reading(self.context.database) as conn:
            return journal.load_operations(conn, row.id)

    def deadlines(self, reference: str) -> list[Deadline]:
        """Return the deadlines of an onboarding, with the anchor of each."""
        row = self.get(reference)
        with reading(self.context.database) as conn:
            return deadlines.load_deadlines(conn, [row.id])

    def overview(self) -> Overview:
        """Return the fleet at a glance."""
        with reading(self.context.database) as conn:
            return views.overview(conn, self.context.clock.now())

    def verify(self) -> tuple[int, list[Broken]]:
        """Check every history's hash chain; return how many there are, and those that break."""
        with reading(self.context.database) as conn:
            results = [
                *history.verify_all(conn),
                *history.verify_all(conn, history.ACCOUNTS),
            ]
        return len(results), [broken for broken in results if broken is not None]

    def verify_seals(self, against: Path | str | None = None) -> tuple[int, list[Broken]]:
        """Check the seals, and the histories with them; return how many seals, and what breaks.

        Args:
            against: a file of ``onboarding audit seal --out`` to compare with, too.

        Raises:
            InputError: it is not such a file.
        """
        file = HeadsFile(Path(against)) if against is not None else None
        with reading(self.context.database) as conn:
            count, broken = check_seals(conn)
            return count, [*broken, *(check_against(conn, file) if file else ())]

    def require_verified(self) -> int:
        """Check every history's hash chain, and the seals; return how many histories there are.

        Raises:
            ChainBrokenError: at least one does not verify.
        """
        count, broken = self.verify()
        broken += self.verify_seals()[1]
        if broken:
            first = broken[0]
            raise ChainBrokenError(
                f"{len(broken)} of {count} histories do not verify; the first: "
                f"{first.owner}, entry {first.seq}: {first.what}",
                hint="compare with a backup",
            )
        return count

    # Working

    def advance(self, reference: str | None = None) -> Pass:
        """Do one pass over what is due, or take one onboarding a step further right now.

        Safe under duplicate, late and concurrent calls. For one onboarding, waits of
        our own making are skipped, but neither a budget nor a wait that Meta imposed; and if it
        waits for something that Meta's list may show, that list is read (once a minute at most).

        Raises:
            NotFoundError: no such onboarding.
        """
        limit = self.context.settings.batch_size
        if not self._is_known:  # later on, whatever reads a list looks
            restoring.notice(self.context)
            adopting.adopt_rules(self.context)
            self._is_known = True
        if reference is not None:
            row = self.get(reference)
            advanced = advance_these(self.context, [row.id])
            if self.get(row.id).waiting in ENDED_BY_LIST:
                ask_for_list(self.context, row.waba_id)
            observed = observe_due(self.context, limit)
            return Pass(escalated=0, observed=observed, advanced=advanced)
        observed = observe_due(self.context, limit)
        advanced = advance_due(self.context, limit)
        raised, delivered = telling.tell_what_is_due(self.context, limit)
        return Pass(escalated=raised, observed=observed, advanced=advanced, delivered=delivered)

    def next_due_at(self) -> datetime | None:
        """Return when something is due next: a machine, a list, a rung, an alert, a message."""
        with reading(self.context.database) as conn:
            return earliest(
                onboardings.next_due(conn),
                accounts.next_account_due(conn, self.context.policy.list_interval),
                deadlines.next_rung_at(conn),
                alerts.next_alert_at(conn),
                *outbox.next_due(conn, list(self.context.channels)).values(),
            )

    def ingest(self, payload: object) -> Ingested:
        """Take in one webhook payload of Meta: it brings the next read forward.

        Raises:
            InputError: not a webhook payload.
        """
        return ingest(self.context, payload)

    # People

    def submit_code(self, reference: str, text: str, *, actor: str | None = None) -> Onboarding:
        """Give the one-time code that the holder got, as digits or as the message it came in."""
        (taken,) = self.submit_codes([(reference, text)], actor=actor)
        if isinstance(taken, OnboardingError):
            raise taken
        return taken

    def submit_codes(
        self, given: Sequence[tuple[str, str]], *, actor: str | None = None
    ) -> list[Onboarding | OnboardingError]:
        """Give many codes at once, each as a reference and the digits or message; much faster.

        Returns:
            For each its onboarding, or the error that ``submit_code`` would raise. Of two codes
            for one number the later one is taken.
        """
        found = self._find_each([reference for reference, _ in given])
        texts = {
            row.id: text
            for row, (_, text) in zip(found, given, strict=True)
            if isinstance(row, Onboarding)
        }
        taken = code_intake.submit_codes(self.context, texts, self._actor(actor))
        return [taken[row.id] if isinstance(row, Onboarding) else row for row in found]

    def code_ready(self, reference: str, *, actor: str | None = None) -> Onboarding:
        """Say that the holder can read a code now: one is asked for."""
        return people.code_ready(self.context, self.get(reference).id, self._actor(actor))

    def rename(self, reference: str, display_name: str, *, actor: str | None = None) -> Onboarding:
        """Give the number another display name."""
        id_ = self.get(reference).id
        return people.rename(self.context, id_, display_name, self._actor(actor))

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

    # Events

    def events(self, *, after: int = 0, limit: int = 1000) -> list[feed.Told]:
        """Return what happened since an event, in order; give the last ``seq`` to go on.

        None is left out by that, and none is told twice. Events are kept for
        ``ONBOARDING_EVENT_DAYS``; ``docs/reference/events.md`` describes them.
        """
        return feed.events(self.context, after, limit)

    def deliveries(self, **conditions: Any) -> list[Delivery]:
        """Return messages of the outbox, the latest first; see ``outbox_desk.deliveries``.

        Args:
            conditions: ``statuses``, ``channel``, ``subject`` (the id of an onboarding or WABA)
                and ``limit``.
        """
        return outbox_desk.deliveries(self.context, **conditions)

    # Operations

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
            NotFoundError: no such operation.
            InputError: not exactly one answer, no reason, or an id that is not the number's.
            TransitionRefusedError: it is settled already, or may still be on its way.
        """
        return settling.resolve(
            self.context,
            operation_id,
            settling.answer_of(found=found, absent=absent, abandon=abandon),
            phone_number_id=found,
            reason=reason,
            actor=self._actor(actor),
        )

    # Restores

    def restored(self) -> Restored | None:
        """Return how a restored copy stands that calls nobody yet; ``None`` for any other."""
        return restoring.look(self.context)

    def mark_restored(self, reason: str, *, actor: str | None = None) -> Restored:
        """Say that this database is a restored copy: it calls nobody until it is released."""
        return restoring.mark_restored(self.context, reason, self._actor(actor))

    def release_restored(
        self, reason: str, *, force: bool = False, actor: str | None = None
    ) -> Restored:
        """Let a restored copy call again, once every live number was seen on Meta's lists.

        Raises:
            TransitionRefusedError: it may call already; or, without ``force``, not all were seen.
        """
        return restoring.release(self.context, reason, self._actor(actor), force=force)

    # Accounts

    def add_account(
        self,
        waba_id: str,
        token: str,
        *,
        name: str = "",
        business_id: str | None = None,
        actor: str | None = None,
    ) -> Account:
        """Add a WABA with its token, or replace the token of one that is known."""
        return accounting.add_account(
            self.context,
            waba_id,
            token,
            name=name,
            business_id=business_id,
            actor=self._actor(actor),
        )

    def accounts(self) -> list[Account]:
        """Return all accounts."""
        return accounting.list_accounts(self.context)

    def check_account(self, waba_id: str, *, actor: str | None = None) -> AccountCheck:
        """Read the WABA with its token; a read that works ends the account's hold."""
        return accounting.check_account(self.context, waba_id, self._actor(actor))

    def account_history(self, waba_id: str) -> list[tuple[int, Entry]]:
        """Return the history of an account, oldest first, each entry with its number.

        Raises:
            NotFoundError: no such account.
        """
        with reading(self.context.database) as conn:
            entries = history.read(conn, waba_id, history.ACCOUNTS)
        if not entries:
            raise NotFoundError(
                f"the WABA '{waba_id}' is not known here", hint="see: onboarding account list"
            )
        return entries
