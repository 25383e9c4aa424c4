"""``onboarding name``: display names, the rules they are judged by, and what became of each."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from onboarding.core.name_submissions import NameSubmission

app = typer.Typer(add_completion=False, rich_markup_mode=None)

Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@app.callback()
def name() -> None:
    """Display names: what Meta says to them.

    Example:
        onboarding name check "Lucky Shrub Official"
    """


@app.command()
def check(
    name: Annotated[str, typer.Argument(help="The display name.")],
    *,
    business: Annotated[
        str, typer.Option(help="The name that customers know the business by.")
    ] = "",
    strict: Annotated[
        bool, typer.Option("--strict", help="Fail if anything is found (exit code 2).")
    ] = False,
    as_json: Json = False,
) -> None:
    """Check a display name against Meta's published rules.

    Before it is submitted: nothing is stored, nobody is asked. What is found are warnings: people
    at Meta decide.

    Example:
        onboarding name check "LUCKY SHRUB Official"
        onboarding name check "Green Corner" --business "Lucky Shrub" --json
    """
    from onboarding.cli.output import print_json, print_table, say
    from onboarding.core.name_rules import check_display_name
    from onboarding.errors import InputError

    findings = check_display_name(name, business=business)
    if as_json:
        print_json({"name": name, "business": business or None, "findings": findings})
    elif not findings:
        say("nothing found; Meta decides")
    else:
        rows = [(each.rule, each.found, each.reason, each.mend) for each in findings]
        print_table(("rule", "found", "why Meta may decline it", "what mends it"), rows)
    if strict and findings:
        raise InputError(
            f"{len(findings)} of Meta's rules speak against the name", field="name", hint="mend it"
        )


@app.command("list")
def list_names(
    ctx: typer.Context,
    ref: Annotated[str, typer.Argument(help="Id, start of an id, or phone number.")],
    *,
    as_json: Json = False,
) -> None:
    """List every name that was submitted for a number.

    When and by whom, and what became of it: Meta's decision, when, and why it was declined.

    Example:
        onboarding name list "+1 631 555 1000"
        onboarding name list 01a2013e591a --json
    """
    from onboarding.cli.output import plain, print_json, print_table
    from onboarding.cli.session import open_engine

    with open_engine(ctx) as engine:
        row = engine.get(ref)
        versions = engine.name_submissions(row.id)
    if as_json:
        items = [{**plain(each), "why": each.why or None} for each in versions]
        print_json({"id": row.id, "phone_number": row.phone_number, "items": items})
        return
    columns = ("#", "name", "submitted", "by", "decision", "decided", "told by", "why")
    print_table(columns, [_line(each) for each in versions])


def _line(version: NameSubmission) -> tuple[object, ...]:
    return (
        version.version,
        version.name,
        version.submitted_at or "not yet",
        version.given_by or ("found on the WABA" if version.submitted_at else None),
        version.decision,
        version.decided_at,
        version.source,
        version.why or None,
    )


@app.command()
def rules(*, as_json: Json = False) -> None:
    """Show the rules that display names are checked by.

    Each with a name that it has nothing against, and one that it finds.

    Example:
        onboarding name rules
    """
    from onboarding.cli.output import print_json, print_table
    from onboarding.core.name_rules import NAME_RULES

    if as_json:
        print_json({"items": NAME_RULES})
        return
    rows = [(rule.id, rule.checks, rule.reason, rule.passes, rule.fails) for rule in NAME_RULES]
    print_table(("rule", "looks for", "why", "passes", "is found"), rows)
