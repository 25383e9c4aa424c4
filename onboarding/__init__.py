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
    from onboarding.core.approvals import Approval
    from onboarding.core.attribution import Attribution
    from onboarding.core.chain import Entry as HistoryEntry
    from onboarding.core.code_ledger import CodeAttempt, CodeLedger
    from onboarding.core.code_links import CodeLink
    from onboarding.core.drift_findings import Finding
    from onboarding.core.forecast.assumptions import Assumptions
    from onboarding.core.forecast.outlook import Outlook
    from onboarding.core.migration_conditions import ConditionFinding
    from onboarding.core.migrations import Migration
    from onboarding.core.name_rules import NameFinding, check_display_name
    from onboarding.core.name_submissions import NameSubmission
    from onboarding.core.requirements import Requirement
    from onboarding.core.sms_gateways import Gateway, SmsRequest
    from onboarding.core.story import Story
    from onboarding.dispatch.worker import Worker
    from onboarding.engine.accept import Receipt
    from onboarding.engine.adoption import Adopted, Adoption
    from onboarding.engine.approvals import Approvals
    from onboarding.engine.batch_loading import BatchOrder
    from onboarding.engine.batches import BatchDesk, BatchView
    from onboarding.engine.code_links import MadeLink
    from onboarding.engine.context import CodeIntake
    from onboarding.engine.drifting import DriftDesk, DriftReport
    from onboarding.engine.facade import Engine, Pass
    from onboarding.engine.face.finding import Page
    from onboarding.engine.file_rows import ColumnMap
    from onboarding.engine.import_results import ImportReport, ImportResult
    from onboarding.engine.mailbox import MailRead
    from onboarding.engine.migrations import MigrationCheck, Migrations
    from onboarding.engine.offboarding import Offboarding
    from onboarding.engine.open_operation import OpenOperation
    from onboarding.engine.request_files import RequestFile
    from onboarding.engine.requests import NumberRequest, RequestsRefusedError
    from onboarding.engine.secrets import Rotation, Secrets
    from onboarding.engine.signups import Signups, SignupTaken
    from onboarding.engine.slots import PortfolioSlots, SlotDesk
    from onboarding.engine.sms_intake import SmsTaken
    from onboarding.engine.tokens import Tokens
    from onboarding.engine.whose_turn import Due, DuePage
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
        Business,
        CodeMethod,
        Entry,
        Onboarding,
        Owner,
        PhoneNumber,
        Reason,
        State,
        TokenFacts,
        What,
    )
    from onboarding.store.signups import Signup

__version__ = "0.1.0"

__all__ = [
    "Account",
    "Adopted",
    "Adoption",
    "Approval",
    "Approvals",
    "Assumptions",
    "Attribution",
    "BatchDesk",
    "BatchOrder",
    "BatchView",
    "Business",
    "ChainBrokenError",
    "ChannelError",
    "Clock",
    "CodeAttempt",
    "CodeIntake",
    "CodeLedger",
    "CodeLink",
    "CodeMethod",
    "ColumnMap",
    "ConditionFinding",
    "ConfigurationError",
    "ConflictError",
    "DriftDesk",
    "DriftReport",
    "Due",
    "DuePage",
    "Engine",
    "Entry",
    "Finding",
    "Gateway",
    "GraphError",
    "HistoryEntry",
    "ImportFileError",
    "ImportReport",
    "ImportResult",
    "InputError",
    "MadeLink",
    "MailRead",
    "Migration",
    "MigrationCheck",
    "Migrations",
    "NameFinding",
    "NameSubmission",
    "NotFoundError",
    "NumberError",
    "NumberRequest",
    "Offboarding",
    "Onboarding",
    "OnboardingError",
    "OpenOperation",
    "Outlook",
    "Owner",
    "Page",
    "Pass",
    "PhoneNumber",
    "PortfolioSlots",
    "Reason",
    "Receipt",
    "RequestFile",
    "RequestsRefusedError",
    "Requirement",
    "Rotation",
    "SchemaError",
    "Secrets",
    "SignatureError",
    "Signup",
    "SignupTaken",
    "Signups",
    "SlotDesk",
    "SmsRequest",
    "SmsTaken",
    "State",
    "StoreError",
    "Story",
    "SystemClock",
    "TokenFacts",
    "Tokens",
    "TransitionRefusedError",
    "What",
    "Worker",
    "check_display_name",
]

_HOMES = {
    "onboarding.clock": ("Clock", "SystemClock"),
    "onboarding.core.code_ledger": ("CodeAttempt", "CodeLedger"),
    "onboarding.core.code_links": ("CodeLink",),
    "onboarding.core.name_rules": ("NameFinding", "check_display_name"),
    "onboarding.core.name_submissions": ("NameSubmission",),
    "onboarding.core.sms_gateways": ("Gateway", "SmsRequest"),
    "onboarding.core.approvals": ("Approval",),
    "onboarding.core.migration_conditions": ("ConditionFinding",),
    "onboarding.core.migrations": ("Migration",),
    "onboarding.engine.approvals": ("Approvals",),
    "onboarding.engine.migrations": ("MigrationCheck", "Migrations"),
    "onboarding.engine.offboarding": ("Offboarding",),
    "onboarding.core.attribution": ("Attribution",),
    "onboarding.core.drift_findings": ("Finding",),
    "onboarding.core.forecast.assumptions": ("Assumptions",),
    "onboarding.core.forecast.outlook": ("Outlook",),
    "onboarding.core.requirements": ("Requirement",),
    "onboarding.core.story": ("Story",),
    "onboarding.dispatch.worker": ("Worker",),
    "onboarding.engine.accept": ("Receipt",),
    "onboarding.engine.batch_loading": ("BatchOrder",),
    "onboarding.engine.batches": ("BatchDesk", "BatchView"),
    "onboarding.engine.file_rows": ("ColumnMap",),
    "onboarding.engine.import_results": ("ImportReport", "ImportResult"),
    "onboarding.engine.request_files": ("RequestFile",),
    "onboarding.engine.slots": ("PortfolioSlots", "SlotDesk"),
    "onboarding.engine.requests": ("NumberRequest", "RequestsRefusedError"),
    "onboarding.engine.adoption": ("Adopted", "Adoption"),
    "onboarding.engine.code_links": ("MadeLink",),
    "onboarding.engine.drifting": ("DriftDesk", "DriftReport"),
    "onboarding.engine.context": ("CodeIntake",),
    "onboarding.engine.mailbox": ("MailRead",),
    "onboarding.engine.secrets": ("Rotation", "Secrets"),
    "onboarding.engine.open_operation": ("OpenOperation",),
    "onboarding.engine.signups": ("SignupTaken", "Signups"),
    "onboarding.engine.tokens": ("Tokens",),
    "onboarding.store.signups": ("Signup",),
    "onboarding.engine.sms_intake": ("SmsTaken",),
    "onboarding.engine.whose_turn": ("Due", "DuePage"),
    "onboarding.engine.facade": ("Engine", "Pass"),
    "onboarding.engine.face.finding": ("Page",),
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
        "Business",
        "CodeMethod",
        "Entry",
        "Onboarding",
        "Owner",
        "PhoneNumber",
        "Reason",
        "State",
        "TokenFacts",
        "What",
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
