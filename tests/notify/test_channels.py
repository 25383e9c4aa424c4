"""Each channel against a real server or a real process on this machine."""

from __future__ import annotations

import json
import os
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from onboarding.errors import ChannelError
from onboarding.notify.configuration import load, open_channel
from onboarding.notify.message import Channel, Message
from tests.graph.certificates import Authority, make_authority
from tests.graph.servers import answer, close_silently, closed_port, raw_server, reset, say, stall
from tests.notify.receiving import MailServer, as_event, mail_server, receiving

SECRET = "a-secret-of-the-receiver"
PASSWORD = "mail-password-42"
MESSAGE = Message(id="m1", event=as_event(), title="A title", text="What is due: nothing\n")


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    """An authority that nobody trusts who was not told to."""
    return make_authority(tmp_path)


@pytest.fixture(autouse=True)
def _secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPS_SECRET", SECRET)
    monkeypatch.setenv("MAIL_PASSWORD", PASSWORD)


def channel(folder: Path, text: str) -> Channel:
    """Return the channel ``ops`` as a file sets it up."""
    file = folder / "notify.toml"
    file.write_text(f"[channels.ops]\n{text}\n")
    written: list[dict[str, Any]] = []
    return open_channel(load(file).channels["ops"], lambda **fields: written.append(fields))


def webhook(folder: Path, url: str, more: str = "") -> Channel:
    return channel(folder, f'kind = "webhook"\nurl = "{url}"\nsecret_env = "OPS_SECRET"\n{more}')


def refused(made: Channel) -> ChannelError:
    """Send a message that is not taken; return why."""
    with pytest.raises(ChannelError) as error:
        made.send(MESSAGE)
    told = str(error.value) + error.value.hint
    assert SECRET not in told
    assert PASSWORD not in told
    assert "/hook" not in told
    return error.value


# Webhook


def test_a_webhook_message_verifies_and_says_everything(tmp_path: Path) -> None:
    with receiving(SECRET) as receiver:
        webhook(tmp_path, receiver.url).send(MESSAGE)
    (taken,) = receiver.taken
    assert taken.id == "m1"
    assert taken.event["data"] == {"channel": "ops", "by": "ada"}
    assert taken.event["text"] == MESSAGE.text
    assert SECRET.encode() not in receiver.bodies[0]


def test_a_secret_is_rotated_in_the_middle(tmp_path: Path) -> None:
    file = tmp_path / "secret"
    file.write_text("the-old-secret-of-ops\n")
    with receiving("the-old-secret-of-ops") as receiver:
        made = channel(
            tmp_path, f'kind = "webhook"\nurl = "{receiver.url}"\nsecret_file = "{file}"'
        )
        made.send(MESSAGE)
        file.write_text("the-new-secret-of-ops\nthe-old-secret-of-ops\n")  # signed with both
        made.send(MESSAGE)
        receiver.secrets = ["the-new-secret-of-ops"]
        made.send(MESSAGE)
        file.write_text("the-new-secret-of-ops\n")
        made.send(MESSAGE)
        assert (len(receiver.taken), receiver.forged) == (4, 0)
        file.write_text("the-old-secret-of-ops\n")
        error = refused(made)
    assert "401" in str(error)
    assert receiver.forged == 1


@pytest.mark.parametrize(
    ("status", "is_permanent"),
    [
        (500, False),
        (503, False),
        (429, False),
        (408, False),
        (401, False),
        (404, False),
        (400, True),
        (410, True),
        (422, True),
    ],
)
def test_which_answers_are_final(tmp_path: Path, status: int, is_permanent: bool) -> None:  # noqa: FBT001 - a parameter of the test
    with receiving(SECRET, statuses=[status]) as receiver:
        error = refused(webhook(tmp_path, receiver.url))
    assert str(status) in str(error)
    assert error.is_permanent is is_permanent


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_a_redirect_is_never_followed(tmp_path: Path, status: int) -> None:
    with receiving(SECRET) as other:
        with raw_server(answer(b"", status, f"Location: {other.url}")) as server:
            error = refused(webhook(tmp_path, f"{server.url}/hook"))
        assert not error.is_permanent  # it may be a page that says "back soon"
        assert "redirect" in str(error)
        assert other.bodies == []


