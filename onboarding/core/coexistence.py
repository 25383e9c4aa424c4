"""Numbers of the WhatsApp Business app, or on-premises: no call of ours may take them away.

``core/decide.py`` leaves such a number alone before it looks at its state. This is the last look
at what it decided, whatever rule and entry the call came by.
"""

from __future__ import annotations

from datetime import datetime

from onboarding.core.policy import Policy
from onboarding.core.seen import is_not_ours, shown
from onboarding.core.steps import Call, Snapshot, Step, Wait
from onboarding.core.waits import idle_poll, wait_for_list
from onboarding.model import Operation, Reason

#: What would cut the number off where it lives, or hand its codes and its PIN to us.
NEVER_CALLED = frozenset(
    {
        Operation.REQUEST_CODE,
        Operation.VERIFY_CODE,
        Operation.REGISTER,
        Operation.DEREGISTER,
        Operation.SET_PIN,
    }
)


def left_alone(snap: Snapshot, step: Step, now: datetime, policy: Policy) -> Step:
    """Return the step, or the wait that takes the place of a call that must not be made.

    What was seen last counts, under whatever id and in whatever cycle that was.
    """
    row = snap.row
    if not isinstance(step, Call) or step.operation not in NEVER_CALLED:
        return step
    if row.seen is None or not is_not_ours(row.seen):
        return step
    if shown(row) is None:
        return wait_for_list(now)  # seen under another id: how this one stands is not known
    return Wait(reason=Reason.NOT_OURS, observe_at=idle_poll(row, now, policy))
