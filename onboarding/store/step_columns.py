"""Which columns of an onboarding's row a step writes: few, as most of them stay as they are.

What nearly every step changes is written always. The others form a few groups, of which those are
written in which any row of the batch differs from what was read: a handful of statements, each of
them built once, instead of one for every set of columns.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import fields
from operator import attrgetter

from onboarding.model import Onboarding

_FIELDS = tuple(each.name for each in fields(Onboarding))

#: Written when a row is inserted, and never again.
_FIXED = (
    "id", "key", "content_digest", "waba_id", "number_key", "phone_number", "cc",
    "national_number", "region", "entry", "requested_by", "created_at",
    "batch_id", "batch_line",
)  # fmt: skip

#: Written by every step. Waking a row changes some of them without moving its version.
ALWAYS = (
    "state", "state_since", "next_due_at", "waiting", "waiting_for", "waiting_since",
    "lease_owner", "lease_until", "reclaims", "definition",
)  # fmt: skip

#: What a read of the list shows; stored even of a row that a call is in flight for.
SEEN = ("seen", "seen_at", "seen_present", "absent_since")
HISTORY = ("history_seq", "head_hash")
_APART = {*_FIXED, *ALWAYS, *SEEN, *HISTORY, "version"}

_GROUP_OF_START = {
    "code": "code",
    "pin": "code",
    "name": "name",
    "new": "name",
    "renaming": "name",
    "rejection": "name",
    "register": "registration",
    "registered": "registration",
    "tries": "failure",
    "retry": "failure",
    "trouble": "failure",
    "hold": "hold",
}


def _groups() -> dict[str, tuple[str, ...]]:
    found: dict[str, list[str]] = {}
    for name in _FIELDS:
        if name not in _APART:
            group = _GROUP_OF_START.get(name.split("_", 1)[0], "rest")
            found.setdefault(group, []).append(name)
    return {group: tuple(names) for group, names in found.items()} | {"seen": SEEN}


GROUPS = _groups()

#: Written where nobody says what was read: all that a step may change.
ALL = tuple(group for group in GROUPS if group != "seen")

_VALUES_OF = {group: attrgetter(*names) for group, names in GROUPS.items()}


def groups_changed(pairs: Iterable[tuple[Onboarding, Onboarding]]) -> tuple[str, ...]:
    """Return the groups in which any row differs from how it was read.

    Args:
        pairs: rows, each with the same row as it was read.
    """
    same = dict(_VALUES_OF)
    for row, read in pairs:
        for group, values_of in list(same.items()):
            if values_of(row) != values_of(read):
                del same[group]
    return tuple(group for group in GROUPS if group not in same)
