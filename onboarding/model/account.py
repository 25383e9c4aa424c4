"""A WABA, its business portfolio, and the token that both are reached with."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from onboarding.model.operation import Trouble
from onboarding.words import Reason


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenFacts:
    """What Meta says about a token (``debug_token``). ``None`` means: not told, or never.

    Attributes:
        checked_at: when it was asked.
        kind: like ``SYSTEM_USER``.
        scopes: what it may do.
        missing: what it would need and was not told to have; Meta leaves scopes out at times.
        expires_at: when it ends.
        data_access_expires_at: when what it reads ends, which is the same to us.
    """

    checked_at: datetime
    app_id: str | None = None
    kind: str | None = None
    scopes: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    is_valid: bool | None = None
    expires_at: datetime | None = None
    data_access_expires_at: datetime | None = None

    @property
    def ends_at(self) -> datetime | None:
        """When it stops working, the sooner of the two ends."""
        ends = [at for at in (self.expires_at, self.data_access_expires_at) if at is not None]
        return min(ends, default=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """A WABA with its business portfolio and its token.

    Attributes:
        listed_at: when the last complete read of the list began.
        observe_due_at: when the list is to be read next.
        check_due_at: when the app's subscription is to be looked at next.
        subscribed_at: when the subscription was last seen or made.
        active: whether a number of it is registered (Meta's budget is larger then).
        failures: reads in a row that failed.
        trouble: the last failure of an account-wide call, until one succeeds.
        token_source: where the token is read from when it is needed, instead of stored.
        token_business_id: the business whose token it takes, whenever that changes.
        next_token_sealed: a token that takes over once a list was read with it.
        next_token_source: where that one is read from.
        dead_token_mac: tells whether a source still gives the token that was refused.
        token_facts: what Meta said about the token.
        override_callback_uri: where messages of this WABA's numbers go instead of the app's
            callback; an empty one: an override is to be taken away.
        verify_token_sealed: what Meta shows to that address first.
        numbers_listed: how many numbers the last complete list had that take a slot.
        numbers_per_business: how many its portfolio may have, as Meta or a person said last.
        numbers_per_waba: how many it may have itself, likewise.
        numbers_told_at: when that was said.
        full_at: with how many numbers on it Meta refused another one.
        full_since: when that was.
        portfolio_raised: whether a read of it showed that Meta takes more numbers in its portfolio
            than in a new one; ``None``: it was not read.
    """

    waba_id: str
    business_id: str | None = None
    name: str = ""
    token_sealed: str = field(repr=False)
    added_by: str = ""
    created_at: datetime
    version: int = 1
    active: bool = False
    listed_at: datetime | None = None
    observe_due_at: datetime | None = None
    check_due_at: datetime | None = None
    subscribed_at: datetime | None = None
    lease_until: datetime | None = None
    failures: int = 0
    trouble: Trouble | None = None
    hold: Reason | None = None
    hold_text: str | None = None
    hold_by: str | None = None
    hold_since: datetime | None = None
    history_seq: int = 0
    head_hash: str = ""
    token_source: str | None = None
    token_business_id: str | None = None
    next_token_sealed: str | None = field(default=None, repr=False)
    next_token_source: str | None = None
    dead_token_mac: str | None = field(default=None, repr=False)
    token_facts: TokenFacts | None = None
    override_callback_uri: str | None = None
    verify_token_sealed: str | None = field(default=None, repr=False)
    numbers_listed: int | None = None
    numbers_per_business: int | None = None
    numbers_per_waba: int | None = None
    numbers_told_at: datetime | None = None
    full_at: int | None = None
    full_since: datetime | None = None
    portfolio_raised: bool | None = None

    @property
    def has_token(self) -> bool:
        """Whether it has a token, or a place where one is read."""
        return bool(self.token_sealed) or self.token_source is not None

    @property
    def has_next_token(self) -> bool:
        """Whether another token waits to be proven."""
        return bool(self.next_token_sealed) or self.next_token_source is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class Business:
    """A business portfolio whose token several WABAs take."""

    business_id: str
    name: str = ""
    token_sealed: str = field(default="", repr=False)
    token_source: str | None = None
    added_by: str = ""
    created_at: datetime
    changed_at: datetime
