"""A program that waits to be stopped hears of it at any moment."""

from __future__ import annotations

import subprocess
import sys
import textwrap

from onboarding.dispatch.stopping import Stop

#: A signal arrives at each line of what waits; whoever does not go on is ended by the alarm.
_PROGRAM = """
    import os, signal, sys
    from onboarding.dispatch.stopping import Stop, on_signals

    def heard_at(line):
        stop, left = Stop(), line

        def at_each_line(frame, event, arg):
            nonlocal left
            if left == 0:
                os.kill(os.getpid(), signal.SIGTERM)
            left -= 1
            return at_each_line

        on_signals(stop.want)
        sys.settrace(at_each_line)
        stop.wait(0.01)
        sys.settrace(None)
        return left < 0 and stop.wait(5)

    signal.alarm(20)
    line = 0
    while heard_at(line):
        line += 1
    print(line)
"""


def test_a_signal_is_heard_whenever_it_arrives() -> None:
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(_PROGRAM)],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) >= 3


def test_a_second_wait_does_not_wait() -> None:
    stop = Stop()
    assert not stop.wait(0)
    stop.want()
    assert stop.wait()
    assert stop.wait()
