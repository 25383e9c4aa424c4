"""The file that says who is told what: read once, refused with the place of what is wrong."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from onboarding.core.policy import DEFAULT_LADDER, Rung
from onboarding.core.telling import LOG, Overdue, Rules, Tell, Weekly
from onboarding.errors import ChannelError, ConfigurationError, InputError
from onboarding.model import EventType
from onboarding.notify import shapes
from onboarding.notify.chat import ChatChannel
from onboarding.notify.command import CommandChannel
from onboarding.notify.given import read_secrets, secret
from onboarding.notify.http_post import Poster
from onboarding.notify.log import LogChannel
from onboarding.notify.mail import Mailbox, MailChannel
from onboarding.notify.message import Channel
from onboarding.notify.signing import key_of
from onboarding.notify.texts import Text, require_fields
from onboarding.notify.webhook import WebhookChannel

_PAGE = "docs/reference/notify-file.md"
_END = "end"
_PORTS = {"starttls": 587, "tls": 465, "none": 25}


@dataclass(frozen=True, slots=True, kw_only=True)
class Configuration:
    """What the file says, or what holds without one.

    Attributes:
        file: where it was read; ``None``: there is none.
        rules: who is told what.
        channels: how each channel is set up, by name; ``log`` is always among them.
        texts: words that replace ours.
    """

    file: Path | None = None
    rules: Rules = field(default_factory=Rules)
    channels: Mapping[str, shapes.AnyChannel] = field(
        default_factory=lambda: {LOG: shapes.Log(kind="log")}
    )
    texts: Mapping[EventType, Text] = field(default_factory=dict)

    def told_of(self, channel: str) -> tuple[str, ...]:
        """Return what a channel is told of, in words."""
        rules = self.rules
        rungs = [f"rung {r.name}" for r in rules.ladder if channel in _all(rules.of_rung(r.name))]
        needs = [f"overdue {n}" for n, rule in rules.overdue.items() if channel in _all(rule.tell)]
        digest = ["digest"] if rules.digest and channel in rules.digest.channels else []
        types = sorted(f"events {t}" for t in rules.subscriptions.get(channel, ()))
        every = ["all events"] if len(types) == len(EventType) else types
        return (*rungs, *needs, *digest, *every)


def _all(tell: Tell) -> tuple[str, ...]:
    return (*tell.channels, *tell.then)


def load(file: Path | None) -> Configuration:
    """Read the file; without one, everything goes to the log.

    Raises:
        ConfigurationError: it cannot be read, or a key of it cannot be used: which, and why.
    """
    if file is None:
        return Configuration()
    shape = _parse(file)
    try:
        for type_, words in shape.templates.items():
            require_fields(type_, words.title + words.body)
    except InputError as error:
        raise _wrong(file, f"templates.{type_}", str(error), error.hint) from None
    channels = {LOG: shapes.Log(kind="log"), **shape.channels}
    rules = Rules(
        ladder=_ladder(file, shape),
        rungs={rung.name: _tell(rung, shape) for rung in shape.ladder},
        overdue=_overdue(shape),
        digest=_digest(shape),
        subscriptions={name: frozenset(c.events) for name, c in channels.items() if c.events},
    )
    _require_known(file, shape, channels)
    texts = {t: Text(title=w.title, body=w.body) for t, w in shape.templates.items()}
    return Configuration(file=file, rules=_whole(rules, shape), channels=channels, texts=texts)


def _parse(file: Path) -> shapes.Shape:
    try:
        return shapes.Shape.model_validate(tomllib.loads(file.read_text()))
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(
            f"{file} cannot be read ({type(error).__name__})",
            hint="ONBOARDING_NOTIFY_FILE names it; who may read it?",
        ) from None
    except tomllib.TOMLDecodeError as error:
        raise ConfigurationError(f"{file} is not TOML: {error}", hint=f"see {_PAGE}") from None
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        message = str(first["msg"]).removeprefix("Value error, ")
        raise _wrong(file, _place(first["loc"]), message) from None


def _place(loc: tuple[int | str, ...]) -> str:
    """Return where in the file a value is, as people would look for it."""
    kinds = {"log", "webhook", "chat", "email", "command"}
    place = ""
    for at, part in enumerate(loc):
        if isinstance(part, int):
            place += f"[{part + 1}]"  # the first one is the first
        elif not (at == 2 and loc[0] == "channels" and part in kinds):  # noqa: PLR2004 - the kind is no key
            place += f".{part}" if place else part
    return place or "the file"


def _wrong(file: Path, place: str, message: str, hint: str = "") -> ConfigurationError:
    return ConfigurationError(f"{file}: {place}: {message}", hint=hint or f"see {_PAGE}")


# What the file leads to


def _tell(told: shapes.LadderRung | shapes.Patience, shape: shapes.Shape) -> Tell:
    by_audience = shape.audiences.get(told.audience, (LOG,))
    return Tell(
        channels=told.channels if told.channels is not None else by_audience,
        audience=told.audience,
        then=told.then,
        after=told.after,
    )


def _ladder(file: Path, shape: shapes.Shape) -> tuple[Rung, ...]:
    """Return the rungs; the end is always one, so that no deadline passes unseen."""
    if not shape.ladder:
        return DEFAULT_LADDER
    rungs = [_rung(each) for each in shape.ladder]
    names = [rung.name for rung in rungs]
    for at, name in enumerate(names):
        if name in names[:at]:
            raise _wrong(file, f"ladder[{at + 1}].name", f"there are two rungs '{name}'")
    if not any(rung.left is None and rung.share == 1 for rung in rungs):
        if _END in names:
            place = f"ladder[{names.index(_END) + 1}]"
            raise _wrong(file, place, "the rung 'end' is at the end", 'write at = "1"')
        rungs.append(Rung(_END, 1.0))
    return tuple(rungs)


def _rung(given: shapes.LadderRung) -> Rung:
    if given.left is not None:
        return Rung(given.name, left=given.left)
    return Rung(given.name, given.at or 1.0)


def _overdue(shape: shapes.Shape) -> dict[str, Overdue]:
    told = {
        need: Overdue(longer_than=patience.longer_than, tell=_tell(patience, shape))
        for patience in shape.overdue
        for need in patience.needs
    }
    return _by_default(shape) | told


def _by_default(shape: shapes.Shape) -> dict[str, Overdue]:
    usual = _usual(shape)
    return {
        need: Overdue(longer_than=rule.longer_than, tell=usual)
        for need, rule in Rules().overdue.items()
    }


def _usual(shape: shapes.Shape) -> Tell:
    """Return whom to tell of what the file does not mention: who operators are."""
    return Tell(channels=shape.audiences.get(Tell().audience, (LOG,)))


def _whole(rules: Rules, shape: shapes.Shape) -> Rules:
    """Return the rules with every rung in them."""
    usual = _usual(shape)
    rungs = {rung.name: rules.rungs.get(rung.name, usual) for rung in rules.ladder}
    return Rules(
        ladder=rules.ladder,
        rungs=rungs,
        overdue=rules.overdue,
        digest=rules.digest,
        subscriptions=rules.subscriptions,
    )


def _digest(shape: shapes.Shape) -> Weekly | None:
    given = shape.digest
    if given is None:
        return None
    return Weekly(
        channels=given.channels, weekday=given.weekday, at=given.at, timezone=given.timezone
    )


def _require_known(file: Path, shape: shapes.Shape, channels: Mapping[str, Any]) -> None:
    for place, names in _named(shape):
        for name in names or ():
            if name not in channels:
                known = ", ".join(channels)
                raise _wrong(file, place, f"there is no channel '{name}'", f"there are: {known}")


def _named(shape: shapes.Shape) -> Iterator[tuple[str, tuple[str, ...] | None]]:
    """Yield every place that names channels."""
    for audience, names in shape.audiences.items():
        yield f"audiences.{audience}", names
    for group, listed in (("ladder", shape.ladder), ("overdue", shape.overdue)):
        for at, told in enumerate(listed):
            yield f"{group}[{at + 1}].channels", told.channels
            yield f"{group}[{at + 1}].then", told.then
    if shape.digest is not None:
        yield "digest.channels", shape.digest.channels


# Channels


def open_channel(given: shapes.AnyChannel, write_log: Callable[..., Any]) -> Channel:
    """Return a channel as it is set up; nothing is connected and no secret read yet."""
    seconds = given.timeout.total_seconds()
    match given:
        case shapes.Log():
            return LogChannel(write_log)
        case shapes.Webhook():
            secrets = lambda: read_secrets(given.secret_env, given.secret_file)  # noqa: E731 - a name for what is handed over
            return WebhookChannel(_address(given), secrets, _poster(given))
        case shapes.Chat():
            return ChatChannel(_address(given), _poster(given))
        case shapes.Command():
            return CommandChannel(given.argv, given.stdin, seconds)
        case shapes.Email():
            return MailChannel(_mailbox(given))


def _address(given: shapes.Webhook | shapes.Chat) -> Callable[[], str]:
    if given.url is not None:
        url = given.url
        return lambda: url
    return secret(given.url_env, given.url_file)


def _poster(given: shapes.Webhook | shapes.Chat) -> Poster:
    return Poster(timeout_s=given.timeout.total_seconds(), ca_file=given.ca_file, proxy=given.proxy)


def _mailbox(given: shapes.Email) -> Mailbox:
    has_login = given.username is not None
    return Mailbox(
        host=given.host,
        port=given.port or _PORTS[given.security],
        security=given.security,
        username=given.username,
        password=secret(given.password_env, given.password_file) if has_login else None,
        sender=given.sender,
        to=given.to,
        timeout_s=given.timeout.total_seconds(),
        ca_file=given.ca_file,
    )


def missing(given: shapes.AnyChannel) -> str | None:
    """Return what a channel lacks here before anything is sent: a secret that can be used."""
    try:
        match given:
            case shapes.Webhook():
                _address(given)()
                for each in read_secrets(given.secret_env, given.secret_file):
                    key_of(each)
            case shapes.Chat():
                _address(given)()
            case shapes.Email() if given.username is not None:
                read_secrets(given.password_env, given.password_file)
            case _:
                return None
    except (ChannelError, ConfigurationError) as error:
        return str(error)
    return None
