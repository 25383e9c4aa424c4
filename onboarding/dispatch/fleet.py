"""Scale-out: what a fleet needs, and what is said if it is not there."""

from __future__ import annotations

from sqlalchemy import Engine as Database

from onboarding.dispatch.skipping import SkippingClock
from onboarding.dispatch.worker import Worker
from onboarding.engine.facade import Engine
from onboarding.engine.opening import open_existing
from onboarding.errors import ConfigurationError
from onboarding.settings import Settings


def fleet_worker(engine: Engine) -> Worker:
    """Return a worker that takes part in a fleet.

    Raises:
        ConfigurationError: not on PostgreSQL, Procrastinate is not installed, or time is simulated.
        SchemaError: the tables of the queue are missing.
    """
    _require_fleet(engine.context.database)
    if isinstance(engine.context.clock, SkippingClock):
        raise ConfigurationError(
            "a fleet runs on real time",
            hint="leave out ONBOARDING_FOLLOW_CLOCK, or run: onboarding worker",
        )
    from onboarding.dispatch.fleet_worker import FleetWorker  # noqa: PLC0415 - an extra

    return FleetWorker(engine)


def upgrade_fleet(settings: Settings) -> bool:
    """Make the tables of the fleet's queue if they are missing; return whether they were.

    Raises:
        ConfigurationError: not on PostgreSQL, or Procrastinate is not installed.
        StoreError: the database cannot be used.
    """
    database = open_existing(settings)
    try:
        _require_fleet(database)
        from onboarding.dispatch.fleet_queue import upgrade_queue  # noqa: PLC0415 - an extra

        return upgrade_queue(database)
    finally:
        database.dispose()


def _require_fleet(database: Database) -> None:
    if database.dialect.name != "postgresql":
        raise ConfigurationError(
            "a fleet needs PostgreSQL, and this database is SQLite",
            hint="set ONBOARDING_DATABASE_URL like postgresql://USER@HOST/DATABASE",
        )
    try:
        import procrastinate  # noqa: F401, PLC0415 - an extra
    except ImportError:
        raise ConfigurationError(
            "a fleet needs Procrastinate, which is not installed",
            hint="run: pip install 'onboarding[fleet]'",
        ) from None
