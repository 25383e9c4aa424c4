"""What a check of the deployment found."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from onboarding.errors import OnboardingError


class Level(StrEnum):
    """How a finding is meant."""

    OK = "ok"
    WARNING = "warning"
    PROBLEM = "problem"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What one check found.

    Attributes:
        name: which check.
        level: how it is meant.
        text: what was found, in a sentence.
        remedy: how to mend it; empty if there is nothing to mend.
    """

    name: str
    level: Level
    text: str
    remedy: str = ""


def ok(name: str, text: str) -> Finding:
    """Return that all is well."""
    return Finding(name=name, level=Level.OK, text=text)


def warning(name: str, text: str, remedy: str) -> Finding:
    """Return something that should be mended."""
    return Finding(name=name, level=Level.WARNING, text=text, remedy=remedy)


def problem(name: str, text: str, remedy: str) -> Finding:
    """Return something that must be mended."""
    return Finding(name=name, level=Level.PROBLEM, text=text, remedy=remedy)


def failed(name: str, error: OnboardingError) -> Finding:
    """Return the problem that an error tells of."""
    return problem(name, str(error), error.hint)
