"""Meta's ``fields`` parameter: which fields of a node are returned.

Plays Meta's rules: ``id`` always comes, a field without a value is left out, an unknown field
fails the whole call, ``throughput{level}`` picks within a field.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from onboarding.simulator.refusals import Reason, Refusal

Getter = Callable[[Any, Any], Any]
"""Returns a field's value from the world and the node; ``None`` means it has none."""


@dataclass(frozen=True, slots=True)
class Catalogue:
    """The fields of one type of node, and what differs in the documented profile."""

    getters: Mapping[str, Getter]
    defaults: Sequence[str]
    unknown: Reason
    node_type: str
    spellings: Mapping[str, Mapping[str, str]]

    def select(self, text: str | None) -> Selection:
        """Return what a ``fields`` parameter asks for.

        Raises:
            Refusal: a field does not exist.
        """
        wanted = dict.fromkeys(self.defaults, ()) if text is None else split_fields(text)
        for name in wanted:
            if name not in self.getters:
                available = ", ".join(sorted(self.getters))
                raise Refusal(self.unknown, field=name, node=self.node_type, available=available)
        pairs = [(name, self.getters[name], inner) for name, inner in wanted.items()]
        return Selection(pairs, self.spellings)

    def read(self, world: object, node: object, name: str) -> object:
        """Return one field's value as it is shown."""
        value = self.getters[name](world, node)
        return self.spellings.get(name, {}).get(value, value) if value is not None else None


@dataclass(frozen=True, slots=True)
class Selection:
    """The fields to return, in the order in which they were asked for, ``id`` last."""

    pairs: Sequence[tuple[str, Getter, Sequence[str]]]
    spellings: Mapping[str, Mapping[str, str]]

    def render(
        self, world: object, node: Any, distortion: Mapping[str, Any] | None = None
    ) -> dict[str, Any]:
        """Return a node's JSON; ``distortion`` replaces the values of fields asked for."""
        shown: dict[str, Any] = {}
        for name, getter, inner in self.pairs:
            value = getter(world, node)
            if value is None:
                continue
            if name in self.spellings:
                value = self.spellings[name].get(value, value)
            if inner and isinstance(value, dict):
                value = {key: value[key] for key in inner if key in value}
            shown[name] = value
        if distortion:
            shown |= {name: value for name, value in distortion.items() if name in shown}
        shown.pop("id", None)
        shown["id"] = node.id
        return shown


def split_fields(text: str) -> dict[str, Sequence[str]]:
    """Return the fields that a comma list names, each with what it picks within."""
    fields: dict[str, Sequence[str]] = {}
    for part in _split_outside_braces(text):
        name, _, inner = part.partition("{")
        fields[name.strip()] = tuple(
            piece.strip() for piece in inner.removesuffix("}").split(",") if piece.strip()
        )
    return fields


def _split_outside_braces(text: str) -> list[str]:
    parts, depth = [""], 0
    for character in text:
        depth += {"{": 1, "}": -1}.get(character, 0)
        if character == "," and depth == 0:
            parts.append("")
        else:
            parts[-1] += character
    return [part.strip() for part in parts if part.strip()]
