"""The interleavings of two workers on one number, as a model that is explored exhaustively.

Two workers bring about one create call. One of them may crash, at any point. A lease may run out at
any time. Requests and responses may be lost, requests may be slow, and the list may lag. What
the engine does against that are parts of ``Design``; each can be left out.

Time is not a number here. An operation goes through phases, whenever it likes: its request may be
sent (``SENDABLE``), it must not be sent any more (``CLOSED``), its settle window is over
(``SETTLED``). The one thing that time promises: what was sent in the first phase has arrived or is
lost, and shows in the list, before the third begins. That is what the settle window is for
(``send_within + call_timeout + list lag < settle``). A worker that sleeps is bound by nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

SENDABLE, CLOSED, SETTLED = range(3)

#: How the machine stands. ``ONWARD`` is whatever comes after the create; ``PARKED`` asks a person.
REQUESTED, CREATED, ONWARD, PARKED = "requested", "created", "onward", "parked"

#: How an operation stands.
OPEN, SUCCEEDED, ABSENT, UNSENT = "open", "succeeded", "absent", "unsent"

#: Creates that are tried, after which a person is asked.
MOST_TRIES = 2

#: Requests that are under way at once; two are enough to make two creates.
MOST_ON_THEIR_WAY = 2


@dataclass(frozen=True, kw_only=True)
class Design:
    """Which parts are there; all of them is what the engine does.

    Attributes:
        journal: an intent is written before the call is sent.
        resends: an open call is simply sent again, as at-least-once queues do.
        probe_from: the phase from which a read of the list counts as a probe.
        guard: what the send guard looks at: ``own`` (the attempt's not_after), ``machine`` (the
            one of the machine's newest attempt), or ``none``.
        fence: a machine is written only at the version that was read.
        one_open: an index allows one open (or succeeded) create.
        provider_refuses: Meta itself refuses a second create.
    """

    journal: bool = True
    resends: bool = False
    probe_from: int = SETTLED
    guard: str = "own"
    fence: bool = True
    one_open: bool = True
    provider_refuses: bool = False


class Call(NamedTuple):
    """An operation: how it stands, and what time did to it."""

    status: str
    phase: int


class Worker(NamedTuple):
    """Where a worker is, which call it is about, and whether its version is still the newest."""

    at: str = "idle"
    call: int = -1
    fresh: bool = False


class Request(NamedTuple):
    """A request on its way: whose, for which call, and whether it was sent in time."""

    worker: int
    call: int
    timely: bool


class State(NamedTuple):
    """Everything that is: the database, the network, Meta, and the workers."""

    machine: str = REQUESTED
    leased: bool = False
    calls: tuple[Call, ...] = ()
    network: tuple[Request, ...] = ()
    creates: int = 0
    made_by: int = -2  # the call that had the effect in time, while the list does not show it
    visible: bool = False
    workers: tuple[Worker, ...] = (Worker(), Worker())
    crashes: int = 1
    broken: str = ""


def successors(state: State, design: Design) -> Iterator[State]:
    """Yield every state that one event leads to."""
    yield from _time(state)
    yield from _network(state, design)
    for who, worker in enumerate(state.workers):
        if worker.at != "idle" and state.crashes:
            gone = _forgotten(state, who)._replace(crashes=0)
            yield _at(gone, who, Worker())
        yield from _STEPS[worker.at](state, who, design)


# Time


def _time(state: State) -> Iterator[State]:
    if state.leased:
        yield state._replace(leased=False)
    if state.creates and not state.visible:
        yield state._replace(visible=True, made_by=-2)
    for number, call in enumerate(state.calls):
        if call.phase == SENDABLE or (call.phase == CLOSED and _is_quiet(state, number)):
            yield _with_call(state, number, call._replace(phase=call.phase + 1))


def _is_quiet(state: State, number: int) -> bool:
    """Whether what was sent for a call in time has arrived, and shows."""
    on_its_way = any(r.call == number and r.timely for r in state.network)
    return not on_its_way and state.made_by != number


# The network and Meta


def _network(state: State, design: Design) -> Iterator[State]:
    for request in state.network:
        left = list(state.network)
        left.remove(request)
        without = state._replace(network=tuple(left))
        yield without  # the request is lost: the worker hears nothing
        arrived = _arrived(without, request, design)
        yield arrived  # the response is lost
        who = request.worker
        is_refused = design.provider_refuses and state.creates > 0
        if who >= 0 and not is_refused:
            yield _at(arrived, who, state.workers[who]._replace(at="answered"))


def _arrived(state: State, request: Request, design: Design) -> State:
    if design.provider_refuses and state.creates:
        return state
    if state.creates:
        return state._replace(creates=2)
    made_by = request.call if request.timely else -2
    return state._replace(creates=1, made_by=made_by)


# Workers: each step is one transaction, or one thing done outside of any


def _idle(state: State, who: int, design: Design) -> Iterator[State]:
    """Claim: the version goes up, so that every other worker's is old; then decide."""
    if state.leased or state.machine in (ONWARD, PARKED):
        return
    at, call = _decided(state, design)
    workers = tuple(w._replace(fresh=False) if w.at != "idle" else w for w in state.workers)
    claimed = state._replace(leased=True, workers=workers)
    yield _at(claimed, who, Worker(at, call, fresh=True))


def _decided(state: State, design: Design) -> tuple[str, int]:
    if state.machine == CREATED:
        return "going_on", -1
    if not design.journal:
        return "sending", -1
    if any(call.status == SUCCEEDED for call in state.calls):
        return "adopting", -1
    for number, call in enumerate(state.calls):
        if call.status == OPEN and design.resends:
            return "sending", number
        if call.status == OPEN:
            return ("probing" if call.phase >= design.probe_from else "resting"), number
    return ("intending" if len(state.calls) < MOST_TRIES else "parking"), -1


def _intending(state: State, who: int, design: Design) -> Iterator[State]:
    taken = any(call.status in (OPEN, SUCCEEDED) for call in state.calls)
    full = len(state.calls) == MOST_TRIES
    if _is_lost(state, who, design) or (design.one_open and taken) or full:
        yield _done(state, who)
        return
    written = state._replace(calls=(*state.calls, Call(OPEN, SENDABLE)))
    yield _at(written, who, state.workers[who]._replace(at="sending", call=len(state.calls)))


def _sending(state: State, who: int, design: Design) -> Iterator[State]:
    worker = state.workers[who]
    if design.guard != "none" and design.journal:
        newest = len(state.calls) - 1
        looked_at = state.calls[newest if design.guard == "machine" else worker.call]
        if looked_at.phase != SENDABLE:
            yield _at(state, who, worker._replace(at="unsent"))
            return
    timely = design.journal and state.calls[worker.call].phase == SENDABLE
    network = tuple(sorted((*state.network, Request(who, worker.call, timely))))
    if len(network) <= MOST_ON_THEIR_WAY:  # one more is lost at once, so that there is an end
        state = state._replace(network=network)
    yield _at(state, who, worker._replace(at="awaiting"))


def _unsent(state: State, who: int, design: Design) -> Iterator[State]:
    del design
    yield _done(_settled(state, state.workers[who].call, UNSENT), who)


def _awaiting(state: State, who: int, design: Design) -> Iterator[State]:
    """Give up waiting; the call stays open."""
    del design
    yield _done(_forgotten(state, who), who)


def _answered(state: State, who: int, design: Design) -> Iterator[State]:
    """Write the outcome: the fact by the call's id, whatever the version; the move by version."""
    kept = _settled(state, state.workers[who].call, SUCCEEDED)
    yield _done(_moved(kept, who, CREATED, design), who)


def _probing(state: State, who: int, design: Design) -> Iterator[State]:
    """Read the list; what it showed may be old when it is written."""
    del design
    seen = "found" if state.visible else "not_found"
    yield _at(state, who, state.workers[who]._replace(at=seen))


def _found(state: State, who: int, design: Design) -> Iterator[State]:
    if _is_lost(state, who, design):
        yield _done(state, who)
        return
    settled = _settled(state, state.workers[who].call, SUCCEEDED)
    yield _done(_moved(settled, who, CREATED, design), who)


def _not_found(state: State, who: int, design: Design) -> Iterator[State]:
    lost = _is_lost(state, who, design)
    number = state.workers[who].call
    yield _done(state if lost else _settled(state, number, ABSENT), who)


def _adopting(state: State, who: int, design: Design) -> Iterator[State]:
    yield _done(_moved(state, who, CREATED, design), who)


def _parking(state: State, who: int, design: Design) -> Iterator[State]:
    yield _done(_moved(state, who, PARKED, design), who)


def _going_on(state: State, who: int, design: Design) -> Iterator[State]:
    yield _done(_moved(state, who, ONWARD, design), who)


def _resting(state: State, who: int, design: Design) -> Iterator[State]:
    del design
    yield _done(state, who)


_STEPS = {
    "idle": _idle, "intending": _intending, "sending": _sending, "unsent": _unsent,
    "awaiting": _awaiting, "answered": _answered, "probing": _probing, "found": _found,
    "not_found": _not_found, "adopting": _adopting, "parking": _parking, "going_on": _going_on,
    "resting": _resting,
}  # fmt: skip


# What steps are made of


def _is_lost(state: State, who: int, design: Design) -> bool:
    return design.fence and not state.workers[who].fresh


_BEFORE = {CREATED: REQUESTED, PARKED: REQUESTED, ONWARD: CREATED}


def _moved(state: State, who: int, to: str, design: Design) -> State:
    """Move the machine under its fence; a move from where it is no longer breaks the history."""
    if _is_lost(state, who, design):
        return state
    is_sound = state.machine == _BEFORE[to]
    return state._replace(machine=to, broken="" if is_sound else f"{state.machine} -> {to}")


def _done(state: State, who: int) -> State:
    """Let go of the machine, if it is still this worker's."""
    leased = state.leased and not state.workers[who].fresh
    return _at(state._replace(leased=leased), who, Worker())


def _at(state: State, who: int, worker: Worker) -> State:
    workers = (worker, state.workers[1]) if who == 0 else (state.workers[0], worker)
    return state._replace(workers=workers)


def _with_call(state: State, number: int, call: Call) -> State:
    calls = (*state.calls[:number], call, *state.calls[number + 1 :])
    return state._replace(calls=calls)


def _settled(state: State, number: int, status: str) -> State:
    """Settle a call; an answer that comes for one settled as absent is kept, and adopted."""
    if number < 0:
        return state
    call = state.calls[number]
    is_late = call.status == ABSENT and status == SUCCEEDED
    if call.status != OPEN and not is_late:
        return state
    return _with_call(state, number, call._replace(status=status))


def _forgotten(state: State, who: int) -> State:
    """Let nobody wait any more for what a worker sent."""
    network = (r._replace(worker=-1) if r.worker == who else r for r in state.network)
    return state._replace(network=tuple(sorted(network)))
