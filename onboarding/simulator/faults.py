"""Faults: what goes wrong for whom, decided by a hash of seed, endpoint, number and attempt.

Whether a call is hit depends on nothing that runs at the same time, so a run with faults can
be repeated exactly.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from fnmatch import fnmatchcase
from typing import Literal

from onboarding.simulator.chance import Span, pick_duration, pick_fraction
from onboarding.simulator.fault_settings import FaultKind, FaultSettings
from onboarding.simulator.phones import key_of, only_digits
from onboarding.simulator.state import Number
from onboarding.simulator.world import World

_ONLY_FOR: dict[FaultKind, tuple[str, ...]] = {
    "missing_paging": ("list_numbers",),
    "empty_page_with_next": ("list_numbers",),
    "flapping_status": ("list_numbers", "read_number"),
    "unknown_enum": ("list_numbers", "read_number"),
    "lagging_list": ("create_number",),
}
_DISTORTING: tuple[FaultKind, ...] = ("flapping_status", "unknown_enum")
_SPANS: dict[FaultKind, Span] = {
    "latency": (timedelta(milliseconds=200), timedelta(seconds=1)),
    "timeout_after_effect": (timedelta(seconds=120), timedelta(seconds=120)),
    "lagging_list": (timedelta(seconds=60), timedelta(seconds=60)),
    "throttle": (timedelta(minutes=60), timedelta(minutes=60)),
}


@dataclass(frozen=True, slots=True)
class Target:
    """What a fault may hit: one attempt of one endpoint at one number or WABA."""

    endpoint: str
    key: str
    digits: str
    attempt: int


@dataclass(frozen=True, slots=True)
class Hit:
    """A fault that applies to a call, with the duration that was drawn for it."""

    fault: FaultSettings
    duration: timedelta

    @property
    def kind(self) -> FaultKind:
        """What goes wrong."""
        return self.fault.kind

    @property
    def seconds(self) -> float:
        """The drawn duration in seconds."""
        return self.duration.total_seconds()


@dataclass(slots=True)
class Manner:
    """How an answer travels: after ``latency_s`` whole, in half, never, or after a long hold."""

    latency_s: float = 0.0
    hold_s: float = 0.0
    cut: Literal["whole", "half", "all"] = "whole"


def draw_faults(world: World, target: Target) -> list[Hit]:
    """Return the faults that hit a call as a whole: every latency, and the first other one."""
    hits: list[Hit] = []
    for name, fault in world.state.faults.items():
        if fault.kind in _DISTORTING or (fault.kind != "latency" and _has_other(hits)):
            continue
        if _is_hit(world, name, fault, target):
            hits.append(Hit(fault, _draw(world, name, fault, target)))
    return hits


def distort_number(
    world: World, number: Number, endpoint: str, attempt: int
) -> dict[str, object] | None:
    """Return the values that a read shows wrongly for one number, if any."""
    shown: dict[str, object] = {}
    target = Target(endpoint, number.key, number.digits, attempt)
    for name, fault in world.state.faults.items():
        if fault.kind not in _DISTORTING or not _is_hit(world, name, fault, target):
            continue
        default = "PENDING" if fault.kind == "flapping_status" else "NEVER_SEEN_BEFORE"
        shown[fault.field] = fault.value or default
    return shown or None


def has_distortions(world: World) -> bool:
    """Return whether any fault changes what reads show of single numbers."""
    return any(fault.kind in _DISTORTING for fault in world.state.faults.values())


def add_fault(world: World, fault: FaultSettings) -> str:
    """Arm a fault and return its name."""
    world.state.faults_added += 1
    name = f"{fault.kind}-{world.state.faults_added}"
    world.state.faults[name] = fault
    return name


def find_hit(hits: Iterable[Hit], *kinds: FaultKind) -> Hit | None:
    """Return the first hit of one of the kinds."""
    return next((hit for hit in hits if hit.kind in kinds), None)


def plan_travel(hits: Iterable[Hit]) -> Manner:
    """Return how the answer of a call travels that these faults hit."""
    manner = Manner()
    for hit in hits:
        match hit.kind:
            case "latency":
                manner.latency_s += hit.seconds
            case "timeout_after_effect":
                manner.cut, manner.hold_s = "all", hit.seconds
            case "drop_before_effect" | "drop_after_effect":
                manner.cut = "all"
            case "half_body":
                manner.cut = "half"
            case _:
                pass
    return manner


def lag_list(world: World, number_id: str, hits: Iterable[Hit], now: datetime) -> None:
    """Keep a number that was just created out of the list for a while."""
    hit = find_hit(hits, "lagging_list")
    if hit is not None:
        world.state.numbers[number_id].listed_from = now + hit.duration


def _has_other(hits: list[Hit]) -> bool:
    return any(hit.kind != "latency" for hit in hits)


def _is_hit(world: World, name: str, fault: FaultSettings, target: Target) -> bool:
    if not _concerns(fault, target):
        return False
    if fault.attempts is not None and target.attempt not in fault.attempts:
        return False
    if fault.rate is not None:
        parts = (name, target.endpoint, target.key, target.attempt)
        if pick_fraction(world.scenario.seed, *parts) >= fault.rate:
            return False
    if fault.times is None:
        return True
    counter = f"{name}|{target.endpoint}|{target.key}"
    hits = world.state.fault_hits.get(counter, 0)
    world.state.fault_hits[counter] = hits + 1
    return hits < fault.times


def _concerns(fault: FaultSettings, target: Target) -> bool:
    if fault.endpoint is not None and fault.endpoint != target.endpoint:
        return False
    endpoints = _ONLY_FOR.get(fault.kind)
    if endpoints is not None and target.endpoint not in endpoints:
        return False
    if fault.number is None:
        return True
    return fnmatchcase(target.digits, fault.number) or (
        key_of(only_digits(fault.number)) == target.key
    )


def _draw(world: World, name: str, fault: FaultSettings, target: Target) -> timedelta:
    span = fault.seconds or _SPANS.get(fault.kind, (timedelta(0), timedelta(0)))
    parts = (name, "duration", target.endpoint, target.key, target.attempt)
    return pick_duration(span, world.scenario.seed, *parts)
