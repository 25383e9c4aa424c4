"""A code intake: a program that reads the one-time codes of the numbers that it hosts.

The engine asks for a code only when somebody will read it. ``Switchboard.answers`` says for which
numbers that is so: those that this program hosts, while its line is up. Codes of other numbers
are left to people.

An intake lives in the process that does the passes, so this program works in place of
``onboarding worker``. Try it on the simulator, in two terminals::

    onboarding simulator --port 8080

    export ONBOARDING_GRAPH_BASE_URL=http://127.0.0.1:8080
    onboarding db upgrade
    onboarding account add 102290129340398
    onboarding request 102290129340398 "+1 631 555 1000" "Lucky Shrub"
    python examples/code_intake.py +16315551000
"""

from __future__ import annotations

import signal
import sys
import time
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import ClassVar

import httpx

from onboarding import Engine, Onboarding, OnboardingError


@dataclass
class Switchboard:
    """The lines of the numbers that we host; here their messages are in the simulator.

    Attributes:
        url: where messages are fetched.
        hosted: our numbers, in E.164.
        is_up: whether messages can be fetched at present.
    """

    url: str
    hosted: Collection[str]
    is_up: bool = True
    _seen: int = 0

    #: A program does not sleep: the quiet hours of its numbers do not count.
    reads_at_any_hour: ClassVar = True

    def answers(self, onboarding: Onboarding) -> bool:
        """Whether a code that is sent to this number now will be read."""
        return self.is_up and onboarding.phone_number in self.hosted

    def new_messages(self) -> Iterator[tuple[str, str]]:
        """Yield number and text of each new message to a number that we host."""
        try:
            answer = httpx.get(f"{self.url}/inbox", params={"after": self._seen}).raise_for_status()
        except httpx.HTTPError:
            self.is_up = False  # no code is asked for until the line is back
            return
        self.is_up = True
        for message in answer.json()["messages"]:
            self._seen = message["seq"]
            if (number := f"+{message['to']}") in self.hosted:
                yield number, message["text"]


def serve_once(engine: Engine, switchboard: Switchboard) -> bool:
    """Hand in what arrived and do one pass; return whether there was anything to do."""
    handed_in = [_hand_in(engine, *message) for message in switchboard.new_messages()]
    return any(handed_in) or not engine.advance().is_idle


def _hand_in(engine: Engine, number: str, text: str) -> bool:
    try:
        engine.submit_code(number, text, actor="switchboard")
    except OnboardingError as error:  # for example a code that nobody waits for any more
        print(f"{number}: {error}")
        return False
    return True


def main() -> None:
    """Serve the numbers that the command line names, until SIGTERM or Ctrl-C."""
    signals: list[int] = []
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda arrived, _: signals.append(arrived))
    switchboard = Switchboard("", sys.argv[1:])
    with Engine.open(intakes=[switchboard]) as engine:
        switchboard.url = f"{engine.context.settings.graph_base_url}/_sim"
        while not signals:
            if not serve_once(engine, switchboard):
                time.sleep(1.0)


if __name__ == "__main__":
    main()
