"""How an error is told: ``error:`` and ``hint:``, a line each, and never a traceback unasked."""

from __future__ import annotations

import traceback
from collections.abc import Sequence
from typing import Any

import typer

from onboarding.cli.exit_codes import FAILED, FAULT
from onboarding.errors import OnboardingError


def tell(error: Exception, *, verbose: bool) -> int:
    """Write what went wrong to standard error.

    Args:
        error: whatever ended the command.
        verbose: whether the traceback of a fault is wanted; it is redacted.

    Returns:
        The exit code.
    """
    match error:
        case typer.TyperException():
            # Typer hands on what pydantic says of a value, with pydantic's own prefix.
            message = error.format_message().replace(": Value error, ", ": ", 1)
            write_error(message, _usage_hint(error))
            return getattr(error, "exit_code", FAILED)
        case OnboardingError():
            alone = _alone(error)
            write_error(str(alone), alone.hint)
            return alone.exit_code
        case _:
            _tell_fault(error, verbose=verbose)
            return FAULT


def write_error(message: str, hint: str = "") -> None:
    """Write an error in one line, and how to mend it in a second one."""
    typer.echo(f"{typer.style('error:', fg='red', bold=True)} {_one_line(message)}", err=True)
    if hint and hint not in message:
        typer.echo(f"{typer.style('hint:', bold=True)} {_one_line(hint)}", err=True)


def _alone(error: OnboardingError) -> OnboardingError:
    """Return the one refusal of a batch of one: it has the exit code that tells more."""
    refusals: Sequence[Any] = getattr(error, "refusals", ())
    return refusals[0].error if len(refusals) == 1 else error


def _usage_hint(error: Exception) -> str:
    ctx = getattr(error, "ctx", None)
    return f"see: {ctx.command_path} --help" if ctx is not None else "see: onboarding --help"


def _tell_fault(error: Exception, *, verbose: bool) -> None:
    if verbose:
        from onboarding.core.redact import redact_text

        typer.echo(redact_text("".join(traceback.format_exception(error))), err=True)
    write_error(
        f"a fault of the program itself ({type(error).__name__})",
        "report it with the traceback above"
        if verbose
        else "run it again as: onboarding --verbose ...",
    )


def _one_line(text: str) -> str:
    return "".join(c if c.isprintable() else "?" for c in " ".join(text.split()))
