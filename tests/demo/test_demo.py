"""The demo, run as a newcomer runs it."""

from __future__ import annotations

import csv
import subprocess
import sys
from collections import Counter
from fnmatch import fnmatchcase
from pathlib import Path

import pytest

from onboarding import Engine, State
from onboarding.bundled import bundled
from onboarding.cli.demo_run import DemoRun
from onboarding.cli.demo_view import DemoView
from onboarding.core.numbers import parse_number
from onboarding.simulator import load_scenario

NUMBERS = bundled("examples/numbers.csv")
SCENARIO = bundled("examples/demo.yaml")
WORDS_OF_THE_STORIES = (
    "acknowledged", "the customer must go", "set_display_name", "registering early",
)  # fmt: skip


def rows() -> list[dict[str, str]]:
    with NUMBERS.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def fewer(every: int) -> list[dict[str, str]]:
    """Return some ordinary numbers, and all of which the scenario has something to say."""
    script = load_scenario(SCENARIO).demo
    told = {parse_number(story["number"]).key for story in script["stories"]}
    names = {rule["name"] for rule in script["expect"]} - {"*"}
    return [
        row
        for place, row in enumerate(rows())
        if place % every == 0
        or parse_number(row["phone_number"]).key in told
        or any(fnmatchcase(row["display_name"], name) for name in names)
    ]


def test_the_numbers_are_240_valid_ones_from_more_than_200_regions() -> None:
    numbers = [parse_number(row["phone_number"]) for row in rows()]
    assert len({number.key for number in numbers}) == 240
    assert len({number.region for number in numbers}) >= 200


def test_a_folder_with_anything_else_in_it_is_left_alone(tmp_path: Path) -> None:
    precious = tmp_path / "onboarding.db"
    precious.write_text("mine")
    command = [sys.executable, "-m", "onboarding", "demo", "--folder", str(tmp_path)]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert ran.returncode == 2
    assert "no demo made" in ran.stderr
    assert precious.read_text() == "mine"


def test_the_numbers_come_by_both_entries_and_stay_within_metas_caps() -> None:
    scenario = load_scenario(SCENARIO)
    business_of = {waba.id: b.id for b in scenario.businesses for waba in b.wabas}
    per_business = Counter(business_of[row["waba_id"]] for row in rows())
    assert max(per_business.values()) <= scenario.limits.numbers_per_verified_business == 20
    per_waba = Counter(row["waba_id"] for row in rows())
    assert max(per_waba.values()) <= scenario.limits.numbers_per_waba
    assert {row["entry"] for row in rows()} == {"new", "embedded_signup"}


def test_a_demo_of_fewer_numbers_tells_the_same_stories(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    few, numbers_file = fewer(every=40), tmp_path / "numbers.csv"
    with numbers_file.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, few[0])
        writer.writeheader()
        writer.writerows(few)
    run = DemoRun(folder=tmp_path / "demo", scenario_file=SCENARIO, numbers_file=numbers_file)
    view = DemoView(run)
    with run:
        view.show_until(run.is_over)
        assert view.summarise()
    shown = capsys.readouterr().out
    assert f"{len(few)} numbers, three weeks" in shown
    assert f"{len(few)} of {len(few)}, as the scenario says" in shown
    assert "EAA" not in shown
    for word in WORDS_OF_THE_STORIES:
        assert word in shown


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_the_demo_ends_by_itself_with_every_number_where_it_must_be(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "onboarding", "demo", "--folder", str(tmp_path / "demo")],
        capture_output=True,
        text=True,
        timeout=280,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    assert "252 of 252 histories verify" in done.stdout
    assert "240 of 240, as the scenario says" in done.stdout
    for word in WORDS_OF_THE_STORIES:
        assert word in done.stdout
    assert "EAA" not in done.stdout + done.stderr
    with Engine.open(f"sqlite:///{tmp_path / 'demo' / 'onboarding.db'}") as engine:
        assert engine.require_verified() == 252
        assert sum(engine.overview().states.values()) == 240
        renamed = engine.get("+50934101234")
        assert (renamed.display_name, renamed.state) == ("Golden Palm Hotel", State.REGISTERED)
        taken_on = [
            e.actor for _, e in engine.history("+41781234567") if e.trigger == "acknowledged"
        ]
        assert taken_on == ["desk"]
