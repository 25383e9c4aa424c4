"""``onboarding worker``: advance what is due, until stopped."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from onboarding.engine.context import CodeIntake

_INTAKE_HELP = "What reads one-time codes, as package.module:name; may be given several times."


def worker(
    ctx: typer.Context,
    intake: Annotated[
        list[str] | None, typer.Option(metavar="PATH", help=_INTAKE_HELP, show_default=False)
    ] = None,
) -> None:
    """Advance what is due, until stopped.

    SIGTERM (or Ctrl-C) lets calls in flight end; a second one stops at once.

    Example:
        onboarding worker
        onboarding worker --intake our_gateway.codes:intake
    """
    from onboarding.cli.session import open_engine, report_to_log
    from onboarding.dispatch.worker import Worker, run_until_signalled

    report_to_log(ctx)
    with open_engine(ctx, intakes=[_load(path) for path in intake or ()]) as engine:
        name = engine.context.worker
        run_until_signalled(
            Worker(engine),
            lambda: typer.echo(f"worker {name} is running; Ctrl-C stops it", err=True),
        )


def _load(path: str) -> CodeIntake:
    """Return the intake at ``package.module:name``; a class or function there is called first."""
    import sys
    from importlib import import_module

    from onboarding.errors import ConfigurationError

    module, _, name = path.partition(":")
    sys.path.insert(0, "")
    try:
        found = getattr(import_module(module), name)
        made: CodeIntake = found if hasattr(found, "answers") and not callable(found) else found()
    except Exception as error:  # noqa: BLE001 - code of others; whatever fails in it is told
        raise ConfigurationError(
            f"the intake '{path}' cannot be loaded: {error} ({type(error).__name__})",
            hint="write it like our_package.codes:intake",
        ) from None
    finally:
        sys.path.remove("")
    if not hasattr(made, "answers"):
        raise ConfigurationError(
            f"'{path}' is no intake: it has no method 'answers'",
            hint="see docs/howto/answer-for-codes.md",
        )
    return made
