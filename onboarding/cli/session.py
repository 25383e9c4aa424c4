"""What the global options lead to: settings, an open engine, and a log."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from onboarding.dispatch.skipping import SkippingClock
    from onboarding.engine.context import CodeIntake
    from onboarding.engine.facade import Engine
    from onboarding.settings import Settings

_FORMAT = "%(asctime)s %(levelname)s %(message)s"


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """The global options, as they were given."""

    database_url: str | None
    actor: str | None
    follow_clock: str | None
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
    from onboarding.settings import load_settings

    return load_settings(
        database_url=ctx.obj.database_url,
        actor=ctx.obj.actor,
        follow_clock=ctx.obj.follow_clock,
    )


def open_engine(ctx: typer.Context, *, intakes: Sequence[CodeIntake] = ()) -> Engine:
    """Open the deployment; use the engine as a context manager.

    Raises:
        ConfigurationError: a setting or the key is missing or wrong.
        StoreError: the database cannot be used.
    """
    from onboarding.engine.facade import Engine

    settings = settings_of(ctx)
    return Engine.open(
        settings.database_url,
        clock=clock_of(ctx, settings),
        intakes=intakes,
        actor=settings.actor,
    )


def clock_of(ctx: typer.Context, settings: Settings) -> SkippingClock | None:
    """Return the simulator's clock that the settings name; it is closed with the command."""
    if settings.follow_clock is None:
        return None
    from onboarding.dispatch.skipping import SkippingClock

    clock = SkippingClock(settings.follow_clock)
    ctx.call_on_close(clock.close)
    return clock
