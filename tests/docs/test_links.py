"""Every link leads somewhere, and every file that is mentioned exists."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.docs.reading import PAGES, ROOT, anchors, name_of, without_fences

_LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
_MENTIONED = re.compile(
    r"`((?:onboarding|docs|tests|examples|alembic|benchmarks)/[\w./-]*\w\.\w+|(?:docs|examples)/[\w/]+)`"
)

#: What must not stand in anything that readers get.
_INSIDE = re.compile(r"/work/|/tmp/|\bissue #?\d|\bseeds?/|graph-api\.md|\bTODO\b", re.IGNORECASE)


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_relative_link_leads_somewhere(page: Path) -> None:
    for target in _LINK.findall(without_fences(page.read_text())):
        if re.match(r"https?:|mailto:", target):
            continue
        path, _, anchor = target.partition("#")
        found = (page.parent / path).resolve() if path else page
        assert found.exists(), f"{name_of(page)} -> {target}"
        assert found.is_relative_to(ROOT)
        if anchor:
            assert anchor in anchors(found.read_text()), f"{name_of(page)} -> {target}"


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_file_that_is_mentioned_exists(page: Path) -> None:
    missing = [path for path in _MENTIONED.findall(page.read_text()) if not (ROOT / path).exists()]
    assert missing == []


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_nothing_of_our_workshop_is_mentioned(page: Path) -> None:
    assert _INSIDE.findall(page.read_text()) == []


def test_every_page_can_be_reached_from_the_index() -> None:
    index = (ROOT / "docs" / "index.md").read_text()
    linked = {
        (ROOT / "docs" / target.partition("#")[0]).resolve() for target in _LINK.findall(index)
    }
    pages = {page for page in PAGES if page.is_relative_to(ROOT / "docs")}
    lost = {name_of(page) for page in pages - linked}
    assert lost <= {"docs/index.md", "docs/reference/performance.md"}
