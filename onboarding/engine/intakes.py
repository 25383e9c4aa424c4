"""What reads codes: named by a path, by an entry point, or by the numbers that we host."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from fnmatch import fnmatchcase
from importlib import import_module
from importlib.metadata import entry_points

from onboarding.core.pool.model import PoolNumber
from onboarding.engine.context import CodeIntake
from onboarding.errors import ConfigurationError
from onboarding.model import CodeMethod, Onboarding
from onboarding.settings import Settings

#: Where an installed package says that it has intakes.
GROUP = "onboarding.code_intakes"

_GUIDE = "see docs/howto/answer-for-codes.md"


@dataclass(frozen=True, slots=True)
class HostedNumbers:
    """The numbers whose texts reach a gateway or a mailbox that hands them in, day and night.

    Attributes:
        patterns: numbers in E.164, or globs on them like ``+4930*``.
        takes_calls: whether calls are transcribed, too, so that a code may come by voice.
    """

    patterns: tuple[str, ...]
    takes_calls: bool = False
    reads_at_any_hour: bool = True

    def answers(self, onboarding: Onboarding) -> bool:
        """Whether the number is one of them."""
        return self._has(onboarding.phone_number)

    def answers_pool(self, number: PoolNumber) -> bool:
        """Whether a number of a pool is one of them, and its code comes in a way that is read."""
        is_read = number.code_method is CodeMethod.SMS or self.takes_calls
        return is_read and self._has(number.phone_number)

    def _has(self, phone_number: str) -> bool:
        return any(fnmatchcase(phone_number, pattern) for pattern in self.patterns)


def hosted(settings: Settings) -> list[CodeIntake]:
    """Return the intake of the numbers that the settings name, if they name any."""
    patterns = _listed(settings.hosted_numbers)
    return [HostedNumbers(patterns, settings.hosted_take_calls)] if patterns else []


def _listed(text: str) -> tuple[str, ...]:
    return tuple(part for part in (each.strip() for each in text.split(",")) if part)


def load_named(names: str) -> list[CodeIntake]:
    """Return the intakes that installed packages offer under these names, separated by commas.

    Raises:
        ConfigurationError: nobody offers one of them, or it cannot be loaded.
    """
    return [_load_named(name) for name in _listed(names)]


def _load_named(name: str) -> CodeIntake:
    offered = {each.name: each for each in entry_points(group=GROUP)}
    if name not in offered:
        known = ", ".join(sorted(offered)) or "none"
        raise ConfigurationError(
            f"no installed package offers the intake '{name}' (ONBOARDING_CODE_INTAKES)",
            hint=f"offered are: {known}; {_GUIDE}",
        )
    return _made(name, offered[name].load)


def load_path(path: str) -> CodeIntake:
    """Return the intake at ``package.module:name``; a class or function there is called first.

    Raises:
        ConfigurationError: it cannot be loaded, or is no intake.
    """
    module, _, name = path.partition(":")
    sys.path.insert(0, "")
    try:
        return _made(path, lambda: getattr(import_module(module), name))
    finally:
        sys.path.remove("")


def _made(name: str, load: Callable[[], object]) -> CodeIntake:
    try:
        found = load()
        is_made = hasattr(found, "answers") and not callable(found)
        made: CodeIntake = found if is_made else found()  # type: ignore[assignment, operator]  # checked below
    except Exception as error:  # noqa: BLE001 - code of others; whatever fails in it is told
        raise ConfigurationError(
            f"the intake '{name}' cannot be loaded: {error} ({type(error).__name__})",
            hint="write it like our_package.codes:intake",
        ) from None
    if not hasattr(made, "answers"):
        raise ConfigurationError(f"'{name}' is no intake: it has no method 'answers'", hint=_GUIDE)
    return made