def test_whoever_hangs_or_drips_is_left_after_the_total_time(tmp_path: Path) -> None:
    def drip(connection: Any, _: bytes) -> bool:
        for byte in b"HTTP/1.1 200 OK\r\nX-Slow: " + b"x" * 200:
            connection.sendall(bytes([byte]))
            time.sleep(0.1)
        return False

    release = threading.Event()
    for behaviour in (stall(release), stall(release, b"HTTP/1.1 200"), drip):
        with raw_server(behaviour, release=release) as server:
            started = time.monotonic()
            error = refused(webhook(tmp_path, f"{server.url}/hook", 'timeout = "0.5s"'))
            assert time.monotonic() - started < 3
        release.clear()
        assert str(error) == "no answer within 0.5 s"
        assert not error.is_permanent


def test_a_body_without_end_is_not_read(tmp_path: Path) -> None:
    def flood(connection: Any, _: bytes) -> bool:
        connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
        try:
            while True:
                connection.sendall(b"x" * 65536)
        except OSError:
            return False

    with raw_server(flood) as server:
        webhook(tmp_path, f"{server.url}/hook").send(MESSAGE)
    assert len(server.requests) == 1


@pytest.mark.parametrize("behaviour", [close_silently, reset, say(b"nonsense\r\n\r\n")])
def test_a_broken_answer_is_tried_again(tmp_path: Path, behaviour: Any) -> None:
    with raw_server(behaviour) as server:
        error = refused(webhook(tmp_path, f"{server.url}/hook"))
    assert "cannot be reached" in str(error)
    assert not error.is_permanent


def test_nobody_there_is_told(tmp_path: Path) -> None:
    error = refused(webhook(tmp_path, f"{closed_port()}/hook"))
    assert str(error) == "cannot be reached: ConnectError"


def test_a_certificate_that_nobody_vouches_for_is_refused(
    tmp_path: Path, authority: Authority
) -> None:
    with raw_server(answer(b""), tls=authority.server_context("127.0.0.1")) as server:
        url = f"{server.url}/hook"
        assert "cannot be reached" in str(refused(webhook(tmp_path, url)))
        assert server.requests == []
        webhook(tmp_path, url, f'ca_file = "{authority.file}"').send(MESSAGE)
        assert len(server.requests) == 1


def test_a_secret_that_is_not_there_is_told_by_the_name_of_its_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = webhook(tmp_path, "http://127.0.0.1:1/hook")
    monkeypatch.delenv("OPS_SECRET")
    assert "OPS_SECRET" in str(refused(made))
    monkeypatch.setenv("OPS_SECRET", "short")
    assert "shorter than" in str(refused(made))


def test_a_login_in_the_address_is_used(tmp_path: Path) -> None:
    with receiving(SECRET) as receiver:
        webhook(tmp_path, receiver.url.replace("//", "//ada:pass%20word@")).send(MESSAGE)
    (headers,) = receiver.headers
    assert headers["Authorization"] == "Basic YWRhOnBhc3Mgd29yZA=="  # ada:pass word
    assert receiver.ids == ["m1"]


def test_settings_of_the_process_are_not_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", closed_port())
    monkeypatch.setenv("ALL_PROXY", closed_port())
    with receiving(SECRET) as receiver:
        webhook(tmp_path, receiver.url).send(MESSAGE)
    assert receiver.ids == ["m1"]


# Chat


