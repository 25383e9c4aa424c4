"""Signatures of SMS gateways: whether a request is theirs, and came as they sent it.

Twilio signs the URL and the sorted fields of the form (HMAC-SHA1, ``X-Twilio-Signature``); of a
JSON body it puts a hash into the URL. Vonage sends a JWT (HS256, ``Authorization``) with a hash
of the body, or, from its older SMS API, a ``sig`` among the fields. Digests are compared in
constant time. A request whose time is known is taken for five minutes, so that it cannot be
replayed later.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl, urlsplit, urlunsplit

from onboarding.core.sms_gateways import SmsRequest, fields_of
from onboarding.errors import InputError

#: How far the time of a signed request may be from ours.
TOLERANCE = timedelta(minutes=5)

_PORTS = {"https": 443, "http": 80}


def check_twilio(request: SmsRequest, auth_token: str) -> None:
    """Refuse a request that is not signed with the account's auth token.

    Raises:
        InputError: it has no signature, or another one.
    """
    given = request.header("X-Twilio-Signature")
    if not given:
        raise _refused("the request has no X-Twilio-Signature")
    body = ""
    if (told := request.query.get("bodySHA256")) is not None:
        if not _same(told.lower(), hashlib.sha256(request.body).hexdigest()):
            raise _refused("the body is not the one that Twilio signed")
    else:
        body = _sorted_form(request)
    if not any(_same(_twilio(url + body, auth_token), given) for url in _spellings(request.url)):
        raise _refused("the X-Twilio-Signature does not fit the URL, the body and the auth token")


def _sorted_form(request: SmsRequest) -> str:
    pairs = parse_qsl(request.body.decode(errors="replace").strip(), keep_blank_values=True)
    return "".join(name + value for name, value in sorted(set(pairs)))


def _twilio(signed: str, auth_token: str) -> str:
    digest = hmac.new(auth_token.encode(), _bytes(signed), hashlib.sha1).digest()
    return base64.b64encode(digest).decode()


def _spellings(url: str) -> Iterator[str]:
    """Yield the URL with and without its usual port: it is not always signed as it is written."""
    yield url
    parts = urlsplit(url)
    try:
        port, usual = parts.port, _PORTS.get(parts.scheme)
    except ValueError:
        return
    host = parts.netloc.removesuffix(f":{port}")
    if port is not None:
        yield urlunsplit(parts._replace(netloc=host))
    elif usual is not None:
        yield urlunsplit(parts._replace(netloc=f"{host}:{usual}"))


def check_vonage(request: SmsRequest, secret: str, now: datetime) -> None:
    """Refuse a request that is not signed with the signature secret, or is not of now.

    Raises:
        InputError: it has no signature, another one, or is too old.
    """
    scheme, _, token = request.header("Authorization").partition(" ")
    if scheme.lower() == "bearer":
        _check_jwt(request, token.strip(), secret, now)
        return
    fields = {name: str(value) for name, value in fields_of(request).items()}
    given = fields.pop("sig", "")
    if not given:
        raise _refused("the request has neither a JWT nor a 'sig'")
    if not any(_same(each, given.lower()) for each in _sigs(fields, secret)):
        raise _refused("the 'sig' does not fit the fields and the signature secret")
    _require_fresh(fields.get("timestamp"), now)


def _check_jwt(request: SmsRequest, token: str, secret: str, now: datetime) -> None:
    head, _, rest = token.partition(".")
    claims, _, mac = rest.partition(".")
    expected = hmac.new(secret.encode(), _bytes(f"{head}.{claims}"), hashlib.sha256).digest()
    if not hmac.compare_digest(expected, _decoded(mac)):
        raise _refused("the JWT is not signed with the signature secret")
    if _json(head).get("alg") != "HS256":
        raise _refused("the JWT is not signed with HS256")
    told = _json(claims)
    _require_fresh(told.get("iat"), now)
    payload_hash = told.get("payload_hash")
    if not _same(str(payload_hash or "").lower(), hashlib.sha256(request.body).hexdigest()):
        raise _refused("the body is not the one that Vonage signed")


def _decoded(part: str) -> bytes:
    try:
        return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))
    except (binascii.Error, ValueError):
        return b""


def _json(part: str) -> dict[str, Any]:
    try:
        found = json.loads(_decoded(part))
    except (ValueError, RecursionError):
        found = None
    return found if isinstance(found, dict) else {}


def _sigs(fields: dict[str, str], secret: str) -> Iterator[str]:
    """Yield every ``sig`` that fits: the account says which method it uses, the request does not.

    ``&`` and ``=`` within values count as ``_``, so that no field can pass for two.
    """
    cleaned = ((n, v.replace("&", "_").replace("=", "_")) for n, v in sorted(fields.items()))
    signed = _bytes("".join(f"&{name}={value}" for name, value in cleaned))
    yield hashlib.md5(signed + secret.encode(), usedforsecurity=False).hexdigest()
    for method in ("md5", "sha1", "sha256", "sha512"):
        yield hmac.new(secret.encode(), signed, method).hexdigest()


def _require_fresh(timestamp: object, now: datetime) -> None:
    try:
        age = abs(now.timestamp() - float(str(timestamp)))
    except ValueError:
        raise _refused("the signed request does not say when it was made") from None
    if not age <= TOLERANCE.total_seconds():
        raise _refused("the signed request is more than five minutes old, or of later than now")


def _same(one: str, other: str) -> bool:
    return hmac.compare_digest(_bytes(one), _bytes(other))


def _bytes(text: str) -> bytes:
    """Return the bytes of a text that a stranger sent: one with half characters has some, too."""
    return text.encode(errors="surrogatepass")


def _refused(why: str) -> InputError:
    return InputError(
        f"the request is refused: {why}",
        field="signature",
        hint="check the secret in the settings, and that the URL is the gateway's own",
    )
