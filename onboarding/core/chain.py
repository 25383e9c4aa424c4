"""The hash chain of a history: each entry is hashed onto the one before it.

An entry is canonical JSON (sorted keys, no spaces, UTF-8, instants as fixed-width text). The text
is stored verbatim and verified verbatim, so no column type can change what was signed. The chain
is tamper-evident, not tamper-proof: a cut tail does not show in it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

import orjson

from onboarding.core.timing import iso, parse_iso

#: The hash that the first entry of every onboarding is chained to.
GENESIS = hashlib.sha256(b"onboarding/history/1").hexdigest()

_OPTIONS = orjson.OPT_SORT_KEYS | orjson.OPT_PASSTHROUGH_DATETIME | orjson.OPT_PASSTHROUGH_DATACLASS
#: The same, at a tenth of the speed, for what the former refuses.
_CANONICAL = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One line of an onboarding's history: a transition (source differs from dest) or a note.

    Attributes:
        at: business time.
        trigger: a trigger of the lifecycle, or the name of a note.
        source: the state before; empty for the first entry.
        dest: the state after.
        actor: ``engine`` or who asked.
        reason: why, in words; never a token, a PIN or a code.
        operation: id of the operation that led to it.
        fbtrace_id: Meta's trace of that call.
        detail: further facts, text to text.
    """

    at: datetime
    trigger: str
    source: str
    dest: str
    actor: str
    reason: str
    operation: str | None = None
    fbtrace_id: str | None = None
    detail: dict[str, str] = field(default_factory=dict)


def entry_text(owner: str, seq: int, entry: Entry, *, kind: str = "onboarding") -> str:
    """Return the canonical text of an entry at its place in the chain of its owner.

    What is no UTF-8 (bytes of a shell that came in with a reason) is escaped as JSON does.
    """
    fields = {
        kind: owner,
        "seq": seq,
        "at": iso(entry.at),
        "trigger": entry.trigger,
        "source": entry.source,
        "dest": entry.dest,
        "actor": entry.actor,
        "reason": entry.reason,
        "operation": entry.operation,
        "fbtrace_id": entry.fbtrace_id,
        "detail": entry.detail,
    }
    present = {key: value for key, value in fields.items() if value not in (None, {})}
    try:
        return orjson.dumps(present, option=_OPTIONS).decode()
    except TypeError:  # halves of characters; what else is no JSON, fails again below
        return _CANONICAL.encode(present).encode(errors="backslashreplace").decode()


def parse_entry(text: str) -> Entry:
    """Return the entry that a stored text holds."""
    fields = json.loads(text)
    return Entry(
        at=parse_iso(fields["at"]),
        trigger=fields["trigger"],
        source=fields["source"],
        dest=fields["dest"],
        actor=fields["actor"],
        reason=fields["reason"],
        operation=fields.get("operation"),
        fbtrace_id=fields.get("fbtrace_id"),
        detail=fields.get("detail", {}),
    )


def link(previous: str, text: str) -> str:
    """Return the hash of an entry's text chained onto the previous hash."""
    return hashlib.sha256(f"{previous}\n{text}".encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Broken:
    """Where a chain does not verify, and how it shows; the owner is an onboarding or a WABA."""

    owner: str
    seq: int
    what: str


def verify(
    owner: str,
    entries: Iterable[tuple[int, str, str]],
    *,
    head_seq: int,
    head_hash: str,
    state: str,
    kind: str = "onboarding",
) -> Broken | None:
    """Check one chain from its first entry to the head that its owner's row remembers.

    Args:
        owner: whose chain: the id of an onboarding, or a WABA id.
        entries: ``(seq, text, hash)`` in the order of ``seq``.
        head_seq: number of entries, as the onboarding's own row says.
        head_hash: hash of the last entry, as that row says.
        state: the present state, which the last entry must lead to.
        kind: ``onboarding`` or ``account``.

    Returns:
        ``None`` if everything agrees, else the first place where it does not.
    """
    previous, expected, dest = GENESIS, 0, ""
    for seq, text, stored in entries:
        expected += 1
        if seq != expected:
            return Broken(owner, expected, "an entry is missing")
        previous = link(previous, text)
        if previous != stored:
            return Broken(owner, seq, "the entry or its hash was changed")
        place = _place(text, kind)
        if place is None:
            return Broken(owner, seq, "the entry cannot be read")
        whose, at, source, leads_to = place
        if (whose, at) != (owner, seq):
            return Broken(owner, seq, "the entry belongs to another place")
        if source != dest:
            return Broken(owner, seq, "the entry does not follow from the one before")
        dest = leads_to
    if (expected, previous) != (head_seq, head_hash if head_seq else previous):
        return Broken(owner, expected + 1, "the tail does not match the head")
    if head_seq and dest != state:
        return Broken(owner, head_seq, f"the history ends in '{dest}', not in '{state}'")
    return None


def _place(text: str, kind: str) -> tuple[str, int, str, str] | None:
    """Return whose entry a text is, its number, source and destination."""
    try:
        fields = json.loads(text)
        return fields[kind], fields["seq"], fields["source"], fields["dest"]
    except (ValueError, KeyError, TypeError):
        return None
