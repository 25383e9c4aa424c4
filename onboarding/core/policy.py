"""Every waiting time and limit of the engine, as data.

The defaults are what Meta's rules and operators' experience advise; settings override them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from onboarding.core.quiet_hours import DEFAULT_QUIET_HOURS, QuietHours
from onboarding.core.timing import DAY, HOUR, MINUTE
from onboarding.model import Operation

SECOND = timedelta(seconds=1)

#: Calls of a kind that Meta takes for one number in any 72 hours, before it locks the number.
METAS_LIMIT = 10


#: How long Meta takes a code back, typically.
CODE_VALIDITY = 10 * MINUTE


@dataclass(frozen=True, slots=True)
class Rung:
    """One step of the ladder.

    Raised when this share of a deadline's window has passed, or when only this much time is left.
    """

    name: str
    share: float = 1.0
    left: timedelta | None = None


#: By share, so that the ladder fits a window of 14 days as well as one of 90.
DEFAULT_LADDER = (Rung("inform", 1 / 2), Rung("urge", 2 / 3), Rung("page", 6 / 7), Rung("end", 1.0))


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """How the engine waits, repeats and gives up.

    Attributes:
        lease: real time that a worker holds a claimed machine.
        send_within: real time between writing an intent and sending it; later is never.
        call_timeout: total real time of one call.
        settle: real time after an intent until silence may be looked into; must be longer than
            ``send_within + call_timeout``, with Meta's list lag on top.
        signup_window: Embedded Signup to registration (Meta's rule: 14 x 24 h).
        rename_window: approval of a new name to registration (Meta's rule: 14 x 24 h).
        policy_window: what partners promise for numbers that have no window at Meta.
        claim_window: claim of a pre-verified number to registration (Meta's rule: 90 days).
        preverified_validity: how long an unclaimed number of the pool stays verified.
        preverified_warm: before that ends, from when Meta takes another code for it.
        early_registration: before the end of the signup window, when registration is tried
            although the name is still in review.
        code_validity: how long a code counts as on its way.
        code_sends: unanswered codes in a row, after which a person is asked.
        code_tries: wrong codes in a row, after which a person is asked.
        code_fallback: after this long without a code by SMS the next one goes by voice; ``None``:
            never.
        quiet_hours: when no code is sent to a number, by its own clock; ``None``: at any hour.
        deregisters: repeats of an unfinished deregistration, after which a person is asked.
        register_per_window: register (and, apart, deregister) calls in ``attempt_window``.
        request_code_per_window: request_code calls in ``attempt_window``.
        renames_per_window: display name changes in ``rename_limit_window``.
        create_repeats: automatic repeats of a create that a probe proved absent.
        name_none_grace: how long a missing name is given to appear.
        absent_grace: how long a known number must be missing from the list to count as gone.
        subscription_check: how old the proof of the app's subscription may be.
        list_interval: least time between two reads of one WABA's list.
        watch_interval: most time between two reads of the list of a WABA with registered numbers.
        waba_calls_per_hour: Meta's budget of a WABA that has no registered number yet.
        active_waba_calls_per_hour: the same, of one that has.
        app_calls_per_hour: our own bound for all WABAs together.
        list_budget_share: share of a WABA's budget that lists may use up; the rest is for writes.
        urgent_within: how near a deadline must be for a number's next call to be kept back for it.
        last_try: before a deadline, when a call that waits for its backoff is made once more.
        numbers_per_business: numbers that Meta takes in a portfolio of which it has told nothing;
            0: as many as it takes; ``None``: by its rule, 2, and 20 where it is raised.
        numbers_per_waba: the same, on one WABA.
        max_reclaims: leases that ran out in a row, after which a machine is parked.
        ladder: rungs of escalation.
    """

    lease: timedelta = 90 * SECOND
    send_within: timedelta = 25 * SECOND
    call_timeout: timedelta = 30 * SECOND
    settle: timedelta = 120 * SECOND
    signup_window: timedelta = 14 * DAY
    rename_window: timedelta = 14 * DAY
    policy_window: timedelta = 14 * DAY
    claim_window: timedelta = 90 * DAY
    preverified_validity: timedelta = 90 * DAY
    preverified_warm: timedelta = 45 * DAY
    early_registration: timedelta = 3 * DAY
    code_validity: timedelta = CODE_VALIDITY
    code_sends: int = 3
    code_tries: int = 3
    code_fallback: timedelta | None = 10 * MINUTE
    quiet_hours: QuietHours | None = DEFAULT_QUIET_HOURS
    attempt_window: timedelta = 72 * HOUR
    deregisters: int = 2
    register_per_window: int = 8
    request_code_per_window: int = 9
    rename_limit_window: timedelta = 30 * DAY
    renames_per_window: int = 10
    create_repeats: int = 1
    name_none_grace: timedelta = DAY
    absent_grace: timedelta = HOUR
    subscription_check: timedelta = DAY
    list_interval: timedelta = MINUTE
    watch_interval: timedelta = DAY
    waba_calls_per_hour: int = 200
    active_waba_calls_per_hour: int = 5000
    app_calls_per_hour: int = 20000
    list_budget_share: float = 0.85
    urgent_within: timedelta = DAY
    last_try: timedelta = HOUR
    numbers_per_business: int | None = None
    numbers_per_waba: int = 25
    max_reclaims: int = 3
    ladder: tuple[Rung, ...] = DEFAULT_LADDER

    #: Gaps between tries after a passing failure, then again and again.
    transient: tuple[timedelta, ...] = (
        10 * SECOND, 30 * SECOND, 2 * MINUTE, 5 * MINUTE, 15 * MINUTE,
    )  # fmt: skip
    transient_tries: int = 5
    #: Gaps before a call is repeated that was lost, as a probe showed.
    lost: tuple[timedelta, ...] = (30 * SECOND, 15 * MINUTE, HOUR, 6 * HOUR)
    #: Gaps between register calls while Meta still works on the name (100/2388001).
    certificate: tuple[timedelta, ...] = (15 * MINUTE, HOUR, 6 * HOUR, DAY)
    certificate_tries: int = 6
    #: Gaps between request_code calls that Meta refused with 136024.
    code_refused: tuple[timedelta, ...] = (HOUR, HOUR, HOUR, DAY)
    code_refused_tries: int = 4
    #: After Meta said a second time that codes are asked for too often (136024/2388367).
    code_volume_repeated: timedelta = 72 * HOUR
    code_resend: tuple[timedelta, ...] = (10 * MINUTE, HOUR, DAY)
    #: How reads of the list thin out while something is expected of Meta.
    poll_connecting: tuple[timedelta, ...] = (
        15 * SECOND, 45 * SECOND, 2 * MINUTE, 5 * MINUTE, 15 * MINUTE, HOUR,
    )  # fmt: skip
    poll_review: tuple[timedelta, ...] = (
        15 * MINUTE, 45 * MINUTE, HOUR, 2 * HOUR, 6 * HOUR,
    )  # fmt: skip
    poll_absent: tuple[timedelta, ...] = (5 * MINUTE, 30 * MINUTE, HOUR, 6 * HOUR)
    poll_idle: tuple[timedelta, ...] = (6 * HOUR, DAY)
    #: How looks at a claimed number of the pool thin out until its new id is known.
    poll_claim: tuple[timedelta, ...] = (MINUTE, 5 * MINUTE, 15 * MINUTE, HOUR, 6 * HOUR)
    #: After this long without CONNECTED, an accepted registration is made again.
    reregister_after: timedelta = 6 * HOUR
    #: Gaps between tries of a message that a channel did not take, up to a quarter longer.
    delivery: tuple[timedelta, ...] = (
        10 * SECOND, MINUTE, 5 * MINUTE, 15 * MINUTE, HOUR, 3 * HOUR, 6 * HOUR,
    )  # fmt: skip
    #: Tries after which a message is a dead letter: about three days.
    delivery_tries: int = 18

    @property
    def windows(self) -> Mapping[Operation, tuple[int, timedelta]]:
        """How many calls of a kind one number may have in a moving window, and how long it is."""
        registers = self.register_per_window, self.attempt_window
        return {
            Operation.REQUEST_CODE: (self.request_code_per_window, self.attempt_window),
            Operation.REGISTER: registers,
            Operation.DEREGISTER: registers,
            Operation.SET_DISPLAY_NAME: (self.renames_per_window, self.rename_limit_window),
        }

    @property
    def forgotten(self) -> Mapping[Operation, int]:
        """How many calls of a number count as made before a restore, which forgot them.

        All that our own limit allows may have been. What Meta takes beyond that limit is left for
        the restored copy: both together stay within Meta's.
        """
        return {
            operation: max(0, 2 * limit - METAS_LIMIT)
            for operation, (limit, window) in self.windows.items()
            if window == self.attempt_window
        }
