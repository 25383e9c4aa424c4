"""``GET /{waba}/phone_numbers``: filter, order, pages and cursors.

Plays Meta's rules for the list: newest Embedded Signup first, 25 a page and at most 100,
opaque cursors, ``next`` only while there is more.
"""

from __future__ import annotations

import json
import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from onboarding.simulator.fields import LIST_CATALOGUES
from onboarding.simulator.order import Order, Page, Place, place_at
from onboarding.simulator.params import Params, read_text
from onboarding.simulator.phones import only_digits
from onboarding.simulator.refusals import Reason, Refusal
from onboarding.simulator.results import Result
from onboarding.simulator.state import Number, Waba
from onboarding.simulator.world import World

_SORT = re.compile(r"^(creation_time|last_onboarded_time)(?:\.(asc|desc)|_(asc|desc)ending)$")
_FILTERABLE = ("account_mode", "messaging_limit_tier", "is_official_business_account")
_LIMIT_DEFAULT, _LIMIT_MAX = 25, 100
_CURSOR = re.compile(r"^([a-z_]+)\|(-?[0-9]+)\|([0-9]+)\|(E?)$")
_OLD_CURSOR_CODE = 100
_BEFORE_ALL: Place = (-(1 << 62), 0)
_AFTER_ALL: Place = (1 << 62, 0)


@dataclass(frozen=True, slots=True)
class Reading:
    """How one read is answered: where its pages are, and what is wrong with it."""

    url: str = ""
    token: str = ""
    has_cursor_code: bool = True
    distort: Callable[[Number], Mapping[str, Any] | None] | None = None
    empty_page: bool = False


@dataclass(frozen=True, slots=True)
class _Query:
    """The parameters of a list call, checked."""

    order: str
    descending: bool
    limit: int
    keep: Callable[[str], bool]
    after: Place | None
    before: Place | None
    follows_empty: bool


def list_numbers(
    world: World, waba: Waba, params: Params, now: datetime, reading: Reading
) -> Result:
    """Return one page of a WABA's numbers.

    Raises:
        Refusal: a field, filter, order, limit or cursor is not what Meta accepts.
    """
    selection = LIST_CATALOGUES[world.scenario.profile].select(read_text(params, "fields"))
    query = _read_query(world, params, now, reading)
    order = (world.by_creation if query.order == "creation_time" else world.by_onboarding)[waba.id]
    page = _cut(world, waba, params, query, order)
    numbers = [world.state.numbers[name] for _, name in page.rows]
    distort = reading.distort or (lambda _number: None)
    body: dict[str, Any] = {
        "data": [selection.render(world, number, distort(number)) for number in numbers]
    }
    body |= _paging(page, query, params, reading)
    if reading.empty_page and not query.follows_empty:
        body |= _empty(page, query, params, reading)
    if read_text(params, "summary") is not None:
        body["summary"] = {"total_count": sum(map(query.keep, order))}
    return Result(body)


def _cut(world: World, waba: Waba, params: Params, query: _Query, order: Order) -> Page:
    wanted = read_text(params, "display_phone_number")
    if wanted is None:
        return order.cut_page(
            descending=query.descending,
            limit=query.limit,
            keep=query.keep,
            after=query.after,
            before=query.before,
        )
    number = world.find_number(waba.id, only_digits(wanted))
    if number is None or not query.keep(number.id):
        return Page((), has_previous=False, has_next=False)
    by_creation = query.order == "creation_time"
    place = place_at(number.created_at if by_creation else number.onboarded_at, number.serial)
    return Page(((place, number.id),), has_previous=False, has_next=False)


def _read_query(world: World, params: Params, now: datetime, reading: Reading) -> _Query:
    order, descending = _read_sort(read_text(params, "sort"))
    after, follows_empty = _read_cursor(params, "after", order, reading)
    before, _ = _read_cursor(params, "before", order, reading)
    return _Query(
        order=order,
        descending=descending,
        limit=_read_limit(read_text(params, "limit")),
        keep=_keep(world, _read_filters(params.get("filtering")), now),
        after=after,
        before=before,
        follows_empty=follows_empty,
    )


