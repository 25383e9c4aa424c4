"""Embedded Signup as the browser sees it: the session event, and the code beside it."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from onboarding.simulator.edits import EditError, SignupEdit, finish_signup
from onboarding.simulator.fault_settings import Settings
from onboarding.simulator.oauth import issue_code
from onboarding.simulator.world import World

SessionEvent = Literal[
    "FINISH", "FINISH_ONLY_WABA", "FINISH_WHATSAPP_BUSINESS_APP_ONBOARDING", "CANCEL", "ERROR"
]
_TYPE, _VERSION = "WA_EMBEDDED_SIGNUP", 3


class SessionEdit(Settings):
    """A customer goes through Embedded Signup in a browser, to one of its ends."""

    waba_id: str
    event: SessionEvent = "FINISH"
    phone_number: str | None = None
    verified_name: str | None = None
    with_phone_number_id: bool = True
    current_step: str = "PHONE_NUMBER_VERIFICATION"
    error_message: str = "An unexpected error has occurred."


def run_session(world: World, edit: SessionEdit, now: datetime) -> dict[str, Any]:
    """Return what the browser is told: ``event``, and ``code`` where the session was finished.

    With a number, it is on the WABA afterwards, verified, and its window has begun.

    Raises:
        EditError: there is no such WABA, or a number is missing.
        Refusal: the number is elsewhere, or no slot is free.
    """
    waba = world.state.wabas.get(edit.waba_id)
    if waba is None:
        raise EditError(f"there is no WABA {edit.waba_id}")
    if edit.event == "CANCEL":
        return {"event": _event(edit, {"current_step": edit.current_step}), "code": None}
    if edit.event == "ERROR":
        return {"event": _event(edit, {"error_message": edit.error_message}), "code": None}
    data = {"waba_id": waba.id, "business_id": waba.business_id}
    if edit.event != "FINISH_ONLY_WABA":
        number_id = _sign_up(world, edit, now)
        if edit.with_phone_number_id:
            data = {"phone_number_id": number_id, **data}
    return {"event": _event(edit, data), "code": issue_code(world, waba, now)}


def _sign_up(world: World, edit: SessionEdit, now: datetime) -> str:
    if edit.phone_number is None or edit.verified_name is None:
        raise EditError("this end of a session needs phone_number and verified_name")
    done = SignupEdit(
        waba_id=edit.waba_id, phone_number=edit.phone_number, verified_name=edit.verified_name
    )
    number = finish_signup(world, done, now)
    if edit.event == "FINISH_WHATSAPP_BUSINESS_APP_ONBOARDING":
        number.is_on_biz_app = True
    return number.id


def _event(edit: SessionEdit, data: dict[str, Any]) -> dict[str, Any]:
    return {"type": _TYPE, "event": edit.event, "version": _VERSION, "data": data}
