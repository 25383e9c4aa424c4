"""``onboarding request``: ask for one number to be onboarded."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from onboarding.model import CodeMethod, Entry

if TYPE_CHECKING:
    from onboarding.engine.accept import Receipt
    from onboarding.engine.requests import NumberRequest


def request(
    ctx: typer.Context,
    waba_id: Annotated[
        str | None, typer.Argument(help="The WABA, added as an account before.")
    ] = None,
    number: Annotated[
        str | None, typer.Argument(help="The phone number, in any usual format.")
    ] = None,
    name: Annotated[
        str | None, typer.Argument(help="The display name, 2 to 75 characters.")
    ] = None,
    *,
    signup_event: Annotated[
        str | None,
        typer.Option(
            metavar="FILE",
            help="Instead of the three: what Embedded Signup handed over, as JSON, or - for "
            "standard input.",
        ),
    ] = None,
    cc: Annotated[str, typer.Option(help="Calling code of a national number, like 55.")] = "",
    region: Annotated[str, typer.Option(help="Region of a national number, like BR.")] = "",
    entry: Annotated[Entry, typer.Option(help="How the number comes to us.")] = Entry.NEW,
    code_method: Annotated[
        CodeMethod | None,
        typer.Option(help="How Meta delivers the one-time code; default: as the number needs it."),
    ] = None,
    code_language: Annotated[
        str | None,
        typer.Option(metavar="xx_YY", help="Language of the code; default: the region's."),
    ] = None,
    code_window: Annotated[
        str | None, typer.Option(help="When the holder can read it: '09:00-17:00 Europe/Berlin'.")
    ] = None,
    code_ready: Annotated[
        bool, typer.Option("--code-ready", help="The holder can read a code now.")
    ] = False,
    onboarded_at: Annotated[
        str | None,
        typer.Option(metavar="INSTANT", help="When Embedded Signup was finished, with offset."),
    ] = None,
    pin_stdin: Annotated[
        bool,
        typer.Option("--pin-stdin", help="Read the number's two-step PIN from standard input."),
    ] = False,
    key: Annotated[
        str | None, typer.Option(help="A key of your own that makes the request idempotent.")
    ] = None,
    again: Annotated[
        bool, typer.Option("--again", help="Start anew although an earlier onboarding is over.")
    ] = False,
    preverified: Annotated[
        str | None,
        typer.Option(metavar="ID", help="Claim this number of the pool, by any of its names."),
    ] = None,
    from_pool: Annotated[
        str | None,
        typer.Option(metavar="COUNTRY", help="Claim any verified number of this country."),
    ] = None,
    strict: Annotated[
        bool, typer.Option("--strict", help="Refuse a name that Meta's rules speak against.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Ask for one number to be onboarded.

    Asking again with the same content changes nothing and shows the onboarding that is there.

    With --signup-event WABA, number and name come from Embedded Signup: the session event that the
    browser got, or {"event": ..., "code": ...} with the code, which lives 30 seconds.

    Example:
        onboarding request 102290129340398 "+1 631 555 1000" "Lucky Shrub" --code-ready
        onboarding request 102290129340398 "(21) 98765-4321" "Padaria" --region BR
        onboarding request --signup-event - < handover.json
        onboarding request 102290129340398 "Padaria" --from-pool BR
    """
    from onboarding.cli.asking import ask_secret
    from onboarding.cli.moments import parse_instant
    from onboarding.cli.name_words import warn_of_name
    from onboarding.cli.session import open_engine
    from onboarding.cli.signups import take_signup
    from onboarding.engine.requests import NumberRequest

    ended_at = parse_instant(onboarded_at, "--onboarded-at")
    if signup_event is not None:
        _require_alone(waba_id, number, name)
        take_signup(ctx, signup_event, name=None, key=key, onboarded_at=ended_at, as_json=as_json)
        return
    is_from_pool = preverified is not None or from_pool is not None
    waba_id, phone_number, display_name = _what_is_asked(
        waba_id, number, name, is_from_pool=is_from_pool
    )
    asked = NumberRequest(
        waba_id=waba_id,
        phone_number=phone_number,
        display_name=display_name,
        cc=cc,
        region=region,
        entry=entry,
        code_method=code_method,
        code_language=code_language,
        code_window=code_window,
        code_ready=code_ready,
        onboarded_at=ended_at,
        pin=ask_secret("PIN") if pin_stdin else None,
        key=key,
        again=again,
    )
    with open_engine(ctx) as engine:
        if is_from_pool:
            receipt = engine.pool.request(
                asked, reference=preverified, region=from_pool, strict_names=strict
            )
        else:
            receipt = engine.request(asked, strict_names=strict)
    warn_of_name(receipt.name_findings)
    _print(receipt, has_key=key is not None, unheard=_unheard(receipt, asked), as_json=as_json)


def _require_alone(*given: str | None) -> None:
    from onboarding.errors import InputError

    if any(each is not None for each in given):
        raise InputError(
            "WABA, number and name come from the event", hint="leave them out, or --signup-event"
        )


def _what_is_asked(
    waba_id: str | None, number: str | None, name: str | None, *, is_from_pool: bool
) -> tuple[str, str, str]:
    """Return WABA, number (which the pool gives if one is claimed there) and display name."""
    from onboarding.errors import InputError

    if is_from_pool and name is not None:
        raise InputError(
            "the number is the pool's to say", field="number", hint="give the display name alone"
        )
    if is_from_pool:
        number, name = "", number
    if waba_id is None or number is None or name is None:
        needed = "WABA_ID and NAME" if is_from_pool else "WABA_ID, NUMBER and NAME"
        raise InputError(
            f"Missing argument: {needed} belong together",
            hint="give all of them, or --signup-event FILE",
        )
    return waba_id, number, name


def _unheard(receipt: Receipt, asked: NumberRequest) -> str:
    """Return what says that the holder is ready, where a known request was not taken to say it."""
    from onboarding.core.code_ledger import CODE_STATES

    row = receipt.onboarding
    is_needed = row.state in CODE_STATES and not row.code_ready
    if receipt.result == "created" or not asked.code_ready or not is_needed:
        return ""
    return f"onboarding code {row.id} --ready"


def _print(receipt: Receipt, *, has_key: bool, unheard: str, as_json: bool) -> None:
    from onboarding.cli.onboardings import facts
    from onboarding.cli.output import note, print_json, say, say_next
    from onboarding.core.lifecycle import FINAL

    row = receipt.onboarding
    if as_json:
        told = {"result": receipt.result, "warning": receipt.warning, "next": unheard}
        findings = {"name_findings": receipt.name_findings}
        print_json({**told, **findings, "onboarding": facts(row)})
        return
    say(f"{receipt.result}: {row.phone_number} as {row.id} ({row.state})")
    if row.state in FINAL:
        say(f"it is over; to start anew: --again{' and another --key' if has_key else ''}")
    if receipt.warning:
        note(f"warning: {receipt.warning}")
    if unheard:
        say("asking again changes nothing, so --code-ready was not taken from it")
    created = receipt.result == "created"
    say_next(unheard or ("onboarding worker" if created else f"onboarding show {row.id}"))
