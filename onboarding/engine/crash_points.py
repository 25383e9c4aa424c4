"""Instants at which the engine can be made to die, so that tests prove what a crash may not do.

``ONBOARDING_CRASH_AT=POINT/OPERATION`` ends the process by SIGKILL the first time that it reaches
the point with a call of that operation: nothing is closed, flushed or rolled back by us. Without
the variable a point costs one comparison.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Iterable
from typing import Final

from onboarding.model import Operation

CLAIMED: Final = "claimed"  # the claim is committed, nothing is decided
INTENT_WRITTEN: Final = "intent_written"  # the intent is written, not committed
INTENDED: Final = "intended"  # the intent is committed, nothing is sent
ANSWERED: Final = "answered"  # the answer is read, nothing of it is written
OUTCOME_WRITTEN: Final = "outcome_written"  # the outcome is written, not committed
APPLIED: Final = "applied"  # the outcome is committed, nothing follows yet

#: Every point, in the order in which a step reaches them. Between INTENDED and ANSWERED the request
#: is on its way, which is for whoever answers it to notice.
POINTS: Final = (CLAIMED, INTENT_WRITTEN, INTENDED, ANSWERED, OUTCOME_WRITTEN, APPLIED)

#: No point of a step: a channel took a message, and nothing of that is written.
DELIVERED: Final = "delivered"

_WANTED = os.environ.get("ONBOARDING_CRASH_AT")


def reach(point: str, operations: Iterable[Operation]) -> None:
    """Die here if a test asked for it."""
    if _WANTED is not None and _WANTED in {f"{point}/{operation}" for operation in operations}:
        os.kill(os.getpid(), signal.SIGKILL)


def reach_channel(point: str, channel: str) -> None:
    """Die here, with a message of this channel, if a test asked for it."""
    if f"{point}/{channel}" == _WANTED:
        os.kill(os.getpid(), signal.SIGKILL)
