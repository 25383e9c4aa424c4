"""Business time that a simulator owns: it runs in real time and jumps when everybody is idle.

The simulator's control endpoints keep the clock. Each participant says whether it is busy, and
when something is due for it next; time jumps only when all are idle.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx

from onboarding.core.timing import iso, parse_iso
from onboarding.dispatch.control import open_control
from onboarding.errors import ConfigurationError, GraphError, OnboardingError, StoreError
from onboarding.telemetry import log

_LONG_POLL_S = 2.0
_BUSY_S = 0.002
_UNKNOWN_S = 0.5
_TTL_S = 15.0


class SkippingClock:
    """The simulator's time, as last heard: real time and an offset that only grows.

    Args:
        control_url: the simulator's control endpoints, like ``http://127.0.0.1:8080/_sim``; its
            base URL alone does too.

    Raises:
        ConfigurationError: not a URL, or nothing there has a clock.
        GraphError: nobody answers there.
    """

    def __init__(self, control_url: str) -> None:
        self._http = open_control(_control_url(control_url))
        self._offset = timedelta(days=-36500)
        self.epoch = 0
        self.mode = ""
        try:
            self._take(self._ask("GET", "/clock"))
        except OnboardingError:
            self.close()
            raise

    def now(self) -> datetime:
        """Return the present business instant."""
        return datetime.now(UTC) + self._offset

    def report(
        self,
        participant: str,
        *,
        idle: bool,
        next_due_at: datetime | None = None,
        changed: bool = False,
        wait_s: float = 0.0,
    ) -> None:
        """Say how a participant stands, and hear what time it is.

        Args:
            participant: its name.
            idle: nothing is in flight and nothing is due at the epoch that was last heard.
            next_due_at: when something will be.
            changed: it changed something that the others must look at.
            wait_s: an idle report waits so long for something to happen.
        """
        body = {
            "participant": participant,
            "idle": idle,
            "next_due_at": iso(next_due_at) if next_due_at else None,
            "epoch": self.epoch,
            "ttl_s": _TTL_S,
            "changed": changed,
            "wait_s": wait_s if idle else 0,
        }
        self._take(self._ask("POST", "/clock/report", body))

    def leave(self, participant: str) -> None:
        """Take a participant out, so that nobody waits for it."""
        self._ask("DELETE", f"/clock/participants/{participant}")

    def close(self) -> None:
        """Close the connection."""
        self._http.close()

    def _ask(self, method: str, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        try:
            answer = self._http.request(method, path, json=body)
            answer.raise_for_status()
            status: dict[str, Any] = answer.json()
        except httpx.HTTPStatusError as error:
            raise ConfigurationError(
                f"the simulator's clock refused: {error.response.text[:200]}",
                hint="give the control URL that `onboarding simulator` prints",
            ) from None
        except (httpx.TransportError, ValueError) as error:
            raise GraphError(
                f"the simulator's clock cannot be reached: {type(error).__name__}",
                hint="is `onboarding simulator` still running?",
            ) from None
        return status

    def _take(self, status: dict[str, Any]) -> None:
        if "now" not in status:
            return
        # The answer travelled for a moment, so this never leads; and time never goes back.
        self._offset = max(self._offset, parse_iso(status["now"]) - datetime.now(UTC))
        self.epoch, self.mode = int(status["epoch"]), str(status["mode"])


def _control_url(given: str) -> httpx.URL:
    try:
        url = httpx.URL(given)
    except httpx.InvalidURL:
        url = httpx.URL()
    if url.scheme not in ("http", "https") or not url.host:
        raise ConfigurationError(
            f"'{given}' is not the URL of a simulator's clock",
            hint="the simulator's control URL, like http://127.0.0.1:8080/_sim",
        )
    return url.copy_with(path="/_sim") if url.path == "/" else url


@dataclass(frozen=True, slots=True)
class Standing:
    """How a participant stands: busy, or idle until an instant.

    Attributes:
        is_idle: nothing runs, and nothing is due.
        next_due_at: when something will be.
        changed: it changed something just now that the others must look at.
    """

    is_idle: bool
    next_due_at: datetime | None = None
    changed: bool = False


class Follower:
    """Follows a skipping clock for one participant, in a thread of its own.

    Args:
        clock: the participant's own connection to the simulator's clock.
        name: the participant's name, unique in the simulation.
        standing: says how it stands, and sets going what is due; must not block.
        on_lost: called from that thread when the clock cannot be reached any more.
    """

    def __init__(
        self,
        clock: SkippingClock,
        name: str,
        standing: Callable[[], Standing],
        on_lost: Callable[[OnboardingError], None] = lambda _: None,
    ) -> None:
        self._clock = clock
        self._name = name
        self._standing = standing
        self._on_lost = on_lost
        self._reported_at = 0.0
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._follow, name=f"clock-{name}", daemon=True)

    def start(self) -> None:
        """Begin to follow."""
        self._thread.start()

    def stop(self) -> None:
        """Leave the simulation."""
        self._stopping.set()
        self._thread.join(_LONG_POLL_S + 5)

    def _follow(self) -> None:
        try:
            while not self._stopping.is_set():
                self._tell(self._stands())
            self._clock.leave(self._name)
        except (GraphError, ConfigurationError) as error:
            log.error("clock_lost", participant=self._name, message=str(error))
            if not self._stopping.is_set():
                self._on_lost(error)

    def _stands(self) -> Standing:
        """Ask the participant; while its database cannot be used, it counts as busy."""
        try:
            return self._standing()
        except StoreError as error:
            log.error("standing_unknown", participant=self._name, message=str(error))
            self._stopping.wait(_UNKNOWN_S)
            return Standing(is_idle=False)

    def _tell(self, stands: Standing) -> None:
        """Report what the clock must know: time cannot jump past an instant it was told of."""
        silent_for = time.monotonic() - self._reported_at
        if not stands.is_idle and not stands.changed and silent_for < _TTL_S / 3:
            self._stopping.wait(_BUSY_S)
            return
        self._clock.report(
            self._name,
            idle=stands.is_idle,
            next_due_at=stands.next_due_at,
            changed=stands.changed,
            wait_s=_LONG_POLL_S,
        )
        self._reported_at = time.monotonic()
