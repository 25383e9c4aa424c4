"""Links with which the holder of a number gives its code: how a token is made, read and refused.

A token names a link and says until when it lasts; a keyed digest over both shows that it is ours
and unchanged. The database keeps a digest of the token, so that nobody can make it from there.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from onboarding.errors import InputError, TransitionRefusedError

#: Longer than any code is waited for; a link that lies about is a risk.
LONGEST = timedelta(days=30)

#: Returns the keyed digest of some bytes.
Sign = Callable[[bytes], bytes]

_VERSION = b"\x01"
_KEY, _ID, _UNTIL, _MAC = 4, 16, 5, 16
_FORM = re.compile(r"[A-Za-z0-9_-]{56}")
_ASK = "ask whoever sent it for a new one"


@dataclass(frozen=True, slots=True, kw_only=True)
class CodeLink:
    """A link for the holder of one number.

    Attributes:
        id: 32 hexadecimal digits.
        onboarding_id: whose code it takes.
        cycle: in which cycle of that onboarding.
        digest: of its token.
        made_by: who made it.
        made_at: when.
        expires_at: until when it works.
        codes: how many codes were handed in with it.
        used_at: when the last of them was.
        revoked_at: when somebody took it back.
        revoked_by: who did.
    """

    id: str
    onboarding_id: str
    cycle: int
    digest: str
    made_by: str
    made_at: datetime
    expires_at: datetime
    codes: int = 0
    used_at: datetime | None = None
    revoked_at: datetime | None = None
    revoked_by: str | None = None

    def standing(self, now: datetime) -> str:
        """Return ``revoked``, ``expired``, ``used`` or ``open``; a used one may get a second try.

        Where Meta did not accept the code, the same link takes another.
        """
        if self.revoked_at is not None:
            return "revoked"
        if self.codes:
            return "used"
        return "expired" if now >= self.expires_at else "open"


def make_token(link_id: str, expires_at: datetime, key_id: str, sign: Sign) -> str:
    """Return the token of a link: 56 characters that may stand in a URL."""
    until = int(expires_at.timestamp()).to_bytes(_UNTIL)
    body = _VERSION + bytes.fromhex(key_id)[:_KEY] + bytes.fromhex(link_id) + until
    return base64.urlsafe_b64encode(body + sign(body)[:_MAC]).decode()


def read_token(text: str, key_id: str, sign: Sign) -> tuple[str, datetime]:
    """Return which link a token names and until when it lasts, as its maker said.

    Args:
        text: a token, or a URL that ends with one.
        key_id: of our key.
        sign: with our key.

    Raises:
        InputError: it is no token, one of another deployment, or was changed.
    """
    token = bare(text)
    if not _FORM.fullmatch(token):
        raise _refused("this is not the token of a link", "give it whole, as it was sent")
    raw = base64.urlsafe_b64decode(token)
    body, mac = raw[:-_MAC], raw[-_MAC:]
    if body[:1] == _VERSION and body[1 : 1 + _KEY] != bytes.fromhex(key_id)[:_KEY]:
        raise _refused("this link was made by another deployment, or with another key", _ASK)
    if not hmac.compare_digest(sign(body)[:_MAC], mac):
        raise _refused("this link was changed on its way: its signature does not fit", _ASK)
    start = 1 + _KEY
    until = int.from_bytes(body[start + _ID :])
    return body[start : start + _ID].hex(), datetime.fromtimestamp(until, UTC)


def bare(text: str) -> str:
    """Return the token of a URL that ends with it, or the token itself."""
    return text.strip().rstrip("/").rsplit("/", 1)[-1]


def digest_of(token: str) -> str:
    """Return what is stored of a token."""
    return hashlib.sha256(b"onboarding/link" + token.encode()).hexdigest()


def url_of(token: str, base_url: str | None) -> str | None:
    """Return the address of a link's page; ``None`` where no page is set up."""
    return f"{base_url.rstrip('/')}/{token}" if base_url else None


def _refused(message: str, hint: str) -> InputError:
    return InputError(message, field="token", hint=hint)


def require_usable(link: CodeLink, cycle: int, now: datetime, most_codes: int) -> None:
    """Refuse a link that may not be used, for reasons of its own.

    Raises:
        TransitionRefusedError: it was revoked, has expired, is of an earlier cycle, or took as
            many codes as one link may.
    """
    if link.revoked_at is not None:
        raise TransitionRefusedError("this link was revoked", hint=_ASK)
    if now >= link.expires_at:
        raise TransitionRefusedError(
            f"this link expired at {link.expires_at:%Y-%m-%d %H:%M} UTC", hint=_ASK
        )
    if link.cycle != cycle:
        raise TransitionRefusedError(
            "this link is of before the onboarding was started anew", hint=_ASK
        )
    if link.codes >= most_codes:
        raise TransitionRefusedError(
            f"this link was used for {link.codes} codes that Meta did not accept", hint=_ASK
        )
