"""The program: its commands by name, its global options, and how it ends.

Only Typer is imported here. A command's module is imported when the command runs.
"""

from __future__ import annotations

import gc
import io
import os
import sys
from collections.abc import Sequence
from typing import Annotated, Any

import typer

from onboarding.cli.exit_codes import BROKEN_PIPE, EXIT_CODES, INTERRUPTED, OK
from onboarding.cli.lazy import LazyGroup, Target

#: Objects that come to be before the collector looks; what is loaded is most of them.
_COLLECT_AFTER = 100_000

#: Every command: where it is, and what the list of commands says about it.
COMMANDS = {
    "account": Target("onboarding.cli.account:app", "WABAs and their tokens."),
    "business": Target("onboarding.cli.business:app", "Portfolios whose token several WABAs take."),
    "signup": Target("onboarding.cli.signups:app", "What Embedded Signup handed over."),
    "request": Target("onboarding.cli.request:request", "Ask for one number to be onboarded."),
    "import": Target(
        "onboarding.cli.importing:import_numbers",
        "Ask for all numbers of a file to be onboarded.",
    ),
    "adopt": Target(
        "onboarding.cli.adopting:adopt", "Take numbers over that are on a WABA's list already."
    ),
    "batch": Target("onboarding.cli.batch:app", "Numbers that were imported together."),
    "slots": Target(
        "onboarding.cli.slots:app", "How many numbers Meta takes, and which wait for a slot."
    ),
    "list": Target("onboarding.cli.listing:list_onboardings", "List onboardings."),
    "show": Target("onboarding.cli.showing:show", "Show how one onboarding stands, and why."),
    "due": Target("onboarding.cli.due:due", "List what is required, from whom and by when."),
    "why": Target(
        "onboarding.cli.why:why", "Tell in sentences what one waits for, and what comes."
    ),
    "plan": Target(
        "onboarding.cli.planning:plan", "Tell what the coming weeks bring, if all goes as assumed."
    ),
    "history": Target("onboarding.cli.history:history", "Show everything that happened to one."),
    "code": Target("onboarding.cli.code:app", "Give the one-time code, or say who can read it."),
    "link": Target(
        "onboarding.cli.link:app", "Links with which the holder of a number gives its code."
    ),
    "pool": Target(
        "onboarding.cli.pool:app", "Pre-verified numbers: verified beforehand, claimed later."
    ),
    "rename": Target("onboarding.cli.people:rename", "Give a number another display name."),
    "name": Target("onboarding.cli.naming:app", "Display names: what Meta says to them."),
    "drift": Target(
        "onboarding.cli.drift:app", "Compare every number that is not over with what Meta shows."
    ),
    "cancel": Target("onboarding.cli.people:cancel", "Give an onboarding up."),
    "restart": Target("onboarding.cli.people:restart", "Start an onboarding anew that is over."),
    "hold": Target("onboarding.cli.people:hold", "Stop all calls for an onboarding."),
    "release": Target("onboarding.cli.people:release", "End a hold, whoever made it."),
    "migrate": Target("onboarding.cli.migrate:app", "Numbers that go from one WABA to another."),
    "offboard": Target(
        "onboarding.cli.offboard:offboard", "Take a registered number off the Cloud API."
    ),
    "approval": Target("onboarding.cli.approval:app", "What waits for a second person."),
    "ack": Target(
        "onboarding.cli.answering:ack", "Take something on, so that nobody else is told."
    ),
    "snooze": Target(
        "onboarding.cli.answering:snooze", "Put further rungs of a ladder off, but never its end."
    ),
    "events": Target("onboarding.cli.events:events", "What happened, for programs that follow."),
    "outbox": Target("onboarding.cli.outbox:app", "Messages to channels, and what became of them."),
    "notify": Target("onboarding.cli.notify:app", "Channels, and a test of each."),
    "op": Target("onboarding.cli.op:app", "Calls that are not settled, and what became of them."),
    "secrets": Target("onboarding.cli.secrets:app", "PINs, and the key they are kept with."),
    "webhook": Target("onboarding.cli.webhook:app", "Webhook payloads of Meta."),
    "advance": Target("onboarding.cli.advance:advance", "Do what is due, once."),
    "worker": Target("onboarding.cli.worker:app", "Advance what is due, until stopped."),
    "backup": Target(
        "onboarding.cli.backup:backup", "Copy a live SQLite database, marked as a copy."
    ),
    "db": Target("onboarding.cli.db:app", "The database's schema."),
    "audit": Target("onboarding.cli.audit:app", "The hash chains of the histories."),
    "diagram": Target("onboarding.cli.diagram:diagram", "Print the lifecycle as a diagram."),
    "doctor": Target(
        "onboarding.cli.doctor:doctor", "Check the whole deployment, and say how to mend it."
    ),
    "simulator": Target(
        "onboarding.cli.simulator:simulator", "Run a Graph API of your own on loopback."
    ),
    "demo": Target("onboarding.cli.demo:demo", "240 numbers, three weeks, about a minute."),
}


