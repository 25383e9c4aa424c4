"""A call that is to be sent and what came of it, as data; needs no HTTP library."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from onboarding.graph.requests import GraphRequest
from onboarding.graph.usage import NO_USAGE, Usage
from onboarding.model import Failure


@dataclass(frozen=True, slots=True, kw_only=True)
class GraphCall:
    """A request on its way.

    Attributes:
        request: what is asked.
        token: the account's access token; not part of ``repr()``.
        tag: the caller's own mark, handed back with the result.
        send_before: the send guard, an instant of ``time.monotonic()``: a call that has not left
            by then is not sent at all.
    """

    request: GraphRequest
    token: str = field(repr=False)
    tag: str = ""
    send_before: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class GraphResult:
    """What came of one call: ``payload`` of a success, or ``failure``, never both.

    Attributes:
        call: the call as it was given.
        http_status: ``None`` where no complete answer came.
        payload: the decoded answer; has the shape of a success of its endpoint.
        failure: why it did not succeed.
        usage: what the headers tell about Meta's limits.
        fbtrace_id: from the error; what Meta's support asks for.
        x_fb_request_id: header of that name, as the next two.
        x_fb_trace_id: see above.
        x_fb_rev: see above.
        served_version: ``facebook-api-version``: an expired version is served by another one.
        answered_at: what Meta's clock said (the header ``Date``, whole seconds).
        elapsed_s: from leaving to the end of the answer, all attempts; 0 if nothing left.
        attempts: requests that left (a read is sent again without a field that Meta refuses).
        dropped_fields: fields that were asked for and left out, because Meta does not know them.
    """

    call: GraphCall
    http_status: int | None = None
    payload: object | None = field(default=None, repr=False)
    failure: Failure | None = None
    usage: Usage = NO_USAGE
    fbtrace_id: str | None = None
    x_fb_request_id: str | None = None
    x_fb_trace_id: str | None = None
    x_fb_rev: str | None = None
    served_version: str | None = None
    answered_at: datetime | None = None
    elapsed_s: float = 0.0
    attempts: int = 0
    dropped_fields: tuple[str, ...] = ()
