"""``onboarding batch`` and ``onboarding slots``: what they print, and what they store."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pytest
from openpyxl import Workbook

from tests.cli.harness import NAME, NUMBER, WABA, Deployment

OTHERS = ("+16315551001", "+16315551002")


@pytest.fixture
def file(deployment: Deployment) -> str:
    """A file of three numbers."""
    path = deployment.folder / "numbers.csv"
    rows = "".join(f"{WABA},{number},{NAME}\n" for number in (NUMBER, *OTHERS))
    path.write_text("waba_id,phone_number,display_name\n" + rows)
    return str(path)


def test_a_batch_is_imported_shown_paused_resumed_and_cancelled(
    deployment: Deployment, file: str
) -> None:
    said = deployment.ok("import", file, "--batch", "june 1", "--canary", "1").out
    assert said == (
        "3 rows: 3 created\nNext: onboarding worker, and: onboarding batch show 'june 1'\n"
    )
    listed = deployment.ok("list", "--batch", "june 1", "--json").json["items"]
    assert [each["phone_number"] for each in listed] == [NUMBER, *OTHERS]
    assert deployment.run("list", "--batch", "july").code == 4
    (row,) = deployment.ok("batch", "list", "--json").json["items"]
    assert (row["name"], row["standing"], row["numbers"]) == ("june 1", "canary", 3)
    assert row["waiting"] == {"batch": 3}
    assert "digest" not in row
    table = deployment.ok("batch", "list").out.splitlines()
    assert table[1].startswith("june 1  canary    3        0           0     numbers.csv")
    shown = deployment.ok("batch", "show", "june 1").out
    assert "1 go first, to 'registered'" in shown
    assert "batch_loaded" in shown
    said = deployment.ok("batch", "pause", "june 1", "--reason", "wrong names").out
    assert said.splitlines()[0] == "batch 'june 1' is paused"
    assert deployment.ok("batch", "resume", "june 1", "--reason", "right").out.startswith(
        "batch 'june 1' is canary"
    )
    said = deployment.ok("--actor", "ada", "batch", "cancel", "june 1", "--reason", "no").out
    assert said.startswith("batch 'june 1' is cancelled, and 3 numbers with it")
    told = deployment.ok("batch", "show", "june 1", "--json").json
    assert told["states"] == {"cancelled": 3}
    assert [(e["trigger"], e["actor"]) for e in told["history"]][-1] == ("batch_cancelled", "ada")
    assert told["canaries"][0]["phone_number"] == NUMBER


def test_what_a_batch_cannot_do_is_said_and_changes_nothing(
    deployment: Deployment, file: str
) -> None:
    deployment.ok("import", file, "--batch", "june")
    before = deployment.stored()
    for arguments, code in (
        (("batch", "resume", "june", "--reason", "so"), 5),
        (("batch", "pause", "july", "--reason", "so"), 4),
        (("batch", "pause", "june", "--reason", ""), 2),
        (("import", file, "--canary", "3"), 2),
        (("import", file, "--batch", "june", "--canary", "3"), 5),
    ):
        outcome = deployment.run(*arguments)
        assert (outcome.code, len(outcome.error_lines)) == (code, 2), outcome
    assert deployment.stored() == before


def test_the_result_of_a_batch_can_be_imported_again(deployment: Deployment, file: str) -> None:
    deployment.ok("import", file, "--batch", "june")
    out = deployment.ok("batch", "result", "june").out
    rows = list(csv.DictReader(io.StringIO(out)))
    assert [(row["line"], row["phone_number"], row["state"]) for row in rows] == [
        (str(place), number, "requested") for place, number in enumerate((NUMBER, *OTHERS), 2)
    ]
    again = deployment.folder / "again.csv"
    again.write_text(out)
    assert deployment.ok("import", str(again)).out == "3 rows: 3 known\n"


def test_a_spreadsheet_is_imported_and_its_mistakes_are_named_by_cell(
    deployment: Deployment,
) -> None:
    path = deployment.folder / "numbers.xlsx"
    book = Workbook()
    page = book.active
    assert page is not None
    for row in (("WABA", "Phone", "Name"), (WABA, NUMBER, NAME), (WABA, "=B2", NAME)):
        page.append(row)
    book.save(path)
    options = [
        f"--map={pair}" for pair in ("WABA=waba_id", "Phone=phone_number", "Name=display_name")
    ]
    outcome = deployment.run("import", str(path), *options)
    assert outcome.code == 2
    assert outcome.error_lines[1].split()[:3] == ["3", "phone_number", "(B3)"]
    outcome = deployment.ok("import", str(path), *options, "--leave-out")
    assert outcome.out.startswith("2 rows: 1 created, 1 refused\n")
    assert "a formula" in outcome.err


def test_a_dry_run_tells_slots_calls_and_days(deployment: Deployment, file: str) -> None:
    deployment.env["ONBOARDING_NUMBERS_PER_BUSINESS"] = "2"
    before = deployment.stored()
    lines = deployment.ok("import", file, "--dry-run").out.splitlines()
    assert lines[0] == "3 rows: 3 valid"
    portfolio = next(line for line in lines if line.startswith("of WABA"))
    assert portfolio.split()[3:] == ["3", "2", "0", "2", "1"]
    assert any("Graph calls: 12" in line for line in lines)
    assert any("2 of 3 numbers are registered" in line for line in lines)
    assert deployment.stored() == before


def test_slots_are_listed_and_told(deployment: Deployment) -> None:
    (portfolio,) = deployment.ok("slots", "list", "--json").json
    assert (portfolio["bound"], portfolio["source"], portfolio["left"]) == (2, "rule", 2)
    said = deployment.ok(
        "slots", "set", WABA, "--per-business", "50", "--reason", "support raised it"
    ).out
    assert said.splitlines()[0] == f"WABA {WABA}: at most 50 in its portfolio"
    table = deployment.ok("slots", "list").out.splitlines()
    assert table[1].split()[3:] == ["-", "-", "50", "told", "0", "50", "0"]
    before = deployment.stored()
    outcome = deployment.run("slots", "set", WABA, "--reason", "so")
    assert (outcome.code, len(outcome.error_lines)) == (2, 2)
    assert deployment.stored() == before


def test_a_terminal_sees_no_path_of_a_piped_file(deployment: Deployment, file: str) -> None:
    outcome = deployment.spawn(
        "import", "-", "--format", "csv", "--batch", "piped", stdin=Path(file).read_text()
    )
    assert outcome.out.startswith("3 rows: 3 created")
    (row,) = deployment.ok("batch", "list", "--json").json["items"]
    assert row["source"] == "standard input"
