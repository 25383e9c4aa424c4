"""A simulator's clock as the program's: every command takes its time from there."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime

import pytest

from onboarding.simulator import Simulator
from tests.cli.harness import NAME, NUMBER, TOKEN, WABA, Deployment, Meta, Outcome, scenario

START = datetime(2031, 3, 3, 9, tzinfo=UTC)


class Following:
    """Runs the program with the simulator's time, as an option or as a setting."""

    def __init__(self, meta: Meta, how: str) -> None:
        self.meta = meta
        url = meta.simulator.control_url
        self.options = ("--follow-clock", url) if how == "option" else ()
        self.env: Mapping[str, str] = {"ONBOARDING_FOLLOW_CLOCK": url} if how == "setting" else {}

    def ok(self, *args: str, stdin: str | None = None) -> Outcome:
        """Run a command; it must succeed."""
        outcome = self.meta.deployment.run(*self.options, *args, stdin=stdin, env=self.env)
        assert outcome.code == 0, outcome
        return outcome

    def set(self, at: str) -> None:
        """Set the simulator's clock."""
        self.meta.control.post("/clock", json={"set": at}).raise_for_status()


@pytest.fixture(params=["option", "setting"])
def following(deployment: Deployment, request: pytest.FixtureRequest) -> Iterator[Following]:
    """The program on the clock of a simulator that is years ahead and stands still."""
    with Simulator(scenario(START)) as simulator:
        meta = Meta(simulator, deployment)
        with meta.control:
            yield Following(meta, request.param)


def day_of(entry: Mapping[str, str]) -> str:
    return entry["at"][:10]


def test_commands_live_in_the_simulators_time(following: Following) -> None:
    following.ok("request", WABA, NUMBER, NAME)
    assert following.ok("show", NUMBER, "--json").json["register_by"].startswith("2031-03-17T09:0")
    assert "in 14.0 days" in following.ok("show", NUMBER).out
    following.set("2031-03-05T09:00:00Z")
    assert "in 12.0 days" in following.ok("show", NUMBER).out
    following.ok("hold", NUMBER, "--reason", "not signed", "--until", "2d")
    held = following.ok("show", NUMBER, "--json").json
    assert held["hold_until"].startswith("2031-03-07T09:0")
    assert "next due: 2031-03-0" in following.ok("advance").out
    following.set("2031-03-07T10:00:00Z")
    assert following.ok("advance", "--json").json["advanced"] == 1
    following.ok("account", "add", WABA, stdin=TOKEN)
    told = following.ok("history", NUMBER, "--json").json["entries"]
    assert [(each["trigger"], day_of(each)) for each in told][:3] == [
        ("requested", "2031-03-03"),
        ("held", "2031-03-05"),
        ("released", "2031-03-07"),
    ]
    account = following.ok("account", "history", WABA, "--json").json["entries"]
    assert day_of(account[-1]) == "2031-03-07"


def test_the_option_wins_over_the_setting(following: Following) -> None:
    control_url = following.meta.simulator.control_url
    dead = {"ONBOARDING_FOLLOW_CLOCK": "http://127.0.0.1:9/_sim"}
    deployment = following.meta.deployment
    asked = deployment.run(
        "--follow-clock", control_url, "request", WABA, NUMBER, NAME, "--json", env=dead
    )
    assert asked.json["onboarding"]["created_at"].startswith("2031-03-03T09:0")


@pytest.mark.parametrize("end", ["", "/", "/_sim", "/_sim/"])
def test_the_base_url_will_do(deployment: Deployment, end: str) -> None:
    with Simulator(scenario(START)) as simulator:
        url = f"{simulator.base_url}{end}"
        deployment.ok("--follow-clock", url, "request", WABA, NUMBER, NAME)
    assert deployment.ok("show", NUMBER, "--json").json["created_at"].startswith("2031-03-03T09:0")


@pytest.mark.parametrize(
    ("url", "code", "part"),
    [
        ("http://127.0.0.1:9/_sim", 8, "cannot be reached"),
        ("nonsense", 3, "'nonsense' is not the URL"),
        ("127.0.0.1:8080/_sim", 3, "is not the URL"),
        ("http://127.0.0.1:port", 3, "is not the URL"),
        ("{base}/_sim/nothing", 3, "refused"),
        ("{base}/v25.0", 3, "refused"),
    ],
)
def test_what_is_no_clock_is_told_and_nothing_is_done(
    meta: Meta, url: str, code: int, part: str
) -> None:
    before = meta.deployment.stored()
    given = url.format(base=meta.simulator.base_url)
    outcome = meta.deployment.run("--follow-clock", given, "request", WABA, NUMBER, NAME)
    assert (outcome.code, outcome.out) == (code, ""), outcome
    assert len(outcome.error_lines) == 2
    assert part in outcome.error_lines[0]
    assert "simulator" in outcome.error_lines[1]
    assert meta.deployment.stored() == before
