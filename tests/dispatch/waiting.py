"""Waiting for what other threads and processes do, and what they do it with."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

WABA = "102290129340398"
NUMBER = "+493012345671"

#: Waits of processes and sockets; on loopback they can be short.
SHORT: dict[str, Any] = {
    "send_within_seconds": 0.3, "call_timeout_seconds": 0.5, "connect_timeout_seconds": 0.2,
    "settle_seconds": 0.9, "lease_seconds": 2.0, "poll_seconds": 0.1,
}  # fmt: skip

SKIPPING: dict[str, Any] = {
    "clock": {"mode": "skipping", "start": "2026-03-02T09:00:00Z"},
    "businesses": [{"id": "506914307656634", "wabas": [{"id": WABA}]}],
}

_beat = threading.Event()


def eventually(holds: Callable[[], object], within_s: float = 60.0) -> None:
    """Wait until something holds; fail if it does not within a while.

    Looks grow rarer: those that wait for seconds leave the cores to what they wait for.
    """
    until, pause = time.monotonic() + within_s, 0.005
    while not holds():
        assert time.monotonic() < until, "it never came to hold"
        _beat.wait(pause)
        pause = min(pause * 1.25, 0.1)
