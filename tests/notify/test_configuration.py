"""The file that says who is told what: what it leads to, and how a wrong one is refused."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from pathlib import Path

import pytest

from onboarding.core.policy import DEFAULT_LADDER, Rung
from onboarding.core.telling import Rules, Weekly
from onboarding.errors import ConfigurationError
from onboarding.model import Audience, EventType
from onboarding.notify.configuration import load, missing

ROOM = '[channels.ops]\nkind = "chat"\nurl = "https://chat.example.org/x"\n'
MAIL = "[channels.ops]\nkind = 'email'\nhost = 'h'\nfrom = 'a@b'\n"
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def wrong(folder: Path, text: str) -> ConfigurationError:
    """Write a file that is refused; return how."""
    file = folder / "notify.toml"
    file.write_text(text)
    with pytest.raises(ConfigurationError) as error:
        load(file)
    assert str(error.value).startswith(f"{file}")
    assert error.value.hint
    assert "\n" not in str(error.value).replace(str(file), "")
    return error.value


def test_without_a_file_everything_goes_to_the_log() -> None:
    found = load(None)
    assert found.rules == Rules()
    assert found.rules.ladder == DEFAULT_LADDER
    assert list(found.channels) == ["log"]
    assert found.rules.of_rung("page").channels == ("log",)
    assert found.rules.overdue["code"].longer_than == DAY
    assert found.rules.overdue["display_name"].longer_than == 2 * DAY
    assert found.rules.overdue["token"].longer_than == HOUR


def test_a_whole_file(tmp_path: Path) -> None:
    file = tmp_path / "notify.toml"
    file.write_text(
        ROOM.replace("[channels.ops]", "[channels.ops]\nevents = ['transition']")
        + """
