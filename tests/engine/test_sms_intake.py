"""Codes by SMS gateway: matched to the number that waits, checked, and handed in once."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import sys
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlencode

import pytest

from onboarding import Engine, Gateway, SmsRequest
from onboarding.core.pool.lifecycle import PoolState
from onboarding.core.timing import iso
from onboarding.engine.intakes import load_named
from onboarding.engine.pool_adding import PoolRequest
from onboarding.errors import (
    ConfigurationError,
    InputError,
    NotFoundError,
    TransitionRefusedError,
)
from onboarding.model import CodeMethod, Onboarding, Reason, State
from tests.engine.rehearsing import DAY, MINUTE, SECOND, Rehearse, Rehearsed

MOBILE, OTHER = "+4915112345678", "+4915112345679"


@pytest.fixture
def waiting(rehearse: Rehearse) -> Rehearsed:
    """A rehearsal of a hosted number, whose code arrived at its gateway."""
    meta = rehearse(hosted_numbers="+49151*", twilio_auth_token="12345")
    meta.reads_codes = False
    meta.ask(MOBILE)
    meta.wait(5 * SECOND)
    assert meta.state(MOBILE) is State.OTP_PENDING
    return meta


def generic(number: str, text: str, **more: str) -> SmsRequest:
    return SmsRequest(
        body=json.dumps({"to": number, "from": "WhatsApp", "text": text, **more}).encode()
    )


def test_a_hosted_number_is_asked_for_its_code_at_any_hour(waiting: Rehearsed) -> None:
    taken = waiting.engine.ingest_sms(
        generic(MOBILE, waiting.messages(MOBILE)[-1]), Gateway.GENERIC
    )
    assert (taken.result, waiting.row(MOBILE).has_code) == ("taken", True)
    waiting.run_to(State.REGISTERED, MOBILE)
    entry = next(e for _, e in waiting.engine.history(MOBILE) if e.trigger == "code_given")
    assert (entry.actor, entry.detail) == ("generic", {"gateway": "generic"})


def test_a_repeated_message_changes_nothing(waiting: Rehearsed) -> None:
    request = generic(MOBILE.lstrip("+"), waiting.messages(MOBILE)[-1])
    results = [waiting.engine.ingest_sms(request, Gateway.GENERIC).result for _ in range(2)]
    assert results == ["taken", "known"]
    waiting.fail("refuse", "verify_code", code=136025, subcode=2388093, times=1)
    waiting.settle()
    assert waiting.engine.ingest_sms(request, Gateway.GENERIC).result == "known"
    assert waiting.triggers(MOBILE).count("code_given") == 1


def test_a_signed_message_of_twilio(waiting: Rehearsed) -> None:
    url = "https://example.com/sms"
    fields = {"To": MOBILE, "From": "32665", "Body": waiting.messages(MOBILE)[-1]}
    signed = url + "".join(name + fields[name] for name in sorted(fields))
    mac = hmac.new(b"12345", signed.encode(), hashlib.sha1).digest()
    headers = {"X-Twilio-Signature": base64.b64encode(mac).decode()}
    body = urlencode(fields).encode()
    with pytest.raises(InputError, match="request is refused"):
        waiting.engine.ingest_sms(SmsRequest(body=body, url=url), Gateway.TWILIO)
    assert not waiting.row(MOBILE).has_code
    request = SmsRequest(body=body, headers=headers, url=url)
    assert waiting.engine.ingest_sms(request, Gateway.TWILIO).result == "taken"


def test_without_a_secret_nothing_is_taken_on_trust(waiting: Rehearsed) -> None:
    request = SmsRequest(
        body=urlencode({"to": MOBILE, "text": waiting.messages(MOBILE)[-1]}).encode()
    )
    with pytest.raises(ConfigurationError, match="ONBOARDING_VONAGE_SIGNATURE_SECRET"):
        waiting.engine.ingest_sms(request, Gateway.VONAGE)
    taken = waiting.engine.ingest_sms(request, Gateway.VONAGE, is_checked=True)
    assert taken.result == "taken"


def test_a_message_that_is_no_code_of_whatsapp_is_refused(waiting: Rehearsed) -> None:
    for text, problem in (
        ("Your bank's code is 123-830", "does not say that its code is WhatsApp's"),
        ("WhatsApp is great", "no six-digit code"),
        ("WhatsApp code 123-830 or 123-831", "more than one code"),
    ):
        with pytest.raises(InputError, match=problem) as refused:
            waiting.engine.ingest_sms(generic(MOBILE, text), Gateway.GENERIC)
        assert "123" not in str(refused.value)
    with pytest.raises(NotFoundError, match="no number of it waits"):
        waiting.engine.ingest_sms(generic(OTHER, "WhatsApp code 123-830"), Gateway.GENERIC)
    assert not waiting.row(MOBILE).has_code


def test_a_message_of_before_the_code_was_asked_for_is_refused(waiting: Rehearsed) -> None:
    at = iso(waiting.clock.now() - 15 * MINUTE)
    request = generic(MOBILE, "WhatsApp code 123-830", sent_at=at)
    with pytest.raises(TransitionRefusedError, match="before the code was asked for"):
        waiting.engine.ingest_sms(request, Gateway.GENERIC)
    waiting.ask(OTHER, code_window="2026-03-01T09:00Z/2026-03-01T10:00Z", code_method="VOICE")
    now = iso(waiting.clock.now())
    request = generic(MOBILE, waiting.messages(MOBILE)[-1], sent_at=now)
    assert waiting.engine.ingest_sms(request, Gateway.GENERIC).result == "taken"


def test_a_gateway_that_reads_sms_alone_is_not_called(waiting: Rehearsed) -> None:
    waiting.run(most=DAY)
    ways = {call["params"]["code_method"] for call in waiting.calls("request_code")}
    assert ways == {"SMS"}
    assert len(waiting.calls("request_code")) == 3


def test_one_that_takes_calls_is(rehearse: Rehearse) -> None:
    meta = rehearse(hosted_numbers=MOBILE, hosted_take_calls=True)
    meta.reads_codes = False
    meta.ask(MOBILE)
    meta.ask(OTHER)
    meta.run(most=timedelta(minutes=30))
    methods = [attempt.method for attempt in meta.engine.code_ledger(MOBILE).attempts]
    assert methods == [CodeMethod.SMS, CodeMethod.VOICE]
    assert meta.row(OTHER).waiting is Reason.CODE_READY


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An installed package that offers intakes."""
    folder = tmp_path / "site"
    info = folder / "our_phones-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: our-phones\nVersion: 1.0\n")
    offered = "phones = our_phones_intakes:Phones\nbroken = our_phones_intakes:missing"
    (info / "entry_points.txt").write_text(f"[onboarding.code_intakes]\n{offered}\n")
    (folder / "our_phones_intakes.py").write_text(
        "class Phones:\n"
        "    reads_at_any_hour = True\n"
        "    def answers(self, onboarding):\n"
        "        return onboarding.phone_number == '+4915112345678'\n"
    )
    monkeypatch.syspath_prepend(str(folder))
    monkeypatch.delitem(sys.modules, "our_phones_intakes", raising=False)


