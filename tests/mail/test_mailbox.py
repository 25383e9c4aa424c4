"""Codes that arrive as mail, from a real conversation with a server of our own, over TLS."""

from __future__ import annotations

import logging
import socket
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from onboarding.core.pool.lifecycle import PoolState
from onboarding.engine.definition import DEFINITION
from onboarding.engine.pool_adding import PoolRequest
from onboarding.errors import ConfigurationError
from onboarding.model import CodeMethod, State
from onboarding.store.database import reading, writing
from onboarding.testing import START, Rehearsal
from tests.core.test_mail_texts import mail
from tests.graph.certificates import Authority, make_authority
from tests.mail.imap_server import HOST, ImapServer, serving

NUMBER, OTHER = "+493012345671", "+493012345672"
WABA = "102290129340398"

Serve = Callable[..., ImapServer]
Rehearse = Callable[..., Rehearsal]


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    """What signs the server's certificate."""
    return make_authority(tmp_path)


@pytest.fixture
def serve(authority: Authority) -> Iterator[Serve]:
    """Start servers."""
    with ExitStack() as stack:

        def start(**given: Any) -> ImapServer:
            server = ImapServer(context=authority.server_context(HOST), **given)
            return stack.enter_context(serving(server))

        yield start


def scenario() -> dict[str, Any]:
    business = {"id": "506914307656634", "wabas": [{"id": WABA}]}
    return {"codes": {"delivery": "1s"}, "businesses": [business]}


@pytest.fixture
def rehearse(
    authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[..., Rehearsal]]:
    """Open rehearsals whose settings name the mailbox of a server."""
    monkeypatch.setenv("ONBOARDING_HOSTED_NUMBERS", "+4930*")
    with ExitStack() as stack:

        def opening(server: ImapServer, **given: Any) -> Rehearsal:
            settings = {
                "mailbox_host": HOST, "mailbox_port": server.port, "mailbox_user": server.user,
                "mailbox_password": server.password, "mailbox_ca_file": authority.file,
            }  # fmt: skip
            made = Rehearsal(scenario(), reads_codes=False, **{**settings, **given})
            return stack.enter_context(made)

        yield opening


def ask(meta: Rehearsal, number: str = NUMBER) -> None:
    """Have a code sent to a number, and let it arrive."""
    meta.request(number)
    meta.settle()
    meta.move_to(meta.clock.now().replace(second=5))
    meta.settle()
    assert meta.engine.get(number).state is State.OTP_PENDING


def arrive(server: ImapServer, meta: Rehearsal, number: str = NUMBER, **given: Any) -> int:
    raw = mail(meta.messages(number)[-1], to=f"{number.lstrip('+')}@sms.example.com", **given)
    return server.put(raw, meta.clock.now())


def looked(meta: Rehearsal) -> tuple[int, int]:
    found = meta.engine.read_mailbox()
    return found.looked_at, found.taken


@pytest.mark.parametrize("takes_plain", [True, False])
def test_a_code_that_arrives_as_mail_goes_to_its_number(
    serve: Serve, rehearse: Rehearse, *, takes_plain: bool
) -> None:
    server = serve(takes_plain=takes_plain, password='pass "word\\')
    meta = rehearse(server)
    ask(meta)
    uid = arrive(server, meta)
    assert looked(meta) == (1, 1)
    assert server.messages[uid].seen
    meta.run(until=lambda: meta.engine.get(NUMBER).state is State.REGISTERED)
    assert meta.engine.get(NUMBER).state is State.REGISTERED
    entry = next(e for _, e in meta.engine.history(NUMBER) if e.trigger == "code_given")
    assert entry.actor == "mailbox"
    assert entry.detail == {"mailbox": f"codes@{HOST}/INBOX", "uid": str(uid)}
    assert not [
        line for line in server.commands if line.startswith("UID FETCH") and "BODY[]" in line
    ]


def test_a_code_for_a_number_of_a_pool_goes_to_it(serve: Serve, rehearse: Rehearse) -> None:
    server = serve()
    meta = rehearse(server)
    request = PoolRequest(phone_number=NUMBER, code_method=CodeMethod.SMS)
    meta.engine.pool.add("506914307656634", [request])
    meta.run(most=timedelta(minutes=2))
    uid = arrive(server, meta)
    assert looked(meta) == (1, 1)
    assert server.messages[uid].seen
    meta.settle()
    assert meta.engine.pool.get(NUMBER).state is PoolState.VERIFIED
    entry = next(e for _, e in meta.engine.pool.history(NUMBER) if e.trigger == "code_given")
    assert (entry.actor, entry.detail["uid"]) == ("mailbox", str(uid))
    arrive(server, meta)  # nobody needs a code any more
    assert looked(meta) == (1, 0)


def test_nothing_is_handed_in_twice(serve: Serve, rehearse: Rehearse) -> None:
    server = serve()
    meta = rehearse(server)
    ask(meta)
    uid = arrive(server, meta)
    assert looked(meta) == (1, 1)
    server.messages[uid].seen = False  # as after a crash before it was marked
    assert looked(meta) == (0, 0)
    server.uidvalidity += 1  # the server numbered its messages anew
    assert looked(meta) == (1, 1)  # the same code again is the same code
    assert len([e for _, e in meta.engine.history(NUMBER) if e.trigger == "code_given"]) == 2
    meta.settle()
    assert len(meta.calls("verify_code")) == 1
    server.uidvalidity += 1
    server.messages[uid].seen = False
    assert looked(meta) == (1, 0)


