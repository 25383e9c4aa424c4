"""Display names: what Meta takes at all."""

from __future__ import annotations

import unicodedata

from onboarding.errors import InputError

#: Meta's rules, create: ``verified_name`` has 2 to 75 characters.
SHORTEST, LONGEST = 2, 75

#: Control characters and halves of characters: no database and no screen takes them all.
UNSHOWN = ("Cc", "Cs")


def parse_display_name(text: str) -> str:
    """Return a display name without surrounding or repeated blanks.

    Raises:
        InputError: not of a length that Meta takes, or with characters that cannot be shown.
    """
    name = " ".join(text.split())
    if not SHORTEST <= len(name) <= LONGEST:
        raise InputError(
            f"a display name has {SHORTEST} to {LONGEST} characters, this one has {len(name)}",
            field="display_name",
            hint="use the name that customers know the business by",
        )
    if any(unicodedata.category(character) in UNSHOWN for character in name):
        raise InputError(
            "the display name has characters that cannot be shown",
            field="display_name",
            hint="write the name anew instead of pasting it",
        )
    return name
