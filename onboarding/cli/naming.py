"""``onboarding name``: display names, the rules they are judged by, and what became of each."""

from __future__ import annotations

from typing import Annotated

import typer

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

    Before it is submitted: nothing is stored, nobody is asked. What is found are warnings: people at Meta decide.

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