@pytest.mark.usefixtures("package")
def test_an_intake_of_an_installed_package_is_loaded_by_name(rehearse: Rehearse) -> None:
    meta = rehearse(code_intakes=" phones ")
    (intake,) = load_named("phones")
    row: Onboarding = meta.request(MOBILE)
    assert intake.answers(row)
    with pytest.raises(ConfigurationError, match="no installed package offers") as refused:
        load_named("phones,nothing")
    assert "broken, phones" in refused.value.hint
    with pytest.raises(ConfigurationError, match="'broken' cannot be loaded"):
        load_named("broken")


@pytest.mark.usefixtures("package")
def test_an_engine_that_is_given_no_intakes_loads_what_the_setting_names(
    rehearse: Rehearse,
) -> None:
    meta = rehearse()
    url = meta.database_url
    key = meta.environment.get("ONBOARDING_SECRET_KEY")
    with Engine.open(url, code_intakes="phones", secret_key=key) as engine:
        assert [type(each).__name__ for each in engine.context.intakes] == ["Phones"]
    with Engine.open(url, code_intakes="phones", secret_key=key, intakes=()) as engine:
        assert engine.context.intakes == ()


def test_a_hosted_number_of_a_pool_is_proven_by_what_reaches_its_gateway(
    rehearse: Rehearse,
) -> None:
    meta = rehearse(hosted_numbers="+49151*")
    meta.reads_codes = False
    meta.engine.pool.add("506914307656634", [PoolRequest(phone_number=MOBILE)])
    meta.wait(2 * MINUTE)
    request = generic(MOBILE, meta.messages(MOBILE)[-1])
    early = generic(MOBILE, meta.messages(MOBILE)[-1], sent_at=iso(meta.clock.now() - DAY))
    with pytest.raises(TransitionRefusedError, match="before the code was asked for"):
        meta.engine.ingest_sms(early, Gateway.GENERIC)
    taken = [meta.engine.ingest_sms(request, Gateway.GENERIC) for _ in range(2)]
    assert [each.result for each in taken] == ["taken", "known"]
    assert taken[0].onboarding is None
    assert taken[0].pool_number is not None
    meta.settle()
    assert meta.engine.pool.get(MOBILE).state is PoolState.VERIFIED
    entries = [e for _, e in meta.engine.pool.history(MOBILE) if e.trigger == "code_given"]
    assert [(e.actor, e.detail) for e in entries] == [("generic", {"gateway": "generic"})]
    with pytest.raises(NotFoundError, match="no number of it waits"):
        meta.engine.ingest_sms(request, Gateway.GENERIC)


def test_a_number_of_a_pool_that_is_called_is_no_number_of_a_gateway_that_reads_sms(
    rehearse: Rehearse,
) -> None:
    meta = rehearse(hosted_numbers="+49151*")
    meta.reads_codes = False
    by_voice = PoolRequest(phone_number=MOBILE, code_method=CodeMethod.VOICE)
    meta.engine.pool.add("506914307656634", [by_voice])
    meta.run(most=DAY)
    assert meta.engine.pool.get(MOBILE).waiting is Reason.CODE_READY
    assert meta.calls("request_preverified_code") == []