[audiences]
operator = ["ops"]
[[ladder]]
name = "half"
at = "1/2"
audience = "partner"
[[ladder]]
name = "last"
left = "3d"
then = ["log"]
after = "4h"
[[overdue]]
needs = ["code", "pin"]
longer_than = "90m"
channels = ["log"]
[digest]
channels = ["ops"]
weekday = "friday"
at = 17:30:00
timezone = "America/Sao_Paulo"
[templates.test]
title = "$$ ${channel}"
body = "${by}"
"""
    )
    found = load(file)
    rules = found.rules
    assert rules.ladder == (Rung("half", 0.5), Rung("last", left=3 * DAY), Rung("end", 1.0))
    half, last = rules.of_rung("half"), rules.of_rung("last")
    assert (half.channels, half.audience) == (("log",), Audience.PARTNER)
    assert (last.channels, last.then, last.after) == (("ops",), ("log",), 4 * HOUR)
    assert rules.of_rung("end").channels == ("ops",)
    assert (rules.overdue["pin"].longer_than, rules.overdue["pin"].tell.channels) == (
        timedelta(minutes=90),
        ("log",),
    )
    assert rules.overdue["token"].tell.channels == ("ops",)  # what it does not mention
    assert rules.digest == Weekly(
        channels=("ops",), weekday=4, at=time(17, 30), timezone="America/Sao_Paulo"
    )
    assert rules.subscriptions == {"ops": frozenset({EventType.TRANSITION})}
    assert "digest" in found.told_of("ops")


@pytest.mark.parametrize(
    ("text", "place", "told"),
    [
        ("[", "", "not TOML"),
        ("nonsense = 1", "nonsense", "Extra inputs"),
        ("[channels.ops]\nkind = 'pigeon'", "channels.ops", "pigeon"),
        ("[channels.Ops]\nkind = 'log'", "channels.Ops", "pattern"),
        ("[channels.ops]\nkind = 'chat'", "channels.ops", "one of url, url_env and url_file"),
        ("[channels.ops]\nkind = 'chat'\nurl = 'chat'", "channels.ops.url", "https://"),
        (ROOM + "secret = 'x'", "channels.ops.secret", "Extra inputs"),
        (ROOM + "timeout = '2m'", "channels.ops.timeout", "at most 25s"),
        (ROOM + "events = ['nothing']", "channels.ops.events[1]", "transition"),
        (ROOM.replace("chat", "webhook", 1), "channels.ops", "secret_env and secret_file"),
        (
            MAIL + "to = []",
            "channels.ops.to",
            "at least 1",
        ),
        (
            MAIL + "to = ['a@b']\nusername = 'u'",
            "channels.ops",
            "a login is username with",
        ),
        ("[channels.ops]\nkind = 'command'\nargv = []", "channels.ops.argv", "at least 1"),
        ("[[ladder]]\nname = 'a'", "ladder[1]", "one of at"),
        ("[[ladder]]\nname = 'a'\nat = '3/2'", "ladder[1].at", "above 0 and up to 1"),
        ("[[ladder]]\nname = 'a'\nat = 'half'", "ladder[1].at", '"1/2"'),
        ("[[ladder]]\nname = 'a'\nleft = '3 days'", "ladder[1].left", "90m, 4h or 3d"),
        ("[[ladder]]\nname = 'a'\nleft = '9999999d'", "ladder[1].left", "at most 3660d"),
        ("[[ladder]]\nname = 'a'\nat = '1e400'", "ladder[1].at", "above 0 and up to 1"),
        (ROOM + f"timeout = '{'9' * 400}d'", "channels.ops.timeout", "at most 3660d"),
        (
            "[[overdue]]\nneeds = ['pin']\nlonger_than = '9999999999999d'",
            "overdue[1].longer_than",
            "at most 3660d",
        ),
        ("[[ladder]]\nname = 'a,b'\nat = '1'", "ladder[1].name", "pattern"),
        (
            "[[ladder]]\nname = 'a'\nat = '1'\n[[ladder]]\nname = 'a'\nat = '1/2'",
            "ladder[2].name",
            "two rungs 'a'",
        ),
        ("[[ladder]]\nname = 'end'\nat = '1/2'", "ladder[1]", "at the end"),
        (
            "[[ladder]]\nname = 'a'\nat = '1'\nchannels = ['oops']",
            "ladder[1].channels",
            "no channel 'oops'",
        ),
        ("[[ladder]]\nname = 'a'\nat = '1'\nthen = ['log']", "ladder[1]", "belong together"),
        (
            "[[overdue]]\nneeds = ['pin']\nlonger_than = '1h'\nthen = ['log']\nafter = '0s'",
            "overdue[1].after",
            "at least 1m",
        ),
        ("[audiences]\npartner = ['oops']", "audiences.partner", "no channel 'oops'"),
        ("[audiences]\nnobody = ['log']", "audiences.nobody", "partner"),
        ("[[overdue]]\nneeds = ['tea']\nlonger_than = '1h'", "overdue[1]", "nothing needs 'tea'"),
        ("[digest]\nchannels = ['log']\nweekday = 'Monday'", "digest.weekday", "monday"),
        ("[digest]\nchannels = ['log']\ntimezone = 'Mars'", "digest.timezone", "Europe/Berlin"),
        ("[digest]\nchannels = ['log']\nat = '8 o clock'", "digest.at", "time"),
        ("[digest]\nchannels = ['oops']", "digest.channels", "no channel 'oops'"),
        ("[templates.test]\ntitle = '${tea}'\nbody = ''", "templates.test", "no field 'tea'"),
        ("[templates.test]\ntitle = '$'\nbody = ''", "templates.test", "begins no field"),
    ],
)
def test_what_is_wrong_is_told_with_its_place(
    tmp_path: Path, text: str, place: str, told: str
) -> None:
    error = str(wrong(tmp_path, text))
    assert f": {place}" in error or not place
    assert told in error


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="cannot be read") as error:
        load(tmp_path / "nothing.toml")
    assert "ONBOARDING_NOTIFY_FILE" in error.value.hint


def test_a_secret_in_the_file_is_not_repeated(tmp_path: Path) -> None:
    error = wrong(tmp_path, ROOM + "password = 'hunter2hunter2'")
    assert "hunter2" not in str(error) + error.hint


def test_what_a_channel_lacks_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "notify.toml"
    file.write_text(
        "[channels.ops]\nkind = 'webhook'\nurl = 'https://x'\nsecret_env = 'OPS_SECRET'\n"
        f"[channels.room]\nkind = 'chat'\nurl_file = '{tmp_path / 'room'}'\n"
    )
    channels = load(file).channels
    assert missing(channels["ops"]) == "the variable OPS_SECRET holds no secret"
    assert "room cannot be read" in str(missing(channels["room"]))
    monkeypatch.setenv("OPS_SECRET", "too short")
    assert "shorter than" in str(missing(channels["ops"]))
    monkeypatch.setenv("OPS_SECRET", "a-secret-of-the-receiver")
    (tmp_path / "room").write_text("https://chat.example.org/x\n")
    assert [missing(each) for each in channels.values()] == [None, None, None]


@pytest.mark.parametrize(
    ("now", "following"),
    [
        # Monday 09:00 UTC is 10:00 in Berlin, which is past 08:00.
        (datetime(2026, 3, 2, 9, tzinfo=UTC), datetime(2026, 3, 9, 7, tzinfo=UTC)),
        (datetime(2026, 3, 2, 6, 59, tzinfo=UTC), datetime(2026, 3, 2, 7, tzinfo=UTC)),
        (datetime(2026, 3, 2, 7, tzinfo=UTC), datetime(2026, 3, 9, 7, tzinfo=UTC)),
        # The clocks go on by an hour on the 29th.
        (datetime(2026, 3, 24, 9, tzinfo=UTC), datetime(2026, 3, 30, 6, tzinfo=UTC)),
    ],
)
def test_the_next_digest_is_on_the_clock_of_its_place(now: datetime, following: datetime) -> None:
    assert Weekly(channels=(), timezone="Europe/Berlin").next_after(now) == following
