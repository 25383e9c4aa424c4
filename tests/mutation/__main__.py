"""Takes out each part of the guarantee in turn, and shows that the tests notice.

::

    python -m tests.mutation
"""

from __future__ import annotations

import sys

from tests.mutation.mutants import MUTANTS
from tests.mutation.running import judge


def main() -> int:
    """Print a line per part; return 0 if the tests pass as it is, and notice everything."""
    whole = judge(())
    print("as it is:", "passes" if whole.passed else f"FAILS: {', '.join(whole.failed)}")  # noqa: T201 - a script
    missed = 0
    for part, edits in MUTANTS.items():
        verdict = judge(edits)
        missed += verdict.passed
        told = "NOT NOTICED" if verdict.passed else f"noticed by {', '.join(verdict.failed)}"
        print(f"without {part}: {told}", flush=True)  # noqa: T201 - the same
    return 0 if whole.passed and not missed else 1


if __name__ == "__main__":
    sys.exit(main())
