"""The webhooks of SMS gateways: read as they come, and only if their signature fits."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar
from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from onboarding.core.sms_gateways import Gateway, SmsRequest, parse_sms
from onboarding.core.sms_signatures import check_twilio, check_vonage
from onboarding.errors import InputError

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
TEXT = "WhatsApp code 123-830"
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
JSON = {"Content-Type": "application/json; charset=utf-8"}


QUERY = {"to": "1", "msisdn": "32665", "text": TEXT}
MESSAGES = {"from": "32665", "to": "16315551000", "channel": "sms", "text": TEXT}


def form(**fields: str) -> SmsRequest:
    return SmsRequest(body=urlencode(fields).encode(), headers=FORM)


def body(fields: Any) -> SmsRequest:
    return SmsRequest(body=json.dumps(fields).encode(), headers=JSON)


@pytest.mark.parametrize(
    ("request_", "gateway"),
    [
        (form(From="32665", To="+16315551000", Body=TEXT, MessageSid="SM1"), Gateway.TWILIO),
        (form(From="32665", Called="+16315551000", TranscriptionText=TEXT), Gateway.TWILIO),
        (form(msisdn="32665", to="16315551000", text=TEXT, type="text"), Gateway.VONAGE),
        (body({"msisdn": "32665", "to": "16315551000", "text": TEXT}), Gateway.VONAGE),
        (
            SmsRequest(
                body=b"",
                url="https://x/?" + urlencode({"to": "1", "msisdn": "32665", "text": TEXT}),
            ),
            Gateway.VONAGE,
        ),
        (
            body({"from": "32665", "to": "16315551000", "channel": "sms", "text": TEXT}),
            Gateway.VONAGE,
        ),
        (
            body({"from": {"number": "32665"}, "to": {"number": "16315551000"}, "text": TEXT}),
            Gateway.VONAGE,
        ),
        (body({"from": "32665", "to": "+16315551000", "text": TEXT}), Gateway.GENERIC),
        (form(sender="32665", recipient="+16315551000", message=TEXT), Gateway.GENERIC),
        (
            SmsRequest(body=json.dumps({"from": 32665, "to": 1, "text": TEXT}).encode()),
            Gateway.GENERIC,
        ),
    ],
)
def test_a_message_is_read_from_what_the_gateway_sends(
    request_: SmsRequest, gateway: Gateway
) -> None:
    sms = parse_sms(request_, gateway)
    assert (sms.sender, sms.text) == ("32665", TEXT)
    assert sms.recipient.lstrip("+").startswith("1")


@pytest.mark.parametrize(
    ("time", "expected"),
    [
        ({"message-timestamp": "2026-03-02 09:00:00"}, NOW),
        ({"timestamp": str(int(NOW.timestamp()))}, NOW),
        ({"timestamp": "2026-03-02T10:00:00+01:00"}, NOW),
        ({"message-timestamp": "yesterday"}, None),
        ({}, None),
    ],
)
def test_the_time_of_a_message_is_told_where_the_gateway_tells_it(
    time: dict[str, str], expected: datetime | None
) -> None:
    sms = parse_sms(form(to="1", msisdn="2", text=TEXT, **time), Gateway.VONAGE)
    assert sms.sent_at == expected


@pytest.mark.parametrize(
    ("request_", "gateway", "problem"),
    [
        (form(From="1", Body=TEXT), Gateway.TWILIO, "has no 'To'"),
        (form(From="1", To="2"), Gateway.TWILIO, "has no 'Body'"),
        (body({"to": "1"}), Gateway.VONAGE, "has no 'text'"),
        (body({"to": [1], "text": TEXT}), Gateway.GENERIC, "has no 'to'"),
        (body([1, 2]), Gateway.GENERIC, "neither a form nor a JSON object"),
        (SmsRequest(body=b"{nonsense"), Gateway.GENERIC, "neither a form nor a JSON object"),
        (SmsRequest(body=b"\xff\xfe"), Gateway.GENERIC, "neither a form nor a JSON object"),
        (SmsRequest(body=b"x" * 200_000), Gateway.GENERIC, "too long"),
        (SmsRequest(body=b"[" * 9000, headers=JSON), Gateway.GENERIC, "neither a form"),
    ],
)
def test_what_is_no_message_is_refused_and_not_repeated(
    request_: SmsRequest, gateway: Gateway, problem: str
) -> None:
    with pytest.raises(InputError, match=problem) as refused:
        parse_sms(request_, gateway)
    assert "123" not in str(refused.value) + refused.value.hint
    assert "123" not in repr(request_)


@given(st.binary(max_size=200), st.sampled_from(Gateway), st.sampled_from([{}, FORM, JSON]))
def test_any_bytes_are_a_message_or_refused(
    raw: bytes, gateway: Gateway, headers: dict[str, str]
) -> None:
    try:
        sms = parse_sms(SmsRequest(body=raw, headers=headers), gateway)
    except InputError:
        return
    assert sms.recipient
    assert sms.text


class TestTwilio:
    """The example of Twilio's own documentation."""

    TOKEN, URL = "12345", "https://mycompany.com/myapp.php?foo=1&bar=2"
    FIELDS: ClassVar = {
        "CallSid": "CA1234567890ABCDE", "Caller": "+12349013030", "Digits": "1234",
        "From": "+12349013030", "To": "+18005551212",
    }  # fmt: skip
    SIGNED: ClassVar = {"x-twilio-signature": "0/KCTR6DLpKmkAf8muzZqo1nDgQ="}

    @property
    def request_(self) -> SmsRequest:
        return SmsRequest(
            body=urlencode(self.FIELDS).encode(), headers=FORM | self.SIGNED, url=self.URL
        )

    def test_what_twilio_signed_is_taken_with_and_without_the_port(self) -> None:
        check_twilio(self.request_, self.TOKEN)
        with_port = self.URL.replace("mycompany.com", "mycompany.com:443")
        check_twilio(replace(self.request_, url=with_port), self.TOKEN)

    @pytest.mark.parametrize(
        "change",
        [
            {"url": "https://mycompany.com/other?foo=1&bar=2"},
            {"body": b"From=%2B12349013030&To=%2B18005551213"},
            {"headers": FORM},
            {"headers": {"X-Twilio-Signature": "AAAA"}},
            {"url": "https://mycompany.com:99999/"},
        ],
    )
    def test_anything_else_is_refused(self, change: dict[str, Any]) -> None:
        with pytest.raises(InputError) as refused:
            check_twilio(replace(self.request_, **change), self.TOKEN)
        assert refused.value.field == "signature"
        with pytest.raises(InputError):
            check_twilio(self.request_, "54321")

    def test_of_a_json_body_the_url_holds_the_hash(self) -> None:
        raw = json.dumps({"To": "1", "Body": TEXT}).encode()
        url = f"https://mycompany.com/sms?bodySHA256={hashlib.sha256(raw).hexdigest()}"
        mac = hmac.new(self.TOKEN.encode(), url.encode(), hashlib.sha1).digest()
        headers = JSON | {"X-Twilio-Signature": base64.b64encode(mac).decode()}
        check_twilio(SmsRequest(body=raw, headers=headers, url=url), self.TOKEN)
        with pytest.raises(InputError, match="body is not the one"):
            check_twilio(SmsRequest(body=raw + b" ", headers=headers, url=url), self.TOKEN)


