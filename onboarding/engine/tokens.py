"""Where accounts' tokens come from: a place outside, or the business that they belong to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import islice

from onboarding.engine.accounting import put_account, require_waba_id, sealed_token
from onboarding.engine.callbacks import want_callback
from onboarding.engine.context import Context
from onboarding.engine.token_changes import Given, give_token, words_of
from onboarding.engine.token_sources import parse_source
from onboarding.errors import InputError, NotFoundError
from onboarding.model import Account, Business
from onboarding.store import accounts, businesses
from onboarding.store.database import again_if_raced, again_if_unlucky, reading, writing

#: WABAs that get their business's new token in one transaction.
_AT_ONCE = 100


class Tokens:
    """``Engine.tokens``: tokens that are read from elsewhere, shared, and where webhooks go."""

    def __init__(self, context: Context) -> None:
        """Take the engine's parts."""
        self._ctx = context

    def read_from(
        self,
        waba_id: str,
        source: str,
        *,
        name: str = "",
        business_id: str | None = None,
        actor: str | None = None,
    ) -> Account:
        """Add a WABA, or change a known one, whose token is read from a place when needed.

        Args:
            waba_id: which WABA.
            source: ``env:NAME``, ``file:/PATH``, ``keyring:SERVICE/NAME`` or ``command:...``; the
                token itself is not stored. It must be readable wherever a worker runs.
            name: what you call the account.
            business_id: its business portfolio.
            actor: who is named in the history.

        Raises:
            InputError: not an id, or no such place.
            ConflictError: the WABA is known with another business portfolio.
        """
        require_waba_id(waba_id)
        place = parse_source(source)
        given = Given(source=place, words=words_of(place))
        return self._put(waba_id, given, name, business_id, actor)

    def share(
        self, waba_id: str, business_id: str, *, name: str = "", actor: str | None = None
    ) -> Account:
        """Add a WABA, or change a known one, that takes the token of a business from now on.

        Raises:
            InputError: not an id.
            NotFoundError: the business has no token here.
        """
        require_waba_id(waba_id)
        given = _shared(self._business(business_id))
        return self._put(waba_id, given, name, None, actor)

    def give_to_business(
        self,
        business_id: str,
        token: str | None = None,
        *,
        source: str | None = None,
        name: str = "",
        actor: str | None = None,
    ) -> Business:
        """Give a business a token, itself or the place that it is read from.

        Every WABA that takes it gets the new one; of each the one before goes on until a list
        was read with this.

        Raises:
            InputError: not an id, not a token, no such place, or not exactly one of the two.
        """
        require_waba_id(business_id)
        if (token is None) == (source is None):
            raise InputError("give a token, or the place that it is read from", field="token")
        who, now = self._who(actor), self._ctx.clock.now()
        given = Business(
            business_id=business_id,
            name=name,
            token_sealed=sealed_token(self._ctx, token) if token is not None else "",
            token_source=parse_source(source) if source is not None else None,
            added_by=who,
            created_at=now,
            changed_at=now,
        )
        stored = again_if_raced(lambda: self._store(given))
        for some in self._taking(business_id):
            again_if_unlucky(lambda some=some: self._hand_on(stored, some, who))  # type: ignore[misc] # each its own
        return stored

    def businesses(self) -> list[Business]:
        """Return the businesses that have a token."""
        with reading(self._ctx.database) as conn:
            return list(businesses.load_businesses(conn).values())

    def set_callback(
        self,
        waba_id: str,
        uri: str | None,
        *,
        verify_token: str = "",
        actor: str | None = None,
    ) -> Account:
        """Say where the messages of a WABA's numbers go instead of the app's own callback.

        A worker subscribes the app first and then sets the address. Account-level webhooks always
        go to the app's own callback.

        Args:
            waba_id: which WABA.
            uri: an https address; ``None`` takes the override away.
            verify_token: what Meta shows to that address before it takes it.
            actor: who is named in the history.

        Raises:
            InputError: not an address that Meta takes, or no verify token.
            NotFoundError: no such account.
        """
        return want_callback(self._ctx, waba_id, uri, verify_token, self._who(actor))

    def _put(
        self, waba_id: str, given: Given, name: str, business_id: str | None, actor: str | None
    ) -> Account:
        who = self._who(actor)
        return put_account(self._ctx, waba_id, given, name=name, business_id=business_id, actor=who)

    def _who(self, actor: str | None) -> str:
        return actor or self._ctx.settings.who()

    def _business(self, business_id: str) -> Business:
        with reading(self._ctx.database) as conn:
            found = businesses.load_businesses(conn).get(business_id)
        if found is None:
            raise NotFoundError(
                f"business {business_id} has no token here",
                hint=f"run: onboarding business add {business_id}",
            )
        return found

    def _store(self, given: Business) -> Business:
        with writing(self._ctx.database) as conn:
            known = businesses.load_businesses(conn).get(given.business_id)
            if known is not None:
                given = replace(
                    given,
                    name=given.name or known.name,
                    added_by=known.added_by,
                    created_at=known.created_at,
                )
            businesses.put_business(conn, given)
        return given

    def _taking(self, business_id: str) -> Sequence[list[str]]:
        with reading(self._ctx.database) as conn:
            rest = iter(businesses.accounts_taking(conn, business_id))
        return list(iter(lambda: list(islice(rest, _AT_ONCE)), []))

    def _hand_on(self, business: Business, waba_ids: Sequence[str], actor: str) -> None:
        with writing(self._ctx.database) as conn:
            for known in accounts.load_accounts(conn, waba_ids, lock=True).values():
                if known.token_business_id == business.business_id:
                    give_token(self._ctx, conn, known, _shared(business), actor=actor)


def _shared(business: Business) -> Given:
    return Given(
        sealed=business.token_sealed,
        source=business.token_source,
        business_id=business.business_id,
        words=words_of(None, business.business_id),
    )