def _read_sort(text: str | None) -> tuple[str, bool]:
    if text is None:
        return "last_onboarded_time", True
    match = _SORT.match(text.strip("[]'\" "))
    if match is None:
        why = "must be one of creation_time.asc, creation_time.desc, last_onboarded_time.asc, "
        raise Refusal(Reason.PARAMETER, name="sort", why=f"{why}last_onboarded_time.desc")
    return match[1], "desc" in (match[2], match[3])


def _read_limit(text: str | None) -> int:
    if text is None:
        return _LIMIT_DEFAULT
    limit = int(text) if text.isascii() and text.isdecimal() else 0
    if not 1 <= limit <= _LIMIT_MAX:
        why = f"must be a number from 1 to {_LIMIT_MAX}"
        raise Refusal(Reason.PARAMETER, name="limit", why=why)
    return limit


def _read_filters(given: object) -> dict[str, str]:
    if isinstance(given, str):
        try:
            given = json.loads(given) if given.strip() else []
        except ValueError as error:
            raise Refusal(Reason.FILTERING, why="must be valid JSON") from error
    if not isinstance(given, list | None):
        raise Refusal(Reason.FILTERING, why="must be an array of filters")
    return dict(_read_filter(one) for one in given or [])


def _read_filter(one: object) -> tuple[str, str]:
    if not isinstance(one, dict) or one.get("field") not in _FILTERABLE:
        raise Refusal(Reason.FILTERING, why=f"field must be one of {', '.join(_FILTERABLE)}")
    if one.get("operator") != "EQUAL" or "value" not in one:
        raise Refusal(Reason.FILTERING, why="operator must be EQUAL, with a value")
    return one["field"], str(one["value"]).lower()


def _keep(world: World, filters: dict[str, str], now: datetime) -> Callable[[str], bool]:
    numbers, catalogue = world.state.numbers, LIST_CATALOGUES[world.scenario.profile]

    def keep(name: str) -> bool:
        number = numbers[name]
        if number.listed_from is not None and number.listed_from > now:
            return False
        return all(
            str(catalogue.read(world, number, field)).lower() == value
            for field, value in filters.items()
        )

    return keep


def _paging(page: Page, query: _Query, params: Params, reading: Reading) -> dict[str, Any]:
    if not page.rows:
        return {}
    first = _write_cursor(query.order, page.rows[0][0])
    last = _write_cursor(query.order, page.rows[-1][0])
    paging: dict[str, Any] = {"cursors": {"before": first, "after": last}}
    if page.has_next:
        paging["next"] = _link(params, reading, after=last)
    if page.has_previous:
        paging["previous"] = _link(params, reading, before=first)
    return {"paging": paging}


def _empty(page: Page, query: _Query, params: Params, reading: Reading) -> dict[str, Any]:
    """Return an empty page whose ``next`` leads to the rows that it holds back."""
    place = query.after or (_AFTER_ALL if query.descending else _BEFORE_ALL)
    cursor = _write_cursor(query.order, place, mark="E")
    before = _write_cursor(query.order, page.rows[0][0]) if page.rows else cursor
    paging = {
        "cursors": {"before": before, "after": cursor},
        "next": _link(params, reading, after=cursor),
    }
    return {"data": [], "paging": paging}


def _link(params: Params, reading: Reading, **cursor: str) -> str:
    kept = {
        name: value if isinstance(value, str) else json.dumps(value)
        for name, value in params.items()
        if name not in ("after", "before", "access_token", "appsecret_proof")
    }
    query = {"access_token": reading.token, **kept, **cursor}
    return f"{reading.url}?{urlencode(query)}"


def _write_cursor(order: str, place: Place, mark: str = "") -> str:
    text = f"{order}|{place[0]}|{place[1]}|{mark}"
    return urlsafe_b64encode(text.encode()).decode()


def _read_cursor(
    params: Params, name: str, order: str, reading: Reading
) -> tuple[Place | None, bool]:
    text = read_text(params, name)
    if text is None:
        return None, False
    try:
        match = _CURSOR.match(urlsafe_b64decode(text.encode()).decode())
    except ValueError:
        match = None
    if match is None or match[1] != order:
        code = None if reading.has_cursor_code else _OLD_CURSOR_CODE
        raise Refusal(Reason.CURSOR, code=code, name=name)
    return (int(match[2]), int(match[3])), match[4] == "E"
