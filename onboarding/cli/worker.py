"""``onboarding worker``: advance what is due, until stopped."""

from __future__ import annotations

from typing import Annotated, Optional

import typer

FOLLOW_HELP = "Run on a simulator's clock: its control URL, like http://127.0.0.1:8080/_sim."


def worker(
    ctx: typer.Context,
    follow_clock: Annotated[Optional[str], typer.Option(help=FOLLOW_HELP)] = None,  # noqa: UP045 - Typer reads it at run time
) -> None:
    """Advance what is due, until stopped.

    SIGTERM (or Ctrl-C) lets calls in flight end; a second one stops at once.

    Example: onboarding worker
    """
    from onboarding.cli.session import open_engine, report_to_log
    from onboarding.dispatch.skipping import Follower, SkippingClock
    from onboarding.dispatch.worker import Worker, run_until_signalled

    report_to_log(ctx)
    clock = SkippingClock(follow_clock) if follow_clock else None
    with open_engine(ctx, clock=clock) as engine:
        running = Worker(engine)
        follower = Follower(clock, engine.context.worker, running.stands) if clock else None

        def on_start() -> None:
            typer.echo(f"worker {engine.context.worker} is running; Ctrl-C stops it", err=True)
            if follower is not None:
                follower.start()

        run_until_signalled(running, on_start)
        if follower is not None:
            follower.stop()
