"""An account as ``onboarding account show`` tells of it; never its token."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from onboarding.model import Account


def account_facts(account: Account) -> dict[str, Any]:
    """Return an account for programs."""
    facts = account.token_facts
    return {
        "waba_id": account.waba_id,
        "name": account.name,
        "business_id": account.business_id,
        "standing": standing(account),
        "hold_since": account.hold_since,
        "credential": {
            "place": place(account),
            "next": next_place(account),
            "checked_at": facts.checked_at if facts else None,
            "kind": facts.kind if facts else None,
            "app_id": facts.app_id if facts else None,
            "is_valid": facts.is_valid if facts else None,
            "scopes": list(facts.scopes) if facts else None,
            "missing_scopes": list(facts.missing) if facts else None,
            "expires_at": facts.expires_at if facts else None,
            "data_access_expires_at": facts.data_access_expires_at if facts else None,
        },
        "listed_at": account.listed_at,
        "subscribed_at": account.subscribed_at,
        "override_callback_uri": account.override_callback_uri or None,
        "added_by": account.added_by,
        "created_at": account.created_at,
    }


def account_lines(account: Account) -> Iterator[tuple[str, object]]:
    """Yield an account for people, a name and a value each."""
    facts = account.token_facts
    yield "waba", account.waba_id
    yield "name", account.name
    yield "business", account.business_id
    yield "standing", standing(account)
    yield "token", place(account)
    if account.has_next_token:
        yield "next token", f"{next_place(account)}; takes over once a list was read with it"
    if facts is None:
        yield "scopes", "not looked at; run: onboarding account check " + account.waba_id
    else:
        yield "scopes", ", ".join(facts.scopes) or "none told"
        if facts.missing:
            yield "not told", ", ".join(facts.missing)
        yield "ends", facts.ends_at or "never"
        yield "checked", facts.checked_at
    yield "list read", account.listed_at
    yield "app subscribed", account.subscribed_at
    yield "callback", account.override_callback_uri or "the app's"
    yield "added", f"by {account.added_by}"


def place(account: Account) -> str:
    """Return in words where an account's token is."""
    if account.token_business_id is not None and not account.has_next_token:
        return f"of business {account.token_business_id}"
    if account.token_source is not None:
        return account.token_source
    return "stored" if account.token_sealed else "none"


def next_place(account: Account) -> str | None:
    """Return where the token is that waits to take over; ``None`` if there is none."""
    if not account.has_next_token:
        return None
    if account.token_business_id is not None:
        return f"of business {account.token_business_id}"
    return account.next_token_source or "stored"


def standing(account: Account) -> str:
    """Return in words whether an account goes on."""
    if account.hold is not None:
        return f"on hold: {account.hold_text}"
    if account.trouble is not None:
        return f"trouble: {account.trouble.failure.message}"
    return "ok"
