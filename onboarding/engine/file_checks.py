"""Checking rows of a file as storing them would, without storing any."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from onboarding.core.name_rules import check_display_name
from onboarding.engine.accept import Checked, check
from onboarding.engine.context import Context
from onboarding.engine.file_rows import FileRow
from onboarding.engine.import_results import (
    ImportResult,
    known_result,
    refused_result,
    row_errors,
    valid_result,
)
from onboarding.engine.seen_rows import SeenRows
from onboarding.errors import RowError


def check_chunk(
    ctx: Context, rows: Sequence[FileRow], seen: SeenRows, *, strict_names: bool
) -> tuple[list[ImportResult], list[RowError]]:
    """Return what storing some rows would make of them, and what is wrong with those it refuses.

    Args:
        ctx: the engine's parts.
        rows: the rows.
        seen: numbers and keys of the rows before them; those of these rows are added.
        strict_names: whether a display name that breaks a published rule is refused.
    """
    checked = check(ctx, [row.request for row in rows], strict_names=strict_names)
    errors = row_errors(checked.refusals, [row.line for row in rows])
    refused = {each.index for each in checked.refusals}
    again = _repeated(rows, checked, refused, seen)
    errors += again.values()
    by_line = {error.line: error for error in reversed(errors)}
    results = []
    for index, row in enumerate(rows):
        findings = check_display_name(row.request.display_name)
        if row.line in by_line:
            results.append(refused_result(row.line, row.given, [by_line[row.line]]))
        elif index in checked.known:
            results.append(known_result(row, checked.known[index], findings))
        else:
            results.append(valid_result(row, checked.fresh[index], findings))
    return results, errors


def _repeated(
    rows: Sequence[FileRow], checked: Checked, refused: set[int], seen: SeenRows
) -> dict[int, RowError]:
    """Return, by index, the rows that repeat a number or a key of an earlier part of the file."""
    wanted = {
        index: dict(_identities(row, checked, index))
        for index, row in enumerate(rows)
        if index not in refused
    }
    before = seen.find(what for each in wanted.values() for what in each)
    found: dict[int, RowError] = {}
    fresh: dict[str, int] = {}
    for index, identities in wanted.items():
        for what, (field, told) in identities.items():
            if what in before and index not in found:
                message = f"{told} is in this batch already; see line {before[what]}"
                found[index] = RowError(rows[index].line, field, message)
            fresh[what] = rows[index].line
    seen.add(fresh)
    return found


def _identities(
    row: FileRow, checked: Checked, index: int
) -> Iterator[tuple[str, tuple[str, str]]]:
    if index in checked.known:
        known = checked.known[index]
        key, shown = known.number_key, known.phone_number
    else:
        number = checked.fresh[index].number
        key, shown = number.key, number.e164
    yield f"number/{key}", ("phone_number", f"the number {shown}")
    if row.request.key:
        yield f"key/{row.request.key}", ("key", f"the key '{row.request.key}'")