class TestVonageJwt:
    SECRET, RAW = "signature-secret", json.dumps({"to": "1", "text": TEXT}).encode()

    def request_(self, *, alg: str = "HS256", secret: str = SECRET, **claims: Any) -> SmsRequest:
        given = {
            "iat": int(NOW.timestamp()), "iss": "Vonage", "api_key": "abc",
            "payload_hash": hashlib.sha256(self.RAW).hexdigest(),
        }  # fmt: skip
        head, told = (
            base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode()
            for part in ({"alg": alg, "typ": "JWT"}, given | claims)
        )
        mac = hmac.new(secret.encode(), f"{head}.{told}".encode(), hashlib.sha256).digest()
        token = f"{head}.{told}.{base64.urlsafe_b64encode(mac).rstrip(b'=').decode()}"
        return SmsRequest(body=self.RAW, headers=JSON | {"Authorization": f"Bearer {token}"})

    def test_what_vonage_signed_is_taken_for_five_minutes(self) -> None:
        for late in (0, 299, -299):
            check_vonage(self.request_(), self.SECRET, NOW + timedelta(seconds=late))
        for late in (301, -301):
            with pytest.raises(InputError, match="five minutes"):
                check_vonage(self.request_(), self.SECRET, NOW + timedelta(seconds=late))

    @pytest.mark.parametrize(
        "change",
        [
            {"secret": "another"},
            {"alg": "none"},
            {"payload_hash": "0" * 64},
            {"payload_hash": None},
            {"iat": None},
            {"iat": "nan"},
        ],
    )
    def test_anything_else_is_refused(self, change: dict[str, Any]) -> None:
        with pytest.raises(InputError) as refused:
            check_vonage(self.request_(**change), self.SECRET, NOW)
        assert refused.value.field == "signature"

    @given(st.text())
    def test_any_token_that_is_none_is_refused(self, text: str) -> None:
        request = SmsRequest(body=b"", headers={"Authorization": f"Bearer {text}"})
        with pytest.raises(InputError):
            check_vonage(request, self.SECRET, NOW)


