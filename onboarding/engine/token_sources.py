"""Tokens that are kept elsewhere: a variable, a file, a keyring, or what a command prints.

Only the place is stored. The token is read when it is needed and kept for half a minute, so that
another one takes effect by itself.
"""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import threading
import time
from collections.abc import Callable, Collection
from dataclasses import dataclass
from pathlib import Path

from onboarding.errors import ConfigurationError, InputError
from onboarding.graph.wire import is_usable_token
from onboarding.telemetry import log

_KEPT_S = 30.0
_COMMAND_S = 10.0
_MOST = 16_384
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_FORMS = "env:NAME, file:/PATH, keyring:SERVICE/NAME or command:PROGRAM ARGUMENTS"

#: What a command is given of our environment but our own settings, which hold secrets.
_OURS = "ONBOARDING_"


def parse_source(text: str) -> str:
    """Return where a token is kept, as it is stored.

    Raises:
        InputError: it is none of the four kinds.
    """
    kind, _, name = text.strip().partition(":")
    form = _CHECKS.get(kind)
    if form is None or not form(name):
        raise InputError(
            f"'{text}' is no place that a token is read from", field="token_from", hint=_FORMS
        )
    return f"{kind}:{name}"


def _is_command(name: str) -> bool:
    try:
        return bool(shlex.split(name))
    except ValueError:
        return False


_CHECKS: dict[str, Callable[[str], bool]] = {
    "env": lambda name: _VARIABLE.fullmatch(name) is not None,
    # Workers run in folders of their own.
    "file": lambda name: Path(name).is_absolute(),
    "keyring": lambda name: all(name.partition("/")[::2]),
    "command": _is_command,
}

#: The kinds there are.
KINDS = tuple(_CHECKS)


@dataclass(frozen=True, slots=True)
class _Kept:
    token: str
    problem: str
    read_at: float


class TokenSources:
    """Reads tokens from where they are kept; any number of threads may use one.

    Args:
        allowed: kinds of places that are read on this host.
    """

    def __init__(self, allowed: Collection[str] = KINDS) -> None:
        self._allowed = frozenset(allowed)
        self._lock = threading.Lock()
        self._kept: dict[str, _Kept] = {}

    def token(self, source: str) -> str:
        """Return the token of a place; nothing if it cannot be read, and ``problem`` says why."""
        with self._lock:
            kept = self._kept.get(source)
        if kept is not None and time.monotonic() < kept.read_at + _KEPT_S:
            return kept.token
        return self.fresh(source)

    def fresh(self, source: str) -> str:
        """Return the token of a place as it is there now."""
        token, problem = "", ""
        try:
            token = self._read(source)
        except ConfigurationError as error:
            problem = f"{error}; {error.hint}" if error.hint else str(error)
            log.warning("token_not_read", source=source, message=problem)
        with self._lock:
            self._kept[source] = _Kept(token, problem, time.monotonic())
        return token

    def kept(self, source: str) -> str:
        """Return the token that was read last, however long ago; nothing is read for it."""
        with self._lock:
            kept = self._kept.get(source)
        return kept.token if kept else ""

    def problem(self, source: str) -> str:
        """Return why the last look gave no token; nothing if it gave one."""
        with self._lock:
            kept = self._kept.get(source)
        return kept.problem if kept else ""

    def _read(self, source: str) -> str:
        kind, _, name = source.partition(":")
        if kind not in self._allowed:
            raise ConfigurationError(
                f"tokens are not read from '{kind}' here", hint="see ONBOARDING_TOKEN_SOURCES"
            )
        token = _READERS[kind](name).strip()
        if not is_usable_token(token):
            raise ConfigurationError(f"{kind} gives nothing that could be a token")
        return token


def _from_variable(name: str) -> str:
    value = os.environ.get(name)
    if value is None:
        raise ConfigurationError(
            f"the variable {name} is not set", hint="set it for every worker and command"
        )
    return value


def _from_file(name: str) -> str:
    try:
        with Path(name).open(encoding="utf-8") as file:
            return file.read(_MOST)
    except OSError as error:
        raise ConfigurationError(
            f"the file {name} cannot be read: {error.strerror}", hint="check path and owner"
        ) from None
    except UnicodeDecodeError:
        raise ConfigurationError(f"the file {name} is no text") from None


def _from_keyring(name: str) -> str:
    try:
        import keyring  # noqa: PLC0415 - an extra of ours, for those who use it
    except ImportError:
        raise ConfigurationError(
            "the package keyring is not installed", hint="pip install 'onboarding[keyring]'"
        ) from None
    service, _, user = name.partition("/")
    try:
        value = keyring.get_password(service, user)
    except Exception as error:  # noqa: BLE001 - each backend has errors of its own
        raise ConfigurationError(
            f"the keyring cannot be read ({type(error).__name__})", hint="unlock it"
        ) from None
    if value is None:
        raise ConfigurationError(
            f"the keyring has no {name}", hint=f"run: keyring set {service} {user}"
        )
    return str(value)


def _from_command(name: str) -> str:
    """Return what a command prints; nothing that it says is repeated, it may be a secret."""
    argv = shlex.split(name)
    env = {key: value for key, value in os.environ.items() if not key.startswith(_OURS)}
    try:
        done = subprocess.run(  # noqa: S603 - the operator's own command, and no shell
            argv,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_COMMAND_S,
            check=False,
            env=env,
        )
    except subprocess.TimeoutExpired:
        raise ConfigurationError(f"{argv[0]} did not end within {_COMMAND_S:g} s") from None
    except OSError as error:
        raise ConfigurationError(f"{argv[0]} cannot be run: {error.strerror}") from None
    if done.returncode:
        raise ConfigurationError(f"{argv[0]} ended with {done.returncode}")
    return done.stdout[:_MOST].decode(errors="replace")


_READERS: dict[str, Callable[[str], str]] = {
    "env": _from_variable,
    "file": _from_file,
    "keyring": _from_keyring,
    "command": _from_command,
}
