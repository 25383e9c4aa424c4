"""The one way to change what the simulated Meta knows, and how to find things in it."""

from __future__ import annotations

import heapq
from datetime import datetime

from onboarding.simulator.order import Order
from onboarding.simulator.phones import key_of
from onboarding.simulator.scenario import Scenario
from onboarding.simulator.state import (
    CLOUD_API,
    MIGRATED,
    NOT_APPLICABLE,
    Event,
    EventKind,
    Message,
    Number,
    State,
)


class World:
    """The state with its indices; rules change it only through the methods below.

    Nothing here scans all numbers: they are found by id and by key, and each WABA keeps its
    own sorted lists. A number has one node per WABA; a migrated one stays in the list of its
    old WABA, where it takes no slot.
    """

    def __init__(self, scenario: Scenario, state: State) -> None:
        self.scenario = scenario
        self.state = state
        self._by_key: dict[str, dict[str, Number]] = {}
        self.by_creation: dict[str, Order] = {waba_id: Order() for waba_id in state.wabas}
        self.by_onboarding: dict[str, Order] = {waba_id: Order() for waba_id in state.wabas}
        self.registered: dict[str, set[str]] = {waba_id: set() for waba_id in state.wabas}
        self._migrated: dict[str, set[str]] = {waba_id: set() for waba_id in state.wabas}
        self.inbox: dict[str, list[Message]] = {}
        for number in state.numbers.values():
            if number.deleted_at is None:
                self._index(number)
        for message in state.messages:
            self.inbox.setdefault(key_of(message.to), []).append(message)

    def find_number(self, waba_id: str, key: str) -> Number | None:
        """Return the node of a number on a WABA, migrated or not."""
        return self._by_key.get(key, {}).get(waba_id)

    def find_present(self, key: str) -> list[Number]:
        """Return the nodes of a number: one, or two while it is being migrated."""
        return [node for node in self._by_key.get(key, {}).values() if node.migrated_at is None]

    def slots_used(self, waba_id: str) -> int:
        """Return how many numbers count against the caps of a WABA and its portfolio."""
        return len(self.by_creation[waba_id]) - len(self._migrated[waba_id])

    def next_serial(self) -> int:
        """Return an integer that no other object of this world has."""
        self.state.serial += 1
        return self.state.serial

    def schedule(self, kind: EventKind, due: datetime, subject: str, **data: object) -> None:
        """Let Meta do something by itself at an instant; equal instants keep their order."""
        event = Event(due, self.next_serial(), kind, subject, dict(data))
        heapq.heappush(self.state.events, event)

    def add_number(self, number: Number) -> None:
        """Take in a number that is new on its WABA, or back there after a migration."""
        before = self.find_number(number.waba_id, number.key)
        if before is not None:
            self.delete_number(before, number.created_at)
        self.state.numbers[number.id] = number
        self._index(number)

    def move_onboarding(self, number: Number, instant: datetime) -> None:
        """Restart a number's Embedded Signup window, which also moves it in the list."""
        order = self.by_onboarding[number.waba_id]
        order.remove(number.onboarded_at, number.serial)
        number.last_onboarded_time = instant
        order.add(number.onboarded_at, number.serial, number.id)

    def note_platform(self, number: Number) -> None:
        """Must follow every change of ``platform_type``: active WABAs have a larger budget."""
        registered = self.registered[number.waba_id]
        if number.platform_type == CLOUD_API and number.deleted_at is None:
            registered.add(number.id)
        else:
            registered.discard(number.id)

    def migrate_number(self, number: Number, successor: Number, now: datetime) -> None:
        """Let a number leave its WABA for another; its node stays and tells so."""
        number.migrated_at, number.migrated_to = now, successor.id
        number.status = MIGRATED
        number.platform_type = number.throughput = NOT_APPLICABLE
        number.is_connecting = False
        number.code = None
        self._migrated[number.waba_id].add(number.id)
        self.note_platform(number)

    def delete_number(self, number: Number, now: datetime) -> None:
        """Take a number off its WABA; its node answers as deleted from now on."""
        number.deleted_at = now
        number.status = "DELETED"
        number.is_connecting = False
        del self._by_key[number.key][number.waba_id]
        self._migrated[number.waba_id].discard(number.id)
        self.by_creation[number.waba_id].remove(number.created_at, number.serial)
        self.by_onboarding[number.waba_id].remove(number.onboarded_at, number.serial)
        self.note_platform(number)

    def deliver(self, to: str, method: str, text: str, now: datetime) -> None:
        """Let a message arrive on a phone."""
        message = Message(len(self.state.messages) + 1, to, method, text, now)
        self.state.messages.append(message)
        self.inbox.setdefault(key_of(to), []).append(message)

    def _index(self, number: Number) -> None:
        self._by_key.setdefault(number.key, {})[number.waba_id] = number
        if number.migrated_at is not None:
            self._migrated[number.waba_id].add(number.id)
        self.by_creation[number.waba_id].add(number.created_at, number.serial, number.id)
        self.by_onboarding[number.waba_id].add(number.onboarded_at, number.serial, number.id)
        self.note_platform(number)
