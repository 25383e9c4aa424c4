"""The reference of the simulator's control endpoints."""

from __future__ import annotations

from datetime import UTC, datetime

from pydantic import BaseModel

from docs.generating.markdown import code, prose, table
from docs.generating.scenario import rows
from onboarding.simulator import Scenario, edits
from onboarding.simulator.build import build_world
from onboarding.simulator.clock import VirtualClock
from onboarding.simulator.control import ClockEdit, Control, ParticipantReport
from onboarding.simulator.scenario import HandSettings, PortfolioSettings
from onboarding.simulator.server import CONTROL_PREFIX
from onboarding.simulator.signup import SessionEdit
from onboarding.simulator.timekeeper import Timekeeper

#: What each endpoint does, and the keys of its body where it takes one.
_ENDPOINTS: dict[tuple[str, str], str] = {
    ("GET", "health"): "`status` and `profile`",
    ("GET", "clock"): "`now`, `mode`, `epoch`, `next_event_at` (when Meta does something next)",
    ("POST", "clock"): "move time; body below",
    ("POST", "clock/report"): "a participant says how it stands; body below",
    ("DELETE", "clock/participants/*"): "a participant leaves: time need not wait for it",
    ("GET", "inbox"): "`messages` of all phones; `?after=SEQ` for the newer ones",
    ("GET", "inbox/*"): "`messages` of one phone, by its digits",
    ("GET", "calls"): "the log of Graph calls; `?after=SEQ`; PINs and codes only as digests",
    ("GET", "webhooks"): "`webhooks` that Meta would have sent; `?after=SEQ`",
    ("GET", "state"): "`businesses`, `wabas` with their budgets, `numbers`",
    ("POST", "embedded_signup"): "a customer finishes Embedded Signup; body below",
    ("POST", "embedded_signup/session"): "the same as the browser sees it: answers with the "
    "session's `event` and, if it was finished, the `code` that lives 30 seconds; body below",
    ("POST", "numbers/*"): "overwrite fields of a number, by its phone number id; body below",
    ("POST", "names/*"): "a reviewer decides, by phone number id; body below",
    ("POST", "by_hand/*"): "somebody does something to a number past the API, by phone number id; "
    "body below",
    ("POST", "businesses/*"): "verify a portfolio, or raise its messaging limit or bound, by its "
    "id; a bound that rises is told by `business_capability_update`; body below",
    ("POST", "tokens"): "kill, revive or make a token; body below",
    ("POST", "elsewhere/*"): "say where a number is used, by its digits; body below",
    ("GET", "faults"): "`faults` that are armed, by name",
    ("POST", "faults"): "arm one, keys as in [faults](#faults); answers with its `name`",
    ("DELETE", "faults"): "drop all",
    ("DELETE", "faults/*"): "drop one, by name",
    ("GET", "snapshot"): "everything as JSON, codes and PINs included",
    ("POST", "snapshot"): "go back to a snapshot",
}
_BODIES: dict[str, type[BaseModel]] = {
    "POST /_sim/clock": ClockEdit,
    "POST /_sim/clock/report": ParticipantReport,
    "POST /_sim/embedded_signup": edits.SignupEdit,
    "POST /_sim/embedded_signup/session": SessionEdit,
    "POST /_sim/numbers/ID": edits.NumberEdit,
    "POST /_sim/names/ID": edits.NameEdit,
    "POST /_sim/by_hand/ID": HandSettings,
    "POST /_sim/businesses/ID": PortfolioSettings,
    "POST /_sim/tokens": edits.TokenEdit,
    "POST /_sim/elsewhere/DIGITS": edits.ElsewhereEdit,
}


def handled() -> list[tuple[str, str]]:
    """Return every endpoint that the simulator answers, in its own order."""
    start = datetime(2026, 3, 2, 9, tzinfo=UTC)
    keeper = Timekeeper(build_world(Scenario(), start), VirtualClock("manual", start))
    return list(Control(keeper)._handlers)  # noqa: SLF001 - nobody else needs to know them


def endpoints() -> str:
    """Return a row per endpoint.

    Raises:
        KeyError: the simulator has one that has no words here.
    """
    found = [
        (code(f"{method} {CONTROL_PREFIX}/{path}"), _ENDPOINTS[method, path])
        for method, path in handled()
    ]
    return table(("request", "answer or effect"), found)


def bodies() -> str:
    """Return a section per body."""
    return "\n".join(
        f"#### {code(name)}\n\n{prose(model.__doc__)}\n\n{rows(model)}"
        for name, model in _BODIES.items()
    )
