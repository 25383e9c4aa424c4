"""The reference of operations: the calls, how each is protected, and every waiting time."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import fields
from datetime import timedelta
from typing import Any

from docs.generating.markdown import code, table
from onboarding.core.operations import POLICIES, OnSilence
from onboarding.core.policy import Policy, Rung
from onboarding.graph import pool_requests, requests
from onboarding.graph.requests import GraphRequest
from onboarding.model import CodeMethod, Operation

_WABA, _NUMBER, _BUSINESS, _ENTRY = "11111", "22222", "33333", "44444"
_SECRET = "-"  # noqa: S105 - a sample
_NAMES = {_WABA: "WABA", _NUMBER: "number", _BUSINESS: "business", _ENTRY: "pre-verified number"}
_SAMPLES: Mapping[Operation, Callable[[], GraphRequest]] = {
    Operation.CREATE_NUMBER: lambda: requests.create_number(
        _WABA, cc="1", phone_number="6315551000", verified_name="Lucky Shrub"
    ),
    Operation.MIGRATE_NUMBER: lambda: requests.create_number(
        _WABA, cc="1", phone_number="6315551000", verified_name=None, migrate_phone_number=True
    ),
    Operation.REQUEST_CODE: lambda: requests.request_code(
        _NUMBER, _WABA, code_method=CodeMethod.SMS, language="en_US"
    ),
    Operation.VERIFY_CODE: lambda: requests.verify_code(_NUMBER, _WABA, code="123830"),
    Operation.REGISTER: lambda: requests.register(_NUMBER, _WABA, pin="012345"),
    Operation.DEREGISTER: lambda: requests.deregister(_NUMBER, _WABA),
    Operation.SET_PIN: lambda: requests.set_pin(_NUMBER, _WABA, pin="012345"),
    Operation.SET_DISPLAY_NAME: lambda: requests.set_display_name(
        _NUMBER, _WABA, new_display_name="Lucky Shrub"
    ),
    Operation.SUBSCRIBE_APP: lambda: requests.subscribe_app(_WABA),
    Operation.SET_CALLBACK: lambda: requests.set_callback(
        _WABA, uri="https://hooks.example", verify_token=_SECRET
    ),
    Operation.EXCHANGE_CODE: lambda: requests.exchange_code(
        _WABA, app_id="0", app_secret=_SECRET, code=_SECRET
    ),
    Operation.ADD_PREVERIFIED: lambda: pool_requests.add_preverified(
        _BUSINESS, _WABA, phone_number="16315551000"
    ),
    Operation.REQUEST_PREVERIFIED_CODE: lambda: pool_requests.request_preverified_code(
        _ENTRY, _WABA, code_method=CodeMethod.SMS, language="en_US"
    ),
    Operation.VERIFY_PREVERIFIED: lambda: pool_requests.verify_preverified(
        _ENTRY, _WABA, code="123830"
    ),
    Operation.SHARE_PREVERIFIED: lambda: pool_requests.share_preverified(
        _BUSINESS, _WABA, preverified_id=_ENTRY, partner_business_id="55555"
    ),
    Operation.UNSHARE_PREVERIFIED: lambda: pool_requests.unshare_preverified(
        _BUSINESS, _WABA, preverified_id=_ENTRY, partner_business_id="55555"
    ),
    Operation.DELETE_PREVERIFIED: lambda: pool_requests.delete_preverified(_ENTRY, _WABA),
}
_SILENCE = {
    OnSilence.PROBE: "the list is asked",
    OnSilence.COUNT_AS_DONE: "it counts as done",
    OnSilence.REPEAT: "it is made again",
}
_WINDOWS = {
    Operation.REQUEST_CODE: ("request_code_per_window", "attempt_window"),
    Operation.REQUEST_PREVERIFIED_CODE: ("request_code_per_window", "attempt_window"),
    Operation.REGISTER: ("register_per_window", "attempt_window"),
    Operation.DEREGISTER: ("register_per_window", "attempt_window"),
    Operation.SET_DISPLAY_NAME: ("renames_per_window", "rename_limit_window"),
}

#: Fields of ``Policy`` that its docstring does not list.
_SCHEDULES = {
    "attempt_window": "Meta's moving window for the calls of one number",
    "rename_limit_window": "Meta's moving window for changes of one display name",
    "transient": "gaps between tries after a passing failure",
    "transient_tries": "failures of one kind in a row, after which a person is asked",
    "lost": "gaps before a call is repeated that was lost, as a probe showed",
    "certificate": "gaps between register calls while Meta still works on the name (100/2388001)",
    "certificate_tries": "such refusals, after which a person is asked",
    "code_refused": "gaps between request_code calls that Meta refused (136024)",
    "code_refused_tries": "such refusals, after which a person is asked",
    "code_volume_repeated": "the wait after a second volume limit in a row (136024/2388367)",
    "code_resend": "gaps between codes that go unread",
    "poll_connecting": "gaps between reads of the list after an accepted registration",
    "poll_review": "gaps between reads of the list while a name is in review",
    "poll_absent": "gaps between reads of the list for a number that is not on it",
    "poll_idle": "gaps between reads of the list while a person has to act",
    "poll_claim": "gaps between looks at a claimed number of the pool until its new id is known",
    "delivery": "gaps between tries of a message, and up to a quarter of each on top",
    "delivery_tries": "tries after which a message is a dead letter",
    "reregister_after": "how long CONNECTED may take before an accepted registration is made again",
}

#: Settings that set a field of the policy.
_SETTINGS = {
    "lease": "LEASE_SECONDS",
    "send_within": "SEND_WITHIN_SECONDS",
    "call_timeout": "CALL_TIMEOUT_SECONDS",
    "settle": "SETTLE_SECONDS",
    "policy_window": "POLICY_DAYS",
    "list_interval": "LIST_INTERVAL_SECONDS",
    "waba_calls_per_hour": "WABA_CALLS_PER_HOUR",
    "active_waba_calls_per_hour": "ACTIVE_WABA_CALLS_PER_HOUR",
    "app_calls_per_hour": "APP_CALLS_PER_HOUR",
    "code_fallback": "CODE_FALLBACK_MINUTES",
    "quiet_hours": "QUIET_HOURS",
}


def operations() -> str:
    """Return a row per operation."""
    rows = [
        (
            code(operation.value),
            code(_call(operation)),
            _SILENCE[policy.on_silence],
            _guard(operation),
            _window(operation),
            policy.why,
        )
        for operation, policy in POLICIES.items()
    ]
    header = ("operation", "call", "if it is not answered", "never twice", "limit", "why")
    return table(header, rows)


def _call(operation: Operation) -> str:
    request = _SAMPLES[operation]()
    path = request.path
    for id_, name in _NAMES.items():
        path = path.replace(id_, f"{{{name}}}")
    return f"{request.method} {path}"


def _guard(operation: Operation) -> str:
    policy = POLICIES[operation]
    if policy.never_again:
        return "for ever, whatever came of it"
    return "while open or succeeded" if policy.once else ""


def _window(operation: Operation) -> str:
    if not POLICIES[operation].counted:
        return ""
    count, window = (getattr(Policy(), name) for name in _WINDOWS[operation])
    return f"{count} per number in {_told(window)}"


def policy() -> str:
    """Return a row per waiting time and limit."""
    words = _documented() | _SCHEDULES
    rows = [
        (
            code(field.name),
            _told(getattr(Policy(), field.name)),
            words[field.name],
            code(f"ONBOARDING_{_SETTINGS[field.name]}") if field.name in _SETTINGS else "",
        )
        for field in fields(Policy)
    ]
    return table(("name", "value", "meaning", "setting"), rows)


def _documented() -> dict[str, str]:
    """Return what the docstring of ``Policy`` says of its attributes."""
    listed = (Policy.__doc__ or "").partition("Attributes:")[2]
    found = re.findall(r"^ {8}(\w+): (.+(?:\n {12}.+)*)", listed, re.MULTILINE)
    return {name: " ".join(text.split()).replace("``", "`").rstrip(".") for name, text in found}


def _told(value: Any) -> str:
    if isinstance(value, timedelta):
        seconds = value.total_seconds()
        for unit, size, least in (("d", 86400, 7), ("h", 3600, 1), ("min", 60, 1)):
            if seconds % size == 0 and seconds >= least * size:
                return f"{seconds / size:.0f} {unit}"
        return f"{seconds:.0f} s"
    if isinstance(value, Rung):
        return f"{value.name} at {value.share:.3g}"
    if isinstance(value, tuple):
        return ", ".join(_told(each) for each in value)
    return str(value)
