"""Copies of frozen records with some of their fields changed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

__all__ = ["changed"]

if TYPE_CHECKING:
    # The same to a type checker, which knows the names and types that it takes.
    from dataclasses import replace as changed
else:

    def changed(record: Any, **changes: Any) -> Any:
        """Return a copy of a frozen dataclass without slots, with some fields changed.

        It is ``dataclasses.replace`` at a tenth of its time: a step copies its onboarding several
        times over, and an onboarding has many fields.

        Raises:
            TypeError: a change names no field.
        """
        fields = record.__dict__ | changes
        if len(fields) != len(record.__dict__):
            unknown = ", ".join(sorted(changes.keys() - record.__dict__.keys()))
            raise TypeError(f"{type(record).__name__} has no field {unknown}")
        made = object.__new__(type(record))
        object.__setattr__(made, "__dict__", fields)
        return made
