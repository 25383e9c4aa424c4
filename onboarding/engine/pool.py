"""``Engine.pool``: the pools of pre-verified numbers, as programs and commands work with them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from onboarding.core.chain import Entry
from onboarding.core.pool.lifecycle import PoolState
from onboarding.core.pool.model import Claim, Pool, PoolNumber, Share
from onboarding.core.pool.stock import Stock
from onboarding.engine import (
    accept,
    pool_adding,
    pool_changes,
    pool_claiming,
    pool_codes,
    pool_settling,
)
from onboarding.engine.accept import Receipt
from onboarding.engine.context import Context
from onboarding.engine.open_operation import answer_of
from onboarding.engine.pool_adding import PoolReceipt, PoolRequest
from onboarding.engine.pool_pass import step_these
from onboarding.engine.pool_reading import ask_for_list
from onboarding.engine.pool_stock import stock_levels, watch_stock
from onboarding.engine.requests import NumberRequest, RequestsRefusedError
from onboarding.errors import ConflictError, InputError, NotFoundError
from onboarding.model import JournaledOperation
from onboarding.store import history, journal, pool_claims, pools
from onboarding.store.database import again_if_raced, reading, writing
from onboarding.store.pool_claims import StockLevel

_REGION_LENGTH = 2


@dataclass(frozen=True, slots=True)
class PoolDesk:
    """The pools of pre-verified numbers.

    A number is named by its own id, its temporary id at Meta, its phone number, or the start of
    its id. Every method that changes something takes ``actor``, as those of ``Engine`` do.
    """

    context: Context

    def _actor(self, actor: str | None) -> str:
        return actor or self.context.settings.who()

    # Numbers

    def add(
        self,
        business_id: str,
        requests: Sequence[PoolRequest],
        *,
        waba_id: str | None = None,
        code_ready: bool = False,
        actor: str | None = None,
    ) -> list[PoolReceipt]:
        """Add numbers to the pool of a business portfolio, all of them or none.

        Args:
            business_id: the portfolio.
            requests: the numbers; one that the pool has already stays as it is.
            waba_id: the account with whose token and budget the pool's calls are made; by default
                the only one of the business.
            code_ready: somebody reads the codes now.
            actor: who is named in the history.

        Raises:
            InputError: a number is none; or it is not clear whose token is used.
            ConflictError: a number is in another pool, or being onboarded.
        """
        return pool_adding.add(
            self.context,
            business_id,
            requests,
            waba_id=waba_id,
            code_ready=code_ready,
            actor=self._actor(actor),
        )

    def import_file(
        self,
        business_id: str,
        path: Path | str,
        *,
        waba_id: str | None = None,
        code_ready: bool = False,
        actor: str | None = None,
    ) -> list[PoolReceipt]:
        """Add the numbers of a CSV file: ``phone_number``, ``code_method``, ``code_language``."""
        requests = pool_adding.read_file(Path(path))
        return self.add(business_id, requests, waba_id=waba_id, code_ready=code_ready, actor=actor)

    def get(self, reference: str) -> PoolNumber:
        """Return a number of a pool.

        Raises:
            NotFoundError: there is none, or more than one.
        """
        with reading(self.context.database) as conn:
            return pool_changes.find(conn, reference)

    def numbers(
        self,
        *,
        business_id: str | None = None,
        region: str | None = None,
        states: Sequence[PoolState] = (),
    ) -> list[PoolNumber]:
        """Return the numbers that fit every condition given, in the order of their making."""
        with reading(self.context.database) as conn:
            wanted = region.upper() if region else None
            return pools.find_numbers(conn, business_id=business_id, region=wanted, states=states)

    def pools(self) -> dict[str, Pool]:
        """Return the pools there are, by business id."""
        with reading(self.context.database) as conn:
            return pools.load_pools(conn)

    def history(self, reference: str) -> list[tuple[int, Entry]]:
        """Return the history of a number, oldest first, each entry with its place."""
        row = self.get(reference)
        with reading(self.context.database) as conn:
            return history.read(conn, row.id, history.POOL_NUMBERS)

    def operations(self, reference: str) -> list[JournaledOperation]:
        """Return the calls that were made for a number, oldest first."""
        row = self.get(reference)
        with reading(self.context.database) as conn:
            return journal.load_operations_of_pool(conn, row.id)

    def advance(self, reference: str) -> PoolNumber:
        """Take one number a step further right now; its pool's list is read at the next pass."""
        row = self.get(reference)
        step_these(self.context, [row.id])
        ask_for_list(self.context, row.business_id)
        return self.get(row.id)

    def remove(self, reference: str, reason: str, *, actor: str | None = None) -> PoolNumber:
        """Have a number taken out of its pool."""
        return pool_changes.remove(self.context, reference, reason, self._actor(actor))

    def resolve(
        self,
        operation_id: str,
        *,
        found: str | None = None,
        absent: bool = False,
        abandon: bool = False,
        reason: str,
        actor: str | None = None,
    ) -> PoolNumber:
        """Say what became of a call of a pool, where nothing but a person can tell.

        It is one of ``Engine.open_operations``, and the answers are those of
        ``Engine.resolve_operation``; ``found`` is the temporary id.
        """
        return pool_settling.resolve(
            self.context,
            operation_id,
            answer_of(found=found, absent=absent, abandon=abandon),
            preverified_id=found,
            reason=reason,
            actor=self._actor(actor),
        )

    # Codes

    def code_ready(self, reference: str, *, actor: str | None = None) -> PoolNumber:
        """Say that somebody can read a code for the number now: one is asked for."""
        return pool_codes.code_ready(self.context, reference, self._actor(actor))

    def submit_code(self, reference: str, text: str, *, actor: str | None = None) -> PoolNumber:
        """Give the one-time code, as digits or as the message it came in.

        Raises:
            InputError: there is no code in the text.
            ConflictError: it was sent to Meta before.
            TransitionRefusedError: no code was asked for.
        """
        return pool_codes.submit_code(self.context, reference, text, self._actor(actor))

    # Partners

    def share(
        self, reference: str, partner_business_id: str, *, actor: str | None = None
    ) -> PoolNumber:
        """Let a partner business offer a number, too."""
        who = self._actor(actor)
        return pool_changes.share(self.context, reference, partner_business_id, who)

    def unshare(
        self, reference: str, partner_business_id: str, *, actor: str | None = None
    ) -> PoolNumber:
        """Take a number back from a partner business."""
        who = self._actor(actor)
        return pool_changes.unshare(self.context, reference, partner_business_id, who)

    def shares(self, reference: str) -> Sequence[Share]:
        """Return with whom a number is shared, was, or is to be."""
        row = self.get(reference)
        with reading(self.context.database) as conn:
            return pool_claims.load_shares(conn, [row.id]).get(row.id, [])

    # Claims

    def request(
        self,
        request: NumberRequest,
        *,
        reference: str | None = None,
        region: str | None = None,
        business_id: str | None = None,
        actor: str | None = None,
        strict_names: bool = False,
    ) -> Receipt:
        """Onboard a number of the pool: it is claimed in the same transaction, and needs no code.

        Args:
            request: what is asked for; its number is the pool's to say.
            reference: which number of the pool.
            region: or any verified one of this country, the one whose verification ends first.
            business_id: only from this pool.
            actor: who is named in the history.
            strict_names: refuse a display name that breaks a published rule of Meta's.

        Raises:
            InputError: not exactly one of ``reference`` and ``region`` is given.
            NotFoundError: there is no such number, or none is free.
            RequestsRefusedError: why it cannot be accepted; nothing was stored.
        """
        if (reference is None) == (region is None):
            raise InputError(
                "either a number of the pool or a country is needed",
                field="preverified_id",
                hint="--preverified ID, or --from-pool BR",
            )
        who, attempt = self._actor(actor), 0
        while True:
            attempt += 1
            if reference is not None:
                asked = pool_claiming.chosen(self.context, reference, request)
            else:
                asked = pool_claiming.picked(
                    self.context, region or "", request, business_id, attempt
                )
            try:
                return accept.accept(self.context, [asked], who, strict_names=strict_names)[0]
            except RequestsRefusedError as error:
                is_refused = not isinstance(error.refusals[0].error, ConflictError)
                if reference is not None or is_refused:
                    raise
                if pool_claiming.is_free(self.context, asked):
                    raise

    def claim(
        self,
        reference: str,
        *,
        claimed_for: str,
        waba_id: str | None = None,
        phone_number_id: str | None = None,
        actor: str | None = None,
    ) -> PoolNumber:
        """Write down who took a number by other ways than an onboarding of ours."""
        return pool_changes.claim(
            self.context,
            reference,
            claimed_for=claimed_for,
            waba_id=waba_id,
            phone_number_id=phone_number_id,
            actor=self._actor(actor),
        )

    def release(self, reference: str, reason: str, *, actor: str | None = None) -> PoolNumber:
        """End a hold of a number, or a claim that was not used."""
        return pool_changes.release(self.context, reference, reason, self._actor(actor))

    def claims(self, reference: str | None = None) -> Sequence[Claim]:
        """Return the claim ledger, the latest first: of one number, or of all."""
        row = self.get(reference) if reference is not None else None
        with reading(self.context.database) as conn:
            return pool_claims.load_claims(conn, pool_number_id=row.id if row else None)

    # Stock

    def stock(self) -> Sequence[Stock]:
        """Return how many numbers each pool has of each country, and how many it is to have."""
        with reading(self.context.database) as conn:
            return stock_levels(conn)

    def keep(
        self, business_id: str, region: str, at_least: int, *, actor: str | None = None
    ) -> None:
        """Say how many verified numbers of a country a pool is to have; fewer are told of.

        Raises:
            InputError: the country is none, or the number is below zero.
            NotFoundError: there is no such pool.
        """
        wanted = region.upper()
        if len(wanted) != _REGION_LENGTH or not wanted.isalpha() or not wanted.isascii():
            raise InputError(f"'{region}' is not a country", field="region", hint="like BR")
        if at_least < 0:
            raise InputError("there are never fewer than none", field="at_least", hint="like 5")
        again_if_raced(lambda: self._keep(business_id, wanted, at_least, self._actor(actor)))

    def _keep(self, business_id: str, region: str, at_least: int, actor: str) -> None:
        with writing(self.context.database) as conn:
            now = self.context.clock.now()
            if business_id not in pools.load_pools(conn, [business_id]):
                raise NotFoundError(
                    f"business {business_id} has no pool",
                    hint=f"run: onboarding pool add {business_id} NUMBER",
                )
            level = StockLevel(
                business_id=business_id, region=region, at_least=at_least, set_by=actor, set_at=now
            )
            pool_claims.set_level(conn, level)
            watch_stock(self.context, conn, [(business_id, region)], now)