def test_a_code_for_what_a_newer_release_wrote_is_left_to_that(
    serve: Serve, rehearse: Rehearse
) -> None:
    server = serve()
    meta = rehearse(server)
    ask(meta)
    arrive(server, meta)
    written_by(meta, DEFINITION + 1)
    assert looked(meta) == (1, 0)
    written_by(meta, DEFINITION)
    assert looked(meta) == (1, 1)


def written_by(meta: Rehearsal, definition: int) -> None:
    with writing(meta.engine.context.database) as conn:
        conn.execute(text("UPDATE onboarding SET definition = :given"), {"given": definition})


def test_two_readers_take_a_message_once(serve: Serve, rehearse: Rehearse) -> None:
    server = serve()
    meta = rehearse(server)
    ask(meta)
    arrive(server, meta)
    with ThreadPoolExecutor(4) as pool:
        found = [future.result() for future in [pool.submit(looked, meta) for _ in range(4)]]
    assert sum(taken for _, taken in found) == 1
    assert len([e for _, e in meta.engine.history(NUMBER) if e.trigger == "code_given"]) == 1


def test_mail_that_is_not_understood_stays_new_and_is_looked_at_once(
    serve: Serve, rehearse: Rehearse
) -> None:
    server = serve()
    meta = rehearse(server)
    ask(meta)
    ask(meta, OTHER)
    now = meta.clock.now()
    code = meta.messages(NUMBER)[-1]
    left = [
        mail("Lunch at 12:30?", to="codes@example.com"),
        mail("Your bank's code is 123-830", to="493012345671@sms.example.com"),
        mail(code, to="codes@example.com"),  # for whom?
        mail(f"{NUMBER} and {OTHER}: {code}"),  # for which of them?
        mail("WhatsApp code 123-830, or 555-123", to="493012345671@sms.example.com"),
        mail(code, to="491511234567@sms.example.com"),  # none of ours
        b"\xff" * 300,
        mail(code + "\n" + "x" * 300_000, to="493012345671@sms.example.com"),
    ]
    uids = [server.put(raw, now) for raw in left]
    assert looked(meta) == (len(left), 0)
    assert not any(server.messages[uid].seen for uid in uids)
    fetched = len(server.commands)
    assert looked(meta) == (0, 0)
    assert not [line for line in server.commands[fetched:] if line.startswith("UID FETCH")]
    assert not meta.engine.get(NUMBER).has_code
    assert not meta.engine.get(OTHER).has_code


def test_mail_of_before_the_code_was_asked_for_is_left(serve: Serve, rehearse: Rehearse) -> None:
    server = serve()
    meta = rehearse(server)
    ask(meta)
    at: datetime = START.replace(hour=8, minute=45)
    server.put(mail("WhatsApp code 123-830", to="493012345671@sms.example.com"), at)
    assert looked(meta) == (1, 0)
    arrive(server, meta)
    assert looked(meta) == (1, 1)


def test_what_is_wrong_with_a_mailbox_is_told_and_no_password(
    serve: Serve,
    rehearse: Rehearse,
    authority: Authority,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    server = serve()
    told = []
    wrong: list[tuple[dict[str, Any], str]] = [
        ({"mailbox_password": "another-secret"}, "refuses the login"),
        ({"mailbox_folder": "Missing"}, "no folder 'Missing'"),
        ({"mailbox_folder": "M\u00fcll"}, "is not ASCII"),
        ({"mailbox_ca_file": None}, "cannot be reached"),
        ({"mailbox_ca_file": tmp_path / "none.pem"}, "there is no file"),
        ({"mailbox_port": _closed_port()}, "cannot be reached"),
        ({"mailbox_host": None}, "no mailbox is set up"),
        ({"mailbox_password": None}, "has no password"),
        ({"mailbox_password": None, "mailbox_password_file": tmp_path / "none"}, "cannot be read"),
    ]
    for changes, problem in wrong:
        meta = rehearse(server, **changes)
        with pytest.raises(ConfigurationError, match=problem) as refused:
            meta.engine.read_mailbox()
        assert refused.value.hint
        told.append(f"{refused.value} {refused.value.hint} {meta.engine.context.settings!r}")
    shown = " ".join([*told, caplog.text])
    assert server.password not in shown
    assert "another-secret" not in shown
    assert authority.file.exists()


def _closed_port() -> int:
    with socket.create_server((HOST, 0)) as listener:
        return int(listener.getsockname()[1])


@pytest.mark.parametrize("command", ["UID SEARCH", "UID FETCH", "UID STORE", "SELECT"])
def test_a_server_that_hangs_up_loses_nothing(
    serve: Serve, rehearse: Rehearse, command: str
) -> None:
    server = serve(hangs_up_on=command)
    meta = rehearse(server)
    ask(meta)
    arrive(server, meta)
    with pytest.raises(ConfigurationError, match="failed"):
        meta.engine.read_mailbox()
    server.hangs_up_on = ""
    expected = (0, 0) if command == "UID STORE" else (1, 1)  # taken already, if not marked
    assert looked(meta) == expected
    meta.settle()
    assert len(meta.calls("verify_code")) == 1


def test_the_password_may_be_in_a_file_and_none_is_stored(
    serve: Serve, rehearse: Rehearse, tmp_path: Path
) -> None:
    server = serve()
    file = tmp_path / "password"
    file.write_text(f"{server.password}\n")
    meta = rehearse(server, mailbox_password=None, mailbox_password_file=file)
    ask(meta)
    arrive(server, meta)
    assert looked(meta) == (1, 1)
    code = meta.last_code(NUMBER)
    with reading(meta.engine.context.database) as conn:
        rows = [str(tuple(row)) for row in conn.execute(text("SELECT * FROM mail_read"))]
        entries = list(conn.execute(text("SELECT entry FROM history")).scalars())
    assert len(rows) == 1
    assert not [row for row in rows + entries if server.password in row or code in row]
