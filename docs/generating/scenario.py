"""The reference of scenario files: every key of every group, from the models that check them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from docs.generating.markdown import code, prose, table
from docs.generating.scenario_words import WORDS
from onboarding.simulator import Scenario

_BASICS = {"str": "text", "int": "whole number", "float": "number", "bool": "yes or no"}
_DIGITS = {"^[0-9]+$": "digits", "^[0-9]{6}$": "six digits"}


def groups() -> list[tuple[str, type[BaseModel]]]:
    """Return every group of keys with the path that leads to it, the whole scenario first."""
    return list(_below("", Scenario))


def _below(path: str, model: type[BaseModel]) -> Iterator[tuple[str, type[BaseModel]]]:
    yield path, model
    for name, field in model.model_fields.items():
        for inner in _models(field.annotation):
            many = "[]" if get_origin(field.annotation) is tuple else ""
            yield from _below(f"{path}.{name}{many}".lstrip("."), inner)


def _models(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for argument in get_args(annotation):
        yield from _models(argument)


def keys() -> str:
    """Return a section per group, with a row per key."""
    seen: set[type[BaseModel]] = set()
    parts = []
    for path, model in groups():
        heading = f"#### {code(path) if path else 'The whole scenario'}\n\n{prose(model.__doc__)}\n"
        if model in seen:
            parts.append(f"{heading}\nThe same keys as above.\n")
            continue
        seen.add(model)
        parts.append(f"{heading}\n{rows(model)}")
    return "\n".join(parts)


def rows(model: type[BaseModel]) -> str:
    """Return a row per key of a model.

    Raises:
        KeyError: a key has no words in ``scenario_words``.
    """
    found = [
        (code(name), type_of(field), default_of(field), WORDS[model.__name__][name])
        for name, field in model.model_fields.items()
    ]
    return table(("key", "type", "default", "meaning"), found)


def type_of(field: FieldInfo) -> str:
    """Return the type of a key in words."""
    if any("parse_span" in str(each) for each in field.metadata):
        return "range of durations"
    if any("parse_duration" in str(each) for each in field.metadata):
        return "duration"
    pattern = next((str(p) for m in field.metadata if (p := getattr(m, "pattern", None))), None)
    return _DIGITS.get(pattern or "", _type(field.annotation))


def _type(annotation: Any) -> str:
    origin, inner = get_origin(annotation), get_args(annotation)
    if origin is Literal:
        return " or ".join("yes" if value is True else code(str(value)) for value in inner)
    if origin in (Union, UnionType):
        return " or ".join(_type(each) for each in inner if each is not NoneType)
    if origin is tuple:
        return f"list of {_type(inner[0])}"
    if origin is dict:
        return "anything"
    if hasattr(annotation, "__metadata__"):
        return _annotated(annotation)
    if issubclass(annotation, BaseModel):
        return "group"
    return _BASICS.get(annotation.__name__, "instant")


def _annotated(annotation: Any) -> str:
    told = str(annotation.__metadata__)
    if "parse_span" in told:
        return "range of durations"
    if "parse_duration" in told:
        return "duration"
    if "[0-9]{6}" in told:
        return "six digits"
    return "digits" if "^[0-9]+$" in told else _type(get_args(annotation)[0])


def default_of(field: FieldInfo) -> str:
    """Return the default of a key as it would be written in a scenario."""
    if field.is_required():
        return "required"
    value = field.get_default(call_default_factory=True)
    if isinstance(value, BaseModel) or value in ({}, ()):
        return ""
    if isinstance(value, tuple) and value and isinstance(value[0], BaseModel):
        return "one"
    return _written(value)


def _written(value: Any) -> str:
    if value is None:
        return "none"
    if isinstance(value, bool):
        return code("true" if value else "false")
    if isinstance(value, tuple):
        return code("[" + ", ".join(_written(each).strip("`") for each in value) + "]")
    if isinstance(value, timedelta):
        return code(_span(value))
    return code(str(value))


def _span(value: timedelta) -> str:
    seconds = value.total_seconds()
    for unit, size, least in (("d", 86400, 7), ("h", 3600, 1), ("m", 60, 2)):
        if seconds and seconds % size == 0 and seconds >= least * size:
            return f"{seconds / size:.0f}{unit}"
    return re.sub(r"\.0$", "", f"{seconds}") + "s"
