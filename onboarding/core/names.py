"""Display names: what Meta takes at all."""

from __future__ import annotations

from onboarding.errors import InputError

#: Meta's rules, create: ``verified_name`` has 2 to 75 characters.
SHORTEST, LONGEST = 2, 75


def parse_display_name(text: str) -> str:
    """Return a display name without surrounding or repeated blanks.

    Raises:
        InputError: not of a length that Meta takes.
    """
    name = " ".join(text.split())
    if not SHORTEST <= len(name) <= LONGEST:
        raise InputError(
            f"a display name has {SHORTEST} to {LONGEST} characters, this one has {len(name)}",
            field="display_name",
            hint="use the name that customers know the business by",
        )
    return name
