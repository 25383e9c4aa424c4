"""``onboarding doctor``: check the whole deployment."""

from __future__ import annotations

from typing import Annotated

import typer


def doctor(
    ctx: typer.Context,
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Check the whole deployment, and say how to mend it.

    Settings, database, schema and triggers, key, clock, disk, the token of each account at Meta,
    the app's subscription, workers and unanswered calls. It changes nothing. The exit code is 9
    if there is a problem; warnings alone leave it at 0.

    Example:
        onboarding doctor
    """
    from onboarding.cli.exit_codes import PROBLEMS_FOUND
    from onboarding.cli.output import print_json, print_table
    from onboarding.cli.session import settings_of
    from onboarding.engine.doctor import examine
    from onboarding.engine.findings import Level

    findings = examine(settings_of(ctx))
    has_problem = any(each.level is Level.PROBLEM for each in findings)
    if as_json:
        print_json({"ok": not has_problem, "findings": findings})
    else:
        rows = [(each.level, each.name, each.text, each.remedy) for each in findings]
        print_table(("", "check", "found", "to mend it"), rows)
    if has_problem:
        raise typer.Exit(PROBLEMS_FOUND)
