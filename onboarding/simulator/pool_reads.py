"""What reads of the pool show, in the two schemas that Meta's documents have of it.

The observed profile plays that of the guide (``phone_number``, ``code_verification_status``,
``verification_expiry_time``), the documented one that of the specification
(``display_phone_number``, ``verification_status``, ``availability_status``).
"""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from onboarding.simulator.fields import format_instant
from onboarding.simulator.params import Params, read_text
from onboarding.simulator.phones import parse_phone
from onboarding.simulator.pool import is_there
from onboarding.simulator.preverified import expires_at, is_verified
from onboarding.simulator.refusals import OBSERVED, Reason, Refusal
from onboarding.simulator.results import Result
from onboarding.simulator.selection import Catalogue, Getter
from onboarding.simulator.state import Business, Preverified
from onboarding.simulator.world import World

_PAGE, _LONGEST_PAGE = 25, 100


def _shown_phone(_world: World, seen: _Seen) -> str:
    return parse_phone("", f"+{seen.entry.digits}").display


def _proven(_world: World, seen: _Seen) -> str | None:
    entry = seen.entry
    return None if entry.verified_at is None else format_instant(entry.verified_at)


def _ends(world: World, seen: _Seen) -> str | None:
    ends = expires_at(world, seen.entry)
    return None if ends is None else format_instant(ends)


def _status(world: World, seen: _Seen) -> str:
    return "VERIFIED" if is_verified(world, seen.entry, seen.now) else "NOT_VERIFIED"


def _spec_status(world: World, seen: _Seen) -> str:
    if is_verified(world, seen.entry, seen.now):
        return "VERIFIED"
    return "PENDING" if seen.entry.verified_at is None else "EXPIRED"


def _owner(world: World, seen: _Seen) -> dict[str, str]:
    business = world.state.businesses[seen.entry.business_id]
    return {"id": business.id, "name": business.name}


class _Seen:
    """An entry as it stands at an instant."""

    def __init__(self, entry: Preverified, now: datetime) -> None:
        self.entry, self.now, self.id = entry, now, entry.id


_GUIDE: dict[str, Getter] = {
    "id": lambda _world, seen: seen.id,
    "phone_number": _shown_phone,
    "code_verification_status": _status,
    "code_verification_time": _proven,
    "verification_expiry_time": _ends,
    "owner_business": _owner,
}
_SPEC: dict[str, Getter] = {
    "id": lambda _world, seen: seen.id,
    "display_phone_number": _shown_phone,
    "verification_status": _spec_status,
    "availability_status": lambda _world, _seen: "AVAILABLE",
    "country_prefix": lambda _world, seen: int(
        parse_phone("", f"+{seen.entry.digits}").country_code
    ),
    "country_code": lambda _world, seen: parse_phone("", f"+{seen.entry.digits}").region,
    "created_time": lambda _world, seen: (
        format_instant(seen.entry.added_at) if seen.entry.added_at else None
    ),
}
_SPEC_NODE: dict[str, Getter] = {
    "id": lambda _world, seen: seen.id,
    "is_input_id_valid": lambda _world, _seen: True,
    "country_prefix": _SPEC["country_prefix"],
    "display_phone_number": _shown_phone,
}

_GUIDE_CATALOGUE = Catalogue(
    _GUIDE,
    ("id", "phone_number", "code_verification_status", "verification_expiry_time"),
    Reason.NUMBER_FIELD,
    "WhatsAppBusinessPreVerifiedPhoneNumber",
    {},
)
_SPEC_LIST = Catalogue(
    _SPEC,
    ("id", "display_phone_number", "verification_status"),
    Reason.NUMBER_FIELD,
    "PreVerifiedPhoneNumber",
    {},
)
_SPEC_ONE = Catalogue(
    _SPEC_NODE, ("id", "is_input_id_valid"), Reason.NUMBER_FIELD, "PreVerifiedPhoneNumber", {}
)


def list_entries(
    world: World, business: Business, params: Params, now: datetime, url: str
) -> Result:
    """Return one page of the numbers that a business has in its pool, or shares.

    Raises:
        Refusal: a field, the limit or the cursor is none.
    """
    is_guide = world.scenario.profile == OBSERVED
    catalogue = _GUIDE_CATALOGUE if is_guide else _SPEC_LIST
    selection = catalogue.select(read_text(params, "fields"))
    there = [
        entry
        for entry in world.state.preverified.values()
        if business.id in (entry.business_id, *entry.partner_ids) and is_there(world, entry, now)
    ]
    wanted = read_text(params, "phone_number")
    if wanted is not None:
        there = [entry for entry in there if entry.digits == wanted.lstrip("+")]
    limit, start = _read_limit(params), _read_cursor(params, there)
    page = there[start : start + limit]
    body: dict[str, Any] = {"data": [selection.render(world, _Seen(e, now)) for e in page]}
    if page:
        after = _cursor(page[-1])
        body["paging"] = {"cursors": {"before": _cursor(page[0]), "after": after}}
        if start + limit < len(there):
            body["paging"]["next"] = f"{url}?{urlencode({'limit': limit, 'after': after})}"
    return Result(body)


def read_entry(world: World, entry: Preverified, params: Params, now: datetime) -> Result:
    """Return one number of a pool.

    Raises:
        Refusal: a field does not exist.
    """
    catalogue = _GUIDE_CATALOGUE if world.scenario.profile == OBSERVED else _SPEC_ONE
    selection = catalogue.select(read_text(params, "fields"))
    return Result(selection.render(world, _Seen(entry, now)))


def list_partners(world: World, entry: Preverified, params: Params, now: datetime) -> Result:
    """Return the partner businesses that a number is shared with."""
    del params, now
    businesses = world.state.businesses
    return Result(
        {"data": [{"id": id_, "name": businesses[id_].name} for id_ in entry.partner_ids]}
    )


def _read_limit(params: Params) -> int:
    text = read_text(params, "limit")
    if text is None:
        return _PAGE
    if not text.isdecimal() or not 1 <= int(text) <= _LONGEST_PAGE:
        why = f"must be 1 to {_LONGEST_PAGE}"
        raise Refusal(Reason.PARAMETER, name="limit", why=why)
    return int(text)


def _cursor(entry: Preverified) -> str:
    return urlsafe_b64encode(f"pool|{entry.id}".encode()).decode()


def _read_cursor(params: Params, there: list[Preverified]) -> int:
    """Return the place after a cursor's entry; one that is gone since is not found any more."""
    text = read_text(params, "after")
    if text is None:
        return 0
    try:
        kind, _, id_ = urlsafe_b64decode(text.encode()).decode().partition("|")
    except ValueError:
        kind, id_ = "", ""
    places = [place for place, entry in enumerate(there) if entry.id == id_]
    if kind != "pool" or not places:
        raise Refusal(Reason.CURSOR, name="after")
    return places[0] + 1
