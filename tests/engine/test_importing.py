"""Files of requests: all rows or none, every mistake by line and column."""

from __future__ import annotations

import codecs
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from onboarding.engine.facade import Engine
from onboarding.engine.importing import ImportResult, read_requests
from onboarding.engine.request_files import COLUMNS, FileFormat
from onboarding.errors import ImportFileError, RowError
from onboarding.model import Entry

WABA = "102290129340398"
HEAD = "waba_id,phone_number,display_name"
FULL = {
    "waba_id": WABA,
    "phone_number": "(11) 96123-4567",
    "display_name": "Padaria",
    "cc": "55",
    "region": "BR",
    "entry": "embedded_signup",
    "code_method": "VOICE",
    "code_language": "pt_BR",
    "code_window": "09:00-17:00 America/Sao_Paulo",
    "code_ready": "yes",
    "onboarded_at": "2026-03-02T09:00:00Z",
    "pin": "271828",
    "key": "order-1",
}


@pytest.fixture
def engine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Engine]:
    """An engine with one account, on a database of its own."""
    monkeypatch.chdir(tmp_path)
    url = f"sqlite:///{tmp_path / 'onboarding.db'}"
    with Engine.open(url, upgrade=True, actor="tester") as engine:
        engine.add_account(WABA, "EAAtesttoken0123456789")
        yield engine


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Where a test puts its file."""
    return tmp_path / "numbers.csv"


def _write(path: Path, text: str | bytes) -> Path:
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


def _rows(path: Path) -> tuple[RowError, ...]:
    with pytest.raises(ImportFileError) as caught:
        read_requests(path)
    return caught.value.rows


def _places(errors: tuple[RowError, ...]) -> list[tuple[int, str]]:
    return [(error.line, error.column) for error in errors]


# Reading


def test_every_column_is_read(file: Path) -> None:
    cells = ",".join(f'"{FULL[name]}"' for name in COLUMNS)
    [(line, request)] = read_requests(_write(file, f"{','.join(COLUMNS)}\n{cells}\n"))
    assert line == 2
    for name in COLUMNS:
        if name not in ("code_ready", "onboarded_at"):
            assert getattr(request, name) == FULL[name]
    assert request.code_ready is True
    assert request.onboarded_at is not None
    assert request.onboarded_at.isoformat() == "2026-03-02T09:00:00+00:00"


def test_json_lines_say_the_same_as_csv(file: Path, tmp_path: Path) -> None:
    cells = ",".join(f'"{FULL[name]}"' for name in COLUMNS)
    _write(file, f"{','.join(COLUMNS)}\n{cells}\n")
    given = {**FULL, "cc": 55, "code_ready": True, "pin": "271828", "key": "order-1"}
    other = _write(tmp_path / "numbers.jsonl", "\n" + json.dumps(given) + "\n")
    assert [request for _, request in read_requests(other)] == [
        request for _, request in read_requests(file)
    ]
    assert read_requests(other)[0][0] == 2


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize(
    "encode",
    [
        lambda text: text.encode(),
        lambda text: codecs.BOM_UTF8 + text.encode(),
        lambda text: text.encode("utf-16"),
        lambda text: codecs.BOM_UTF16_BE + text.encode("utf-16-be"),
    ],
    ids=["utf-8", "utf-8-bom", "utf-16", "utf-16-be"],
)
def test_what_spreadsheets_write_is_read(file: Path, delimiter: str, end: str, encode: Any) -> None:
    lines = [HEAD + ",,", f"{WABA},+16315551000,Padaria São João,,", ",,,,", ""]
    text = end.join(line.replace(",", delimiter) for line in lines)
    [(line, request)] = read_requests(_write(file, encode(text)))
    assert (line, request.display_name) == (2, "Padaria São João")


def test_a_line_is_where_its_row_starts(file: Path) -> None:
    text = f'{HEAD}\n\n{WABA},+16315551000,"Lucky\nShrub"\n{WABA},,Shop\n'
    assert _places(_rows(_write(file, text))) == [(5, "phone_number")]


def test_names_of_columns_may_be_spelled_loosely(file: Path) -> None:
    text = f" WABA_ID ,Phone_Number,display_name\n{WABA}, +16315551000 , Shop \n"
    [(_, request)] = read_requests(_write(file, text))
    assert (request.phone_number, request.display_name) == ("+16315551000", "Shop")


def test_empty_cells_mean_the_default(file: Path) -> None:
    empty = "," * (len(COLUMNS) - 3)
    [(_, request)] = read_requests(
        _write(file, f"{','.join(COLUMNS)}\n{WABA},+16315551000,Shop{empty}\n")
    )
    assert request.entry == Entry.NEW
    assert (request.code_method, request.code_language) == (None, None)
    assert (request.code_ready, request.pin, request.key) == (False, None, None)


@pytest.mark.parametrize(
    ("text", "places"),
    [
        (f"{HEAD},colour\n{WABA},+16315551000,Shop,red\n", [(1, "colour")]),
        ("waba_id,phone_number\n1,2\n", [(1, "display_name")]),
        ("phone\n1\n", [(1, "phone"), *((1, name) for name in COLUMNS[:3])]),
        (f"{HEAD},waba_id\n1,2,3,4\n", [(1, "waba_id")]),
        (f"{HEAD},,key\n1,2,3,,5\n", [(1, "(empty)")]),
        (f"{HEAD}\n{WABA},+16315551000\n", [(2, "display_name")]),
        (f"{HEAD}\n{WABA},+16315551000,Shop,extra\n", [(2, "")]),
        (f"{HEAD}\n{WABA},1.63E+10,Shop\n", [(2, "phone_number")]),
        (f"{HEAD}\n{WABA},1,63E+10,Shop\n", [(2, "")]),
        (f'{HEAD}\n{WABA},+16315551000,"Shop\n', [(2, "")]),
        (f'{HEAD}\n{WABA},+16315551000,"Shop"s\n', [(2, "")]),
        (f"{HEAD},code_ready\n{WABA},+16315551000,Shop,perhaps\n", [(2, "code_ready")]),
        (f"{HEAD},onboarded_at\n{WABA},+16315551000,Shop,yesterday\n", [(2, "onboarded_at")]),
        (
            f"{HEAD},onboarded_at\n{WABA},+16315551000,Shop,2026-03-02T09:00\n",
            [(2, "onboarded_at")],
        ),
        (f"{HEAD}\n{WABA},+16315551000,{'x' * 140_000}\n", [(2, "")]),
        (
            f"{HEAD},code_ready\n,,,perhaps\n{WABA},+16315551000,Shop,\n{WABA},,,\n",
            [
                (2, "waba_id"),
                (2, "phone_number"),
                (2, "display_name"),
                (2, "code_ready"),
                (4, "phone_number"),
                (4, "display_name"),
            ],
        ),
    ],
    ids=range(16),
)
def test_mistakes_of_csv_are_named_by_place(
    file: Path, text: str, places: list[tuple[int, str]]
) -> None:
    assert _places(_rows(_write(file, text))) == places


@pytest.mark.parametrize(
    ("lines", "places"),
    [
        (["[]"], [(1, "")]),
        (['{"waba_id": '], [(1, "")]),
        (["null"], [(1, "")]),
        (["[" * 100_000], [(1, "")]),
        (['{"waba_id": "1", "waba_id": "2"}'], [(1, "")]),
        (['{"colour": "red", "waba_id": {"id": 1}}'], [(1, "colour"), (1, "waba_id")]),
        (['{"waba_id": 1, "phone_number": 1.5e10, "display_name": "S"}'], [(1, "phone_number")]),
        (
            ["{}", "", '{"waba_id": null, "phone_number": "1", "display_name": "x"}'],
            [(1, "waba_id"), (1, "phone_number"), (1, "display_name"), (3, "waba_id")],
        ),
    ],
    ids=range(8),
)
def test_mistakes_of_json_lines_are_named_by_place(
    tmp_path: Path, lines: list[str], places: list[tuple[int, str]]
) -> None:
    assert _places(_rows(_write(tmp_path / "numbers.jsonl", "\n".join(lines)))) == places


@pytest.mark.parametrize("text", ["", "\n\n", f"{HEAD}\n", f"{HEAD}\n,,\n", codecs.BOM_UTF8])
def test_a_file_without_numbers_is_refused(file: Path, text: str | bytes) -> None:
    with pytest.raises(ImportFileError) as caught:
        read_requests(_write(file, text))
    assert caught.value.hint


def test_a_file_of_another_encoding_names_the_line(file: Path) -> None:
    text = f"{HEAD}\n{WABA},+16315551000,Shop\n{WABA},+5511961234567,São João\n"
    errors = _rows(_write(file, text.encode("latin-1")))
    assert errors == (RowError(3, "", "not UTF-8 text"),)


def test_half_a_character_of_utf_16_is_refused(file: Path) -> None:
    assert _rows(_write(file, f"{HEAD}\nx".encode("utf-16") + b"\xd8"))[0].message == (
        "not UTF-8 text"
    )


def test_progress_ends_at_the_whole_file(file: Path) -> None:
    rows = "".join(f"{WABA},+1415200{i:04},Shop\n" for i in range(50))
    told: list[tuple[int, float]] = []
    read_requests(_write(file, f"{HEAD}\n{rows}"), on_progress=lambda *at: told.append(at))
    assert [count for count, _ in told] == list(range(1, 51))
    assert told[-1] == (50, 1.0)


# Storing


def test_all_rows_are_stored_with_a_result_each(engine: Engine, file: Path) -> None:
    _write(file, f"{HEAD}\n{WABA},+1 (631) 555-1000,Shop\n\n{WABA},+493012345678,Laden\n")
    results = engine.import_file(file, actor="ada")
    assert [(r.line, r.phone_number, r.result, r.state) for r in results] == [
        (2, "+16315551000", "created", "requested"),
        (4, "+493012345678", "created", "requested"),
    ]
    assert [row.id for row in engine.find().items] == [r.id for r in results]
    assert {row.requested_by for row in engine.find().items} == {"ada"}


def test_importing_again_changes_nothing(engine: Engine, file: Path) -> None:
    _write(file, f"{HEAD}\n{WABA},+16315551000,Shop\n{WABA},+493012345678,Laden\n")
    first = engine.import_file(file)
    before = engine.find()
    again = engine.import_file(file)
    assert engine.find() == before
    assert [(r.id, r.result) for r in again] == [(r.id, "known") for r in first]


def test_one_bad_row_keeps_all_out(engine: Engine, file: Path) -> None:
    _write(file, f"{HEAD}\n{WABA},+16315551000,Shop\n{WABA},12,Shop\n")
    with pytest.raises(ImportFileError):
        engine.import_file(file)
    assert engine.find().items == ()


def test_every_mistake_is_told_at_once(engine: Engine, file: Path) -> None:
    engine.import_file(_write(file, f"{HEAD}\n{WABA},+16315551000,Shop\n"))
    _write(
        file,
        f"{HEAD},pin\n"
        f"{WABA},+16315551000,Other,\n"  # known with another name
        f"{WABA},12,Shop,\n"  # no number
        f"{WABA},+16315551001,x,\n"  # no name
        f"99999,+16315551002,Shop,\n"  # no account
        f"{WABA},+16315551003,Shop,27182\n"  # no PIN
        f"{WABA},+16315551004,Shop,\n"
        f"{WABA},001 631 555 1004,Shop,\n"  # twice
        f"{WABA},,Shop,\n",  # nothing
    )
    with pytest.raises(ImportFileError) as caught:
        engine.import_file(file)
    errors = caught.value.rows
    assert _places(errors) == [
        (2, "display_name"),
        (3, "phone_number"),
        (4, "display_name"),
        (5, "waba_id"),
        (6, "pin"),
        (8, "phone_number"),
        (9, "phone_number"),
    ]
    assert "see line 7" in errors[5].message
    assert "27182" not in "".join(error.message for error in errors)
    assert len(engine.find().items) == 1


@pytest.mark.parametrize("dry_run", [True, False])
def test_mistakes_that_only_the_database_knows_have_their_place(
    engine: Engine, file: Path, *, dry_run: bool
) -> None:
    engine.import_file(_write(file, f"{HEAD}\n{WABA},+16315551000,Shop\n"))
    _write(file, f"{HEAD}\n{WABA},+16315551001,Shop\n\n{WABA},+16315551000,Other\n")
    with pytest.raises(ImportFileError) as caught:
        engine.import_file(file, dry_run=dry_run)
    assert _places(caught.value.rows) == [(4, "display_name")]
    assert len(engine.find().items) == 1


def test_a_dry_run_tells_what_would_be(engine: Engine, file: Path) -> None:
    [known] = engine.import_file(_write(file, f"{HEAD}\n{WABA},+16315551000,Shop\n"))
    _write(file, f"{HEAD}\n{WABA},+16315551001,Shop\n{WABA},+16315551000,Shop\n")
    assert engine.import_file(file, dry_run=True) == [
        ImportResult(
            line=2,
            phone_number="+16315551001",
            id=None,
            result="valid",
            state=None,
            name_findings=("generic",),
        ),
        ImportResult(
            line=3,
            phone_number="+16315551000",
            id=known.id,
            result="known",
            state="requested",
            name_findings=("generic",),
        ),
    ]
    assert len(engine.find().items) == 1


def test_code_ready_can_be_said_for_all(engine: Engine, file: Path) -> None:
    engine.import_file(_write(file, f"{HEAD}\n{WABA},+16315551000,Shop\n"), code_ready=True)
    assert engine.find().items[0].code_ready


def test_the_suffix_or_the_caller_names_the_format(tmp_path: Path) -> None:
    text = json.dumps({"waba_id": WABA, "phone_number": "1", "display_name": "S"})
    path = _write(tmp_path / "numbers.dat", text)
    with pytest.raises(ImportFileError, match=r"numbers\.dat"):
        read_requests(path)
    assert len(read_requests(path, file_format=FileFormat.JSONL)) == 1


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    (tmp_path / "folder.csv").mkdir()
    with pytest.raises(ImportFileError, match="cannot be read"):
        read_requests(tmp_path / "folder.csv")
