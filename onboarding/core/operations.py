"""The policy of each operation, as data: what must not be repeated, and what silence means."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from onboarding.model import Onboarding, Operation


class OnSilence(StrEnum):
    """What follows from a call that was not answered, once its settle time is over."""

    PROBE = "probe"  # the WABA's list tells whether it took effect
    COUNT_AS_DONE = "count_as_done"  # nothing can tell; the safe side is that it happened
    REPEAT = "repeat"  # the same call again changes nothing


@dataclass(frozen=True, slots=True, kw_only=True)
class OperationPolicy:
    """How one operation is protected.

    Attributes:
        on_silence: what an unanswered call means.
        once: the natural key is unique among open and succeeded calls in the whole database.
        never_again: the natural key is unique for ever, whatever came of the call.
        counted: it spends the number's own moving window at Meta.
        why: the reason, for the docs.
    """

    on_silence: OnSilence
    once: bool = False
    never_again: bool = False
    counted: bool = False
    why: str


POLICIES = {
    Operation.CREATE_NUMBER: OperationPolicy(
        on_silence=OnSilence.PROBE,
        once=True,
        why="a second create would be refused at best; the list shows the number if the first one "
        "took effect",
    ),
    Operation.MIGRATE_NUMBER: OperationPolicy(
        on_silence=OnSilence.PROBE,
        once=True,
        why="a second one would be refused at best; the destination's list shows the number if the "
        "first one took effect",
    ),
    Operation.REQUEST_CODE: OperationPolicy(
        on_silence=OnSilence.COUNT_AS_DONE,
        counted=True,
        why="nothing shows whether a code was sent, and a second one voids the first",
    ),
    Operation.VERIFY_CODE: OperationPolicy(
        on_silence=OnSilence.PROBE,
        never_again=True,
        why="each code works once; the list shows VERIFIED if it worked",
    ),
    Operation.REGISTER: OperationPolicy(
        on_silence=OnSilence.PROBE,
        counted=True,
        why="ten calls in 72 hours lock the number for 72 hours; the list shows CONNECTED",
    ),
    Operation.DEREGISTER: OperationPolicy(
        on_silence=OnSilence.PROBE,
        counted=True,
        why="as register, with a window of its own",
    ),
    Operation.SET_PIN: OperationPolicy(
        on_silence=OnSilence.REPEAT, why="setting the same PIN twice changes nothing"
    ),
    Operation.SET_DISPLAY_NAME: OperationPolicy(
        on_silence=OnSilence.PROBE,
        counted=True,
        why="ten changes in 30 days; the list shows the new name if it was submitted",
    ),
    Operation.SUBSCRIBE_APP: OperationPolicy(
        on_silence=OnSilence.REPEAT, why="subscribing twice changes nothing"
    ),
    Operation.SET_CALLBACK: OperationPolicy(
        on_silence=OnSilence.REPEAT,
        why="setting the same address twice changes nothing; the list of apps shows it",
    ),
    Operation.EXCHANGE_CODE: OperationPolicy(
        on_silence=OnSilence.COUNT_AS_DONE,
        never_again=True,
        why="the code works once and for 30 seconds; a token whose answer was lost is lost, and "
        "the account waits for another",
    ),
    Operation.ADD_PREVERIFIED: OperationPolicy(
        on_silence=OnSilence.PROBE,
        once=True,
        why="a number has one slot of the pool; the pool's list shows it if the first call took "
        "effect, and is read before any call as well",
    ),
    Operation.REQUEST_PREVERIFIED_CODE: OperationPolicy(
        on_silence=OnSilence.COUNT_AS_DONE,
        counted=True,
        why="as request_code, and in the same window: Meta counts by the number",
    ),
    Operation.VERIFY_PREVERIFIED: OperationPolicy(
        on_silence=OnSilence.PROBE,
        never_again=True,
        why="each code works once; the pool's list shows VERIFIED, and until when",
    ),
    Operation.SHARE_PREVERIFIED: OperationPolicy(
        on_silence=OnSilence.PROBE,
        why="the number's list of partners shows it",
    ),
    Operation.UNSHARE_PREVERIFIED: OperationPolicy(
        on_silence=OnSilence.PROBE,
        why="the number's list of partners shows it no more",
    ),
    Operation.DELETE_PREVERIFIED: OperationPolicy(
        on_silence=OnSilence.PROBE,
        why="the pool's list shows it no more",
    ),
}


#: Calls that put a number onto a WABA; the answer is the id that it has there.
ADDING = (Operation.CREATE_NUMBER, Operation.MIGRATE_NUMBER)


def natural_key(operation: Operation, row: Onboarding, generation: int = 1) -> str:
    """Return what must not be done twice for this row.

    Args:
        operation: the call to be made.
        row: the onboarding it is made for.
        generation: for creates, one more than the creates of this number that ever succeeded: a
            number may be created again only after a probe showed that the last one is gone.
    """
    if operation is Operation.CREATE_NUMBER:
        return f"{row.waba_id}/{row.number_key}/{generation}"
    if operation is Operation.MIGRATE_NUMBER:
        return f"{row.waba_id}/{row.number_key}/{row.id}/{row.cycle}"
    if operation is Operation.VERIFY_CODE:
        return f"{row.phone_number_id}/{row.code_mac}"
    if operation is Operation.SET_DISPLAY_NAME:
        return f"{row.phone_number_id}/{row.new_display_name}"
    return f"{row.phone_number_id}/{row.cycle}"
