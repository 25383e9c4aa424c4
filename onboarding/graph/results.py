"""The results of one ``send`` as they arrive, one by one or in groups."""

from __future__ import annotations

import time
from collections.abc import Iterator
from queue import Empty, SimpleQueue

from onboarding.graph.calls import GraphResult


class Results(Iterator[GraphResult]):
    """An iterator over exactly one result per call, in the order of their arrival.

    Reading it is optional for the calls: they are on their way already. One reader at a time.
    """

    def __init__(self, arrived: SimpleQueue[GraphResult], expected: int) -> None:
        self._arrived = arrived
        self._expected = expected

    def __next__(self) -> GraphResult:
        if self._expected == 0:
            raise StopIteration
        result = self._arrived.get()
        self._expected -= 1
        return result

    def __len__(self) -> int:
        """Return how many results are still to be read."""
        return self._expected

    def take(self, *, most: int, within_s: float) -> list[GraphResult]:
        """Wait for one result, then gather those that follow soon: a group for one commit.

        Args:
            most: at most so many.
            within_s: seconds after the first one in which others are waited for.

        Returns:
            At least one result, or none at all when every result has been read.
        """
        group = list(self._first())
        until = time.monotonic() + within_s
        while group and len(group) < most and self._expected:
            try:
                group.append(self._arrived.get(timeout=max(0.0, until - time.monotonic())))
            except Empty:
                break
            self._expected -= 1
        return group

    def _first(self) -> Iterator[GraphResult]:
        if self._expected:
            yield next(self)
