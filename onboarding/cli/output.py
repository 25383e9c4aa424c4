"""What commands print: tables and fields for people, JSON for programs.

A terminal gets colours and borders; anything else gets plain columns that are never cut off.
Text that came from outside is shown as text: no markup, no control characters.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import Field, fields, is_dataclass
from datetime import UTC, datetime
from enum import Enum
from functools import cache
from typing import TYPE_CHECKING, Any, TextIO

import typer

if TYPE_CHECKING:
    from rich.console import RenderableType

#: Blanks between two columns.
_GAP = 2


def print_json(data: object) -> None:
    """Print one JSON document and nothing else."""
    as_utf8 = (sys.stdout.encoding or "").lower().replace("-", "") == "utf8"
    sys.stdout.write(json.dumps(plain(data), indent=2, ensure_ascii=not as_utf8) + "\n")


def plain(value: Any) -> Any:
    """Return a value as JSON knows it: instants as ISO text with Z, no secrets, no ciphertexts."""
    if value is None or type(value) in (str, int, bool):
        return value
    if isinstance(value, datetime):
        return value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    if isinstance(value, Enum):
        return value.value
    if is_dataclass(value) and not isinstance(value, type):
        return _public(value)
    if isinstance(value, Mapping):
        return {str(plain(name)): plain(each) for name, each in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [plain(each) for each in value]
    return value


def _public(value: Any) -> dict[str, Any]:
    kind: Any = type(value)
    return {name: plain(getattr(value, name)) for name in _public_names(kind)}


@cache
def _public_names(kind: Any) -> tuple[str, ...]:
    from onboarding.core.redact import SECRET_NAMES

    return tuple(
        f.name
        for f in fields(kind)
        if f.repr and (_is_metas_code(f) or not SECRET_NAMES.search(f.name))
    )


def _is_metas_code(named: Field[Any]) -> bool:
    """Whether a field is the number of Meta's error; a holder's code, the secret, is text."""
    return named.name == "code" and named.type in ("int", "int | None")


def cell(value: object) -> str:
    """Return a value as people read it, in one line and without control characters."""
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, datetime):
        return f"{value.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"
    text = str(value.value if isinstance(value, Enum) else value)
    text = " ".join(text.split())
    return text if text.isprintable() else "".join(c if c.isprintable() else "�" for c in text)


def print_table(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Print rows under column names."""
    _print_table(columns, rows, sys.stdout)


def warn_table(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Print rows under column names to standard error."""
    _print_table(columns, rows, sys.stderr)


def print_fields(fields_: Iterable[tuple[str, object]]) -> None:
    """Print names and values, a line each."""
    rows = [(name, cell(value)) for name, value in fields_]
    if not sys.stdout.isatty():
        _print_columns(rows, sys.stdout)
        return
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, show_header=False, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column(style="bold", no_wrap=True)
    table.add_column(overflow="fold")
    for name, value in rows:
        table.add_row(Text(name), Text(value))
    _print(table, sys.stdout)


def say(text: str) -> None:
    """Tell a person what was done; on standard output."""
    typer.echo(text)


def say_next(command: str) -> None:
    """Tell a person what to do next."""
    typer.echo(f"{typer.style('Next:', bold=True)} {command}")


def note(text: str) -> None:
    """Tell a person something that is not the result; on standard error."""
    typer.echo(text, err=True)


def _print_table(columns: Sequence[str], rows: Iterable[Sequence[object]], stream: TextIO) -> None:
    cells = [[cell(value) for value in row] for row in rows]
    if not stream.isatty():
        _print_columns([list(columns), *cells], stream)
        return
    from rich import box
    from rich.table import Table
    from rich.text import Text

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, header_style="bold")
    for place, column in enumerate(columns):
        table.add_column(Text(column), overflow="fold", no_wrap=place == 0)
    for row in cells:
        table.add_row(*map(Text, row))
    _print(table, stream)


def _print_columns(rows: Sequence[Sequence[str]], stream: TextIO) -> None:
    """Print rows in columns that are as wide as they must be, and never cut off."""
    from rich.cells import cell_len

    widths = [[cell_len(text) for text in row] for row in rows]
    widest = [max(column) for column in zip(*widths, strict=True)]
    for row, taken in zip(rows, widths, strict=True):
        padded = (
            text + " " * (width - own + _GAP)
            for text, own, width in zip(row, taken, widest, strict=True)
        )
        stream.write("".join(padded).rstrip() + "\n")


def _print(renderable: RenderableType, stream: TextIO) -> None:
    from rich.console import Console

    console = Console(file=stream, markup=False, emoji=False, highlight=False)
    with console.capture() as captured:
        console.print(renderable)
    stream.write("".join(f"{line.rstrip()}\n" for line in captured.get().splitlines()))
