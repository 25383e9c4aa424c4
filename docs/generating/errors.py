"""The reference of errors: classes, exit codes and the recovery table."""

from __future__ import annotations

from collections.abc import Iterator

import onboarding
from docs.generating.markdown import code, prose, table
from onboarding.cli.exit_codes import EXIT_CODES
from onboarding.errors import OnboardingError
from onboarding.graph.rules import FAMILIES, RULES, Rule
from onboarding.model import Read

#: What an error carries besides its message and ``hint``.
_CARRIES = {
    "ChannelError": "`is_permanent`",
    "ConflictError": "`field`",
    "GraphError": "`code`, `subcode`, `fbtrace_id`",
    "ImportFileError": "`field`, `rows` (each with `line`, `column`, `message`)",
    "InputError": "`field`",
    "NumberError": "`field`",
    "RequestsRefusedError": "`field`, `refusals` (each with `index`, `error`)",
}


def error_classes() -> list[tuple[type[OnboardingError], int]]:
    """Return every error class of the package with its depth in the tree, parents first."""
    for name in onboarding.__all__:
        getattr(onboarding, name)
    return list(_below(OnboardingError, 0))


def _below(kind: type[OnboardingError], depth: int) -> Iterator[tuple[type[OnboardingError], int]]:
    yield kind, depth
    for child in sorted(kind.__subclasses__(), key=lambda each: each.__name__):
        if child.__module__.startswith("onboarding."):
            yield from _below(child, depth + 1)


def classes() -> str:
    """Return a row per error class."""
    rows = [
        (
            f"{'· ' * depth}{code(kind.__name__)}",
            str(kind.exit_code),
            prose(kind.__doc__),
            _CARRIES.get(kind.__name__, ""),
        )
        for kind, depth in error_classes()
    ]
    return table(("class", "exit code", "meaning", "carries, besides `hint`"), rows)


def exit_codes() -> str:
    """Return a row per exit code."""
    raised: dict[int, list[str]] = {}
    for kind, _ in error_classes():
        raised.setdefault(kind.exit_code, []).append(code(kind.__name__))
    rows = [
        (code(str(number)), meaning, ", ".join(raised.get(number, ())))
        for number, meaning in EXIT_CODES.items()
    ]
    return table(("code", "meaning", "errors"), rows)


def recovery_table() -> str:
    """Return the recovery table as the client has it."""
    header = ("calls", "code", "subcode", "text", "effect", "class", "wait", "meaning", "remedy")
    return table(header, map(_cells, RULES))


def _cells(rule: Rule) -> tuple[str, ...]:
    calls = "any" if rule.endpoints is None else ", ".join(sorted(rule.endpoints))
    if rule.endpoints is not None and rule.endpoints == frozenset(Read):
        calls = "reads"
    return (
        calls,
        str(rule.code),
        "any" if rule.subcode is None else str(rule.subcode),
        rule.text or "any",
        rule.effect.value,
        rule.recovery.value,
        _readable(rule.wait_s),
        rule.meaning,
        rule.remedy,
    )


def _readable(wait_s: float | None) -> str:
    if wait_s is None:
        return ""
    minutes = int(wait_s // 60)
    return f"{minutes // 60} h" if minutes % 60 == 0 else f"{minutes} min"


def families() -> str:
    """Return a row per range of codes."""
    rows = [
        (
            str(each.first) if each.first == each.last else f"{each.first} to {each.last}",
            each.recovery.value,
            f"{each.wait_s / 3600:.0f} h" if each.wait_s else "",
            each.meaning,
            each.remedy,
        )
        for each in FAMILIES
    ]
    return table(("codes", "class", "wait", "meaning", "remedy"), rows)
