"""Faults as scenarios and the control endpoint describe them."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from onboarding.simulator.durations import DurationRange

FaultKind = Literal[
    "latency",
    "timeout_after_effect",
    "drop_before_effect",
    "drop_after_effect",
    "half_body",
    "error_500_transient",
    "html_502",
    "refuse",
    "success_as_string",
    "missing_paging",
    "empty_page_with_next",
    "flapping_status",
    "lagging_list",
    "unknown_enum",
    "localised_user_msg",
    "throttle",
]
Language = Literal["de", "es", "pt"]
Subcode = Annotated[int, Field(ge=1)]

_COMMON = {"kind", "endpoint", "number", "rate", "attempts", "times"}
_PARAMETERS: dict[FaultKind, set[str]] = {
    "latency": {"seconds"},
    "timeout_after_effect": {"seconds"},
    "error_500_transient": {"after_effect"},
    "html_502": {"after_effect"},
    "refuse": {"after_effect", "code", "subcode", "status", "is_transient"},
    "flapping_status": {"value"},
    "lagging_list": {"seconds"},
    "unknown_enum": {"field", "value"},
    "localised_user_msg": {"language"},
    "throttle": {"seconds", "scope"},
}


class Settings(BaseModel):
    """A group of keys; a key that is not listed is refused, digits need no quotes."""

    model_config = ConfigDict(extra="forbid", frozen=True, coerce_numbers_to_str=True)


class FaultSettings(Settings):
    """Something that goes wrong, for whom and how often.

    Without ``rate``, ``attempts`` and ``times`` it hits every call that matches. ``attempts``
    and ``times`` count per endpoint and number. ``number`` is digits, or a pattern of them.
    The other keys belong to single kinds.
    """

    kind: FaultKind
    endpoint: str | None = None
    number: str | None = None
    rate: Annotated[float, Field(ge=0, le=1)] | None = None
    attempts: tuple[Annotated[int, Field(ge=1)], ...] | None = None
    times: Annotated[int, Field(ge=1)] | None = None
    seconds: DurationRange | None = None
    after_effect: bool = False
    field: str = "status"
    value: str | None = None
    language: Language = "pt"
    scope: Literal["waba", "app", "token"] = "waba"
    code: Annotated[int, Field(ge=0)] = 1
    subcode: Subcode | None = None
    status: Annotated[int, Field(ge=400, le=599)] = 400
    is_transient: bool = False

    @model_validator(mode="after")
    def _check_parameters(self) -> FaultSettings:
        allowed = _COMMON | _PARAMETERS.get(self.kind, set())
        fields = type(self).model_fields
        strange = sorted(
            name
            for name in self.model_fields_set - allowed
            if getattr(self, name) != fields[name].default
        )
        if strange:
            told = ", ".join(sorted(allowed))
            raise ValueError(f"{self.kind} has no {', '.join(strange)}; allowed: {told}")
        return self
