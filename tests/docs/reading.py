"""The pages that tests look at: all Markdown for readers, but for the records of decisions."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
DOCS = ROOT / "docs"
PAGES = sorted(
    [
        *(page for page in DOCS.rglob("*.md") if page.parent.name != "adr"),
        *(ROOT / name for name in ("CHANGELOG.md", "CONTRIBUTING.md", "README.md", "SECURITY.md")),
        ROOT / "examples" / "README.md",
    ]
)

_FENCE = re.compile(
    r"^(?P<indent> *)```(?P<language>\w*)\n(?P<body>.*?)^(?P=indent)```", re.MULTILINE | re.DOTALL
)


def name_of(page: Path) -> str:
    """Return the path of a page below the repository, for the names of tests."""
    return str(page.relative_to(ROOT))


def page(name: str) -> str:
    """Return the text of a page below ``docs/``."""
    return (DOCS / name).read_text()


def fences(text: str) -> Iterator[tuple[str, str]]:
    """Yield language and body of every fenced block."""
    for match in _FENCE.finditer(text):
        indent = len(match["indent"])
        body = "".join(line[indent:] or "\n" for line in match["body"].splitlines(keepends=True))
        yield match["language"], body


def without_fences(text: str) -> str:
    """Return a text without its fenced blocks."""
    return _FENCE.sub("", text)


def anchors(text: str) -> set[str]:
    """Return the anchors of a page's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", without_fences(text), re.MULTILINE)
    return {anchor(heading) for heading in headings}


def anchor(heading: str) -> str:
    """Return the anchor of a heading."""
    plain = re.sub(r"[^\w\- ]", "", heading.replace("`", "").strip().lower())
    return plain.replace(" ", "-")
