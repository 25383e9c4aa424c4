"""Meta's answers about a pool: lenient parsers that read either of the two schemas."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from onboarding.core.pool.model import PreverifiedNumber
from onboarding.errors import GraphError
from onboarding.graph.loose import as_instant, as_mapping, as_text
from onboarding.graph.responses import cursor_of

#: The specification's spellings, and those of the guide that they mean.
_STATUS_TWINS = {"UNVERIFIED": "NOT_VERIFIED", "PENDING": "NOT_VERIFIED", "FAILED": "NOT_VERIFIED"}


@dataclass(frozen=True, slots=True, kw_only=True)
class PreverifiedPage:
    """One page of a pool.

    Attributes:
        numbers: what could be read, in Meta's order.
        after: the cursor of the next page; ``None`` on the last one.
        is_sound: whether nothing on this page was lost: only then may absence be concluded.
    """

    numbers: tuple[PreverifiedNumber, ...]
    after: str | None = None
    is_sound: bool = True


def parse_preverified_list(payload: object) -> PreverifiedPage:
    """Return one page; a row that cannot be read is left out and loses no other.

    Raises:
        GraphError: the answer is not a list.
    """
    document = as_mapping(payload)
    rows = document.get("data")
    if not isinstance(rows, list):
        raise GraphError("Meta's answer is not a list of numbers.", hint="Read the list again.")
    numbers = tuple(number for number in map(_read, rows) if number is not None)
    after, is_cut_off = cursor_of(as_mapping(document.get("paging")))
    is_sound = len(numbers) == len(rows) and not is_cut_off
    return PreverifiedPage(numbers=numbers, after=after, is_sound=is_sound)


def parse_partners(payload: object) -> tuple[tuple[str, ...], str | None]:
    """Return the ids of the partners on one page, and the cursor of the next.

    Raises:
        GraphError: the answer is not a list.
    """
    document = as_mapping(payload)
    rows = document.get("data")
    if not isinstance(rows, list):
        raise GraphError("Meta's answer is not a list of partners.", hint="Read the list again.")
    ids = (as_text(as_mapping(row).get("id")) for row in rows)
    after, _ = cursor_of(as_mapping(document.get("paging")))
    return tuple(id_ for id_ in ids if id_), after


def _read(payload: object) -> PreverifiedNumber | None:
    row = as_mapping(payload)
    id_ = as_text(row.get("id"))
    if id_ is None:
        return None
    return PreverifiedNumber(
        id=id_,
        phone_number=as_text(row.get("phone_number")) or as_text(row.get("display_phone_number")),
        code_verification_status=_status(row),
        verification_expiry_time=as_instant(row.get("verification_expiry_time")),
        availability_status=as_text(row.get("availability_status")),
    )


def _status(row: Mapping[str, object]) -> str | None:
    told = as_text(row.get("code_verification_status")) or as_text(row.get("verification_status"))
    if told is None or told == "UNKNOWN":
        return None
    return _STATUS_TWINS.get(told, told)
