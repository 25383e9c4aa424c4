"""What is due when in a forecast, by kind."""

from __future__ import annotations

import heapq
from collections import defaultdict
from datetime import datetime
from itertools import count


class Queue:
    """Instants at which something is to be looked at; one that is stale does no harm."""

    def __init__(self) -> None:
        self._heap: list[tuple[datetime, int, str, str]] = []
        self._order = count()

    @property
    def next_at(self) -> datetime | None:
        """The earliest instant."""
        return self._heap[0][0] if self._heap else None

    def push(self, at: datetime | None, kind: str, key: str) -> None:
        """Have something looked at then; at no time, if there is no instant."""
        if at is not None:
            heapq.heappush(self._heap, (at, next(self._order), kind, key))

    def take(self, now: datetime) -> dict[str, set[str]]:
        """Take what is due by now: keys by kind."""
        due: dict[str, set[str]] = defaultdict(set)
        while self._heap and self._heap[0][0] <= now:
            _, _, kind, key = heapq.heappop(self._heap)
            due[kind].add(key)
        return due