def test_a_room_gets_the_text(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with raw_server(answer(b"ok")) as server:
        monkeypatch.setenv("ROOM", f"{server.url}/services/T0/B0/hook")
        channel(tmp_path, 'kind = "chat"\nurl_env = "ROOM"').send(MESSAGE)
    assert server.bodies == [b'{"text": "A title\\nWhat is due: nothing\\n"}']


def test_a_name_calls_nobody_in_a_room(tmp_path: Path) -> None:
    called = Message(id="m1", event={}, title='"<!channel> & Co"', text="x")
    with raw_server(answer(b"ok")) as server:
        channel(tmp_path, f'kind = "chat"\nurl = "{server.url}/hook"').send(called)
    (body,) = server.bodies
    assert json.loads(body)["text"] == '"&lt;!channel&gt; &amp; Co"\nx'


def test_a_room_that_says_ok_and_no_is_tried_again(tmp_path: Path) -> None:
    said = b"Webhook message delivery failed with error: Microsoft Teams endpoint returned 429"
    with raw_server(answer(said)) as server:
        error = refused(channel(tmp_path, f'kind = "chat"\nurl = "{server.url}/hook"'))
    assert not error.is_permanent


# E-mail


def mail_channel(folder: Path, server: MailServer, security: str, more: str = "") -> Channel:
    return channel(
        folder,
        f'kind = "email"\nhost = "127.0.0.1"\nport = {server.port}\nsecurity = "{security}"\n'
        f'from = "Onboarding <no-reply@example.org>"\nto = ["ops@example.org", "b@example.org"]\n'
        f"{more}",
    )


LOGIN = 'username = "ops"\npassword_env = "MAIL_PASSWORD"\n'


@pytest.mark.parametrize("security", ["starttls", "tls"])
def test_a_mail_goes_out_with_tls_and_login(
    tmp_path: Path, authority: Authority, security: str
) -> None:
    tls = authority.server_context("127.0.0.1")
    with mail_server(tls, implicit=security == "tls") as server:
        ca = f'ca_file = "{authority.file}"\n'
        login = LOGIN if security == "starttls" else ""
        mail_channel(tmp_path, server, security, ca + login).send(MESSAGE)
    (mail,) = server.mails
    assert mail["Message-ID"] == "<m1@example.org>"
    assert mail["Subject"] == "A title"
    assert mail["To"] == "ops@example.org, b@example.org"
    assert "What is due: nothing" in mail.get_content()
    assert server.logins == ([("ops", PASSWORD)] if login else [])


def test_no_mail_without_starttls(tmp_path: Path) -> None:
    with mail_server(None) as server:
        error = refused(mail_channel(tmp_path, server, "starttls", LOGIN))
        assert "no STARTTLS" in str(error)
        assert not error.is_permanent
        assert (server.mails, server.logins) == ([], [])
        mail_channel(tmp_path, server, "none").send(MESSAGE)
        assert len(server.mails) == 1


def test_a_mail_server_that_nobody_vouches_for_gets_neither_mail_nor_password(
    tmp_path: Path, authority: Authority
) -> None:
    with mail_server(authority.server_context("127.0.0.1")) as server:
        error = refused(mail_channel(tmp_path, server, "starttls", LOGIN))
        assert "certificate" in str(error)
        assert (server.mails, server.logins) == ([], [])


def test_refusals_of_a_mail_server(
    tmp_path: Path, authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    ca = f'ca_file = "{authority.file}"\n'
    with mail_server(authority.server_context("127.0.0.1")) as server:
        made = mail_channel(tmp_path, server, "starttls", ca)
        server.refusal = "450 4.2.1 busy"
        assert not refused(made).is_permanent
        server.refusal = "550 5.1.1 nobody of that name"
        error = refused(made)
        assert error.is_permanent
        assert "550" in str(error)
        assert "nobody of that name" not in str(error)  # a server may repeat what it was sent
        server.refusal = None
        monkeypatch.setenv("MAIL_PASSWORD", "wrong-password")
        error = refused(mail_channel(tmp_path, server, "starttls", ca + LOGIN))
        assert not error.is_permanent  # until the new password is here, too
        assert "login" in str(error)


def test_a_mail_that_is_refused_for_some_goes_to_the_others_once(tmp_path: Path) -> None:
    with mail_server(None) as server:
        made = mail_channel(tmp_path, server, "none")
        server.refused = {"b@example.org": "450 4.2.0 greylisted"}
        error = refused(made)
        assert not error.is_permanent
        assert "not for 1 of 2 addressees (450)" in str(error)
        server.refused = {}
        made.send(MESSAGE)
        assert server.addressees == [["ops@example.org"], ["b@example.org"]]
        assert len({mail["Message-ID"] for mail in server.mails}) == 1
        made.send(Message(id="m2", event=MESSAGE.event, title="Another", text=""))
        assert server.addressees[-1] == ["ops@example.org", "b@example.org"]
        server.refused = {"b@example.org": "550 5.1.1 nobody of that name"}
        error = refused(made)
        assert error.is_permanent
        assert "nobody of that name" not in str(error)


def test_a_mail_server_that_hangs_or_is_not_there(tmp_path: Path) -> None:
    release = threading.Event()
    with raw_server(stall(release), release=release) as server:
        port = int(server.url.rpartition(":")[2])
        started = time.monotonic()
        error = refused(mail_channel(tmp_path, MailServer(port), "none", 'timeout = "0.5s"'))
        assert time.monotonic() - started < 3
        assert not error.is_permanent
    port = int(closed_port().rpartition(":")[2])
    assert "cannot be reached" in str(refused(mail_channel(tmp_path, MailServer(port), "none")))


def test_a_title_cannot_forge_a_header(tmp_path: Path) -> None:
    with mail_server(None) as server:
        forged = Message(id="m1", event={}, title="a\r\nBcc: x@example.org", text="x")
        with pytest.raises(ChannelError):
            mail_channel(tmp_path, server, "none").send(forged)
        assert server.mails == []


# Command


@pytest.fixture
def script(tmp_path: Path) -> Path:
    """A program that writes down what it is given."""
    return tmp_path / "told"


def command(folder: Path, program: str, *more: str) -> Channel:
    argv = ", ".join(f"'{each}'" for each in (sys.executable, "-c", program))
    return channel(folder, "\n".join(('kind = "command"', f"argv = [{argv}]", *more)))


def test_a_command_gets_the_message_and_none_of_our_settings(
    tmp_path: Path, script: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ONBOARDING_SECRET_KEY", "sealed")
    program = (
        f'import os, sys; open("{script}", "w").write(sys.stdin.read() + repr(dict(os.environ)))'
    )
    command(tmp_path, program).send(MESSAGE)
    told = script.read_text()
    assert told.startswith("A title\n\nWhat is due: nothing\n")
    assert "'NOTIFY_ID': 'm1'" in told
    for name in ("ONBOARDING_SECRET_KEY", "OPS_SECRET"):
        assert name in os.environ
        assert name not in told


def test_a_command_that_fails_or_is_not_there_is_told(tmp_path: Path) -> None:
    error = refused(command(tmp_path, "raise SystemExit(3)"))
    assert str(error) == "the command ended with 3"
    assert not error.is_permanent
    missing = channel(tmp_path, 'kind = "command"\nargv = ["/nonexistent/page-me"]')
    assert not refused(missing).is_permanent


def test_a_command_that_hangs_is_killed_with_what_it_started(tmp_path: Path, script: Path) -> None:
    program = (
        "import subprocess, sys, time; "
        f'child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"]); '
        f'open("{script}", "w").write(str(child.pid)); time.sleep(60)'
    )
    started = time.monotonic()
    error = refused(command(tmp_path, program, 'timeout = "1s"'))
    assert "did not end within 1 s" in str(error)
    assert time.monotonic() - started < 10
    status = Path(f"/proc/{script.read_text()}/status")
    until = time.monotonic() + 5
    while _runs(status) and time.monotonic() < until:
        time.sleep(0.01)
    assert not _runs(status)


def _runs(status: Path) -> bool:
    try:
        return "State:\tZ" not in status.read_text()
    except OSError:
        return False
