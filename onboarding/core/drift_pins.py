"""Whether the PIN that the engine holds is still the number's."""

from __future__ import annotations

from datetime import datetime, timedelta

from onboarding.core.drift import DriftKind
from onboarding.core.lifecycle import LIVE
from onboarding.core.pins import TAKES_PIN
from onboarding.core.steps import Attempts, Move
from onboarding.core.waits import hold_step
from onboarding.model import Onboarding, Reason

#: Meta's word for a PIN that is another now; requests to reset one change nothing yet.
PIN_CHANGED = "PIN_CHANGED"

#: A call of ours that carried a PIN, and Meta's word of it, are no further apart.
_OF_OURS = timedelta(minutes=15)


def doubted_pin(
    row: Onboarding, event: str, at: datetime, attempts: Attempts, now: datetime
) -> Move | None:
    """Return the hold of a number whose PIN somebody else changed; ``None`` if nobody did.

    To set our own in its place would lock out whoever chose the new one.
    """
    if event != PIN_CHANGED or row.state not in LIVE or row.hold is not None:
        return None
    if row.pin_sealed is None or row.registered_at is None or at < row.registered_at:
        return None
    ours = (op.intent_at for op in attempts.made if op.name in TAKES_PIN)
    if any(abs(at - made_at) <= _OF_OURS for made_at in ours):
        return None
    step = hold_step(Reason.PIN, f"the PIN was changed at Meta at {at:%Y-%m-%d %H:%M} UTC", now)
    detail = {
        "kind": DriftKind.PIN_CHANGED.value,
        "holds": "a PIN of its own",
        "shows": "another PIN",
    }
    return Move(note="drift_found", reason=step.reason, changes=step.changes, detail=detail)
