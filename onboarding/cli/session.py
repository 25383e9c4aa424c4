"""What the global options lead to: settings, an open engine, and a log."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from onboarding.clock import Clock
    from onboarding.engine.facade import Engine
    from onboarding.settings import Settings

_FORMAT = "%(asctime)s %(levelname)s %(message)s"


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """The global options, as they were given."""

    database_url: str | None
    actor: str | None
    verbose: bool

    def start_log(self) -> Callable[[], None]:
        """Log to standard error if that was asked for, else nowhere; return how to end it.

        Without a handler of ours, Python would print warnings of its own accord.
        """
        return _attach(logging.StreamHandler(sys.stderr) if self.verbose else logging.NullHandler())


def report_to_log(ctx: typer.Context) -> None:
    """Log to standard error for as long as the command runs; for commands that go on for days."""
    if not ctx.obj.verbose:
        ctx.call_on_close(_attach(logging.StreamHandler(sys.stderr)))


def _attach(handler: logging.Handler) -> Callable[[], None]:
    logger = logging.getLogger("onboarding")
    level = logger.level
    handler.setFormatter(logging.Formatter(_FORMAT))
    logger.addHandler(handler)
    if not isinstance(handler, logging.NullHandler):
        logger.setLevel(logging.INFO)

    def detach() -> None:
        logger.removeHandler(handler)
        logger.setLevel(level)

    return detach


def settings_of(ctx: typer.Context) -> Settings:
    """Return the settings, with what the global options say.

    Raises:
        ConfigurationError: a value cannot be used.
    """
    from sqlalchemy import make_url
    from sqlalchemy.exc import ArgumentError

    from onboarding.errors import ConfigurationError
    from onboarding.settings import load_settings

    settings = load_settings(database_url=ctx.obj.database_url, actor=ctx.obj.actor)
    try:
        make_url(settings.database_url)
    except ArgumentError:
        raise ConfigurationError(
            "the database URL cannot be used", hint="write it like sqlite:///onboarding.db"
        ) from None
    return settings


def open_engine(ctx: typer.Context, *, clock: Clock | None = None) -> Engine:
    """Open the deployment; use the engine as a context manager.

    Raises:
        ConfigurationError: a setting or the key is missing or wrong.
        StoreError: the database cannot be used.
    """
    from onboarding.engine.facade import Engine

    settings = settings_of(ctx)
    return Engine.open(settings.database_url, clock=clock, actor=settings.actor)
