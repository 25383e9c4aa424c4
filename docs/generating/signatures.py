"""Signatures and docstrings of Python objects as Markdown."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import MISSING, Field, fields, is_dataclass
from enum import Enum
from typing import Any

from docs.generating.markdown import code, prose


class _AsWritten:
    """Something that shows as a text."""

    def __init__(self, text: str) -> None:
        self._text = text

    def __repr__(self) -> str:
        return self._text


def signature(function: Callable[..., Any]) -> str:
    """Return the parameters and the result of a function, without ``self``."""
    found = inspect.signature(function)
    parameters = [
        p.replace(annotation=_annotation(p.annotation), default=_default(p.default))
        for p in found.parameters.values()
        if p.name not in ("self", "cls")
    ]
    return_annotation = _annotation(found.return_annotation)
    return str(found.replace(parameters=parameters, return_annotation=return_annotation))


def _annotation(given: Any) -> Any:
    """Return an annotation that shows as it stands in the source."""
    if given is inspect.Parameter.empty or given is inspect.Signature.empty:
        return given
    return _AsWritten(given if isinstance(given, str) else getattr(given, "__name__", str(given)))


def _default(given: Any) -> Any:
    """Return a default that shows the same on every run."""
    return given if given is inspect.Parameter.empty else _AsWritten(written(given))


def written(value: Any) -> str:
    """Return a value as a person would write it; a function is left out."""
    if isinstance(value, Enum):
        return f"{type(value).__name__}.{value.name}"
    return "..." if callable(value) else repr(value).removeprefix("datetime.")


def section(
    name: str,
    kind: type[Any],
    words: Mapping[str, str] | None = None,
    *,
    is_made: bool = False,
) -> str:
    """Return the section of one class: what it is, its fields, members, methods.

    Args:
        name: its public name.
        kind: the class.
        words: what its fields mean; of a class that is given words, no other field is shown.
        is_made: callers make it by calling the class, so that its parameters are shown.
    """
    lines = [f"### {name}", "", prose(kind.__doc__), ""]
    if is_made:
        made = signature(vars(kind)["__init__"]).removesuffix(" -> None")
        lines += [f"- {code(name + made)}: see its docstring."]
    if issubclass(kind, Enum):
        lines += [", ".join(code(str(member.value)) for member in kind), ""]
    elif is_dataclass(kind):
        lines += [*_dataclass_fields(kind, words), ""]
    lines += _methods(kind)
    return "\n".join(lines).rstrip() + "\n"


def function(name: str, made: Callable[..., Any]) -> str:
    """Return the section of one function."""
    return f"### {name}\n\n{code(name + signature(made))}: {prose(made.__doc__)}\n"


def attributes(kind: type[Any]) -> Mapping[str, str]:
    """Return what the ``Attributes:`` of a docstring say, by name."""
    listed = inspect.cleandoc(kind.__doc__ or "").partition("Attributes:")[2]
    found = re.findall(r"^ {4}(\w+): (.+(?:\n {8}.+)*)", listed, re.MULTILINE)
    return {name: prose(text).rstrip(".") for name, text in found}


def default_of(field: Field[Any]) -> str:
    """Return a field's default as it is written; empty if it has none."""
    if field.default_factory is not MISSING:
        return written(field.default_factory())
    return "" if field.default is MISSING else written(field.default)


def _dataclass_fields(kind: type[Any], words: Mapping[str, str] | None) -> Iterator[str]:
    known = attributes(kind) if words is None else words
    for field in fields(kind):
        if field.name.endswith("_sealed") or (words is not None and field.name not in words):
            continue
        default = default_of(field)
        shown = f"{field.name}: {field.type}" + (f" = {default}" if default else "")
        meaning = known.get(field.name, "")
        yield f"- {code(shown)}" + (f": {meaning}" if meaning else "")


def _members(kind: type[Any]) -> Iterator[tuple[str, Any]]:
    """Yield what a class can do, the parts that ``Engine`` is put together from included."""
    yield from vars(kind).items()
    for base in kind.__mro__[1:]:
        if base.__module__.startswith("onboarding.engine.face."):
            yield from vars(base).items()


def _methods(kind: type[Any]) -> Iterator[str]:
    for name, member in _members(kind):
        if name.startswith("_"):
            continue
        plain = member.__func__ if isinstance(member, classmethod) else member
        if isinstance(plain, property):
            yield f"- {code(name)}: {prose(plain.__doc__)}"
        elif inspect.isfunction(plain):
            yield f"- {code(name + signature(plain))}: {prose(plain.__doc__)}"
