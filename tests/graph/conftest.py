"""What the tests of the Graph client share."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from onboarding.graph import requests
from onboarding.graph.calls import GraphCall
from onboarding.graph.client import GraphClient
from onboarding.graph.requests import GraphRequest
from onboarding.graph.wire import Wire

ClientFactory = Callable[..., GraphClient]
CallFactory = Callable[..., GraphCall]


@pytest.fixture
def client_at() -> Iterator[ClientFactory]:
    """Open clients that are closed at the end; a test of a timeout names its own."""
    with ExitStack() as stack:

        def make(url: str, **settings: Any) -> GraphClient:
            chosen = {"version": "v25.0", "timeout_s": 5.0, "connect_timeout_s": 2.0, **settings}
            return stack.enter_context(GraphClient(Wire(base_url=url, **chosen)))

        yield make


@pytest.fixture
def a_call() -> CallFactory:
    """Make calls; without a request it is a registration, which is a POST with a PIN."""

    def make(request: GraphRequest | None = None, **fields: Any) -> GraphCall:
        chosen = request or requests.register("55", "77", pin="271828")
        return GraphCall(request=chosen, **{"token": "EAAtesttoken0123456789", **fields})

    return make
