"""The engine's only event loop, in a daemon thread of its own: Graph is talked to in it.

It is apart from the client, which loads it with the first call.
"""

from __future__ import annotations

import asyncio
import ssl
import threading
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import partial
from queue import SimpleQueue

import httpx

from onboarding.graph.answers import Answer, read_answer
from onboarding.graph.calls import GraphCall, GraphResult
from onboarding.graph.fields import drop_fields, find_unknown_field
from onboarding.graph.requests import GraphRequest
from onboarding.graph.transport import (
    TRANSPORT_ERRORS,
    build_http_request,
    exchange,
    explain,
    open_transport,
    secrets_of,
)
from onboarding.graph.usage import lengthen_wait, parse_usage
from onboarding.graph.wire import Wire, is_usable_token
from onboarding.model import Effect, Endpoint, Failure, RecoveryClass

_MAX_DROPS = 4

#: Seconds after which a field that Meta did not know is asked for again.
_FORGET_S = 3600.0
_CLOSE_S = 5.0
_LATER = "Nothing to do: what holds at Meta is read before anything is repeated."
_TOO_LATE = "The call came too late and was not sent."
_NO_TOKEN = "The access token is empty, of another key, or has characters of no token."  # noqa: S105  # a text
_NEW_TOKEN = "Give the account a new access token."  # noqa: S105  # a text


@dataclass(slots=True, eq=False)
class _Flight:
    """A call between ``send`` and its result; belongs to the loop's thread."""

    call: GraphCall
    out: SimpleQueue[GraphResult]
    left_at: float | None = None
    attempts: int = 0
    dropped: list[str] = field(default_factory=list)

    def land(self, answer: Answer, response: httpx.Response | None = None) -> GraphResult:
        """Return the result of this call."""
        headers = {} if response is None else dict(response.headers.items())  # names in lower case
        usage = parse_usage(headers)
        failure = answer.failure
        if failure is not None:
            retry_after = headers.get("retry-after")
            waba_id = self.call.request.waba_id
            failure = lengthen_wait(failure, usage, waba_id, retry_after=retry_after)
        return GraphResult(
            call=self.call,
            http_status=None if response is None else response.status_code,
            payload=answer.payload,
            failure=failure,
            usage=usage,
            fbtrace_id=None if failure is None else failure.fbtrace_id,
            x_fb_request_id=headers.get("x-fb-request-id"),
            x_fb_trace_id=headers.get("x-fb-trace-id"),
            x_fb_rev=headers.get("x-fb-rev"),
            served_version=headers.get("facebook-api-version"),
            answered_at=_date(headers.get("date")),
            elapsed_s=0.0 if self.left_at is None else time.monotonic() - self.left_at,
            attempts=self.attempts,
            dropped_fields=tuple(self.dropped),
        )

    def stop(self, recovery: RecoveryClass, message: str, remedy: str) -> GraphResult:
        """Return the result of a call that was given up by us, not by Meta."""
        effect = Effect.UNKNOWN if self.attempts else Effect.UNSENT
        failure = Failure(effect=effect, recovery=recovery, message=message, remedy=remedy)
        return self.land(Answer(failure=failure))


