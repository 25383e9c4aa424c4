"""``onboarding name``, and the warnings of commands that take a name."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest

from onboarding.core.name_rules import NAME_RULES
from tests.cli.harness import NUMBER, WABA, Deployment

SHOUTED = "LUCKY SHRUB 🌱"


def test_a_good_name_has_nothing_against_it(empty: Deployment) -> None:
    assert empty.ok("name", "check", "Lucky Shrub").out == "nothing found; Meta decides\n"


def test_findings_are_told_with_reason_and_remedy(empty: Deployment) -> None:
    shown = empty.ok("name", "check", SHOUTED)
    assert "all_capitals" in shown.out
    assert "a name has no emojis" in shown.out
    told = empty.ok("name", "check", SHOUTED, "--json").json
    assert [finding["rule"] for finding in told["findings"]] == ["all_capitals", "emoji"]
    assert all(f["reason"] and f["mend"] and f["found"] for f in told["findings"])


def test_a_business_is_compared_with(empty: Deployment) -> None:
    told = empty.ok("name", "check", "Green Corner", "--business", "Lucky Shrub", "--json").json
    assert (told["business"], [f["rule"] for f in told["findings"]]) == (
        "Lucky Shrub", ["unlike_business"],
    )  # fmt: skip


def test_a_strict_check_fails_if_anything_is_found(empty: Deployment) -> None:
    assert empty.run("name", "check", "Lucky Shrub", "--strict").code == 0
    failed = empty.run("name", "check", SHOUTED, "--strict")
    assert (failed.code, failed.error_lines[0]) == (
        2, "error: 2 of Meta's rules speak against the name",
    )  # fmt: skip


def test_the_rules_are_shown_with_their_examples(empty: Deployment) -> None:
    told = empty.ok("name", "rules", "--json").json["items"]
    assert [each["id"] for each in told] == [rule.id for rule in NAME_RULES]
    shown = empty.ok("name", "rules").out
    assert all(rule.passes in shown for rule in NAME_RULES)


def test_a_request_warns_and_stores(deployment: Deployment) -> None:
    asked = deployment.ok("request", WABA, NUMBER, SHOUTED, "--json")
    assert asked.json["result"] == "created"
    assert [f["rule"] for f in asked.json["name_findings"]] == ["all_capitals", "emoji"]
    assert [line.split(":")[0] for line in asked.error_lines] == ["warning", "warning"]


def test_a_good_name_is_stored_without_a_word(deployment: Deployment) -> None:
    asked = deployment.ok("request", WABA, NUMBER, "Lucky Shrub", "--strict")
    assert asked.err == ""
    assert deployment.ok("rename", NUMBER, "Luckier Shrub", "--strict").err == ""


@pytest.mark.parametrize("command", ["request", "rename"])
def test_a_strict_command_refuses_and_stores_nothing(deployment: Deployment, command: str) -> None:
    if command == "rename":
        deployment.request()
    before = deployment.stored()
    where = (WABA, NUMBER) if command == "request" else (NUMBER,)
    refused = deployment.run(command, *where, SHOUTED, "--strict")
    assert refused.code == 2
    assert "all_capitals: capitals are for acronyms" in refused.err
    assert len(refused.error_lines) == 2
    assert deployment.stored() == before


def test_a_rename_warns(deployment: Deployment) -> None:
    deployment.request()
    done = deployment.ok("rename", NUMBER, "Lucky Shrub Official")
    assert done.err.startswith("warning: Meta may decline the name: what is official")
    assert "the name is to be 'Lucky Shrub Official'" in done.out


ROWS = (("+16315551000", "Lucky Shrub"), ("+16315551001", SHOUTED), ("+16315551002", "Shop"))


def numbers(folder: Path) -> str:
    path = folder / "numbers.csv"
    lines = [f"{WABA},{number},{name}\n" for number, name in ROWS]
    path.write_text("waba_id,phone_number,display_name\n" + "".join(lines))
    return str(path)


@pytest.mark.parametrize("dry_run", [True, False])
def test_an_import_warns_by_row_and_counts(
    deployment: Deployment, tmp_path: Path, *, dry_run: bool
) -> None:
    results = tmp_path / "results.csv"
    options = ["--dry-run"] if dry_run else []
    done = deployment.ok("import", numbers(tmp_path), "--result", str(results), *options)
    with results.open() as file:
        told = [row["name_findings"] for row in csv.DictReader(file)]
    assert told == ["", "all_capitals emoji", "generic"]
    assert done.err == (
        "warning: Meta may decline 2 of the names (1 all_capitals, 1 emoji, 1 generic); "
        "see: onboarding name rules\n"
    )


def test_results_as_json_lines_list_the_rules(deployment: Deployment, tmp_path: Path) -> None:
    results = tmp_path / "results.jsonl"
    deployment.ok("import", numbers(tmp_path), "--result", str(results))
    told = [json.loads(line)["name_findings"] for line in results.read_text().splitlines()]
    assert told == [[], ["all_capitals", "emoji"], ["generic"]]


@pytest.mark.parametrize("dry_run", [True, False])
def test_a_strict_import_stores_nothing_and_names_the_rows(
    deployment: Deployment, tmp_path: Path, *, dry_run: bool
) -> None:
    before = deployment.stored()
    options = ["--dry-run"] if dry_run else []
    refused = deployment.run("import", numbers(tmp_path), "--strict", *options)
    assert refused.code == 2
    table = [line.split()[:2] for line in refused.error_lines[:3]]
    assert table == [["line", "column"], ["3", "display_name"], ["4", "display_name"]]
    assert deployment.stored() == before
