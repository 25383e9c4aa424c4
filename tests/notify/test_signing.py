"""Signatures: what receivers may rely on."""

from __future__ import annotations

import base64
import hashlib
import hmac
from datetime import UTC, datetime, timedelta

import pytest

from onboarding.errors import ConfigurationError, SignatureError
from onboarding.notify import verify
from onboarding.notify.signing import sign

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
SECRET, OTHER = "a-secret-of-the-receiver", "whsec_" + base64.b64encode(b"x" * 24).decode()
BODY = b'{"type":"test"}'


def test_what_was_signed_verifies() -> None:
    headers = sign(BODY, "m1", NOW, [SECRET])
    verified = verify(BODY, {k.title(): v for k, v in headers.items()}, [SECRET], now=NOW)
    assert (verified.id, verified.sent_at, verified.event) == ("m1", NOW, {"type": "test"})


def test_the_scheme_is_the_one_that_libraries_know() -> None:
    """Computed here from the published scheme alone: HMAC-SHA256 over id, timestamp and body."""
    headers = sign(BODY, "m1", NOW, [OTHER])
    signed = f"m1.{int(NOW.timestamp())}.".encode() + BODY
    expected = base64.b64encode(hmac.new(b"x" * 24, signed, hashlib.sha256).digest()).decode()
    assert headers["webhook-signature"] == f"v1,{expected}"


@pytest.mark.parametrize(
    "changed",
    [
        {"body": BODY + b" "},
        {"webhook-id": "m2"},
        {"webhook-timestamp": str(int(NOW.timestamp()) + 1)},
        {"webhook-signature": "v1,AAAA"},
        {"webhook-signature": "v1,\u00e9"},
        {"webhook-signature": ""},
        {"webhook-timestamp": "soon"},
    ],
    ids=str,
)
def test_what_was_changed_does_not(changed: dict[str, str | bytes]) -> None:
    given = {"body": BODY, **sign(BODY, "m1", NOW, [SECRET]), **changed}
    body = given.pop("body")
    assert isinstance(body, bytes)
    with pytest.raises(SignatureError) as refused:
        verify(body, {k: str(v) for k, v in given.items()}, [SECRET], now=NOW)
    assert SECRET not in str(refused.value) + refused.value.hint


@pytest.mark.parametrize("seconds", [-301, 301])
def test_a_replay_after_the_window_does_not(seconds: int) -> None:
    headers = sign(BODY, "m1", NOW, [SECRET])
    later = NOW + timedelta(seconds=seconds)
    with pytest.raises(SignatureError, match="too long ago"):
        verify(BODY, headers, [SECRET], now=later)
    assert verify(BODY, headers, [SECRET], now=NOW + timedelta(seconds=299)).id == "m1"


def test_a_secret_can_be_rotated_from_either_end() -> None:
    old, new = [SECRET], [OTHER]
    assert verify(BODY, sign(BODY, "m", NOW, old), [*new, *old], now=NOW).id == "m"
    assert verify(BODY, sign(BODY, "m", NOW, new), [*new, *old], now=NOW).id == "m"
    assert verify(BODY, sign(BODY, "m", NOW, [*new, *old]), old, now=NOW).id == "m"
    with pytest.raises(SignatureError, match="not of this message"):
        verify(BODY, sign(BODY, "m", NOW, new), old, now=NOW)


def test_a_secret_that_protects_nothing_is_refused() -> None:
    for secret in ("", "short", "whsec_!!!", "whsec_AAAA"):
        with pytest.raises(ConfigurationError, match=r"shorter|base64") as refused:
            sign(BODY, "m", NOW, [secret])
        assert "AAAA" not in str(refused.value) + refused.value.hint
    with pytest.raises(ConfigurationError, match="no secret"):
        verify(BODY, {}, [], now=NOW)


def test_a_body_that_is_no_object_is_refused() -> None:
    for body in (b"[]", b"x"):
        with pytest.raises(SignatureError, match="JSON object"):
            verify(body, sign(body, "m", NOW, [SECRET]), [SECRET], now=NOW)
