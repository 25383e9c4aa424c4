"""What speaks against a display name, in words."""

from __future__ import annotations

from collections.abc import Sequence

from onboarding.core.name_rules import NameFinding


def warn_of_name(findings: Sequence[NameFinding]) -> None:
    """Tell, on standard error, why Meta may decline a name; nothing if nothing is found."""
    from onboarding.cli.output import cell, note

    for each in findings:
        note(f"warning: Meta may decline the name: {cell(each.reason)}; {cell(each.mend)}")
