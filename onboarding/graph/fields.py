"""The way out when Meta does not know a field: one such field fails a whole read.

Fields differ per version and per app, so the field that the refusal names is dropped and the
read sent again. Source: Meta's rules, listing numbers.
"""

from __future__ import annotations

import re
from collections.abc import Set as AbstractSet
from dataclasses import replace

from onboarding.graph.errors import GraphErrorBody
from onboarding.graph.requests import GraphRequest

_NONEXISTING = re.compile(r"nonexisting field \(([A-Za-z0-9_]{1,80})\)")
_INVALID_PARAMETER = 100


def find_unknown_field(error: GraphErrorBody | None) -> str | None:
    """Return the field that a refusal says does not exist, or ``None`` for any other refusal."""
    if error is None or error.code != _INVALID_PARAMETER:
        return None
    match = _NONEXISTING.search(error.message)
    return match.group(1) if match else None


def drop_fields(request: GraphRequest, names: AbstractSet[str]) -> tuple[GraphRequest, list[str]]:
    """Return the request without these fields, and those that it had asked for.

    ``id``, which Meta always has, is never dropped, and is asked for where nothing else is left.
    """
    asked = split_fields(request.params.get("fields", ""))
    dropped = [item for item in asked if _name_of(item) in names - {"id"}]
    if not dropped:
        return request, []
    kept = [item for item in asked if item not in dropped] or ["id"]
    params = {**request.params, "fields": ",".join(kept)}
    return replace(request, params=params), [_name_of(item) for item in dropped]


def split_fields(fields: str) -> list[str]:
    """Split a ``fields`` parameter at its top-level commas: ``a,b{c,d}`` has two."""
    items = [""]
    depth = 0
    for char in fields:
        depth += {"{": 1, "}": -1}.get(char, 0)
        if char == "," and depth == 0:
            items.append("")
        else:
            items[-1] += char
    return [item.strip() for item in items if item.strip()]


def _name_of(item: str) -> str:
    return re.split(r"[.{(]", item, maxsplit=1)[0].strip()
