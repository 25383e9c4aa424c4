"""``onboarding import``: all of a file or nothing, and a result per row."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest

from tests.cli.harness import NAME, NUMBER, WABA, Deployment

GOOD = (
    f"waba_id,phone_number,display_name\n{WABA},{NUMBER},{NAME}\n{WABA},+16315551001,Amber Bakery\n"
)
BAD = GOOD + f"{WABA},12,Shop\n{WABA},{NUMBER},x\n"


def _file(deployment: Deployment, text: str, name: str = "numbers.csv") -> str:
    path = deployment.folder / name
    path.write_text(text)
    return str(path)


def test_a_file_is_imported_and_again_changes_nothing(deployment: Deployment) -> None:
    file = _file(deployment, GOOD)
    said = deployment.ok("--actor", "ada", "import", file).out
    assert said == "2 rows: 2 created\nNext: onboarding worker\n"
    told = deployment.ok("history", NUMBER, "--json").json
    assert told["entries"][0]["actor"] == "ada"
    before = deployment.stored()
    assert deployment.ok("import", file).out == "2 rows: 2 known\n"
    assert deployment.stored() == before


def test_the_result_never_replaces_the_file_that_is_imported(deployment: Deployment) -> None:
    file = _file(deployment, GOOD)
    outcome = deployment.run("import", file, "--result", file)
    assert outcome.code == 2
    assert "the file that is imported" in outcome.error_lines[0]
    assert Path(file).read_text() == GOOD
    assert deployment.ok("list", "--json").json["items"] == []


def test_mistakes_are_a_table_by_line_and_column(deployment: Deployment) -> None:
    before = deployment.stored()
    outcome = deployment.run("import", _file(deployment, BAD))
    assert (outcome.code, outcome.out) == (2, "")
    table = [line.split() for line in outcome.error_lines[:3]]
    assert table[0] == ["line", "column", "mistake"]
    assert [row[:2] for row in table[1:]] == [["4", "phone_number"], ["5", "display_name"]]
    assert outcome.error_lines[3].startswith("error: ")
    assert outcome.error_lines[4].startswith("hint: ")
    assert deployment.stored() == before


def test_many_mistakes_are_counted(deployment: Deployment) -> None:
    rows = "".join(f"{WABA},{i},Shop\n" for i in range(30))
    file = _file(deployment, "waba_id,phone_number,display_name\n" + rows)
    outcome = deployment.run("import", file, "--max-errors", "3")
    assert outcome.code == 2
    assert "... and 27 more; --max-errors shows more" in outcome.error_lines
    assert len(outcome.error_lines) == 1 + 3 + 1 + 2
    assert len(deployment.run("import", file).error_lines) == 1 + 20 + 1 + 2


def test_a_dry_run_stores_nothing(deployment: Deployment) -> None:
    deployment.request()
    before = deployment.stored()
    file = _file(deployment, GOOD)
    said = deployment.ok("import", file, "--dry-run").out
    assert said.startswith("2 rows: 1 known, 1 valid\n")
    assert said.endswith("Next: the same without --dry-run\n")
    assert "Graph calls: 4, which the budgets allow within an hour" in said
    assert deployment.stored() == before


def test_a_dry_run_of_a_file_with_mistakes_tells_of_its_sound_rows_too(
    deployment: Deployment,
) -> None:
    before = deployment.stored()
    outcome = deployment.run("import", _file(deployment, BAD), "--dry-run")
    assert (outcome.code, outcome.out) == (2, "")
    assert "4 rows: 2 refused, 2 valid" in outcome.error_lines
    assert "Graph calls: 8, which the budgets allow within an hour" in outcome.err
    assert outcome.error_lines[-2].startswith("error: nothing was stored, the file has mistakes")
    assert deployment.stored() == before


@pytest.mark.parametrize("suffix", ["csv", "jsonl"])
def test_a_result_per_row_is_written(deployment: Deployment, suffix: str) -> None:
    target = deployment.folder / f"result.{suffix}"
    deployment.ok("import", _file(deployment, GOOD), "--result", str(target))
    text = target.read_text()
    rows = (
        list(csv.DictReader(io.StringIO(text)))
        if suffix == "csv"
        else [json.loads(line) for line in text.splitlines()]
    )
    assert [(str(r["line"]), r["phone_number"], r["result"], r["state"]) for r in rows] == [
        ("2", NUMBER, "created", "requested"),
        ("3", "+16315551001", "created", "requested"),
    ]
    assert deployment.ok("show", rows[0]["id"], "--json").json["phone_number"] == NUMBER


def test_a_result_on_standard_output_is_nothing_else(deployment: Deployment) -> None:
    outcome = deployment.ok("import", _file(deployment, GOOD), "--result", "-")
    rows = list(csv.DictReader(io.StringIO(outcome.out)))
    assert [row["result"] for row in rows] == ["created", "created"]
    assert outcome.err.startswith("2 rows: 2 created")
    lines = "".join(
        json.dumps({"waba_id": WABA, "phone_number": number, "display_name": "Shop"}) + "\n"
        for number in (NUMBER[:-1] + "7", NUMBER[:-1] + "8")
    )
    outcome = deployment.ok("import", _file(deployment, lines, "n.jsonl"), "--result", "-")
    assert [json.loads(line)["result"] for line in outcome.out.splitlines()] == ["created"] * 2


def test_a_result_that_cannot_be_written_costs_nothing(deployment: Deployment) -> None:
    before = deployment.stored()
    file = _file(deployment, GOOD)
    for target in ("nowhere/result.csv", "result.xlsx"):
        outcome = deployment.run("import", file, "--result", target)
        assert outcome.code == 2
        assert len(outcome.error_lines) == 2
    assert deployment.stored() == before


def test_a_refused_import_leaves_an_earlier_result(deployment: Deployment) -> None:
    target = deployment.folder / "result.csv"
    target.write_text("earlier")
    assert deployment.run("import", _file(deployment, BAD), "--result", str(target)).code == 2
    assert target.read_text() == "earlier"
    assert not list(Path(deployment.folder).glob(".*.part"))


def test_code_ready_counts_for_all_rows(deployment: Deployment) -> None:
    deployment.ok("import", _file(deployment, GOOD), "--code-ready")
    items = deployment.ok("list", "--json").json["items"]
    assert [each["code_ready"] for each in items] == [True, True]


@pytest.mark.parametrize(
    ("arguments", "part"),
    [
        (("nowhere.csv",), "cannot be read"),
        (("numbers.xls",), "a spreadsheet of the old kind"),
        (("numbers.dat",), "does not say whether it is CSV"),
        (("numbers.csv", "--format", "xml"), "not a format"),
        ((".",), "does not say"),
    ],
    ids=str,
)
def test_what_is_no_file_of_numbers_is_told(
    deployment: Deployment, arguments: tuple[str, ...], part: str
) -> None:
    outcome = deployment.run("import", *arguments)
    assert outcome.code == 2
    assert part in outcome.error_lines[0]
    assert len(outcome.error_lines) == 2


def test_the_format_can_be_given(deployment: Deployment) -> None:
    file = _file(deployment, GOOD, "numbers.dat")
    assert deployment.ok("import", file, "--format", "CSV").out.startswith("2 rows: 2 created")


@pytest.mark.parametrize("text", [GOOD, "\ufeff" + GOOD])
def test_a_file_can_come_through_a_pipe(deployment: Deployment, text: str) -> None:
    outcome = deployment.spawn("import", "-", "--format", "csv", stdin=text)
    assert (outcome.code, outcome.err) == (0, "")
    assert outcome.out.startswith("2 rows: 2 created")


def test_a_pipe_has_no_suffix(deployment: Deployment) -> None:
    outcome = deployment.spawn("import", "-", stdin=GOOD)
    assert outcome.code == 2
    assert "--format" in outcome.err or "give the format" in outcome.err
