"""One pass over what is due: claim, decide, intent, send, outcome.

Three short transactions, and none of them is open while a request is on its way:

1. claim: the machines are this worker's for the length of a lease;
2. decide and intent (``engine/intents.py``): what will be sent is journaled, its budget is spent,
   and the machine's wake-up is set to the end of the settle window. From here on a crash cannot
   hide a call;
3. outcome (``engine/outcomes.py``): by operation id, so that the fact of a call is kept whatever
   else happened, then the machine itself under its fence.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

from onboarding.engine.context import Context
from onboarding.engine.definition import DEFINITION
from onboarding.engine.intents import write_intents
from onboarding.engine.outcomes import GROUP, GROUP_WAIT_S, write_outcomes
from onboarding.store import leases
from onboarding.store.database import writing
from onboarding.store.leases import Claimed


def claim_due(ctx: Context, limit: int) -> list[Claimed]:
    """Take the machines that are due, for the length of a lease."""
    ctx.graph.start()  # where nothing can be sent, nothing is claimed
    now = ctx.clock.now()
    with writing(ctx.database) as conn:
        real_now = ctx.real_now(conn)
        return leases.claim_due(
            conn,
            worker=ctx.worker,
            now=now,
            real_now=real_now,
            lease_until=real_now + ctx.policy.lease,
            wake_at=now + ctx.policy.lease,
            definition=DEFINITION,
            limit=limit,
            soon=now + ctx.policy.urgent_within,
        )


def advance_due(ctx: Context, limit: int) -> int:
    """Take the machines that are due one step further; return how many there were."""
    claimed = claim_due(ctx, limit)
    _step(ctx, claimed)
    return len(claimed)


def advance_these(ctx: Context, ids: Sequence[str]) -> int:
    """Take certain machines one step further now, waits of our own making skipped.

    Machines in another worker's hands are left to it. Budgets and Meta's own waits hold.
    """
    ctx.graph.start()  # the same
    now = ctx.clock.now()
    with writing(ctx.database) as conn:
        real_now = ctx.real_now(conn)
        claimed = leases.claim_these(
            conn,
            ids,
            worker=ctx.worker,
            real_now=real_now,
            lease_until=real_now + ctx.policy.lease,
            wake_at=now + ctx.policy.lease,
            definition=DEFINITION,
        )
    _step(ctx, claimed, forced=ids)
    return len(claimed)


def _step(ctx: Context, claimed: Sequence[Claimed], forced: Collection[str] = ()) -> None:
    if not claimed:
        return
    sent = {each.operation.id: each for each in write_intents(ctx, claimed, forced)}
    results = ctx.graph.send([each.call for each in sent.values()])
    while group := results.take(most=GROUP, within_s=GROUP_WAIT_S):
        write_outcomes(ctx, [(sent[result.call.tag], result) for result in group])
