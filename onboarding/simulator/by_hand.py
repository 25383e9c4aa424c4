"""What happens to a number at Meta past the API: in WhatsApp Manager, in the app, by Meta itself.

Nothing of it is a call, so none of it is in the log of calls; some of it is told by webhook.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from onboarding.simulator import state
from onboarding.simulator.names import change_name
from onboarding.simulator.refusals import Refusal
from onboarding.simulator.scenario import HandDeed, HandSettings
from onboarding.simulator.settings import set_pin
from onboarding.simulator.state import Event, Number
from onboarding.simulator.world import World

BANNED = "BANNED"


def do(world: World, number: Number, hand: HandSettings, now: datetime) -> None:
    """Do one thing to a number.

    Raises:
        Refusal: a name is changed while another is in review, or too often.
    """
    _DEEDS[hand.do](world, number, hand, now)
    world.note_platform(number)


def do_when_due(world: World, event: Event) -> bool:
    """Do what the scenario announced, unless the number is gone by then, or Meta refuses."""
    number = world.state.numbers[event.subject]
    if number.is_gone:
        return False
    try:
        do(world, number, HandSettings.model_validate(event.data), event.due)
    except Refusal:
        return False
    return True


def _disconnect(world: World, number: Number, _hand: HandSettings, _now: datetime) -> None:
    """Take the number off the Cloud API: an admin, or another solution partner."""
    del world
    number.is_connecting = False
    number.status = state.DISCONNECTED
    number.platform_type = number.throughput = state.NOT_APPLICABLE


def _delete(world: World, number: Number, _hand: HandSettings, now: datetime) -> None:
    world.delete_number(number, now)


def _migrate(world: World, number: Number, _hand: HandSettings, now: datetime) -> None:
    """Let the number leave for a WABA that this simulation does not have."""
    world.migrate_number(number, number, now)
    number.migrated_to = None


def _ban(world: World, number: Number, _hand: HandSettings, _now: datetime) -> None:
    del world
    number.is_connecting = False
    number.status = BANNED


def _lift_ban(world: World, number: Number, _hand: HandSettings, _now: datetime) -> None:
    del world
    if number.status == BANNED:
        is_online = number.platform_type == state.CLOUD_API
        number.status = state.CONNECTED if is_online else state.PENDING


def _change_name(world: World, number: Number, hand: HandSettings, now: datetime) -> None:
    """Submit another name; it is reviewed by the scenario's rules."""
    change_name(world, number, hand.name or "", now)


def _change_pin(world: World, number: Number, hand: HandSettings, now: datetime) -> None:
    set_pin(world, number, hand.pin, now)


def _switch_pin_off(world: World, number: Number, _hand: HandSettings, now: datetime) -> None:
    set_pin(world, number, None, now)


def _connect_app(world: World, number: Number, _hand: HandSettings, _now: datetime) -> None:
    """Let the number work in the WhatsApp Business app and on the Cloud API at once."""
    del world
    number.is_connecting = False
    number.is_on_biz_app = True
    number.status, number.platform_type = state.CONNECTED, state.CLOUD_API


def _leave_app(world: World, number: Number, _hand: HandSettings, _now: datetime) -> None:
    """Let the number leave the app; it is registered nowhere then."""
    del world
    number.is_on_biz_app = False
    number.status = state.DISCONNECTED
    number.platform_type = number.throughput = state.NOT_APPLICABLE


_DEEDS: dict[HandDeed, Callable[[World, Number, HandSettings, datetime], None]] = {
    "disconnect": _disconnect,
    "delete": _delete,
    "migrate": _migrate,
    "ban": _ban,
    "lift_ban": _lift_ban,
    "change_name": _change_name,
    "change_pin": _change_pin,
    "switch_pin_off": _switch_pin_off,
    "connect_app": _connect_app,
    "leave_app": _leave_app,
}
