"""The reference of the Python interface, and of the columns that are made from it."""

from __future__ import annotations

import inspect
from dataclasses import MISSING, fields

import onboarding
from docs.generating.json_fields import WORDS
from docs.generating.markdown import code, table
from docs.generating.signatures import attributes, function, section
from onboarding import testing
from onboarding.engine.request_files import COLUMNS, REQUIRED
from onboarding.engine.requests import NumberRequest
from onboarding.errors import OnboardingError

#: Shown first; the others follow by name.
_FIRST = ("Engine", "NumberRequest", "Receipt", "Page", "Pass", "CodeIntake", "Clock")

#: Columns that a file's author needs other words for than a programmer.
_BETTER = {
    "code_window": "when the holder can read a code, see [windows](#windows)",
    "code_ready": "the holder can read a code now: `yes` or `no`",
    "onboarded_at": "when Embedded Signup was finished, with its offset: `2026-03-02T09:00:00Z`",
    "entry": "how the number comes to us: `new`, `embedded_signup` or `migration`",
    "code_method": "how Meta delivers the code: `SMS` or `VOICE`; if empty, as the number needs it",
    "code_language": "language of the code, like `en_US`; if empty, the one of the region",
    "key": "a key of your own; the same key with other content is refused",
}


def public_names() -> str:
    """Return a section per public class, then per function; errors apart."""
    names = dict.fromkeys((*_FIRST, *onboarding.__all__))
    public = {name: getattr(onboarding, name) for name in names}
    kinds = {name: kind for name, kind in public.items() if inspect.isclass(kind)}
    functions = [function(name, each) for name, each in public.items() if name not in kinds]
    sections = [
        section(name, kind, WORDS if name == "Onboarding" else None)
        for name, kind in kinds.items()
        if not issubclass(kind, OnboardingError)
    ]
    errors = sorted(n for n, kind in kinds.items() if issubclass(kind, OnboardingError))
    told = ", ".join(map(code, errors))
    return "\n".join([*sections, *functions, f"### Errors\n\n{told}: see [errors](errors.md).\n"])


def testing_names() -> str:
    """Return a section per class of ``onboarding.testing``."""
    own = [
        (name, kind)
        for name, kind in vars(testing).items()
        if inspect.isclass(kind) and kind.__module__ == testing.__name__ and name[0] != "_"
    ]
    return "\n".join(section(name, kind, is_made=True) for name, kind in own)


def columns() -> str:
    """Return a row per column of an import file."""
    words, by_name = attributes(NumberRequest), {f.name: f for f in fields(NumberRequest)}
    rows = [
        (
            code(name),
            "yes" if name in REQUIRED else "no",
            _told(by_name[name].default),
            _BETTER.get(name) or words[name],
        )
        for name in COLUMNS
    ]
    return table(("column", "required", "if it is empty", "meaning"), rows)


def _told(default: object) -> str:
    if default in (MISSING, None, ""):
        return ""
    return code("no" if default is False else str(default))
