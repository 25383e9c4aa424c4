"""Comparing the histories with what seals, and files kept elsewhere, say they once were."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice

from sqlalchemy import Connection

from onboarding.core.chain import Broken
from onboarding.core.seals import GENESIS, Head, heads_of, is_sound
from onboarding.engine.seal_files import HeadsFile
from onboarding.store import seals

#: Whose name a finding about a seal itself bears.
SEALS = "seals"
_AT_ONCE = 1000


def check_seals(conn: Connection) -> tuple[int, list[Broken]]:
    """Check each seal, and that what it holds is the beginning of the history of today.

    Returns:
        How many seals there are, and what is wrong: per seal, and once per history.
    """
    numbers = seals.seal_numbers(conn)
    wrong = list[Broken]()
    histories: dict[tuple[str, str], Broken] = {}
    previous_hash: str | None = GENESIS
    expected = 1
    for seq in numbers:
        if seq != expected:
            wrong.append(Broken(SEALS, expected, "the seal was removed"))
            previous_hash = None
        seal = seals.load_seal(conn, seq)
        if seal is None or not is_sound(seal, previous_hash):
            wrong.append(Broken(SEALS, seq, "the seal was changed"))
        else:
            _compare(conn, heads_of(seal), f"seal {seq}", histories)
        previous_hash = seal.hash if seal else None
        expected = seq + 1
    return len(numbers), [*wrong, *histories.values()]


def check_against(conn: Connection, file: HeadsFile) -> list[Broken]:
    """Compare seals and histories with a file that was made earlier.

    Raises:
        InputError: it is not such a file.
    """
    histories: dict[tuple[str, str], Broken] = {}
    _compare(conn, file.heads(), "the file", histories)
    header = file.header
    if header.seq == 0:
        return list(histories.values())
    seal = seals.load_seal(conn, header.seq)
    if seal is None:
        gone = Broken(SEALS, header.seq, "the seal that the file tells of was removed")
        return [gone, *histories.values()]
    if seal.hash != header.hash:
        other = Broken(SEALS, header.seq, "the seal is not the one that the file tells of")
        return [other, *histories.values()]
    return list(histories.values())


def _compare(
    conn: Connection, heads: Iterable[Head], source: str, found: dict[tuple[str, str], Broken]
) -> None:
    """Note each history that does not begin as these heads say; the first finding of each stays."""
    for some in _in_groups(heads):
        for kind, ledger in seals.LEDGERS.items():
            wanted = [head for head in some if head.kind == kind]
            stored = seals.hashes_at(conn, ledger, wanted) if wanted else {}
            off = {h.id: h for h in wanted if stored.get(h.id) != h.head_hash}
            present = {h.id: h for h in seals.load_heads(conn, ledger, off)} if off else {}
            for id_, head in off.items():
                broken = _told(head, present.get(id_), source, is_there=id_ in stored)
                found.setdefault((kind, id_), broken)


def _told(head: Head, present: Head | None, source: str, *, is_there: bool) -> Broken:
    if present is None:
        what = f"{source} knows {head.seq} entries, and the {head.kind} was removed"
        return Broken(head.id, head.seq, what)
    if not is_there:
        what = f"{source} knows {head.seq} entries, and entries at the end were removed"
        return Broken(head.id, min(head.seq, present.seq + 1), what)
    return Broken(head.id, head.seq, f"{source} knows another entry: the history was rewritten")


def _in_groups(heads: Iterable[Head]) -> Iterator[list[Head]]:
    rest = iter(heads)
    while some := list(islice(rest, _AT_ONCE)):
        yield some
