"""Files as customers send them: spreadsheets, other columns, and what is no file of numbers."""

from __future__ import annotations

import csv
import io
import resource
import zipfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from openpyxl import Workbook

from onboarding.cli.import_results import open_results
from onboarding.engine import importing
from onboarding.engine.facade import Engine
from onboarding.engine.file_rows import ColumnMap, parse_map
from onboarding.engine.import_results import ImportReport, ImportResult
from onboarding.engine.importing import read_requests
from onboarding.engine.request_files import FileFormat, RequestFile
from onboarding.errors import ImportFileError, InputError, RowError

WABA = "102290129340398"
HEAD = ("waba_id", "phone_number", "display_name")


@pytest.fixture
def engine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Engine]:
    """An engine with one account, on a database of its own; files are taken three rows at once."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(importing, "CHUNK", 3)
    with Engine.open(f"sqlite:///{tmp_path / 'o.db'}", upgrade=True, actor="tester") as engine:
        engine.add_account(WABA, "EAAtesttoken0123456789")
        yield engine


def sheet(path: Path, *rows: tuple[Any, ...], title: str = "Numbers") -> Path:
    """Write a spreadsheet of one sheet."""
    book = Workbook()
    page = book.active
    assert page is not None
    page.title = title
    for row in rows:
        page.append(row)
    book.save(path)
    return path


def refusals(path: Path) -> tuple[RowError, ...]:
    with pytest.raises(ImportFileError) as caught:
        read_requests(path)
    return caught.value.rows


def load(
    engine: Engine, path: Path, columns: ColumnMap | None = None, **given: Any
) -> tuple[ImportReport, list[ImportResult]]:
    results: list[ImportResult] = []
    file = RequestFile(path=path, columns=columns or ColumnMap())
    report = engine.batches.import_file(file, on_result=results.append, **given)
    return report, results


# Spreadsheets


def test_a_spreadsheet_says_the_same_as_csv(tmp_path: Path) -> None:
    path = sheet(
        tmp_path / "n.xlsx",
        (*HEAD, "region", "code_ready", "onboarded_at", "entry"),
        (int(WABA), 16315551000, "Lucky Shrub", "US", True, None, None),
        (None, None, None, None, None, None, None),
        (WABA, "+16315551001", " Shop ", None, False, "2026-03-02T09:00:00Z", "embedded_signup"),
    )
    (first, one), (second, other) = read_requests(path)
    assert (first, second) == (2, 4)
    assert (one.waba_id, one.phone_number, one.region, one.code_ready) == (
        WABA, "16315551000", "US", True,
    )  # fmt: skip
    assert (other.display_name, other.code_ready) == ("Shop", False)
    assert other.onboarded_at == datetime(2026, 3, 2, 9, tzinfo=UTC)


@pytest.mark.parametrize(
    ("cells", "place", "part"),
    [
        ((WABA, "=A2", "Shop"), ("phone_number", "B2"), "a formula"),
        ((WABA, "=1/0", "Shop"), ("phone_number", "B2"), "a formula"),
        ((WABA, 16315551000.5, "Shop"), ("phone_number", "B2"), "no whole number"),
        ((1022901293403981, "+16315551000", "Shop"), ("waba_id", "A2"), "more than 15 digits"),
        ((WABA, None, "Shop"), ("phone_number", "B2"), "is empty"),
        ((WABA, "1.63E+10", "Shop"), ("phone_number", "B2"), "was rounded"),
        ((WABA, "1.6315551e+10", "Shop"), ("phone_number", "B2"), "was rounded"),
        ((WABA, "+16315551000", "Shop", "more"), ("", "D2"), "without a column"),
    ],
    ids=str,
)
def test_a_cell_that_cannot_be_trusted_is_named(
    tmp_path: Path, cells: tuple[Any, ...], place: tuple[str, str], part: str
) -> None:
    (error,) = refusals(sheet(tmp_path / "n.xlsx", HEAD, cells))
    assert (error.line, error.column, error.cell) == (2, *place)
    assert part in error.message


def test_a_date_of_a_spreadsheet_has_no_offset(tmp_path: Path) -> None:
    row = (WABA, "+16315551000", "Shop", datetime(2026, 3, 2, 9))  # noqa: DTZ001 - as Excel has it
    (error,) = refusals(sheet(tmp_path / "n.xlsx", (*HEAD, "onboarded_at"), row))
    assert (error.place, error.line) == ("onboarded_at (D2)", 2)


def test_another_sheet_can_be_named(tmp_path: Path) -> None:
    path = sheet(tmp_path / "n.xlsx", HEAD, (WABA, "+16315551000", "Shop"))
    with pytest.raises(ImportFileError, match="no sheet 'July'") as caught:
        list(RequestFile(path=path, sheet="July").read())
    assert "Numbers" in caught.value.hint
    assert len(list(RequestFile(path=path, sheet="Numbers").read())) == 1


def test_what_only_looks_like_a_spreadsheet_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "n.xlsx"
    path.write_bytes(b"waba_id,phone_number\n")
    with pytest.raises(ImportFileError, match="not an XLSX file"):
        read_requests(path)
    with zipfile.ZipFile(path, "w") as packed:
        packed.writestr("nothing.txt", "here")
    with pytest.raises(ImportFileError, match="not an XLSX file that can be read"):
        read_requests(path)


def test_a_spreadsheet_that_unpacks_to_too_much_is_not_unpacked(tmp_path: Path) -> None:
    path = tmp_path / "n.xlsx"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("xl/sharedStrings.xml", b" " * (70 * 1024 * 1024))
    assert path.stat().st_size < 200_000
    with pytest.raises(ImportFileError, match="sharedStrings"):
        read_requests(path)


# Columns


def test_columns_of_other_names_are_mapped(engine: Engine, tmp_path: Path) -> None:
    path = tmp_path / "n.csv"
    path.write_text(f"Account,Phone  No.,Name,Notes\n{WABA},+16315551000,Lucky Shrub,call first\n")
    columns = parse_map(
        ["account=waba_id", "Phone No.=phone_number", "NAME=display_name", "Notes="]
    )
    report, (result,) = load(engine, path, columns)
    assert report.results == {"created": 1}
    assert engine.get(result.phone_number).display_name == "Lucky Shrub"


def test_columns_of_json_lines_are_mapped(engine: Engine, tmp_path: Path) -> None:
    path = tmp_path / "n.jsonl"
    path.write_text(f'{{"waba_id": "{WABA}", "Tel": "+16315551000", "display_name": "Shrub"}}\n')
    report, _ = load(engine, path, parse_map(["tel=phone_number"]))
    assert report.results == {"created": 1}


@pytest.mark.parametrize(
    ("pairs", "part"),
    [
        (["Phone"], "maps nothing"),
        (["=phone_number"], "maps nothing"),
        (["Phone=tel"], "no column of ours"),
        (["Phone=phone_number", "Tel=phone_number"], "two columns"),
        (["Phone=phone_number", "phone=cc"], "mapped twice"),
    ],
)
def test_a_map_that_cannot_be_is_refused(pairs: list[str], part: str) -> None:
    with pytest.raises(InputError, match=part):
        parse_map(pairs)


def test_a_column_that_is_mapped_must_be_there(engine: Engine, tmp_path: Path) -> None:
    path = tmp_path / "n.csv"
    path.write_text(f"{','.join(HEAD)}\n{WABA},+16315551000,Shop\n")
    with pytest.raises(ImportFileError) as caught:
        load(engine, path, parse_map(["Tel=key"]))
    assert [(e.line, e.column) for e in caught.value.rows] == [(1, "tel")]
    assert engine.find().items == ()


# Long files


def numbered(path: Path, count: int, *more: str) -> Path:
    with path.open("w") as file:
        file.write(",".join(HEAD) + "\n")
        file.writelines(f"{WABA},+4915{110_000_000 + n},Shop {n}\n" for n in range(count))
        file.writelines(f"{line}\n" for line in more)
    return path


def test_a_number_that_comes_again_far_below_is_a_mistake(engine: Engine, tmp_path: Path) -> None:
    path = numbered(tmp_path / "n.csv", 8, f"{WABA},+49 151 10000000,Shop 0")
    with pytest.raises(ImportFileError) as caught:
        load(engine, path)
    (error,) = caught.value.rows
    assert (error.line, error.column) == (10, "phone_number")
    assert error.message.endswith("see line 2")
    assert engine.find().items == ()


def test_the_sound_rows_of_a_file_can_be_taken_and_the_others_mended(
    engine: Engine, tmp_path: Path
) -> None:
    path = numbered(tmp_path / "n.csv", 7, f"{WABA},12,Shop", f"{WABA},+4915119999999,")
    with open_results(str(tmp_path / "r.csv"), path, FileFormat.CSV) as results:
        report = engine.batches.import_file(
            RequestFile(path=path), leave_out=True, on_result=results.add
        )
        results.finish()
    assert report.results == {"created": 7, "refused": 2}
    assert [error.line for error in report.mistakes] == [9, 10]
    rows = list(csv.DictReader(io.StringIO((tmp_path / "r.csv").read_text())))
    assert [row["result"] for row in rows] == ["created"] * 7 + ["refused"] * 2
    assert "phone_number: " in rows[7]["mistake"]
    rows[7]["phone_number"], rows[8]["display_name"] = "+4915119999998", "Shop 9"
    with (tmp_path / "mended.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)
    report, _ = load(engine, tmp_path / "mended.csv")
    assert report.results == {"known": 7, "created": 2}


def test_a_pin_is_in_no_result(engine: Engine, tmp_path: Path) -> None:
    path = tmp_path / "n.csv"
    path.write_text(f"{','.join(HEAD)},pin\n{WABA},+16315551000,Shop,271828\n{WABA},1,S,314159\n")
    with open_results(str(tmp_path / "r.jsonl"), path, FileFormat.CSV) as results:
        engine.batches.import_file(RequestFile(path=path), leave_out=True, on_result=results.add)
        results.finish()
    told = (tmp_path / "r.jsonl").read_text()
    assert told.count("\n") == 2
    assert "271828" not in told
    assert "314159" not in told


def test_a_file_with_mistakes_everywhere_is_not_read_to_its_end(
    engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importing, "MOST_MISTAKES", 10)
    path = tmp_path / "n.csv"
    path.write_text(",".join(HEAD) + "\n" + f"{WABA},12,Shop\n" * 1000)
    shares: list[float] = []
    with pytest.raises(ImportFileError, match="the rest was not read") as caught:
        load(engine, path, on_progress=lambda _, share: shares.append(share))
    assert len(caught.value.rows) < 20
    assert len(shares) < 10


@pytest.mark.parametrize(
    ("start", "part"),
    [
        (b"waba_id,phone_number,display_name\n", "longer than 256 kB"),
        (b"\xff\xfe", "longer than 256 kB"),
        (b"", "longer than 256 kB"),
    ],
    ids=["csv", "utf-16", "nothing"],
)
def test_junk_is_refused_before_it_is_read(tmp_path: Path, start: bytes, part: str) -> None:
    """A gigabyte without a line's end; most of it is a hole, so that the disk is spared."""
    path = tmp_path / "n.csv"
    with path.open("wb") as file:
        file.write(start + b"junk " * 1_000_000)
        file.truncate(1024**3)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    (error,) = refusals(path)
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert part in error.message
    assert grown < 64 * 1024  # KiB


def test_what_holds_no_text_is_named_by_its_line(tmp_path: Path) -> None:
    path = tmp_path / "n.csv"
    path.write_bytes(",".join(HEAD).encode() + b"\n" + b"\x00" * 100 + b"\n")
    (error,) = refusals(path)
    assert (error.line, error.message) == (2, "not UTF-8 text")
    path.write_bytes((",".join(HEAD) + f"\n{WABA},+16315551000,Pão\n").encode("latin-1"))
    (error,) = refusals(path)
    assert (error.line, error.message) == (2, "not UTF-8 text")
