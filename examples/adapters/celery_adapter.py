"""Steps that Celery runs, where Celery is there already: an adapter of a page.

Celery decides where and when a step runs, and nothing else: what is due stands in the engine's own
database. Messages may come twice, late or never; each is only a reason to look. So nothing here is
retried, and no message has an ETA: a deadline never waits in a broker.

    export ONBOARDING_DATABASE_URL=postgresql://... ONBOARDING_SECRET_KEY=...
    export CELERY_BROKER_URL=redis://127.0.0.1:6379/0
    celery -A celery_adapter worker --concurrency 4    # on any number of hosts
    celery -A celery_adapter beat                      # once; twice does no harm
"""

from __future__ import annotations

import os
from typing import Any

from celery import Celery
from celery.signals import worker_process_init, worker_process_shutdown

from onboarding import Engine

#: How often somebody looks for what is due: what a lost message costs.
SWEEP_S = 2.0

app = Celery("onboarding")
app.conf.update(
    broker_url=os.environ.get("CELERY_BROKER_URL", "redis://127.0.0.1:6379/0"),
    broker_connection_retry_on_startup=True,
    task_default_queue="onboarding",
    task_ignore_result=True,
    worker_prefetch_multiplier=1,
    beat_schedule={
        "sweep": {
            "task": "onboarding.sweep",
            "schedule": SWEEP_S,
            "options": {"expires": SWEEP_S},  # a busy fleet is not asked again and again
        }
    },
)

_opened: list[Engine] = []


@worker_process_init.connect
def open_engine(**_: Any) -> None:
    """Open an engine in each process, after the fork: it has threads and connections of its own."""
    _opened.append(Engine.open())


@worker_process_shutdown.connect
def close_engine(**_: Any) -> None:
    """Close it; calls in flight have been answered, for Celery lets tasks end."""
    while _opened:
        _opened.pop().close()


@app.task(name="onboarding.advance")
def advance(onboarding_id: str) -> None:
    """Take one onboarding a step further now: send this after a request, a code, a webhook."""
    _opened[0].advance(onboarding_id)


@app.task(name="onboarding.sweep")
def sweep() -> None:
    """Do one pass over what is due, and have another done if there may be more."""
    if not _opened[0].advance().is_idle:
        sweep.delay()
