"""Arguments and options that several commands of ``onboarding pool`` take."""

from __future__ import annotations

from typing import Annotated

import typer

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Business = Annotated[str, typer.Argument(help="Id of the business portfolio.")]
Ref = Annotated[
    str, typer.Argument(metavar="ID", help="Id, temporary id, start of an id, or phone number.")
]
Reason = Annotated[str, typer.Option("--reason", help="Why, for the history.")]
Partner = Annotated[str, typer.Argument(metavar="PARTNER", help="Id of the partner business.")]
Account = Annotated[
    str | None,
    typer.Option("--account", metavar="WABA_ID", help="With whose token the calls are made."),
]
Ready = Annotated[bool, typer.Option("--code-ready", help="Somebody reads the codes now.")]