class Program(LazyGroup):
    """The root of all commands; every way in which it can end has its exit code."""

    targets = COMMANDS

    def invoke(self, ctx: Any) -> Any:
        """Run the command; an error is told in one or two lines and becomes an exit code."""
        try:
            result = super().invoke(ctx)
            sys.stdout.flush()
        except (typer.Exit, KeyboardInterrupt):
            raise
        except typer.Abort:
            raise typer.Exit(INTERRUPTED) from None
        except BrokenPipeError:
            _let_go_of_stdout()
            raise typer.Exit(BROKEN_PIPE) from None
        except Exception as error:  # noqa: BLE001 - whatever it is, nobody gets a traceback unasked
            raise typer.Exit(_tell(error, ctx.params)) from None
        return result

    def main(
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = None,
        complete_var: str | None = None,
        standalone_mode: bool = True,  # noqa: FBT001, FBT002 - Typer's own signature
        windows_expand_args: bool = True,  # noqa: FBT001, FBT002 - the same
        **extra: Any,
    ) -> Any:
        """Run the program on these arguments; without any it shows its help."""
        for stream in (sys.stdout, sys.stderr):
            if isinstance(stream, io.TextIOWrapper):  # a name may not fit into a poor encoding
                stream.reconfigure(errors="backslashreplace")
        given = list(sys.argv[1:] if args is None else args) or ["--help"]
        try:
            code = super().main(
                given,
                prog_name,
                complete_var,
                standalone_mode=False,
                windows_expand_args=windows_expand_args,
                **extra,
            )
        except typer.TyperException as error:
            code = _tell(error, {})
        if not standalone_mode:
            return code
        sys.exit(code if isinstance(code, int) else OK)


def _tell(error: Exception, params: dict[str, Any]) -> int:
    from onboarding.cli.failures import tell

    return tell(error, verbose=bool(params.get("verbose")))


def _let_go_of_stdout() -> None:
    """Point standard output at nothing, or Python complains about it at exit."""
    try:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except OSError:
        sys.stdout = open(os.devnull, "w")  # noqa: PTH123, SIM115 - it stays open until the end


def _show_version(given: bool) -> None:  # noqa: FBT001 - Typer calls it like this
    if given:
        from onboarding import __version__

        typer.echo(f"onboarding {__version__}")
        raise typer.Exit


def _exit_codes() -> str:
    """Return the table of exit codes as a paragraph whose lines are not joined."""
    lines = (f"  {code:>3}  {meaning}" for code, meaning in EXIT_CODES.items())
    return "\n".join(("\b", "Exit codes:", *lines))


app = typer.Typer(cls=Program, name="onboarding", epilog=_exit_codes(), rich_markup_mode=None)


@app.callback()
def options(
    ctx: typer.Context,
    *,
    database_url: Annotated[
        str | None,
        typer.Option(
            metavar="URL",
            help="The database; default: ONBOARDING_DATABASE_URL.",
            show_default=False,
        ),
    ] = None,
    actor: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="Who acts, for the history; default: ONBOARDING_ACTOR, else the system's user.",
            show_default=False,
        ),
    ] = None,
    follow_clock: Annotated[
        str | None,
        typer.Option(
            metavar="URL",
            help="Take the time from a simulator: its control URL; "
            "default: ONBOARDING_FOLLOW_CLOCK.",
            show_default=False,
        ),
    ] = None,
    verbose: Annotated[
        bool, typer.Option("--verbose", "-v", help="Log to standard error, with tracebacks.")
    ] = False,
    version: Annotated[
        bool,
        typer.Option("--version", callback=_show_version, is_eager=True, help="Print the version."),
    ] = False,
) -> None:
    """Take WhatsApp business phone numbers from requested to registered on the Cloud API.

    Example:
        onboarding db upgrade
        onboarding account add 102290129340398 --token-file token.txt
        onboarding import numbers.csv
        onboarding worker
    """
    del version
    from onboarding.cli.session import Options

    ctx.obj = Options(
        database_url=database_url, actor=actor, follow_clock=follow_clock, verbose=verbose
    )
    ctx.call_on_close(ctx.obj.start_log())


def main() -> None:
    """Run the program on the arguments of this process; never returns."""
    # Loading modules makes many objects and no garbage: looking for it is a sixth of each start.
    gc.set_threshold(_COLLECT_AFTER)
    app(prog_name="onboarding")
