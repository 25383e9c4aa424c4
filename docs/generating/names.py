"""The reference of display names: the rules they are checked by, and why Meta declines them."""

from __future__ import annotations

from docs.generating.markdown import code, table
from onboarding.core.name_decisions import NOT_GIVEN, REJECTIONS
from onboarding.core.name_rules import NAME_RULES, NameRule

_BRAND = {
    "": "nobody's",
    "part": "part of the business's name",
    "whole": "the business's name as a whole",
}


def rules() -> str:
    """Return a row per rule."""
    rows = [
        (
            code(rule.id),
            rule.checks,
            f"{rule.reason}; {rule.mend}",
            code(rule.passes),
            code(_seen(rule)),
            _BRAND[rule.unless],
        )
        for rule in NAME_RULES
    ]
    header = ("rule", "looks for", "why, and what mends it", "passes", "is found", "allowed as")
    return table(header, rows)


def _seen(rule: NameRule) -> str:
    """Return the bad example, its invisible characters written out."""
    return "".join(c if c.isprintable() else f"<U+{ord(c):04X}>" for c in rule.fails)


def rejections() -> str:
    """Return a row per ``rejection_reason``, and one for none."""
    rows = [
        (
            code(reason.value),
            told.text,
            told.mend,
            ", ".join(code(rule.id) for rule in NAME_RULES if rule.declined_as is reason),
        )
        for reason, told in REJECTIONS.items()
    ]
    rows.append(("none", NOT_GIVEN.text, NOT_GIVEN.mend, ""))
    return table(("`rejection_reason`", "means", "what usually mends it", "rules"), rows)
