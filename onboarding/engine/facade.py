"""``Engine``: the one object that an embedding program works with."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Self

from sqlalchemy import Connection

from onboarding.clock import Clock
from onboarding.core.attribution import Attribution
from onboarding.core.chain import Broken, Entry
from onboarding.core.code_ledger import CODE_STATES, CodeLedger
from onboarding.core.code_links import CodeLink
from onboarding.core.forecast.assumptions import Assumptions
from onboarding.core.forecast.outlook import Outlook
from onboarding.core.lifecycle import LIVE
from onboarding.core.name_submissions import NameSubmission, submissions
from onboarding.core.numbers import number_key
from onboarding.core.reasons import ENDED_BY_LIST
from onboarding.core.requirements import Requirement, requirements
from onboarding.core.sms_gateways import Gateway, SmsRequest
from onboarding.core.story import Story, tell
from onboarding.core.timing import earliest
from onboarding.engine import (
    accept,
    accounting,
    adopting,
    answering,
    code_intake,
    code_ledgers,
    code_links,
    feed,
    importing,
    mailbox,
    opening,
    outbox_desk,
    people,
    restoring,
    settling,
    sms_intake,
    telling,
)
from onboarding.engine.accept import Receipt
from onboarding.engine.accounting import AccountCheck
from onboarding.engine.advance import advance_due, advance_these
from onboarding.engine.approvals import Approvals
from onboarding.engine.changing import no_onboarding
from onboarding.engine.code_links import MadeLink
from onboarding.engine.context import CodeIntake, Context
from onboarding.engine.forecasting import look_ahead
from onboarding.engine.importing import ImportResult
from onboarding.engine.ingest import Ingested, ingest
from onboarding.engine.intakes import load_named
from onboarding.engine.mailbox import MailRead
from onboarding.engine.migrations import Migrations
from onboarding.engine.observe import ask_for_list, observe_due
from onboarding.engine.offboarding import Offboarding
from onboarding.engine.request_files import FileFormat, Progress
from onboarding.engine.requests import NumberRequest
from onboarding.engine.restoring import Restored
from onboarding.engine.seal_checks import check_against, check_seals
from onboarding.engine.seal_files import HeadsFile
from onboarding.engine.settling import OpenOperation
from onboarding.engine.sms_intake import SmsTaken
from onboarding.engine.whose_turn import DuePage, attribution, find_due, known_of
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
    if not started:
        return no_onboarding(reference)
    return NotFoundError(
        f"more than one onboarding starts with '{reference}'", hint="see: onboarding list"
    )


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
        intakes: Sequence[CodeIntake] | None = None,
        **settings: Any,
    ) -> Self:
        """Open the deployment at a database URL.

        Args:
            url: like ``sqlite:///onboarding.db``; default: ONBOARDING_DATABASE_URL.
            upgrade: bring the schema up to date first, and make a new SQLite database.
            clock: business time; default: the system's.
            intakes: what may read one-time codes; by default what ONBOARDING_CODE_INTAKES names.
            settings: any field of ``Settings``; wins over the environment.

        Raises:
            ConfigurationError: a setting or the key is missing or wrong.
            StoreError: the database cannot be used.
        """
        loaded = load_settings(database_url=url, **settings)
        if upgrade:
            opening.upgrade(loaded)
        reading_codes = load_named(loaded.code_intakes) if intakes is None else intakes
        return cls(opening.open_context(loaded, clock=clock, intakes=reading_codes))

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

    def request(
        self, request: NumberRequest, *, strict_names: bool = False, actor: str | None = None
    ) -> Receipt:
        """Store one request; see ``request_many``."""
        return self.request_many([request], strict_names=strict_names, actor=actor)[0]

    def request_many(
        self,
        requests: Sequence[NumberRequest],
        *,
        strict_names: bool = False,
        actor: str | None = None,
    ) -> list[Receipt]:
        """Store requests, all of them or none. Asking again changes nothing.

        A request whose ``key``, or whose WABA, number and content, are known gives the onboarding
        that is there already. What speaks against a display name is in ``Receipt.name_findings``;
        with ``strict_names`` it refuses the request.

        Raises:
            RequestsRefusedError: which of them cannot be accepted, and why; nothing was stored.
        """
        return accept.accept(self.context, requests, self._actor(actor), strict_names=strict_names)

    def import_file(
        self,
        path: Path | str,
        *,
        file_format: FileFormat | None = None,
        actor: str | None = None,
        dry_run: bool = False,
        code_ready: bool = False,
        strict_names: bool = False,
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
            strict_names=strict_names,
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

    def name_submissions(self, reference: str) -> list[NameSubmission]:
        """Return every display name that was submitted for the number, with what became of it.

        The first one first. One that waits to be submitted comes last, without an instant.
        """
        row = self.get(reference)
        return submissions([entry for _, entry in self.history(row.id)], row)

    def operations(self, reference: str) -> list[JournaledOperation]:
        """Return the calls that were made for an onboarding, oldest first."""
        row = self.get(reference)
        with reading(self.context.database) as conn:
            return journal.load_operations(conn, row.id)

    def ingest_sms(
        self,
        request: SmsRequest,
        gateway: Gateway,
        *,
        is_checked: bool = False,
        actor: str | None = None,
    ) -> SmsTaken:
        """Take the code of a text message that an SMS gateway received for one of our numbers.

        Args:
            request: the gateway's request, as it came.
            gateway: whose it is; its signature is checked with the secret in the settings.
            is_checked: you know already that the gateway sent it.
            actor: who is named in the history; by default the gateway.

        Raises:
            ConfigurationError: there is no secret to check the signature with.
            InputError: the signature does not fit, or the message holds no code of WhatsApp.
            NotFoundError: no number of ours that it went to waits for a code.
            TransitionRefusedError: no code was asked for, or the message is of before.
        """
        return sms_intake.ingest_sms(self.context, request, gateway, actor, is_checked=is_checked)

    def read_mailbox(self) -> MailRead:
        """Look once at what is new in the mailbox of the settings, and take the codes in it.

        Raises:
            ConfigurationError: no mailbox is set up, or it cannot be used.
        """
        return mailbox.read_mailbox(self.context, mailbox.address_of(self.context.settings))

    def make_link(self, reference: str, until: datetime, *, actor: str | None = None) -> MadeLink:
        """Make a link with which the holder of a number can give its code.

        It works for one code that Meta accepts. The token is told this once.

        Raises:
            InputError: the end is not ahead, or more than 30 days.
            TransitionRefusedError: the number needs no code any more.
        """
        id_ = self.get(reference).id
        return code_links.make_link(self.context, id_, until, self._actor(actor))

    def redeem_link(self, token: str, code: str, *, actor: str | None = None) -> Onboarding:
        """Take a code that a holder gives with a link; ``actor`` is the link by default.

        Raises:
            InputError: the token is none, of another deployment or changed; or no code is given.
            NotFoundError: the link is not known here.
            TransitionRefusedError: it was used, revoked or has expired; or no code is expected.
            ConflictError: this code was sent to Meta before.
        """
        return code_links.redeem_link(self.context, token, code, actor)

    def revoke_link(self, link_id: str, reason: str, *, actor: str | None = None) -> CodeLink:
        """Take a link back, by its id or the start of it.

        Raises:
            NotFoundError: there is none, or more than one.
            TransitionRefusedError: it was revoked before.
        """
        return code_links.revoke_link(self.context, link_id, reason, self._actor(actor))

    def links(self, reference: str | None = None) -> list[CodeLink]:
        """Return the links of one onboarding, or of all, latest first."""
        ids = [self.get(reference).id] if reference is not None else None
        return code_links.list_links(self.context, ids)

    def code_ledger(self, reference: str) -> CodeLedger:
        """Return every code asked for a number in the last 30 days, and when the next may be.

        Raises:
            NotFoundError: no such onboarding.
        """
        return code_ledgers.code_ledgers(self.context, [self.get(reference)])[0]

    def code_ledgers(self) -> list[tuple[Onboarding, CodeLedger]]:
        """Return the ledgers of all numbers that still need a code."""
        rows = list(filter(code_ledgers.needs_code, self.find_all(states=CODE_STATES)))
        return list(zip(rows, code_ledgers.code_ledgers(self.context, rows), strict=True))

    def deadlines(self, reference: str) -> list[Deadline]:
        """Return the deadlines of an onboarding, with the anchor of each."""
        row = self.get(reference)
        with reading(self.context.database) as conn:
            return deadlines.load_deadlines(conn, [row.id])

    # Whose turn it is

    def requirements(self, reference: str) -> tuple[Requirement, ...]:
        """Return what is required for an onboarding to go on, from whom, by when, and how.

        The first one says whose turn it is; empty, if nothing is due from anybody.

        Raises:
            NotFoundError: no such onboarding.
        """
        return requirements(known_of(self.context, self.get(reference)))

    def due(
        self,
        *,
        who: Sequence[Owner] = (),
        before: datetime | None = None,
        cursor: str | None = None,
        limit: int = 100,
    ) -> DuePage:
        """Return what is required over the fleet, nearest deadline first, then by whose turn it is.

        Args:
            who: from any of these; by default from anybody but the engine.
            before: only of numbers that must be registered by then.
            cursor: ``DuePage.next_cursor`` of the page before.
            limit: at most so many onboardings, 1 to 1000.

        Raises:
            InputError: the limit is out of range, or the cursor is none.
        """
        return find_due(self.context, who=who, before=before, cursor=cursor, limit=limit)

    def attribution(self, reference: str) -> Attribution:
        """Return for whom an onboarding waited since it was asked for: every instant is one's.

        Raises:
            NotFoundError: no such onboarding.
        """
        return attribution(self.context, self.get(reference))

    def why(self, reference: str) -> Story:
        """Tell what an onboarding waits for, what happened before, and what happens next.

        Raises:
            NotFoundError: no such onboarding.
        """
        row = self.get(reference)
        entries = [entry for _, entry in self.history(row.id)]
        known = known_of(self.context, row)
        return tell(known, entries, self.operations(row.id), self.context.policy)

    def plan(
        self,
        *,
        span: timedelta = timedelta(weeks=3),
        assumed: Assumptions | None = None,
        file: Path | str | None = None,
        on_progress: Callable[[float], None] = lambda _: None,
        actor: str | None = None,
    ) -> Outlook:
        """Return what the coming weeks bring with today's data and budgets, if all goes as assumed.

        The engine's own rules are run ahead of time in memory: no token is needed, nothing is
        called, and nothing is written.

        Args:
            span: how far ahead.
            assumed: what Meta and people do; default: see ``Assumptions``.
            file: a file of further numbers, as for ``import_file``, that come in now.
            on_progress: is told the share that is done.
            actor: who would ask for the file's numbers.

        Raises:
            ImportFileError: the file has mistakes, each with line and column.
        """
        return look_ahead(
            self.context,
            span=span,
            assumed=assumed or Assumptions(),
            file=Path(file) if file is not None else None,
            actor=self._actor(actor),
            on_progress=on_progress,
        )

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
            For each its onboarding, or the error that ``submit_code`` would raise; what is given
            for one number twice is taken one after the other.
        """
        found = self._find_each([reference for reference, _ in given])
        known = [
            (row.id, text)
            for row, (_, text) in zip(found, given, strict=True)
            if isinstance(row, Onboarding)
        ]
        taken = iter(code_intake.submit_codes(self.context, known, self._actor(actor)))
        return [next(taken) if isinstance(row, Onboarding) else row for row in found]

    def code_ready(self, reference: str, *, actor: str | None = None) -> Onboarding:
        """Say that the holder can read a code now: one is asked for."""
        return people.code_ready(self.context, self.get(reference).id, self._actor(actor))

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

    # Numbers that move on

    @property
    def migrations(self) -> Migrations:
        """Migrations between WABAs: ``check``, ``start``, ``undo``, ``list``."""
        return Migrations(self.context, self.get, self._actor)

    @property
    def offboarding(self) -> Offboarding:
        """Numbers that are to leave the Cloud API: ``ask``, ``withdraw``."""
        return Offboarding(self.context, self.get, self._actor)

    @property
    def approvals(self) -> Approvals:
        """What a second person has to agree to: ``list``, ``approve``, ``refuse``."""
        return Approvals(self.context, self.get, self._actor)

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
