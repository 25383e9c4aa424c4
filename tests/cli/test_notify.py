"""Commands about messages: notify, events, outbox, ack, snooze."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from onboarding.engine.delivering import deliver_all
from tests.cli.harness import NUMBER, WABA, Deployment
from tests.graph.servers import closed_port
from tests.notify.receiving import receiving

SECRET = "a-secret-of-the-receiver"


@pytest.fixture
def notified(deployment: Deployment, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Deployment:
    """A deployment that tells one receiver everything."""
    monkeypatch.setenv("OPS_SECRET", SECRET)
    point_at(deployment, tmp_path, f"{closed_port()}/hook")
    return deployment


def point_at(deployment: Deployment, folder: Path, url: str) -> None:
    """Set up the channel ``ops``."""
    file = folder / "notify.toml"
    file.write_text(
        f'[channels.ops]\nkind = "webhook"\nurl = "{url}"\nsecret_env = "OPS_SECRET"\n'
        'events = "*"\n[audiences]\noperator = ["ops"]\n'
    )
    deployment.env["ONBOARDING_NOTIFY_FILE"] = str(file)


def deliver(deployment: Deployment) -> None:
    """Send what is due, as a worker does."""
    file = Path(deployment.env["ONBOARDING_NOTIFY_FILE"])
    with deployment.engine(notify_file=file) as engine:
        deliver_all(engine.context)


def test_a_channel_is_tested(notified: Deployment, tmp_path: Path) -> None:
    with receiving(SECRET) as receiver:
        point_at(notified, tmp_path, receiver.url)
        told = notified.ok("--actor", "ada", "notify", "test", "ops").out
    (taken,) = receiver.taken
    assert taken.id in told
    assert taken.event["type"] == "test"
    assert taken.event["data"] == {"channel": "ops", "by": "ada"}
    assert taken.event["title"] == "A test message of onboarding"


def test_a_channel_that_does_not_work_is_told(notified: Deployment) -> None:
    failed = notified.run("notify", "test", "ops")
    assert (failed.code, failed.error_lines[0]) == (10, "error: cannot be reached: ConnectError")
    unknown = notified.run("notify", "test", "opps")
    assert unknown.code == 2
    assert "there are: log, ops" in unknown.err
    lacking = notified.run("notify", "test", "ops", env={"OPS_SECRET": ""})
    assert lacking.code == 10
    assert "OPS_SECRET" in lacking.error_lines[0]
    assert SECRET not in failed.err + unknown.err + lacking.err


def test_channels_are_listed_with_what_they_lack(notified: Deployment) -> None:
    items = {
        each["name"]: each for each in notified.ok("notify", "channels", "--json").json["items"]
    }
    assert (items["log"]["kind"], items["ops"]["kind"]) == ("log", "webhook")
    assert "all events" in items["ops"]["told_of"]
    assert "rung page" in items["ops"]["told_of"]
    assert items["ops"]["lacks"] is None
    without = notified.run("notify", "channels", "--json", env={"OPS_SECRET": ""})
    assert "OPS_SECRET" in without.json["items"][1]["lacks"]
    assert "Next: onboarding notify test log" in notified.ok("notify", "channels").out


def test_a_file_that_is_wrong_is_told_by_every_command(notified: Deployment) -> None:
    Path(notified.env["ONBOARDING_NOTIFY_FILE"]).write_text("[[ladder]]\nname = 'a'\nat = '2'\n")
    failed = notified.run("list")
    assert failed.code == 3
    assert "ladder[1].at" in failed.error_lines[0]
    assert len(failed.error_lines) == 2
    doctor = notified.run("doctor")
    assert doctor.code == 9
    assert "ladder[1].at" in doctor.out


def test_messages_wait_are_sent_again_and_dropped(notified: Deployment, tmp_path: Path) -> None:
    id_ = notified.request()
    deliver(notified)
    (item,) = notified.ok("outbox", "list", "--json").json["items"]
    assert (item["status"], item["channel"], item["subject"]) == ("pending", "ops", id_)
    assert item["error"] == "cannot be reached: ConnectError"
    assert item["tries"] >= 1
    shown = notified.ok("outbox", "list", "--onboarding", NUMBER).out
    assert item["id"] in shown
    with receiving(SECRET) as receiver:
        point_at(notified, tmp_path, receiver.url)
        assert "Next: onboarding worker" in notified.ok("outbox", "retry", item["id"][:18]).out
        deliver(notified)
        assert receiver.ids == [item["id"]]
    assert notified.ok("outbox", "list").out == ""
    (sent,) = notified.ok("outbox", "list", "--all", "--json").json["items"]
    assert sent["status"] == "sent"
    refused = notified.run("outbox", "drop", item["id"])
    assert (refused.code, refused.error_lines[0]) == (5, "error: the message was sent")
    assert notified.run("outbox", "drop").code == 2
    assert notified.run("outbox", "drop", "x" * 8).code == 4
    assert "0 messages" in notified.ok("outbox", "drop", "--channel", "ops").out
    assert "0 messages" in notified.ok("outbox", "retry", "--channel", "ops").out


def test_events_are_read_and_followed_by_their_numbers(notified: Deployment) -> None:
    notified.request()
    lines = notified.ok("events", "--json").out.splitlines()
    (first,) = map(json.loads, lines)
    assert (first["type"], first["data"]["to"]) == ("transition", "requested")
    assert notified.ok("events", "--after", str(first["seq"])).out == ""
    notified.request("+16315551001")
    followed = notified.ok("events", "--follow", "--limit", "2").out.splitlines()
    assert [line.split()[2] for line in followed] == ["transition", "transition"]


def test_a_person_takes_something_on_and_snoozes_it(notified: Deployment) -> None:
    id_ = notified.request()
    done = notified.ok("--actor", "ada", "ack", NUMBER, "--until", "4h", "--reason", "calling")
    assert "taken on until" in done.out
    snoozed = notified.ok("--actor", "ada", "snooze", id_, "--for", "9d", "--reason", "away").out
    assert "the deadline stays at" in snoozed
    history = notified.ok("history", id_, "--json").json["entries"]
    noted = [(e["trigger"], e["actor"]) for e in history[1:]]
    assert noted == [("acknowledged", "ada"), ("snoozed", "ada")]
    for words in (
        ("ack", NUMBER, "--until", "soon"),
        ("snooze", id_, "--for", "2020-01-01T00:00Z"),
    ):
        failed = notified.run(*words)
        assert failed.code == 2
        assert len(failed.error_lines) <= 2
    assert notified.run("ack", "nobody-here").code == 4
    assert notified.run("ack", WABA).code == 5
