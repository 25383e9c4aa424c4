"""Secrets at rest: tokens, PINs and codes are encrypted before they reach the database."""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from cryptography.fernet import Fernet, InvalidToken, MultiFernet

from onboarding.errors import ConfigurationError

_KEY_HINT = "set ONBOARDING_SECRET_KEY, or point ONBOARDING_SECRET_KEY_FILE at the key file"


@dataclass(frozen=True, slots=True)
class Root:
    """What digests and links are made with; it stays when the key that seals secrets goes.

    A code that was sent under the old key is known as sent under the new one.
    """

    mac_key: bytes = field(repr=False)
    sign_key: bytes = field(repr=False)
    key_id: str

    @classmethod
    def of_key(cls, key: str) -> Self:
        """Return the root that a key is by itself."""
        return cls(
            mac_key=hashlib.sha256(b"onboarding/code-mac" + key.encode()).digest(),
            sign_key=hashlib.sha256(b"onboarding/sign" + key.encode()).digest(),
            key_id=hashlib.sha256(b"onboarding/key-id" + key.encode()).hexdigest()[:16],
        )

    def to_text(self) -> str:
        """Return it as it is kept, once that is encrypted."""
        return f"{self.mac_key.hex()} {self.sign_key.hex()} {self.key_id}"

    @classmethod
    def from_text(cls, text: str) -> Self:
        """Return what was kept."""
        mac_key, sign_key, key_id = text.split()
        return cls(bytes.fromhex(mac_key), bytes.fromhex(sign_key), key_id)


class Vault:
    """Seals and opens secrets with a key that is never in the database.

    Several keys, separated by commas or lines, may be given: the first seals, all of them open.

    Attributes:
        key_ids: one per key, in their order; they tell nothing of the keys.
    """

    def __init__(self, keys: str, root: Root | None = None) -> None:
        """Take the keys.

        Args:
            keys: as in the settings.
            root: what digests and links are made with; default: the last key.

        Raises:
            ConfigurationError: not Fernet keys; the message does not repeat them.
        """
        self._parts = keys.replace(",", " ").split()
        try:
            each = [Fernet(part) for part in self._parts]
            self._newest, self._fernet = each[0] if each else None, MultiFernet(each)
        except ValueError:
            raise ConfigurationError(
                "the secret key is not a Fernet key (32 bytes, URL-safe base64)", hint=_KEY_HINT
            ) from None
        roots = [Root.of_key(part) for part in self._parts]
        self.key_ids = tuple(each.key_id for each in roots)
        self._root = root or roots[-1]

    @property
    def key_id(self) -> str:
        """The id of the key that the deployment began with; links carry it."""
        return self._root.key_id

    def rooted(self, key_id: str, kept: str | None) -> Vault:
        """Return the same vault with the deployment's root.

        Args:
            key_id: of the key that the deployment's secrets are sealed with.
            kept: the root, encrypted, if the key it comes from is gone.
        """
        keys = ",".join(self._parts)
        if kept is not None:
            return Vault(keys, Root.from_text(self.open(kept)))
        return Vault(keys, Root.of_key(self._parts[self.key_ids.index(key_id)]))

    def seal_root(self) -> str:
        """Return the root, encrypted with the newest key."""
        return self.seal(self._root.to_text())

    def is_newest(self, sealed: str) -> bool:
        """Whether a ciphertext is of the newest key."""
        try:
            return self._newest is not None and bool(self._newest.decrypt(sealed.encode()))
        except InvalidToken:
            return False

    def reseal(self, sealed: str) -> str:
        """Return the same secret, encrypted with the newest key.

        Raises:
            ConfigurationError: it was sealed with another key.
        """
        return self.seal(self.open(sealed))

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
        return hmac.new(self._root.mac_key, f"{context}/{secret}".encode(), "sha256").hexdigest()

    def sign(self, purpose: str, message: bytes) -> bytes:
        """Return a keyed digest, 32 bytes: it shows that we made a message, for one purpose."""
        return hmac.new(self._root.sign_key, purpose.encode() + b"/" + message, "sha256").digest()


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
