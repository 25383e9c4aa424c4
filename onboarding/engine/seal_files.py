"""Files with the heads of all histories, for a place that whoever owns the database does not own.

JSON lines: the latest seal first, then a line per history.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from onboarding.core.seals import GENESIS, Head
from onboarding.engine.context import Context
from onboarding.errors import InputError
from onboarding.store import seals
from onboarding.store.database import reading

_KINDS = tuple(seals.LEDGERS)


@dataclass(frozen=True, slots=True)
class Header:
    """The first line: the latest seal when the file was made, and how many heads follow.

    Attributes:
        seq: number of the seal; 0 if there was none.
        hash: its hash.
        at: when it was made.
        heads: how many lines follow.
    """

    seq: int
    hash: str
    at: str
    heads: int


def write_heads(ctx: Context, path: Path) -> int:
    """Write the heads of all histories into a new file; return how many there are.

    Raises:
        InputError: the file is there already, or cannot be written.
    """
    try:
        with path.open("x", encoding="utf-8") as file, reading(ctx.database) as conn:
            last, count = seals.last_seal(conn), seals.count_heads(conn)
            header = Header(last.seq, last.hash, last.at, count) if last else _before_any(count)
            file.write(json.dumps({"kind": "seal", **asdict(header)}) + "\n")
            for head in seals.all_heads(conn):
                file.write(json.dumps(asdict(head)) + "\n")
    except FileExistsError:
        raise InputError(
            f"{path} is there already", field="out", hint="name a new file; none is overwritten"
        ) from None
    except OSError as error:
        raise InputError(
            f"{path} cannot be written: {error.strerror}", field="out", hint="name another file"
        ) from None
    return count


def _before_any(count: int) -> Header:
    return Header(0, GENESIS, "", count)


class HeadsFile:
    """A file that ``write_heads`` made.

    Raises:
        InputError: it is not such a file, or it is cut off.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        first = next(self._lines(), (1, {}))
        try:
            fields = first[1]
            if fields.pop("kind") != "seal":
                raise self._unfit(1)
            self.header = Header(**fields)
        except (KeyError, TypeError):
            raise self._unfit(1) from None

    def heads(self) -> Iterator[Head]:
        """Yield the heads.

        Raises:
            InputError: a line is none, or there are fewer than the first line says.
        """
        count = 0
        for number, fields in self._lines():
            if number == 1:
                continue
            try:
                head = Head(**fields)
            except TypeError:
                raise self._unfit(number) from None
            if head.kind not in _KINDS or type(head.seq) is not int:
                raise self._unfit(number)
            count += 1
            yield head
        if count != self.header.heads:
            raise InputError(
                f"{self._path} is cut off: it has {count} of {self.header.heads} histories",
                field="against",
                hint="take another copy of it",
            )

    def _lines(self) -> Iterator[tuple[int, dict[str, Any]]]:
        try:
            with self._path.open(encoding="utf-8") as file:
                for number, line in enumerate(file, start=1):
                    fields = json.loads(line)
                    if not isinstance(fields, dict):
                        raise self._unfit(number)
                    yield number, fields
        except ValueError:  # no JSON, or no UTF-8
            raise self._unfit(None) from None
        except OSError as error:
            raise InputError(
                f"{self._path} cannot be read: {error.strerror}",
                field="against",
                hint="name a file that 'onboarding audit seal --out' made",
            ) from None

    def _unfit(self, number: int | None) -> InputError:
        where = f", line {number}," if number else ""
        return InputError(
            f"{self._path}{where} is not what 'onboarding audit seal --out' writes",
            field="against",
            hint="name a file that it made",
        )
