"""What commands print: tables and fields for people, JSON for programs.

A terminal gets colours and borders; anything else gets plain columns that are never cut off.
Text that came from outside is shown as text: no markup, no control characters.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields, is_dataclass
from datetime import UTC, datetime
from enum import Enum
from typing import TYPE_CHECKING, Any

import typer

if TYPE_CHECKING:
    from rich.console import Console, RenderableType

#: Wider than any line, so that nothing is wrapped where no terminal shows it.
_UNBOUNDED = 10_000


def print_json(data: object) -> None:
    """Print one JSON document and nothing else."""
    as_utf8 = (sys.stdout.encoding or "").lower().replace("-", "") == "utf8"
    sys.stdout.write(json.dumps(plain(data), indent=2, ensure_ascii=not as_utf8) + "\n")


def plain(value: Any) -> Any:
    """Return a value as JSON knows it: instants as ISO text with Z, no secrets, no ciphertexts."""
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
    from onboarding.core.redact import SECRET_NAMES

    return {
        field.name: plain(getattr(value, field.name))
        for field in fields(value)
        if field.repr and not SECRET_NAMES.search(field.name)
    }


def cell(value: object) -> str:
    """Return a value as people read it, in one line and without control characters."""
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, datetime):
        return f"{value.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"
    text = str(value.value if isinstance(value, Enum) else value)
    return "".join(c if c.isprintable() else "�" for c in " ".join(text.split()))


def print_table(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Print rows under column names."""
    _print(_table(columns, rows, on_terminal=sys.stdout.isatty()))


def warn_table(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Print rows under column names to standard error."""
    _print(_table(columns, rows, on_terminal=sys.stderr.isatty()), err=True)


def print_fields(fields_: Iterable[tuple[str, object]]) -> None:
    """Print names and values, a line each."""
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, show_header=False, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column(style="bold", no_wrap=True)
    table.add_column(overflow="fold")
    for name, value in fields_:
        table.add_row(Text(name), Text(cell(value)))
    _print(table)


def say(text: str) -> None:
    """Tell a person what was done; on standard output."""
    typer.echo(text)


def say_next(command: str) -> None:
    """Tell a person what to do next."""
    typer.echo(f"{typer.style('Next:', bold=True)} {command}")


def note(text: str) -> None:
    """Tell a person something that is not the result; on standard error."""
    typer.echo(text, err=True)


def _table(
    columns: Sequence[str], rows: Iterable[Sequence[object]], *, on_terminal: bool
) -> RenderableType:
    from rich import box
    from rich.table import Table
    from rich.text import Text

    table = Table(
        box=box.SIMPLE_HEAD if on_terminal else None,
        pad_edge=False,
        padding=(0, 2, 0, 0),
        header_style="bold",
    )
    for column in columns:
        table.add_column(Text(column), overflow="fold")
    for row in rows:
        table.add_row(*(Text(cell(value)) for value in row))
    return table


def _print(renderable: RenderableType, *, err: bool = False) -> None:
    stream = sys.stderr if err else sys.stdout
    console = _console(stream)
    with console.capture() as captured:
        console.print(renderable)
    stream.write("".join(f"{line.rstrip()}\n" for line in captured.get().splitlines()))


def _console(stream: Any) -> Console:
    from rich.console import Console

    return Console(
        file=stream,
        width=None if stream.isatty() else _UNBOUNDED,
        markup=False,
        emoji=False,
        highlight=False,
    )
