"""Secrets at rest: tokens, PINs and codes are encrypted before they reach the database."""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
from pathlib import Path

from cryptography.fernet import Fernet, InvalidToken, MultiFernet

from onboarding.errors import ConfigurationError

_KEY_HINT = "set ONBOARDING_SECRET_KEY, or point ONBOARDING_SECRET_KEY_FILE at the key file"


class Vault:
    """Seals and opens secrets with a key that is never in the database.

    Several keys, separated by commas, may be given: the first seals, all of them open.
    """

    def __init__(self, keys: str) -> None:
        """Take the keys.

        Raises:
            ConfigurationError: not Fernet keys; the message does not repeat them.
        """
        parts = [part.strip() for part in keys.split(",") if part.strip()]
        try:
            self._fernet = MultiFernet([Fernet(part) for part in parts])
        except ValueError:
            raise ConfigurationError(
                "the secret key is not a Fernet key (32 bytes, URL-safe base64)", hint=_KEY_HINT
            ) from None
        self._mac_key = hashlib.sha256(b"onboarding/code-mac" + parts[-1].encode()).digest()
        self._sign_key = hashlib.sha256(b"onboarding/sign" + parts[-1].encode()).digest()
        self.key_id = hashlib.sha256(b"onboarding/key-id" + parts[-1].encode()).hexdigest()[:16]

    def seal(self, secret: str) -> str:
        """Return the ciphertext of a secret."""
        return self._fernet.encrypt(secret.encode()).decode()

    def open(self, sealed: str) -> str:
        """Return the secret of a ciphertext.

        Raises:
            ConfigurationError: it was sealed with another key.
        """
        try:
            return self._fernet.decrypt(sealed.encode()).decode()
        except InvalidToken:
            raise ConfigurationError(
                "a stored secret does not open with this key", hint=_KEY_HINT
            ) from None

    def mac(self, context: str, secret: str) -> str:
        """Return a keyed digest: it tells whether two secrets are equal, and nothing else."""
        return hmac.new(self._mac_key, f"{context}/{secret}".encode(), "sha256").hexdigest()

    def sign(self, purpose: str, message: bytes) -> bytes:
        """Return a keyed digest, 32 bytes: it shows that we made a message, for one purpose."""
        return hmac.new(self._sign_key, purpose.encode() + b"/" + message, "sha256").digest()


def new_pin() -> str:
    """Return a random two-step verification PIN of six digits."""
    return f"{secrets.randbelow(10**6):06d}"


def new_key() -> str:
    """Return a new random key."""
    return Fernet.generate_key().decode()


def make_key_file(path: Path) -> str:
    """Make a key file that only its owner can read; an existing one is left as it is.

    Returns:
        The key in the file.

    Raises:
        ConfigurationError: it cannot be made or read.
    """
    try:
        return _make(path)
    except FileExistsError:
        return read_key_file(path)
    except OSError as error:
        raise ConfigurationError(
            f"the key file {path} cannot be made: {error.strerror}", hint=_KEY_HINT
        ) from None


def _make(path: Path) -> str:
    """Write the file aside and give it its name at once, so that nobody reads half a key."""
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_name(f"{path.name}.{secrets.token_hex(4)}")
    handle = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    key = new_key()
    try:
        with os.fdopen(handle, "w") as file:
            file.write(key + "\n")
            file.flush()
            os.fsync(file.fileno())
        os.link(aside, path)
    finally:
        aside.unlink()
    return key


def read_key_file(path: Path) -> str:
    """Return the key in a file.

    Raises:
        ConfigurationError: it cannot be read.
    """
    try:
        return path.read_text().strip()
    except OSError as error:
        raise ConfigurationError(
            f"the key file {path} cannot be read: {error.strerror}", hint=_KEY_HINT
        ) from None
