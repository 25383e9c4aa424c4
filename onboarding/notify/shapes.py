"""The shape of the file that says who is told what: every key, with what it may hold."""

from __future__ import annotations

import re
from datetime import time, timedelta
from fractions import Fraction
from pathlib import Path
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo, available_timezones

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from onboarding.core.telling import PATIENCE
from onboarding.model import Audience, EventType

_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_SPAN = re.compile(r"(\d+(?:\.\d+)?)([smhdw])")
_DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_LONGEST_SPAN = timedelta(days=3660)
_LONGEST_TIMEOUT = timedelta(seconds=25)
_SHORTEST_AFTER = timedelta(minutes=1)


def _span(given: Any) -> Any:
    if not isinstance(given, str) or not (found := _SPAN.fullmatch(given.strip())):
        raise ValueError("write a span of time like 90m, 4h or 3d, in quotes")
    try:
        span = timedelta(**{_UNITS[found[2]]: float(found[1])})
    except OverflowError:
        span = timedelta.max
    if span > _LONGEST_SPAN:
        raise ValueError("write a span of at most 3660d")  # no instant may leave the calendar
    return span


def _share(given: Any) -> Any:
    try:
        share = float(Fraction(given)) if isinstance(given, str) else float(given)
    except (ValueError, TypeError, ArithmeticError):
        share = 0.0
    if not 0 < share <= 1:
        raise ValueError('write a share of the window above 0 and up to 1, like "1/2"')
    return share


def _timeout(given: Any) -> Any:
    span = _span(given)
    if not timedelta(0) < span <= _LONGEST_TIMEOUT:
        raise ValueError("a message has at most 25s")
    return span


def _after(given: Any) -> Any:
    span = _span(given)
    if span < _SHORTEST_AFTER:
        raise ValueError("who was told has at least 1m to answer")
    return span


def _weekday(given: Any) -> Any:
    if given not in _DAYS:
        raise ValueError(f"write one of: {', '.join(_DAYS)}")
    return _DAYS.index(given)


def _zone(given: Any) -> Any:
    if not isinstance(given, str) or (given != "UTC" and given not in available_timezones()):
        raise ValueError("write a time zone like Europe/Berlin")
    return ZoneInfo(given).key


def _url(given: Any) -> Any:
    if not isinstance(given, str) or not re.fullmatch(r"https?://[^\s/]+.*", given):
        raise ValueError("write an address that begins with https://")
    return given


def _every(given: Any) -> Any:
    return [each.value for each in EventType] if given in ("*", ["*"]) else given


Span = Annotated[timedelta, BeforeValidator(_span)]
Share = Annotated[float, BeforeValidator(_share)]
Timeout = Annotated[timedelta, BeforeValidator(_timeout)]
After = Annotated[timedelta, BeforeValidator(_after)]
Url = Annotated[str, BeforeValidator(_url)]
Types = Annotated[tuple[EventType, ...], BeforeValidator(_every)]
Names = tuple[str, ...]


class _Shape(BaseModel):
    # Built when the file is read: every command knows these shapes, and few deployments have one.
    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)


class _Channel(_Shape):
    #: Types of events that it gets whatever else it is told of; "*" for all.
    events: Types = ()
    timeout: Timeout = timedelta(seconds=10)


class Log(_Channel):
    """The log."""

    kind: Literal["log"]


class _Http(_Channel):
    url: Url | None = None
    url_env: str | None = None
    url_file: Path | None = None
    ca_file: Path | None = None
    proxy: Url | None = None

    @model_validator(mode="after")
    def _one_address(self) -> _Http:
        if sum(each is not None for each in (self.url, self.url_env, self.url_file)) != 1:
            raise ValueError("give one of url, url_env and url_file")
        return self


class Webhook(_Http):
    """The signed webhook."""

    kind: Literal["webhook"]
    secret_env: str | None = None
    secret_file: Path | None = None

    @model_validator(mode="after")
    def _one_secret(self) -> Webhook:
        if (self.secret_env is None) == (self.secret_file is None):
            raise ValueError("give one of secret_env and secret_file")
        return self


class Chat(_Http):
    """A chat room."""

    kind: Literal["chat"]


class Email(_Channel):
    """Mail."""

    kind: Literal["email"]
    host: str
    port: Annotated[int, Field(ge=1, le=65535)] | None = None
    security: Literal["starttls", "tls", "none"] = "starttls"
    username: str | None = None
    password_env: str | None = None
    password_file: Path | None = None
    sender: Annotated[str, Field(alias="from", pattern=r"^[^\r\n]*[^\s@]+@[^\s@]+$")]
    to: Annotated[
        tuple[Annotated[str, Field(pattern=r"^[^\s@]+@[^\s@]+$")], ...], Field(min_length=1)
    ]
    ca_file: Path | None = None

    @model_validator(mode="after")
    def _a_login_or_none(self) -> Email:
        sources = sum(each is not None for each in (self.password_env, self.password_file))
        if sources != (self.username is not None):
            raise ValueError("a login is username with one of password_env and password_file")
        if self.security == "none" and self.username is not None:
            raise ValueError("a password does not travel without TLS: set security")
        return self


class Command(_Channel):
    """A command."""

    kind: Literal["command"]
    argv: Annotated[tuple[str, ...], Field(min_length=1)]
    stdin: Literal["text", "json"] = "text"


AnyChannel = Annotated[Log | Webhook | Chat | Email | Command, Field(discriminator="kind")]


class _Told(_Shape):
    channels: Names | None = None
    audience: Audience = Audience.OPERATOR
    then: Names = ()
    after: After | None = None

    @model_validator(mode="after")
    def _then_after(self) -> _Told:
        if bool(self.then) != (self.after is not None):
            raise ValueError("then and after belong together: who is told next, and after how long")
        return self


class LadderRung(_Told):
    """One rung."""

    name: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_-]{0,39}$")]
    at: Share | None = None
    left: Span | None = None

    @model_validator(mode="after")
    def _one_moment(self) -> LadderRung:
        if (self.at is None) == (self.left is None):
            raise ValueError('give one of at (a share, like "1/2") and left (like "3d")')
        return self


class Patience(_Told):
    """How long something may wait for a person."""

    needs: Annotated[tuple[str, ...], Field(min_length=1)]
    longer_than: Span

    @model_validator(mode="after")
    def _known(self) -> Patience:
        if unknown := [each for each in self.needs if each not in PATIENCE]:
            raise ValueError(f"nothing needs '{unknown[0]}'; there are: {', '.join(PATIENCE)}")
        return self


class WeeklyDigest(_Shape):
    """The weekly digest."""

    channels: Annotated[Names, Field(min_length=1)]
    weekday: Annotated[int, BeforeValidator(_weekday)] = 0
    at: time = time(8)
    timezone: Annotated[str, BeforeValidator(_zone)] = "UTC"


class Words(_Shape):
    """Words of your own for one type of event."""

    title: str
    body: str


class Shape(_Shape):
    """The whole file."""

    channels: dict[Annotated[str, Field(pattern=r"^[a-z][a-z0-9_-]{0,39}$")], AnyChannel] = {}
    audiences: dict[Audience, Names] = {}
    ladder: tuple[LadderRung, ...] = ()
    overdue: tuple[Patience, ...] = ()
    digest: WeeklyDigest | None = None
    templates: dict[EventType, Words] = {}
