"""What became of the rows of a file: each one, and all of them together."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from onboarding.core.name_rules import NameFinding
from onboarding.engine.accept import Receipt, warning_of
from onboarding.engine.file_rows import FileRow
from onboarding.engine.requests import Refusal, ValidRequest
from onboarding.engine.taking_in import Into
from onboarding.errors import RowError
from onboarding.model import Onboarding

CREATED, KNOWN, VALID, REFUSED = "created", "known", "valid", "refused"


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportResult:
    """What became of one row: ``created``, or ``known`` because it was asked for before.

    A row of a dry run that would be created is ``valid`` and has no id; one that was left out is
    ``refused``. The warning says what speaks against sending a code to the number; it is empty if
    nothing does. ``name_findings`` are the rules that speak against the display name, ``mistake``
    is why a row was refused. ``given`` are its cells, but for a PIN.
    """

    line: int
    phone_number: str
    id: str | None
    result: str
    state: str | None
    warning: str = ""
    name_findings: tuple[str, ...] = ()
    mistake: str = ""
    given: Mapping[str, str] = field(default_factory=dict, compare=False, repr=False)
    waba_id: str = field(default="", compare=False)


#: Told what became of a row.
OnResult = Callable[[ImportResult], None]


@dataclass(slots=True, kw_only=True)
class ImportReport:
    """What became of the rows of a file.

    Attributes:
        rows: how many there are, those that could not be understood included.
        results: how many were ``created``, ``known``, ``valid`` or ``refused``.
        fresh: how many are new on each WABA.
        warned: how many have a warning.
        first_warning: the first one, with its line.
        findings: how many display names each rule speaks against.
        doubtful_names: how many display names some rule speaks against.
        duplicates: how many rows repeat a number or key of the file.
        mistakes: what is wrong, of the first rows that are.
        batch: the batch that the numbers went into.
    """

    rows: int = 0
    results: Counter[str] = field(default_factory=Counter)
    fresh: Counter[str] = field(default_factory=Counter)
    warned: int = 0
    first_warning: str = ""
    findings: Counter[str] = field(default_factory=Counter)
    doubtful_names: int = 0
    mistakes: list[RowError] = field(default_factory=list)
    batch: str = ""

    def count(self, result: ImportResult) -> None:
        """Count one row."""
        self.rows += 1
        self.results[result.result] += 1
        if result.result in (CREATED, VALID):
            self.fresh[result.waba_id] += 1
        if result.warning:
            self.warned += 1
            self.first_warning = self.first_warning or f"line {result.line}: {result.warning}"
        self.findings.update(result.name_findings)
        self.doubtful_names += bool(result.name_findings)

    @property
    def duplicates(self) -> int:
        """How many of the rows that are told of repeat a number or a key of an earlier one."""
        return sum("is in this batch already" in each.message for each in self.mistakes)


def result_of(row: FileRow, receipt: Receipt, batch: Into | None) -> ImportResult:
    """Return what became of a row that was taken.

    What an interrupted import of the same file into the same batch had stored is created by it.
    """
    found = receipt.onboarding
    is_ours = batch is not None and batch.is_begun_again and found.batch_id == batch.batch_id
    return _taken(
        row,
        found,
        CREATED if is_ours else receipt.result,
        receipt.name_findings,
        receipt.warning,
    )


def known_result(row: FileRow, found: Onboarding, findings: Sequence[NameFinding]) -> ImportResult:
    """Return what a check says of a row that was asked for before."""
    return _taken(row, found, KNOWN, findings)


def _taken(
    row: FileRow,
    found: Onboarding,
    result: str,
    findings: Sequence[NameFinding],
    warning: str = "",
) -> ImportResult:
    return ImportResult(
        line=row.line,
        phone_number=found.phone_number,
        id=found.id,
        result=result,
        state=found.state.value,
        warning=warning,
        name_findings=tuple(each.rule for each in findings),
        given=row.given,
        waba_id=found.waba_id,
    )


def valid_result(
    row: FileRow, valid: ValidRequest, findings: Sequence[NameFinding]
) -> ImportResult:
    """Return what a check says of a row that would be created."""
    return ImportResult(
        line=row.line,
        phone_number=valid.number.e164,
        id=None,
        result=VALID,
        state=None,
        warning=warning_of(valid),
        name_findings=tuple(each.rule for each in findings),
        given=row.given,
        waba_id=valid.request.waba_id,
    )


def refused_result(line: int, given: Mapping[str, str], errors: Sequence[RowError]) -> ImportResult:
    """Return what is told of a row that was refused."""
    told = "; ".join(": ".join(filter(None, (each.place, each.message))) for each in errors)
    return ImportResult(
        line=line,
        phone_number=given.get("phone_number", ""),
        id=None,
        result=REFUSED,
        state=None,
        mistake=told,
        given=given,
        waba_id=given.get("waba_id", ""),
    )


def place_of(error: RowError) -> str:
    """Return where a mistake is, in words."""
    return f"line {error.line}" + (f", {error.place}" if error.place else "")


def row_errors(refusals: Sequence[Refusal], lines: Sequence[int]) -> list[RowError]:
    """Return refusals of a batch as errors of the file that it came from."""
    return [
        RowError(lines[each.index], each.error.field, _explained(each, lines)) for each in refusals
    ]


def _explained(refusal: Refusal, lines: Sequence[int]) -> str:
    if refusal.earlier is not None:
        return f"{refusal.error}; see line {lines[refusal.earlier]}"
    return "; ".join(part for part in (str(refusal.error), refusal.error.hint) if part)
