"""Takes WhatsApp business phone numbers from requested to registered on Meta's Cloud API.

::

    from onboarding import Engine, NumberRequest

    with Engine.open("sqlite:///onboarding.db", upgrade=True) as engine:
        engine.add_account("102290129340398", token)
        engine.request(NumberRequest(waba_id="102290129340398",
                                     phone_number="+1 631 555 1000",
                                     display_name="Lucky Shrub"))

Everything that is not listed in ``__all__`` is private. Names are imported when first used, so
that ``import onboarding`` costs nothing.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from onboarding.clock import Clock, SystemClock
    from onboarding.core.chain import Entry as HistoryEntry
    from onboarding.dispatch.worker import Worker
    from onboarding.engine.accept import Receipt
    from onboarding.engine.context import CodeIntake
    from onboarding.engine.facade import Engine, Page, Pass
    from onboarding.engine.requests import NumberRequest, RequestsRefusedError
    from onboarding.engine.settling import OpenOperation
    from onboarding.errors import (
        ChainBrokenError,
        ChannelError,
        ConfigurationError,
        ConflictError,
        GraphError,
        ImportFileError,
        InputError,
        NotFoundError,
        NumberError,
        OnboardingError,
        SchemaError,
        SignatureError,
        StoreError,
        TransitionRefusedError,
    )
    from onboarding.model import (
        Account,
        CodeMethod,
        Entry,
        Onboarding,
        Owner,
        PhoneNumber,
        Reason,
        State,
    )

__version__ = "0.1.0"

__all__ = [
    "Account",
    "ChainBrokenError",
    "ChannelError",
    "Clock",
    "CodeIntake",
    "CodeMethod",
    "ConfigurationError",
    "ConflictError",
    "Engine",
    "Entry",
    "GraphError",
    "HistoryEntry",
    "ImportFileError",
    "InputError",
    "NotFoundError",
    "NumberError",
    "NumberRequest",
    "Onboarding",
    "OnboardingError",
    "OpenOperation",
    "Owner",
    "Page",
    "Pass",
    "PhoneNumber",
    "Reason",
    "Receipt",
    "RequestsRefusedError",
    "SchemaError",
    "SignatureError",
    "State",
    "StoreError",
    "SystemClock",
    "TransitionRefusedError",
    "Worker",
]

_HOMES = {
    "onboarding.clock": ("Clock", "SystemClock"),
    "onboarding.dispatch.worker": ("Worker",),
    "onboarding.engine.accept": ("Receipt",),
    "onboarding.engine.requests": ("NumberRequest", "RequestsRefusedError"),
    "onboarding.engine.context": ("CodeIntake",),
    "onboarding.engine.settling": ("OpenOperation",),
    "onboarding.engine.facade": ("Engine", "Page", "Pass"),
    "onboarding.errors": (
        "ChainBrokenError",
        "ChannelError",
        "ConfigurationError",
        "ConflictError",
        "GraphError",
        "ImportFileError",
        "InputError",
        "NotFoundError",
        "NumberError",
        "OnboardingError",
        "SchemaError",
        "SignatureError",
        "StoreError",
        "TransitionRefusedError",
    ),
    "onboarding.model": (
        "Account",
        "CodeMethod",
        "Entry",
        "Onboarding",
        "Owner",
        "PhoneNumber",
        "Reason",
        "State",
    ),
}
_HOME = {name: home for home, names in _HOMES.items() for name in names}


def __getattr__(name: str) -> object:
    if name == "HistoryEntry":
        return import_module("onboarding.core.chain").Entry
    if name in _HOME:
        return getattr(import_module(_HOME[name]), name)
    raise AttributeError(f"module 'onboarding' has no attribute '{name}'")


def __dir__() -> list[str]:
    return sorted(__all__)