class Loop:
    """Makes calls in a thread of its own, which runs until it is stopped.

    Args:
        wire: how requests are put on the wire.
        trusted: certificates to trust instead of the usual ones.
    """

    def __init__(self, wire: Wire, trusted: ssl.SSLContext | None) -> None:
        self._wire = wire
        self._unknown_fields: dict[tuple[Endpoint, str], dict[str, float]] = {}
        self._tasks: set[asyncio.Task[GraphResult]] = set()
        self._slots = asyncio.Semaphore(wire.max_in_flight)
        self._stopping = asyncio.Event()
        self._transport = open_transport(wire, trusted)
        self._once = open_transport(wire, trusted, repeats=False)
        runner = asyncio.Runner(loop_factory=asyncio.new_event_loop)
        self._loop = runner.get_loop()
        self._thread = threading.Thread(
            target=self._run, args=(runner,), name="onboarding-graph", daemon=True
        )
        self._thread.start()

    def submit(self, batch: tuple[GraphCall, ...], out: SimpleQueue[GraphResult]) -> None:
        """Have calls made; each puts its result into the queue, also if the loop is stopped."""
        self._loop.call_soon_threadsafe(self._start, batch, out)

    def stop(self) -> None:
        """Give up all calls; what was submitted before gets its result. Nothing may follow."""
        self._loop.call_soon_threadsafe(self._stopping.set)

    def join(self) -> None:
        """Wait for the end of the thread."""
        self._thread.join(_CLOSE_S)

    # The rest runs in the loop's thread.

    def _run(self, runner: asyncio.Runner) -> None:
        with runner:
            runner.run(self._main())

    async def _main(self) -> None:
        async with self._transport, self._once:
            await self._stopping.wait()
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)

    def _start(self, batch: tuple[GraphCall, ...], out: SimpleQueue[GraphResult]) -> None:
        for call in batch:
            flight = _Flight(call, out)
            task = asyncio.get_running_loop().create_task(self._fly(flight))
            self._tasks.add(task)
            task.add_done_callback(partial(self._land, flight))

    def _land(self, flight: _Flight, task: asyncio.Task[GraphResult]) -> None:
        """Hand the result over; a call that ended in any other way is not lost either."""
        self._tasks.discard(task)
        if task.cancelled():
            message = "The client was closed before the answer came."
            result = flight.stop(RecoveryClass.TRANSIENT, message, _LATER)
        elif error := task.exception():
            message = f"The client itself failed ({type(error).__name__})."
            result = flight.stop(RecoveryClass.BUG, message, "Report it to the maintainers.")
        else:
            result = task.result()
        flight.out.put(result)

    async def _fly(self, flight: _Flight) -> GraphResult:
        async with self._slots:
            request = self._without_unknown(flight, flight.call.request)
            result, unknown_field = await self._attempt(flight, request)
            while unknown_field is not None and flight.attempts <= _MAX_DROPS:
                self._note_unknown(request, unknown_field)
                lesser = self._without_unknown(flight, request)
                if lesser is request or _is_too_late(flight.call):
                    break
                request = lesser
                result, unknown_field = await self._attempt(flight, request)
            return result

    def _note_unknown(self, request: GraphRequest, name: str) -> None:
        known = self._unknown_fields.setdefault((request.endpoint, request.waba_id), {})
        known[name] = time.monotonic()

    def _without_unknown(self, flight: _Flight, request: GraphRequest) -> GraphRequest:
        known = self._unknown_fields.get((request.endpoint, request.waba_id), {})
        names = {name for name, at in known.items() if time.monotonic() < at + _FORGET_S}
        if not names:
            return request
        lesser, dropped = drop_fields(request, names)
        flight.dropped.extend(dropped)
        return lesser

    async def _attempt(
        self, flight: _Flight, request: GraphRequest
    ) -> tuple[GraphResult, str | None]:
        """Send once. Returns the result and, for a read, the field that Meta does not know."""
        call = flight.call
        if request.takes_token and not is_usable_token(call.token):
            return flight.stop(RecoveryClass.REAUTH, _NO_TOKEN, _NEW_TOKEN), None
        secrets = secrets_of(call)
        http_request = build_http_request(self._wire, request, call.token)
        if _is_too_late(call):  # the send guard: nothing but the request itself follows it
            return flight.stop(RecoveryClass.TRANSIENT, _TOO_LATE, _LATER), None
        flight.attempts += 1
        flight.left_at = flight.left_at or time.monotonic()
        try:
            async with asyncio.timeout(self._wire.timeout_s):
                transport = self._once if request.method == "DELETE" else self._transport
                response = await exchange(transport, http_request)
        except TRANSPORT_ERRORS as error:
            return flight.land(Answer(failure=explain(error, secrets))), None
        now = datetime.now(UTC)
        status, content = response.status_code, response.content
        answer = read_answer(request.endpoint, status, content, secrets=secrets, now=now)
        unknown_field = find_unknown_field(answer.error) if request.is_read else None
        return flight.land(answer, response), unknown_field


def _date(header: str | None) -> datetime | None:
    try:
        return parsedate_to_datetime(header) if header else None
    except ValueError:
        return None


def _is_too_late(call: GraphCall) -> bool:
    return call.send_before is not None and time.monotonic() >= call.send_before
