"""The reference of settings: every field of ``Settings``."""

from __future__ import annotations

from types import NoneType
from typing import Any, get_args

from pydantic.fields import FieldInfo

from docs.generating.markdown import code, table
from onboarding.settings import Settings

_NAMES = {"str": "text", "int": "whole number", "float": "number", "SecretStr": "secret text"}


def settings() -> str:
    """Return a row per setting."""
    rows = [
        (
            code(f"ONBOARDING_{name.upper()}"),
            _type(name, field),
            code(str(field.default)) if field.default is not None else "none",
            field.description or "",
        )
        for name, field in Settings.model_fields.items()
    ]
    return table(("variable", "type", "default", "meaning"), rows)


def _type(name: str, field: FieldInfo) -> str:
    kinds = [each for each in (get_args(field.annotation) or (field.annotation,)) if each]
    kind = next(each.__name__ for each in kinds if each is not NoneType)
    told = "seconds" if name.endswith("_seconds") else _NAMES.get(kind, kind.lower())
    return f"{told}{_bounds(field.metadata)}"


def _bounds(metadata: list[Any]) -> str:
    found = {
        name: value
        for each in metadata
        for name in ("gt", "ge", "le", "pattern")
        if (value := getattr(each, name, None)) is not None
    }
    if "ge" in found and "le" in found:
        return f", {found['ge']} to {found['le']}"
    if "gt" in found:
        return f", above {found['gt']}"
    if "ge" in found:
        return f", from {found['ge']}"
    return f", matches `{found['pattern']}`" if "pattern" in found else ""
