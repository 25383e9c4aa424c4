"""Steps that Dramatiq runs, where Dramatiq is there already: an adapter of a page.

Dramatiq decides where and when a step runs, and nothing else: what is due stands in the engine's
own database. Messages may come twice, late or never; each is only a reason to look. So nothing
here is retried, and no message is delayed: a deadline never waits in a broker.

    export ONBOARDING_DATABASE_URL=postgresql://... ONBOARDING_SECRET_KEY=...
    export DRAMATIQ_REDIS_URL=redis://127.0.0.1:6379/0
    dramatiq dramatiq_adapter --queues onboarding --processes 1 --threads 4    # on any host
"""

from __future__ import annotations

import os
import threading
from typing import Any

import dramatiq
from dramatiq.brokers.redis import RedisBroker

from onboarding import Engine

#: How often somebody looks for what is due: what a lost message costs.
SWEEP_S = 2.0

_stopping = threading.Event()
_opened: list[Engine] = []


class WithEngine(dramatiq.Middleware):
    """An engine in each worker process, and a tick that sends the sweep.

    Dramatiq has no clock of its own. Every process ticks: a sweep too many finds nothing to do.
    """

    def before_worker_boot(self, _broker: Any, _worker: Any) -> None:
        """Open the engine after the fork: it has threads and connections of its own."""
        _opened.append(Engine.open())
        threading.Thread(target=_tick, daemon=True).start()

    def before_worker_shutdown(self, _broker: Any, _worker: Any) -> None:
        """Tick no more."""
        _stopping.set()

    def after_worker_shutdown(self, _broker: Any, _worker: Any) -> None:
        """Close the engine; calls in flight have been answered, for Dramatiq lets actors end."""
        while _opened:
            _opened.pop().close()


_REDIS_URL = os.environ.get("DRAMATIQ_REDIS_URL", "redis://127.0.0.1:6379/0")
broker = RedisBroker(url=_REDIS_URL)  # type: ignore[no-untyped-call] # Dramatiq has no types for it
broker.add_middleware(WithEngine())
dramatiq.set_broker(broker)


@dramatiq.actor(queue_name="onboarding", max_retries=0)
def advance(onboarding_id: str) -> None:
    """Take one onboarding a step further now: send this after a request, a code, a webhook."""
    _opened[0].advance(onboarding_id)


# A busy fleet is not asked again and again: a sweep that waited for long is dropped.
@dramatiq.actor(queue_name="onboarding", max_retries=0, max_age=int(SWEEP_S * 1000))
def sweep() -> None:
    """Do one pass over what is due, and have another done if there may be more."""
    if not _opened[0].advance().is_idle:
        sweep.send()


def _tick() -> None:
    while not _stopping.wait(SWEEP_S):
        sweep.send()
