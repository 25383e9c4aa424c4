"""``onboarding link``: links with which the holder of a number gives its code."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from datetime import datetime

    from onboarding.core.code_links import CodeLink
    from onboarding.engine.code_links import MadeLink

app = typer.Typer(add_completion=False, rich_markup_mode=None)

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Ref = Annotated[str, typer.Argument(help="Id, start of an id, or phone number.")]

_COLUMNS = ("link", "onboarding", "standing", "made by", "made at", "expires at", "codes")


@app.callback()
def link() -> None:
    """Links with which the holder of a number gives its code.

    Example:
        onboarding link make 01a2013e591a --for 48h
    """


@app.command()
def make(
    ctx: typer.Context,
    ref: Ref,
    *,
    lasts: Annotated[
        str, typer.Option("--for", metavar="SPAN", help="How long it works: 90m, 48h, 7d.")
    ] = "48h",
    as_json: AsJson = False,
) -> None:
    """Make a link for the holder of one number.

    It works for one code that Meta accepts, and until it expires or is revoked. It is shown this
    once: only a digest of it is stored. With ONBOARDING_LINK_BASE_URL it is printed as a URL.

    Example:
        onboarding link make 01a2013e591a --for 48h
    """
    from onboarding.cli.moments import parse_moment
    from onboarding.cli.output import print_json
    from onboarding.cli.session import open_engine

    with open_engine(ctx) as engine:
        until = parse_moment(lasts, engine.context.clock.now(), "--for")
        made = engine.make_link(ref, until)
        row = engine.get(made.link.onboarding_id)
    if as_json:
        facts = _facts(made.link, made.link.made_at)
        print_json({**facts, "token": made.token, "url": made.url})
        return
    _print(made, row.phone_number)


def _print(made: MadeLink, phone_number: str) -> None:
    from onboarding.cli.output import note, say
    from onboarding.engine.code_links import shown

    until = f"{made.link.expires_at:%Y-%m-%d %H:%M} UTC"
    note(f"link {shown(made.link)} for {phone_number}, until {until}; it is shown this once:")
    say(made.url or made.token)
    ready = f"onboarding code {made.link.onboarding_id} --ready"
    note(f"Next: send it to the holder; once they can read the code: {ready}")


@app.command()
def redeem(
    ctx: typer.Context,
    token: Annotated[str, typer.Argument(help="The token, or the URL that ends with it.")],
    *,
    code: Annotated[
        str | None, typer.Option(help="The code or its message; without it you are asked.")
    ] = None,
    ready: Annotated[
        bool, typer.Option("--ready", help="The holder can read a code: have one sent.")
    ] = False,
) -> None:
    """Give the code of a number with its link, or say you are there.

    Example:
        onboarding link redeem AQz... --ready
        onboarding link redeem AQz... --code 123-830
    """
    from onboarding.cli.asking import ask_secret
    from onboarding.cli.output import say, say_next
    from onboarding.cli.session import open_engine
    from onboarding.errors import InputError

    if ready and code is not None:
        raise InputError("a code and --ready exclude each other", hint="give one")
    with open_engine(ctx) as engine:
        if ready:
            row = engine.ready_by_link(token)
        else:
            row = engine.redeem_link(token, code if code is not None else ask_secret("code"))
    what = "a code will be asked for" if ready else "the code will be sent to Meta"
    say(f"{row.phone_number} ({row.id}): {what}")
    say_next("onboarding worker")


@app.command()
def revoke(
    ctx: typer.Context,
    link_id: Annotated[str, typer.Argument(metavar="LINK", help="Its id, or the start of it.")],
    *,
    reason: Annotated[str, typer.Option("--reason", help="Why, for the history.")],
) -> None:
    """Take a link back; it works no more.

    Example:
        onboarding link revoke 3f9a12bc04d7 --reason "sent to the wrong person"
    """
    from onboarding.cli.output import say, say_next
    from onboarding.cli.session import open_engine
    from onboarding.engine.code_links import shown

    with open_engine(ctx) as engine:
        revoked = engine.revoke_link(link_id, reason)
    say(f"link {shown(revoked)} is revoked")
    say_next(f"onboarding link make {revoked.onboarding_id}   (if another is needed)")


@app.command("list")
def list_links(
    ctx: typer.Context,
    ref: Annotated[str | None, typer.Argument(help="Of this number alone.")] = None,
    *,
    as_json: AsJson = False,
) -> None:
    """List the links, and how each stands.

    Example:
        onboarding link list
        onboarding link list 01a2013e591a
    """
    from onboarding.cli.output import print_json, print_table, say
    from onboarding.cli.session import open_engine

    with open_engine(ctx) as engine:
        links, now = engine.links(ref), engine.context.clock.now()
    if as_json:
        print_json({"items": [_facts(each, now) for each in links]})
    elif links:
        print_table(_COLUMNS, [_line(each, now) for each in links])
    else:
        say("there are no links; one is made with: onboarding link make ID --for 48h")


def _facts(each: CodeLink, now: datetime) -> dict[str, Any]:
    from onboarding.cli.output import plain

    told = {name: value for name, value in plain(each).items() if name != "digest"}
    return {**told, "standing": each.standing(now)}


def _line(each: CodeLink, now: datetime) -> tuple[object, ...]:
    from onboarding.engine.code_links import shown

    times = (each.made_at, each.expires_at)
    standing = each.standing(now)
    return (shown(each), each.onboarding_id, standing, each.made_by, *times, each.codes)
