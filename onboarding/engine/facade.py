"""``Engine``: the one object that an embedding program works with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Self

from onboarding.clock import Clock
from onboarding.core.reasons import ENDED_BY_LIST
from onboarding.core.timing import earliest
from onboarding.engine import (
    accept,
    adopting,
    opening,
    restoring,
    telling,
)
from onboarding.engine.accept import Receipt
from onboarding.engine.adoption import Adoption
from onboarding.engine.advance import advance_due, advance_these
from onboarding.engine.approvals import Approvals
from onboarding.engine.batches import BatchDesk
from onboarding.engine.context import CodeIntake, Context
from onboarding.engine.definition import DEFINITION
from onboarding.engine.drifting import DriftDesk
from onboarding.engine.face.codes import Codes
from onboarding.engine.face.people import People
from onboarding.engine.face.turns import Turns
from onboarding.engine.face.upkeep import Upkeep
from onboarding.engine.import_results import ImportResult
from onboarding.engine.ingest import Ingested, ingest
from onboarding.engine.intakes import load_named
from onboarding.engine.migrations import Migrations
from onboarding.engine.observe import ask_for_list, observe_due
from onboarding.engine.offboarding import Offboarding
from onboarding.engine.pool import PoolDesk
from onboarding.engine.pool_pass import pool_due
from onboarding.engine.request_files import FileFormat, Progress, RequestFile
from onboarding.engine.requests import NumberRequest
from onboarding.engine.secrets import Secrets
from onboarding.engine.signups import Signups
from onboarding.engine.slots import SlotDesk, look_at_queues
from onboarding.engine.tokens import Tokens
from onboarding.settings import load_settings
from onboarding.store import accounts, alerts, deadlines, leases, outbox, pools
from onboarding.store.database import reading


@dataclass(frozen=True, slots=True, kw_only=True)
class Pass:
    """What one pass did: rungs and alerts raised, accounts read, machines taken a step further.

    And messages that were sent. Batches that their canaries let go on count with the rungs.
    """

    escalated: int
    observed: int
    advanced: int
    delivered: int = 0

    @property
    def is_idle(self) -> bool:
        """Whether there was nothing to do."""
        return not (self.escalated or self.observed or self.advanced or self.delivered)


class Engine(Codes, Turns, People, Upkeep):
    """Takes numbers from requested to registered; open it with ``Engine.open``.

    Thread-safe: any number of threads may use one engine. Every method that changes something
    takes ``actor``, who is named in the history; by default it is the one of the settings.
    """

    def __init__(self, context: Context) -> None:
        """Take an open context; ``Engine.open`` makes one."""
        super().__init__(context)
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
        """Store the requests of a CSV, JSON lines or XLSX file; all are checked before any is.

        For long files, columns of other names, and batches: ``engine.batches.import_file``.

        Raises:
            ImportFileError: what is wrong, each with line and column; nothing was stored.
        """
        results: list[ImportResult] = []
        self.batches.import_file(
            RequestFile(path=Path(path), file_format=file_format),
            actor=actor,
            dry_run=dry_run,
            code_ready=code_ready,
            strict_names=strict_names,
            on_result=results.append,
            on_progress=on_progress,
        )
        return results

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
            look_at_queues(self.context)
            self._is_known = True
        if reference is not None:
            row = self.get(reference)
            advanced = advance_these(self.context, [row.id])
            if self.get(row.id).waiting in ENDED_BY_LIST:
                ask_for_list(self.context, row.waba_id)
            observed = observe_due(self.context, limit)
            return Pass(escalated=0, observed=observed, advanced=advanced)
        observed = observe_due(self.context, limit)
        advanced = advance_due(self.context, limit) + pool_due(self.context, limit)
        raised, delivered = telling.tell_what_is_due(self.context, limit)
        return Pass(escalated=raised, observed=observed, advanced=advanced, delivered=delivered)

    def next_due_at(self, *, at_rest: bool = True) -> datetime | None:
        """Return when something is due next: a machine, a list, a rung, an alert, a message.

        Lists of registered numbers are due every day even if all of them rest; ``at_rest=False``
        leaves these out.
        """
        watch = self.context.policy.watch_interval if at_rest else None
        with reading(self.context.database) as conn:
            return earliest(
                leases.next_due(conn, DEFINITION),
                accounts.next_account_due(conn, self.context.policy.list_interval, watch),
                deadlines.next_rung_at(conn),
                alerts.next_alert_at(conn),
                pools.next_due(conn),
                pools.next_list_due(conn, self.context.policy.list_interval),
                *outbox.next_due(conn, list(self.context.channels)).values(),
            )

    def ingest(self, payload: object) -> Ingested:
        """Take in one webhook payload of Meta: it brings the next read forward.

        Raises:
            InputError: not a webhook payload.
            SchemaError: it decides about an onboarding that a newer release wrote; answer Meta with
                an error, and it sends the webhook again.
        """
        return ingest(self.context, payload)

    @property
    def batches(self) -> BatchDesk:
        """Files of any length, and the batches that their numbers are in."""
        return BatchDesk(self.context)

    @property
    def slots(self) -> SlotDesk:
        """How many numbers Meta takes in each portfolio, and which wait for a slot."""
        return SlotDesk(self.context)

    @property
    def pool(self) -> PoolDesk:
        """The pools of pre-verified numbers."""
        return PoolDesk(self.context)

    @property
    def adoption(self) -> Adoption:
        """Takes numbers over that are on a WABA's list already."""
        return Adoption(self.context, self._actor(None))

    @property
    def drift(self) -> DriftDesk:
        """Tells where Meta shows numbers otherwise than the engine holds."""
        return DriftDesk(self.context, self._actor(None), self.get)

    @property
    def secrets(self) -> Secrets:
        """The key that tokens, PINs and codes are encrypted with."""
        return Secrets(self.context)

    @property
    def signups(self) -> Signups:
        """Takes what Embedded Signup hands over: its event and its code."""
        return Signups(self.context)

    @property
    def tokens(self) -> Tokens:
        """Tokens that are read from elsewhere or shared by a business, and where webhooks go."""
        return Tokens(self.context)

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
