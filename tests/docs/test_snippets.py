"""The Python of the pages runs, block after block, against a simulator; the rest is sound."""

from __future__ import annotations

import ast
import os
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest
import yaml

from onboarding.simulator import Simulator, make_scenario
from tests.docs.reading import PAGES, fences, name_of

_RUN = re.compile(r"^ *<!-- run -->\n(?P<body> *```python\n.*?```)", re.MULTILINE | re.DOTALL)
RUN = [page for page in PAGES if _RUN.search(page.read_text())]


def runnable(text: str) -> Iterator[str]:
    """Yield the Python blocks that a page says can be run."""
    for match in _RUN.finditer(text):
        lines = dedent(match["body"]).splitlines()
        yield "\n".join(lines[1:-1])


@pytest.fixture
def namespace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, Any]]:
    """What a reader has: an empty folder, a Graph API, and a token for it."""
    monkeypatch.chdir(tmp_path)
    for name in list(os.environ):
        if name.startswith("ONBOARDING_"):
            monkeypatch.delenv(name)
    with Simulator() as simulator:
        monkeypatch.setenv("ONBOARDING_GRAPH_BASE_URL", simulator.base_url)
        yield {"TOKEN": simulator.token, "__name__": "page"}


@pytest.mark.parametrize("page", RUN, ids=name_of)
def test_the_python_of_the_page_runs(page: Path, namespace: dict[str, Any]) -> None:
    blocks = list(runnable(page.read_text()))
    for number, block in enumerate(blocks, 1):
        exec(compile(block, f"{name_of(page)}, block {number}", "exec"), namespace)  # noqa: S102 - the pages are our own
    assert blocks


def test_the_page_on_embedding_is_run_whole() -> None:
    page = next(page for page in PAGES if page.name == "embed-in-python.md")
    shown = [body for language, body in fences(page.read_text()) if language == "python"]
    assert len(list(runnable(page.read_text()))) == len(shown)


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_block_is_sound_in_its_language(page: Path) -> None:
    for language, body in fences(page.read_text()):
        match language:
            case "python":
                assert ast.parse(body).body
            case "yaml":
                assert make_scenario(yaml.safe_load(body)).seed
            case "toml":
                assert tomllib.loads(body)
            case "console":
                assert re.match(r"\$ ", body), body
            case other:
                assert other in ("", "text", "ini", "json", "mermaid", "sh", "bash"), other