class TestTextsThatNoDatabaseTakes:
    """Half characters come in JSON as escapes, in headers as bytes that are no UTF-8."""

    @pytest.mark.parametrize(
        "request_",
        [
            body({"to": "1", "text": "x", "sig": "\ud800"}),
            body({"to": "1", "text": "\ud800", "sig": "a"}),
            SmsRequest(body=b"to=1", headers={"Authorization": "Bearer \udc80.a.b"}),
            SmsRequest(body=b"to=1", headers={"Authorization": "Bearer a.b.\udc80"}),
        ],
    )
    def test_vonages_are_refused(self, request_: SmsRequest) -> None:
        with pytest.raises(InputError) as refused:
            check_vonage(request_, "secret", NOW)
        assert refused.value.field == "signature"

    @pytest.mark.parametrize(
        ("url", "signature"), [("https://x/y", "\udc80"), ("https://x/y?bodySHA256=\udc80", "x")]
    )
    def test_twilios_are_refused(self, url: str, signature: str) -> None:
        headers = {"X-Twilio-Signature": signature}
        with pytest.raises(InputError) as refused:
            check_twilio(SmsRequest(body=b"To=1", headers=headers, url=url), "token")
        assert refused.value.field == "signature"


def test_a_url_that_is_none_is_refused() -> None:
    request = SmsRequest(body=b"To=1", headers={"X-Twilio-Signature": "x"}, url="https://[x/y")
    with pytest.raises(InputError, match="URL"):
        parse_sms(request, Gateway.TWILIO)
    with pytest.raises(InputError, match="URL"):
        check_twilio(request, "token")


class TestVonageSig:
    SECRET = "signature-secret"
    FIELDS: ClassVar = {"msisdn": "32665", "to": "1", "text": "a=b&c", "timestamp": "1772442000"}
    SIGNED = "&msisdn=32665&text=a_b_c&timestamp=1772442000&to=1"

    def sig(self, method: str) -> str:
        if method == "md5hash":
            return hashlib.md5((self.SIGNED + self.SECRET).encode()).hexdigest()  # noqa: S324 - Vonage's
        return hmac.new(self.SECRET.encode(), self.SIGNED.encode(), method).hexdigest().upper()

    @pytest.mark.parametrize("method", ["md5hash", "md5", "sha1", "sha256", "sha512"])
    def test_each_method_of_the_account_is_taken(self, method: str) -> None:
        check_vonage(form(**self.FIELDS, sig=self.sig(method)), self.SECRET, NOW)
        check_vonage(body(self.FIELDS | {"sig": self.sig(method)}), self.SECRET, NOW)

    def test_anything_else_is_refused(self) -> None:
        good = self.sig("sha256")
        for fields in (
            self.FIELDS,
            self.FIELDS | {"sig": good, "to": "2"},
            self.FIELDS | {"sig": "0" * 64},
            self.FIELDS | {"sig": "é"},
        ):
            with pytest.raises(InputError):
                check_vonage(form(**fields), self.SECRET, NOW)
        late = NOW + timedelta(minutes=6)
        with pytest.raises(InputError, match="five minutes"):
            check_vonage(form(**self.FIELDS, sig=good), self.SECRET, late)
