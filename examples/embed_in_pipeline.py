"""A partner's provisioning pipeline, with number onboarding inside.

Each order asks for one number. The pipeline hands in the one-time codes that arrive, does passes
until every order is ready or waits for a person, and tells how each stands. If it crashes, it is
simply run again: the order's id is the key that makes a request idempotent.

Try it on the simulator, in two terminals::

    onboarding simulator --port 8080

    export ONBOARDING_GRAPH_BASE_URL=http://127.0.0.1:8080
    export ONBOARDING_TOKEN=EAASIM27de4cf99f6558fc
    export ONBOARDING_LIST_INTERVAL_SECONDS=1
    python examples/embed_in_pipeline.py
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar

import httpx

from onboarding import (
    Clock,
    Engine,
    NumberRequest,
    Onboarding,
    OnboardingError,
    Owner,
    RequestsRefusedError,
    State,
)

WABA = "102290129340398"

#: Whose turn it may be while the pipeline still has something to wait for.
GOES_ON = (Owner.ENGINE, Owner.META, Owner.HOLDER)


@dataclass(frozen=True)
class Order:
    """What a customer ordered."""

    id: str
    waba_id: str
    phone_number: str
    display_name: str


@dataclass
class SmsGateway:
    """Where the messages of our numbers arrive; here it is the simulator's SIM inbox.

    It is an intake of the engine: a code is asked for only while ``answers`` says that it will be
    read.
    """

    url: str
    _seen: int = 0

    #: A program does not sleep: the quiet hours of its numbers do not count.
    reads_at_any_hour: ClassVar = True

    def answers(self, onboarding: Onboarding) -> bool:
        """Whether a code that is sent to this number now will be read: all of them are ours."""
        return bool(onboarding.phone_number)

    def new_messages(self) -> Iterator[tuple[str, str]]:
        """Yield number and text of each message that arrived since the last call."""
        answer = httpx.get(f"{self.url}/inbox", params={"after": self._seen}).raise_for_status()
        for message in answer.json()["messages"]:
            self._seen = message["seq"]
            yield f"+{message['to']}", message["text"]


@dataclass
class Pipeline:
    """Takes orders to registered numbers."""

    engine: Engine
    gateway: SmsGateway
    placed: dict[str, str] = field(default_factory=dict)
    refused: dict[str, str] = field(default_factory=dict)

    def place(self, order: Order) -> None:
        """Ask for the number of an order; asking again changes nothing."""
        request = NumberRequest(
            waba_id=order.waba_id,
            phone_number=order.phone_number,
            display_name=order.display_name,
            key=order.id,
        )
        try:
            self.placed[order.id] = self.engine.request(request).onboarding.id
        except RequestsRefusedError as error:
            self.refused[order.id] = f"{error} ({error.hint})"

    def on_message(self, phone_number: str, text: str) -> None:
        """Take a message that a number got: the callback of the gateway."""
        try:
            self.engine.submit_code(phone_number, text, actor="sms-gateway")
        except OnboardingError as error:
            print(f"ignored a message to {phone_number}: {error}")

    def run(self, wait: Callable[[float], None] = time.sleep) -> None:
        """Work until every order is ready, or waits for somebody else."""
        while any(_goes_on(row) for row in self.standing().values()):
            for phone_number, text in self.gateway.new_messages():
                self.on_message(phone_number, text)
            if self.engine.advance().is_idle:
                wait(1.0)

    def standing(self) -> dict[str, Onboarding]:
        """Return how each order that was placed stands."""
        return {order: self.engine.get(id_) for order, id_ in self.placed.items()}


def _goes_on(row: Onboarding) -> bool:
    is_over = row.state in (
        State.REGISTERED, State.EXPIRED, State.LEFT, State.FAILED, State.CANCELLED,
    )  # fmt: skip
    return not is_over and row.hold is None and row.waiting_for in GOES_ON


def report(pipeline: Pipeline) -> None:
    """Tell how each order stands."""
    for order, row in pipeline.standing().items():
        told = f"{order}: {row.phone_number} is {row.state}"
        if row.state is not State.REGISTERED:
            told += f", waiting for {row.waiting_for} ({row.waiting})"
        print(told)
    for order, why in pipeline.refused.items():
        print(f"{order}: refused, {why}")


def main(
    orders: Sequence[Order] = (
        Order("order-1", WABA, "+1 (631) 555-1000", "Lucky Shrub"),
        Order("order-2", WABA, "+44 20 7946 0018", "Lucky Shrub London"),
        Order("order-3", WABA, "+44 12", "Lucky Shrub Nowhere"),
    ),
    *,
    folder: Path = Path(),
    clock: Clock | None = None,
    wait: Callable[[float], None] = time.sleep,
) -> Pipeline:
    """Run the pipeline on a database in a folder; the token comes from the environment."""
    gateway = SmsGateway("")
    url = f"sqlite:///{folder / 'pipeline.db'}"
    with Engine.open(url, upgrade=True, clock=clock, intakes=[gateway], actor="pipeline") as engine:
        gateway.url = f"{engine.context.settings.graph_base_url}/_sim"
        engine.add_account(WABA, os.environ["ONBOARDING_TOKEN"], name="Lucky Shrub")
        pipeline = Pipeline(engine, gateway)
        for order in orders:
            pipeline.place(order)
        pipeline.run(wait)
        report(pipeline)
    return pipeline


if __name__ == "__main__":
    main()
