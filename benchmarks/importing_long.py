"""Whether a file of 100,000 rows costs the same per row, and no more memory, than a short one."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks.importing import write
from benchmarks.measure import Measured

_SHORT, _LONG = 2_000, 100_000
_MOST = 1.5
_MOST_GROWTH_MB = 32

_PROGRAM = """
import json, resource, sys, time
from onboarding import BatchOrder, Engine, RequestFile
from pathlib import Path

folder = Path(sys.argv[1])
with Engine.open(f"sqlite:///{folder}/onboarding.db", upgrade=True) as engine:
    engine.add_account("102290129340398", "EAAbench")
    started = time.perf_counter()
    order = BatchOrder(name="long", canary=5)
    report = engine.batches.import_file(RequestFile(path=folder / "numbers.csv"), batch=order)
    taken = time.perf_counter() - started
rss = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
print(json.dumps({"rows": report.results["created"], "seconds": taken, "rss_kib": rss}))
"""


def measure() -> list[Measured]:
    """Import a short and a long file into a batch, each in a process of its own."""
    short, long = _run(_SHORT), _run(_LONG)
    ratio = (long["seconds"] / _LONG) / (short["seconds"] / _SHORT)
    per_row = ", ".join(
        f"{size:,}: {each['seconds'] / size * 1000:.2f} ms"
        for size, each in ((_SHORT, short), (_LONG, long))
    )
    resident = [each["rss_kib"] / 1024 for each in (short, long)]
    growth = resident[1] - resident[0]
    return [
        Measured(
            what=f"import into a batch, time per row, {_LONG:,} beside {_SHORT:,}",
            value=f"{ratio:.2f} x ({per_row})",
            bound=f"at most {_MOST} x",
            is_met=ratio <= _MOST,
        ),
        Measured(
            what=f"import into a batch, largest resident size, {_LONG:,} beside {_SHORT:,}",
            value=f"{growth:+.0f} MiB ({resident[0]:.0f} MiB, {resident[1]:.0f} MiB)",
            bound=f"at most +{_MOST_GROWTH_MB} MiB",
            is_met=growth <= _MOST_GROWTH_MB,
        ),
    ]


def _run(size: int) -> dict[str, float]:
    with tempfile.TemporaryDirectory() as folder:
        write(Path(folder) / "numbers.csv", size)
        done = subprocess.run(  # noqa: S603 - our own program
            [sys.executable, "-c", _PROGRAM, folder], capture_output=True, text=True, check=True
        )
    told: dict[str, float] = json.loads(done.stdout)
    assert told["rows"] == size
    return told
