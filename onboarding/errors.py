"""Every error that the package raises on purpose.

::

    OnboardingError
    ├── ConfigurationError      a setting, a key or a file is missing or wrong
    ├── InputError              what the caller gave cannot be accepted
    │   ├── NumberError         not a phone number that can be onboarded
    │   ├── ConflictError       it contradicts what is already stored
    │   └── ImportFileError     rows of a file, each with line and column
    ├── NotFoundError           no such onboarding or account
    ├── TransitionRefusedError  the state does not allow the trigger
    ├── StoreError              the database cannot be used as it is
    │   └── SchemaError         it, or an onboarding in it, is of another release
    ├── ChainBrokenError        a history does not verify
    ├── ChannelError            a channel did not take a message
    ├── SignatureError          a webhook message is not what was signed, or not of now
    └── GraphError              Meta refused a call, or could not be reached

Every error has a one-line message and a ``hint`` that says how to mend it. No message ever
holds a token, a PIN or a code.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


class OnboardingError(Exception):
    """The base of all errors that the package raises on purpose."""

    exit_code = 1

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint


class ConfigurationError(OnboardingError):
    """A setting, a key or a file is missing or wrong."""

    exit_code = 3


class InputError(OnboardingError):
    """What the caller gave cannot be accepted; nothing was stored."""

    exit_code = 2

    def __init__(self, message: str, *, field: str = "", hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.field = field


class NumberError(InputError):
    """Not a phone number that can be onboarded."""


class ConflictError(InputError):
    """What the caller gave contradicts what is already stored; ``field`` names where."""

    exit_code = 5


@dataclass(frozen=True, slots=True)
class RowError:
    """One thing wrong in a file: the line (1 is the header), the column, what and how to mend.

    In a spreadsheet the cell is named as well, like ``B7``.
    """

    line: int
    column: str
    message: str
    cell: str = ""

    @property
    def place(self) -> str:
        """Column and cell, as far as there are any."""
        return f"{self.column} ({self.cell})" if self.cell else self.column


class ImportFileError(InputError):
    """A file was refused as a whole; ``rows`` says why, and nothing of it was stored."""

    def __init__(self, message: str, *, rows: Sequence[RowError] = (), hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.rows = tuple(rows)


class NotFoundError(OnboardingError):
    """No such onboarding or account."""

    exit_code = 4


class TransitionRefusedError(OnboardingError):
    """The state does not allow the trigger; nothing happened."""

    exit_code = 5


class StoreError(OnboardingError):
    """The database cannot be used as it is: read-only, full, locked, unreachable.

    Attributes:
        is_given_up: the database ended the transaction for the sake of another; it may be repeated.
    """

    exit_code = 6
    is_given_up = False


class SchemaError(StoreError):
    """The schema, or an onboarding that a newer release wrote, is not of this release."""


class ChainBrokenError(OnboardingError):
    """A history does not verify: it was changed after it was written."""

    exit_code = 7


class GraphError(OnboardingError):
    """Meta refused a call, or could not be reached; ``fbtrace_id`` is what its support asks for."""

    exit_code = 8

    def __init__(
        self,
        message: str,
        *,
        code: int | None = None,
        subcode: int | None = None,
        fbtrace_id: str | None = None,
        hint: str = "",
    ) -> None:
        super().__init__(message, hint=hint)
        self.code = code
        self.subcode = subcode
        self.fbtrace_id = fbtrace_id


class ChannelError(OnboardingError):
    """A channel did not take a message; ``is_permanent`` says that trying again is no use."""

    exit_code = 10

    def __init__(self, message: str, *, is_permanent: bool = False, hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.is_permanent = is_permanent


class SignatureError(OnboardingError):
    """A webhook message is not what was signed, or not of now: do not act on it."""

    exit_code = 2
