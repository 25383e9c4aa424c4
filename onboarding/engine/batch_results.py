"""The numbers of a batch as results of its import, as they stand now."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from onboarding.core.timing import iso
from onboarding.engine.import_results import CREATED, ImportResult
from onboarding.model import Entry, Onboarding


def results_of(rows: Iterable[Onboarding]) -> Iterator[ImportResult]:
    """Yield the result of each number; as a file of requests it asks for what is there."""
    for row in rows:
        given = {
            "waba_id": row.waba_id,
            "display_name": row.display_name,
            "entry": row.entry.value,
            "code_method": row.code_method.value,
            "code_language": row.code_language,
            "code_window": row.code_window or "",
            "key": row.key or "",
        }
        if row.entry is Entry.EMBEDDED_SIGNUP and row.onboarded_at is not None:
            given["onboarded_at"] = iso(row.onboarded_at)
        yield ImportResult(
            line=row.batch_line or 0,
            phone_number=row.phone_number,
            id=row.id,
            result=CREATED,
            state=row.state.value,
            mistake="",
            given=given,
            waba_id=row.waba_id,
        )
