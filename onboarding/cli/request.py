"""``onboarding request``: ask for one number to be onboarded."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from onboarding.cli import request_options as given
from onboarding.model import Entry

if TYPE_CHECKING:
    from onboarding.engine.accept import Receipt
    from onboarding.engine.requests import NumberRequest

#: What goes with a hand-over of Embedded Signup; everything else comes from its event.
_OF_SIGNUPS = ("signup_event", "onboarded_at", "key", "as_json")


def request(
    ctx: typer.Context,
    waba_id: given.WabaId = None,
    number: given.PhoneNumber = None,
    name: given.DisplayName = None,
    *,
    signup_event: given.SignupEvent = None,
    cc: given.CallingCode = "",
    region: given.Region = "",
    entry: given.ComesBy = Entry.NEW,
    code_method: given.Method = None,
    code_language: given.Language = None,
    code_window: given.Window = None,
    code_ready: given.Ready = False,
    onboarded_at: given.OnboardedAt = None,
    pin_stdin: given.PinStdin = False,
    key: given.Key = None,
    again: given.Again = False,
    preverified: given.Preverified = None,
    from_pool: given.FromPool = None,
    strict: given.Strict = False,
    as_json: given.AsJson = False,
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
    from onboarding.cli.signups import take_signup
    from onboarding.engine.requests import NumberRequest

    ended_at = parse_instant(onboarded_at, "--onboarded-at")
    if signup_event is not None:
        _require_alone(ctx)
        take_signup(ctx, signup_event, key=key, onboarded_at=ended_at, as_json=as_json)
        return
    is_from_pool = preverified is not None or from_pool is not None
    waba, phone_number, display_name = _what_is_asked(
        waba_id, number, name, is_from_pool=is_from_pool
    )
    asked = NumberRequest(
        waba_id=waba,
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
    receipt = _ask(ctx, asked, preverified=preverified, from_pool=from_pool, strict=strict)
    _print(receipt, has_key=key is not None, unheard=_unheard(receipt, asked), as_json=as_json)


def _ask(
    ctx: typer.Context,
    asked: NumberRequest,
    *,
    preverified: str | None,
    from_pool: str | None,
    strict: bool,
) -> Receipt:
    """Ask for a number, or for one of the pool; what speaks against its name is told."""
    from onboarding.cli.name_words import warn_of_name
    from onboarding.cli.session import open_engine

    with open_engine(ctx) as engine:
        if preverified is None and from_pool is None:
            receipt = engine.request(asked, strict_names=strict)
        else:
            receipt = engine.pool.request(
                asked, reference=preverified, region=from_pool, strict_names=strict
            )
    warn_of_name(receipt.name_findings)
    return receipt


def _require_alone(ctx: typer.Context) -> None:
    """Refuse what a hand-over would leave unheard.

    Raises:
        InputError: more was given than goes with a hand-over.
    """
    from onboarding.errors import InputError

    for option in ctx.command.params:
        source = ctx.get_parameter_source(option.name or "")
        is_given = source is not None and source.name == "COMMANDLINE"
        if is_given and option.name not in _OF_SIGNUPS:
            raise InputError(
                f"{option.opts[0]} does not go with --signup-event: all comes from the event",
                hint="leave it out, or --signup-event",
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
