"""A worker's channels: each has a loop of its own, and stopping waits for none of them for long."""

from __future__ import annotations

import threading
import time
from pathlib import Path
from typing import Any

import pytest

from onboarding.dispatch.worker import Worker
from onboarding.model import DeliveryStatus, State
from onboarding.testing import Rehearsal
from tests.dispatch.waiting import NUMBER, eventually
from tests.graph.servers import raw_server, stall
from tests.notify.receiving import receiving

SECRET = "a-secret-of-the-receiver"


def channel(name: str, url: str) -> str:
    return (
        f'[channels.{name}]\nkind = "webhook"\nurl = "{url}"\nsecret_env = "OPS_SECRET"\n'
        'events = "*"\ntimeout = "3s"\n'
    )


def test_a_channel_that_hangs_holds_up_neither_numbers_nor_other_channels(
    tmp_path: Path, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPS_SECRET", SECRET)
    release = threading.Event()
    file = tmp_path / "notify.toml"
    with receiving(SECRET) as receiver, raw_server(stall(release), release=release) as hanging:
        file.write_text(channel("ops", receiver.url) + channel("slow", hanging.url))
        given: dict[str, Any] = {
            "database_url": database_url, "notify_file": file, "poll_seconds": 0.1,
        }  # fmt: skip
        with Rehearsal(folder=tmp_path, **given) as rehearsal:
            engine = rehearsal.engine
            worker = Worker(engine)
            worker.start()
            assert {"deliver ops", "deliver slow", "deliver log"} <= set(worker.rests())
            rehearsal.request(NUMBER)
            eventually(lambda: engine.get(NUMBER).state is State.OTP_PENDING)
            told = len(engine.events())
            eventually(lambda: len(receiver.taken) >= told)
            started = time.monotonic()
            worker.stop()
            assert time.monotonic() - started < 10
            waiting = engine.deliveries(channel="slow")
            assert {each.status for each in waiting} == {DeliveryStatus.PENDING}
            assert len(waiting) >= told
