"""A sorted list of numbers with a place for every instant, so that cursors stay valid.

A cursor names a place, not a row: numbers that come or go between two pages never make a
third one appear twice or not at all.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice

Place = tuple[int, int]
"""Microseconds since 1970 and a serial that tells equal instants apart."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def place_at(instant: datetime, serial: int) -> Place:
    """Return the place that belongs to an instant."""
    return (instant - _EPOCH) // _MICROSECOND, serial


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a list: ids with their places, and whether more lies on either side."""

    rows: tuple[tuple[Place, str], ...]
    has_previous: bool
    has_next: bool


class Order:
    """Ids sorted by an instant; adding and removing cost no scan."""

    def __init__(self) -> None:
        self._rows: list[tuple[Place, str]] = []

    def __len__(self) -> int:
        return len(self._rows)

    def __iter__(self) -> Iterator[str]:
        return (name for _, name in self._rows)

    def add(self, instant: datetime, serial: int, name: str) -> None:
        """Put an id at its place."""
        insort(self._rows, (place_at(instant, serial), name))

    def remove(self, instant: datetime, serial: int) -> None:
        """Take away the id at a place."""
        index = bisect_left(self._rows, (place_at(instant, serial), ""))
        del self._rows[index]

    def cut_page(
        self,
        *,
        descending: bool,
        limit: int,
        keep: Callable[[str], bool],
        after: Place | None = None,
        before: Place | None = None,
    ) -> Page:
        """Return up to ``limit`` ids that ``keep`` wants, next to a place or from the start."""
        backwards = before is not None and after is None
        place = before if backwards else after
        ascending = descending == backwards
        rows = self._walk(place, ascending=ascending, keep=keep)
        found = list(islice(rows, limit + 1))
        more, found = len(found) > limit, found[:limit]
        behind = place is not None and self._has_any(
            found[0][0] if found else place, ascending=not ascending, keep=keep
        )
        if backwards:
            return Page(tuple(reversed(found)), has_previous=more, has_next=behind)
        return Page(tuple(found), has_previous=behind, has_next=more)

    def _walk(
        self, place: Place | None, *, ascending: bool, keep: Callable[[str], bool]
    ) -> Iterator[tuple[Place, str]]:
        if ascending:
            start = 0 if place is None else bisect_right(self._rows, place, key=_place_of)
            indices = range(start, len(self._rows))
        else:
            end = (
                len(self._rows) if place is None else bisect_left(self._rows, place, key=_place_of)
            )
            indices = range(end - 1, -1, -1)
        return (row for row in (self._rows[index] for index in indices) if keep(row[1]))

    def _has_any(self, place: Place, *, ascending: bool, keep: Callable[[str], bool]) -> bool:
        return next(self._walk(place, ascending=ascending, keep=keep), None) is not None


def _place_of(row: tuple[Place, str]) -> Place:
    return row[0]
