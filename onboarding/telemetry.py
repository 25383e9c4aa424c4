"""The log: structured events through the standard library, redacted before anybody sees them.

An embedding application sets handlers and levels on the logger ``onboarding`` as on any other.
"""

from __future__ import annotations

import logging
from collections.abc import MutableMapping
from typing import Any, cast

import structlog

from onboarding.core.redact import redact, redact_text


def _redacted(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> dict[str, Any]:
    return redact(event) | {"event": redact_text(str(event.get("event", "")))}


# A library is silent until its program asks: without this, Python prints warnings by itself.
logging.getLogger("onboarding").addHandler(logging.NullHandler())

log = cast(
    "structlog.stdlib.BoundLogger",
    structlog.wrap_logger(
        logging.getLogger("onboarding"),
        processors=[
            structlog.stdlib.filter_by_level,
            _redacted,
            structlog.processors.format_exc_info,
            structlog.processors.KeyValueRenderer(key_order=["event"]),
        ],
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    ),
)
