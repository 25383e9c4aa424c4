"""Every dispatcher in turn, on a deployment of its own."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.conformance.deployment import Deployment, deployed
from tests.conformance.dispatchers import KINDS, Dispatcher
from tests.conformance.redis_server import find_server, redis_server

NEED_BROKER = ("celery", "dramatiq")


@pytest.fixture(scope="session")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of a Redis server; it starts when first used."""
    binary = find_server()
    if binary is None:
        pytest.skip("no redis-server on this machine: apt-get install redis-server")
    with redis_server(binary, tmp_path_factory.mktemp("redis")) as url:
        yield url


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> str:
    """Which dispatcher."""
    return str(request.param)


@pytest.fixture
def deployment(kind: str, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Deployment]:
    """A deployment on the dispatcher's database; at its end no forbidden call was made."""
    is_server = KINDS[kind][1] == "postgresql"
    with deployed(tmp_path, request.getfixturevalue("postgres_url") if is_server else None) as made:
        yield made


@pytest.fixture
def dispatcher(
    kind: str, deployment: Deployment, request: pytest.FixtureRequest
) -> Iterator[Dispatcher]:
    """The dispatcher, with nothing running yet."""
    url = request.getfixturevalue("broker") if kind in NEED_BROKER else ""
    with closing(KINDS[kind][0](deployment, url)) as made:
        made.lose()  # what an earlier test left with the broker
        yield made
    deployment.require_no_faults()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Leave all but the local dispatcher on SQLite to ``make test-all``: it takes minutes."""
    here = Path(__file__).parent
    for item in items:  # all that there are, those of other folders too
        kind = item.callspec.params.get("kind", "") if hasattr(item, "callspec") else ""
        if item.path.parent == here and kind in KINDS and kind != "local-sqlite":
            item.add_marker(pytest.mark.slow)
