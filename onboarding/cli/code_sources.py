"""``onboarding code ingest`` and ``onboarding code mailbox``: codes that programs receive."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from onboarding.core.sms_gateways import SmsRequest
    from onboarding.engine.facade import Engine

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def ingest(
    ctx: typer.Context,
    file: Annotated[str, typer.Argument(help="The body of the request, or - for standard input.")],
    *,
    gateway: Annotated[
        str, typer.Option(metavar="twilio|vonage|generic", help="Whose request it is.")
    ],
    url: Annotated[
        str, typer.Option(metavar="URL", help="Where the request was sent; Twilio signs it.")
    ] = "",
    header: Annotated[
        list[str] | None,
        typer.Option(metavar="'NAME: VALUE'", help="A header of it; may be given several times."),
    ] = None,
    unsigned: Annotated[
        bool, typer.Option("--unsigned", help="You know who sent it: check no signature.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Take the code of a text message that an SMS gateway received.

    The message goes to the number that waits for a code, of an onboarding or of a pool. A repeat
    of it changes nothing.

    Example:
        onboarding code ingest message.json --gateway generic
        onboarding code ingest body.txt --gateway twilio --url https://example.com/sms \
--header "X-Twilio-Signature: 0/KCTR6DLpKmkAf8muzZqo1nDgQ="
    """
    from onboarding.cli.onboardings import facts
    from onboarding.cli.output import print_json, say, say_next
    from onboarding.cli.pool_showing import facts as pool
    from onboarding.cli.session import open_engine
    from onboarding.model import Onboarding

    request, sent_by = _request(file, url, header or []), _gateway(gateway)
    with open_engine(ctx) as engine:
        taken = engine.ingest_sms(request, sent_by, is_checked=unsigned)
    row = taken.row
    if as_json:
        told = (
            {"onboarding": facts(row)}
            if isinstance(row, Onboarding)
            else {"pool_number": pool(row)}
        )
        print_json({"result": taken.result} | told)
        return
    known = "this code was handed in before"
    what = known if taken.result == "known" else "the code will be sent to Meta"
    say(f"{row.phone_number} ({row.id}): {what}")
    say_next("onboarding worker")


def _request(file: str, url: str, headers: list[str]) -> SmsRequest:
    from onboarding.cli.asking import read_text
    from onboarding.core.sms_gateways import SmsRequest
    from onboarding.errors import InputError

    named = [header.partition(":") for header in headers]
    if any(not colon for _, colon, _ in named):
        raise InputError("a header has no colon", field="header", hint="--header 'NAME: VALUE'")
    by_name = {name.strip(): value.strip() for name, _, value in named}
    return SmsRequest(body=read_text(file).encode(), headers=by_name, url=url)


def _gateway(text: str) -> Any:
    from onboarding.core.sms_gateways import Gateway
    from onboarding.errors import InputError

    try:
        return Gateway(text.lower())
    except ValueError:
        raise InputError(
            f"'{text}' is no gateway that we know", hint=f"--gateway {'|'.join(Gateway)}"
        ) from None


def mailbox(
    ctx: typer.Context,
    *,
    every: Annotated[
        float | None,
        typer.Option(metavar="SECONDS", min=1, help="Look again and again, until stopped."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Take the codes that arrive in a mailbox as mail.

    Of the mailbox in the settings (ONBOARDING_MAILBOX_HOST and others) new messages are looked
    at, each once. One whose code is taken is marked as read; all others stay as they are.

    Example:
        onboarding code mailbox
        onboarding code mailbox --every 15
    """
    from onboarding.cli.output import print_json, say, say_next
    from onboarding.cli.session import open_engine, report_to_log
    from onboarding.errors import InputError

    if every is not None and as_json:
        raise InputError("--json tells of one look", hint="leave --every out")
    if every is not None:
        report_to_log(ctx)
    with open_engine(ctx) as engine:
        if every is not None:
            _look_again_and_again(engine, every)
            return
        found = engine.read_mailbox()
    if as_json:
        print_json(found)
        return
    say(f"{found.looked_at} new messages looked at, {found.taken} codes taken")
    if found.taken:
        say_next("onboarding worker")


def _look_again_and_again(engine: Engine, every_s: float) -> None:
    """Look until SIGTERM or SIGINT; a look that fails is told, and made again later."""
    from onboarding.dispatch.stopping import Stop, on_signals
    from onboarding.errors import OnboardingError
    from onboarding.telemetry import log

    engine.read_mailbox()  # what is wrong with the settings is told at once
    stop = Stop()
    on_signals(stop.want)
    typer.echo("reading the mailbox; Ctrl-C stops it", err=True)
    while not stop.wait(every_s):
        try:
            found = engine.read_mailbox()
        except OnboardingError as error:
            log.warning("mailbox_failed", message=str(error))
        else:
            if found.looked_at:
                log.info("mailbox_read", looked_at=found.looked_at, taken=found.taken)
