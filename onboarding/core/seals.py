"""Seals: what the histories came to at an instant, so that what is taken away later shows.

A chain cannot tell that its tail was cut, or that its owner was removed as a whole. A seal holds
the heads of the histories that grew since the seal before, and is hashed onto it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

from onboarding.core.chain import link
from onboarding.core.timing import iso

#: The hash that the first seal is chained to.
GENESIS = hashlib.sha256(b"onboarding/seal/1").hexdigest()


@dataclass(frozen=True, slots=True, order=True)
class Head:
    """How far a history went: its kind and owner, the number of its entries, the last one's hash.

    Attributes:
        kind: ``onboarding`` or ``account``.
        id: the owner: an onboarding's id, or a WABA id.
        seq: how many entries there are.
        head_hash: hash of the last one.
    """

    kind: str
    id: str
    seq: int
    head_hash: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Seal:
    """One seal, as it is stored.

    Attributes:
        seq: 1, and one more for each seal.
        bucket: the span of time that it is the one seal of, by its start.
        entry: canonical JSON: number, instant, how many heads, and their root.
        lines: the heads, a line each, in order.
        hash: of the entry, chained onto the hash of the seal before.
    """

    seq: int
    bucket: datetime
    entry: str
    lines: str
    hash: str

    @property
    def at(self) -> str:
        """When it was made, as it says itself."""
        return str(json.loads(self.entry)["at"])


def make_seal(
    previous: Seal | None, heads: Iterable[Head], *, at: datetime, bucket: datetime
) -> Seal:
    """Return the seal over these heads that follows another."""
    ordered = sorted(heads)
    lines = "".join(f"{h.kind} {h.id} {h.seq} {h.head_hash}\n" for h in ordered)
    seq = previous.seq + 1 if previous else 1
    fields = {"at": iso(at), "heads": len(ordered), "root": _root(lines), "seal": seq}
    entry = json.dumps(fields, sort_keys=True, separators=(",", ":"))
    hash_ = link(previous.hash if previous else GENESIS, entry)
    return Seal(seq=seq, bucket=bucket, entry=entry, lines=lines, hash=hash_)


def heads_of(seal: Seal) -> Iterator[Head]:
    """Yield the heads that a seal holds."""
    for line in seal.lines.splitlines():
        kind, id_, seq, head_hash = line.split(" ")
        yield Head(kind, id_, int(seq), head_hash)


def is_sound(seal: Seal, previous_hash: str | None) -> bool:
    """Whether a seal is as it was written.

    Args:
        seal: which.
        previous_hash: hash of the seal before; ``None`` if that one is missing.
    """
    if previous_hash is not None and link(previous_hash, seal.entry) != seal.hash:
        return False
    try:
        fields = json.loads(seal.entry)
        return (fields["seal"], fields["root"]) == (seal.seq, _root(seal.lines))
    except (ValueError, KeyError, TypeError):
        return False


def _root(lines: str) -> str:
    return hashlib.sha256(lines.encode()).hexdigest()
