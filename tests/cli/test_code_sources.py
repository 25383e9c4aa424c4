"""``onboarding code ingest`` and ``onboarding code mailbox``, as their users run them."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from onboarding.model import State
from tests.cli.harness import NAME, NUMBER, Deployment, Meta, pass_until_idle
from tests.core.test_mail_texts import mail
from tests.graph.certificates import make_authority
from tests.mail.imap_server import HOST, ImapServer, serving


@pytest.fixture
def waiting(meta: Meta) -> Meta:
    """A number whose code arrived."""
    meta.deployment.request(NUMBER, NAME, "--code-ready")
    with meta.engine(intakes=[]) as engine:
        pass_until_idle(engine)
        assert engine.get(NUMBER).state is State.OTP_PENDING
    return meta


def test_the_body_of_a_gateway_s_request_is_taken(waiting: Meta, tmp_path: Path) -> None:
    file = tmp_path / "body.json"
    text = f"WhatsApp code {waiting.last_code()}"
    file.write_text(json.dumps({"from": "WhatsApp", "to": NUMBER, "text": text}))
    run = ("code", "ingest", str(file), "--gateway", "generic")
    assert waiting.deployment.ok(*run).out.splitlines()[0].endswith("the code will be sent to Meta")
    again = waiting.deployment.ok(*run, "--json")
    assert again.json["result"] == "known"
    assert waiting.last_code() not in again.out


def test_a_request_that_cannot_be_trusted_is_told_how(waiting: Meta) -> None:
    body = f"To=%2B16315551000&Body=WhatsApp+code+{waiting.last_code()}"
    run = ("code", "ingest", "-", "--gateway", "twilio")
    for env, more, code, part in (
        ({}, (), 3, "there is no ONBOARDING_TWILIO_AUTH_TOKEN"),
        ({"ONBOARDING_TWILIO_AUTH_TOKEN": "12345"}, (), 2, "has no X-Twilio-Signature"),
        (
            {"ONBOARDING_TWILIO_AUTH_TOKEN": "12345"},
            ("--header", "X-Twilio-Signature: AAAA", "--url", "https://x/"),
            2,
            "does not fit",
        ),
        ({}, ("--header", "nonsense"), 2, "a header has no colon"),
        ({}, ("--gateway", "pigeon"), 2, "'pigeon' is no gateway"),
    ):
        outcome = waiting.deployment.run(*run, *more, stdin=body, env=env)
        assert (outcome.code, outcome.out) == (code, ""), outcome
        error, hint = outcome.error_lines
        assert part in error
        assert hint.startswith("hint: ")
        assert waiting.last_code() not in outcome.err
    assert "the code will be sent" in waiting.deployment.ok(*run, "--unsigned", stdin=body).out


def test_a_mailbox_is_read_once_or_until_stopped(waiting: Meta, tmp_path: Path) -> None:
    authority = make_authority(tmp_path)
    text = f"WhatsApp code {waiting.last_code()}"
    with serving(ImapServer(context=authority.server_context(HOST))) as server:
        waiting.deployment.env |= {
            "ONBOARDING_MAILBOX_HOST": HOST,
            "ONBOARDING_MAILBOX_PORT": str(server.port),
            "ONBOARDING_MAILBOX_USER": server.user,
            "ONBOARDING_MAILBOX_PASSWORD": server.password,
            "ONBOARDING_MAILBOX_CA_FILE": str(authority.file),
        }
        shown = waiting.deployment.ok("code", "mailbox")
        assert shown.out == "0 new messages looked at, 0 codes taken\n"
        now = waiting.deployment.clock.now()
        uid = server.put(mail(text, to="16315551000@sms.example.com"), now)
        with subprocess.Popen(
            [sys.executable, "-m", "onboarding", "code", "mailbox", "--every", "1"],
            env=dict(waiting.deployment.env) | {"PYTHONPATH": ":".join(sys.path)},
            stderr=subprocess.PIPE,
            text=True,
        ) as process:
            assert process.stderr is not None
            assert "reading the mailbox" in process.stderr.readline()
            process.send_signal(signal.SIGTERM)
            assert process.wait(30) == 0
        assert server.messages[uid].seen
        told = waiting.deployment.ok("code", "mailbox", "--json").json
        assert told == {"looked_at": 0, "taken": 0}
        assert waiting.deployment.ok("show", NUMBER, "--json").json["has_code"]


def test_without_a_mailbox_it_says_what_to_set(deployment: Deployment) -> None:
    outcome = deployment.run("code", "mailbox")
    assert outcome.code == 3
    assert outcome.error_lines[0] == "error: no mailbox is set up"
    assert "ONBOARDING_MAILBOX_HOST" in outcome.error_lines[1]
    assert deployment.run("code", "mailbox", "--every", "5", "--json").code == 2
