"""Where the CPU of a worker goes, by layer, as py-spy sees it from outside.

It needs no turn of the interpreter's: code that seldom gives its turn away counts as it should.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from pathlib import Path

_PY_SPY = Path(__file__).resolve().parent.parent / ".bench" / "bin" / "py-spy"
_HOW = "--nonblocking --rate 50 --format raw --full-filenames"

_REST = "the engine between them"

#: Whose code is of which layer: the innermost frame that fits counts, by the first part of it.
_LAYERS = {
    "/onboarding/core/chain.py": "histories",
    "/onboarding/store/history.py": "histories",
    "/onboarding/store/": "database",
    "/sqlalchemy/": "database",
    "/psycopg": "database",
    "/onboarding/graph/": "HTTP",
    "/aiohttp/": "HTTP",
    "/httpx": "HTTP",
    "/asyncio/": "HTTP",
    "/onboarding/core/": "rules",
    "/onboarding/model/": "rules",
    "/onboarding/engine/": _REST,
    "/onboarding/dispatch/": _REST,
}


def sampler(into: Path) -> list[str]:
    """Return the command under which a program is run to note where it uses CPU.

    Raises:
        RuntimeError: py-spy is missing.
    """
    if not _PY_SPY.exists():
        raise RuntimeError("the environment of the peers is missing; run: make bench")
    return [str(_PY_SPY), "record", *_HOW.split(), "--output", str(into), "--"]


def shares(noted: Path) -> str:
    """Say which share each layer has of what was noted, most first."""
    layers: Counter[str] = Counter()
    for line in noted.read_text().splitlines():
        stack, _, samples = line.rpartition(" ")
        layers[_layer_of(reversed(stack.split(";")))] += int(samples)
    total = layers.total()
    return ", ".join(f"{layer} {count / total:.0%}" for layer, count in layers.most_common())


def _layer_of(inwards: Iterable[str]) -> str:
    for frame in inwards:
        for part, layer in _LAYERS.items():
            if part in frame:
                return layer
    return _REST
