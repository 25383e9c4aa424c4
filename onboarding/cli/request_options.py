"""What ``onboarding request`` can be given, with the words of its help."""

from __future__ import annotations

from typing import Annotated

import typer

from onboarding.model import CodeMethod, Entry

WabaId = Annotated[str | None, typer.Argument(help="The WABA, added as an account before.")]
PhoneNumber = Annotated[str | None, typer.Argument(help="The phone number, in any usual format.")]
DisplayName = Annotated[str | None, typer.Argument(help="The display name, 2 to 75 characters.")]
SignupEvent = Annotated[
    str | None,
    typer.Option(
        metavar="FILE",
        help="Instead of the three: what Embedded Signup handed over, as JSON, or - for "
        "standard input.",
    ),
]
CallingCode = Annotated[str, typer.Option(help="Calling code of a national number, like 55.")]
Region = Annotated[str, typer.Option(help="Region of a national number, like BR.")]
ComesBy = Annotated[Entry, typer.Option(help="How the number comes to us.")]
Method = Annotated[
    CodeMethod | None,
    typer.Option(help="How Meta delivers the one-time code; default: as the number needs it."),
]
Language = Annotated[
    str | None,
    typer.Option(metavar="xx_YY", help="Language of the code; default: the region's."),
]
Window = Annotated[
    str | None, typer.Option(help="When the holder can read it: '09:00-17:00 Europe/Berlin'.")
]
Ready = Annotated[bool, typer.Option("--code-ready", help="The holder can read a code now.")]
OnboardedAt = Annotated[
    str | None,
    typer.Option(metavar="INSTANT", help="When Embedded Signup was finished, with offset."),
]
PinStdin = Annotated[
    bool, typer.Option("--pin-stdin", help="Read the number's two-step PIN from standard input.")
]
Key = Annotated[
    str | None, typer.Option(help="A key of your own that makes the request idempotent.")
]
Again = Annotated[
    bool, typer.Option("--again", help="Start anew although an earlier onboarding is over.")
]
Preverified = Annotated[
    str | None,
    typer.Option(metavar="ID", help="Claim this number of the pool, by any of its names."),
]
FromPool = Annotated[
    str | None,
    typer.Option(metavar="COUNTRY", help="Claim any verified number of this country."),
]
Strict = Annotated[
    bool, typer.Option("--strict", help="Refuse a name that Meta's rules speak against.")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
