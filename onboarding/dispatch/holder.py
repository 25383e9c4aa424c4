"""The holders of the phones in a simulation: they read the SIM inbox and hand in their codes."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from fnmatch import fnmatchcase
from operator import attrgetter
from typing import Any

import httpx

from onboarding.core.codes import parse_code
from onboarding.core.timing import parse_iso
from onboarding.dispatch.control import open_control
from onboarding.dispatch.skipping import Follower, SkippingClock, Standing
from onboarding.engine.facade import Engine
from onboarding.errors import GraphError, NotFoundError, OnboardingError
from onboarding.model import Onboarding
from onboarding.telemetry import log

ACTOR = "holder"

#: Holders look at their phones now and then, not at every instant.
_LOOKS_EVERY = timedelta(seconds=30)


@dataclass(frozen=True, slots=True, kw_only=True)
class Habit:
    """How the holders of some numbers behave.

    Attributes:
        name: a glob on the display name.
        misses: so many codes go unread before one is read.
        mistypes: so many codes are handed in wrong before one is right.
    """

    name: str = "*"
    misses: int = 0
    mistypes: int = 0


@dataclass(frozen=True, slots=True)
class _Reading:
    at: datetime
    phone_number: str
    text: str


@dataclass(kw_only=True)
class Holder:
    """Reads codes for every number of a simulation, after a while that depends on the number.

    It is an intake of the engine (``answers``) and a participant of the skipping clock.

    Attributes:
        control_url: the simulator's control endpoints.
        delay: shortest and longest time that a holder takes.
        habits: who misses or mistypes codes; the first that fits counts.
    """

    control_url: str
    delay: tuple[timedelta, timedelta]
    habits: Sequence[Habit] = ()
    _engine: Engine | None = None
    _follower: Follower | None = None
    _clock: SkippingClock | None = None
    _seen: int = 0
    _readings: list[_Reading] = field(default_factory=list)
    _received: dict[str, int] = field(default_factory=dict)

    def answers(self, onboarding: Onboarding) -> bool:
        """Whether a code sent to this number will be read; windows are left to the engine."""
        return onboarding.code_window is None

    def start(self, engine: Engine) -> None:
        """Begin to read the inbox."""
        self._engine = engine
        self._clock = SkippingClock(self.control_url)
        self._http = open_control(self.control_url)
        self._follower = Follower(self._clock, ACTOR, self._stands)
        self._follower.start()

    def stop(self) -> None:
        """Stop reading."""
        if self._follower is not None and self._clock is not None:
            self._follower.stop()
            self._clock.close()
            self._http.close()

    def _stands(self) -> Standing:
        """Read what arrived, hand in what is due, and say when the next is."""
        self._fetch()
        now = self._now()
        due = sorted((each for each in self._readings if each.at <= now), key=attrgetter("at"))
        self._readings = [reading for reading in self._readings if reading.at > now]
        self._hand_in(due)
        upcoming = min((reading.at for reading in self._readings), default=None)
        return Standing(is_idle=not due, next_due_at=upcoming, changed=bool(due))

    def _now(self) -> datetime:
        assert self._clock is not None, "started"  # noqa: S101 - for the type checker
        return self._clock.now()

    def _fetch(self) -> None:
        try:
            answer = self._http.get("/inbox", params={"after": self._seen})
            messages = answer.raise_for_status().json()["messages"]
        except (httpx.HTTPError, ValueError) as error:
            raise GraphError(
                f"the simulator's inbox cannot be read: {type(error).__name__}",
                hint="is `onboarding simulator` still running?",
            ) from None
        for message in messages:
            self._seen = max(self._seen, message["seq"])
            with suppress(NotFoundError):  # a code for a phone that is not one of ours
                self._take(message)

    def _take(self, message: Mapping[str, Any]) -> None:
        number = str(message["to"])
        nth = self._received[number] = self._received.get(number, 0) + 1
        habit = self._habit_of(number)
        if nth <= habit.misses:
            return
        text, received_at = str(message["text"]), parse_iso(message["received_at"])
        if nth <= habit.misses + habit.mistypes:
            code = int(parse_code(text))
            text = f"{(code + 1) % 10**6:06d}"
            corrected_at = _next_look(received_at + 2 * self._delay_of(number))
            self._readings.append(_Reading(corrected_at, number, str(message["text"])))
        at = _next_look(received_at + self._delay_of(number))
        self._readings.append(_Reading(at, number, text))

    def _habit_of(self, number: str) -> Habit:
        assert self._engine is not None, "started"  # noqa: S101 - for the type checker
        name = self._engine.get(number).display_name
        fitting = (habit for habit in self.habits if fnmatchcase(name, habit.name))
        return next(fitting, Habit())

    def _delay_of(self, number: str) -> timedelta:
        shortest, longest = self.delay
        share = int.from_bytes(hashlib.sha256(number.encode()).digest()[:4]) / 2**32
        return shortest + (longest - shortest) * share

    def _hand_in(self, due: Sequence[_Reading]) -> None:
        assert self._engine is not None, "started"  # noqa: S101 - for the type checker
        if not due:
            return
        given = [(reading.phone_number, reading.text) for reading in due]
        for (number, _), taken in zip(
            given, self._engine.submit_codes(given, actor=ACTOR), strict=True
        ):
            if isinstance(taken, OnboardingError):
                log.info("code_not_taken", phone_number=number, message=str(taken))


def _next_look(at: datetime) -> datetime:
    every = _LOOKS_EVERY.total_seconds()
    return datetime.fromtimestamp(-(-at.timestamp() // every) * every, UTC)
