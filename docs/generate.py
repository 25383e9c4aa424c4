#!/usr/bin/env python3
"""Writes the generated parts of the documentation.

::

    python docs/generate.py          write what is made from the program
    python docs/generate.py --check  change nothing; say which pages are stale (exit status 1)
    python docs/generate.py --run    also run the examples of the pages, and write what they print

A generated part stands between ``<!-- generated: NAME -->`` and ``<!-- end: NAME -->``. A block
that is run stands below ``<!-- run -->``; see ``docs/generating/session.py``.
"""

from __future__ import annotations

import sys
from argparse import ArgumentParser
from pathlib import Path
from tempfile import TemporaryDirectory

from docs.generating.pages import DOCS, all_pages, fill
from docs.generating.session import has_runs, run_page


def main() -> int:
    """Write, or with ``--check`` compare; return the exit status."""
    parser = ArgumentParser(description="Write the generated parts of the documentation.")
    parser.add_argument("--check", action="store_true", help="change nothing, tell what is stale")
    parser.add_argument("--run", action="store_true", help="run the examples of the pages too")
    given = parser.parse_args()
    stale = [page for page in all_pages() if fill(page.read_text()) != page.read_text()]
    for page in stale:
        sys.stdout.write(f"{'stale' if given.check else 'written'}: {page.relative_to(DOCS)}\n")
        if not given.check:
            page.write_text(fill(page.read_text()))
    if given.run:
        for page in filter(has_runs, all_pages()):
            _run(page)
    return 1 if given.check and stale else 0


def _run(page: Path) -> None:
    with TemporaryDirectory() as folder:
        text = run_page(page, Path(folder)).as_markdown()
    told = "as before" if text == page.read_text() else "written"
    page.write_text(text)
    sys.stdout.write(f"run, {told}: {page.relative_to(DOCS)}\n")


if __name__ == "__main__":
    sys.exit(main())
