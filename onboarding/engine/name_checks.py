"""Display names against Meta's published rules, where requests and renames come in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from onboarding.core.name_rules import NameFinding, check_display_name
from onboarding.core.names import parse_display_name
from onboarding.engine.requests import Refusal, ValidRequest
from onboarding.errors import InputError


def sound_name(text: str, *, strict: bool) -> str:
    """Return a display name as it is submitted.

    Raises:
        InputError: not a name that Meta takes; or, if ``strict``, one that breaks a rule.
    """
    name = parse_display_name(text)
    if strict and (findings := check_display_name(name)):
        raise _declinable(name, findings)
    return name


def name_refusals(valid: Mapping[int, ValidRequest]) -> list[Refusal]:
    """Return the sound requests of a batch whose display name breaks a rule, as refusals."""
    return [
        Refusal(index, _declinable(each.display_name, findings))
        for index, each in valid.items()
        if (findings := check_display_name(each.display_name))
    ]


def _declinable(name: str, findings: Sequence[NameFinding]) -> InputError:
    told = "; ".join(f"{each.rule}: {each.reason}" for each in findings)
    return InputError(
        f"Meta may decline the display name '{name}' ({told})",
        field="display_name",
        hint="mend it, or take it as it is without strict checking",
    )
