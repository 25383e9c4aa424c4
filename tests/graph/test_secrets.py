"""No token, PIN, code, app secret or proof in anything that may be read by others."""

from __future__ import annotations

import json
import logging
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator

import pytest

from onboarding.errors import GraphError
from onboarding.graph import requests
from onboarding.graph.calls import GraphCall
from onboarding.graph.client import GraphClient
from onboarding.graph.transport import make_proof
from onboarding.graph.wire import Wire
from tests.graph.servers import (
    Behaviour,
    answer,
    close_silently,
    closed_port,
    raw_server,
    say,
    stall,
)

TOKEN, PIN, CODE, APP_SECRET = "EAAsecrettoken4711", "271828", "314159", "app-secret-0815"
SECRETS = (TOKEN, PIN, CODE, APP_SECRET, make_proof(APP_SECRET, TOKEN))


def echo(status: int) -> Behaviour:
    """Repeat the whole request in every text that an error has."""

    def behave(connection: socket.socket, request: bytes) -> bool:
        said = request.decode()[-400:]
        error = {"message": said, "type": said, "code": 100, "fbtrace_id": said}
        error |= {"error_user_title": said, "error_user_msg": said, "error_data": {"details": said}}
        return answer(json.dumps({"error": error}), status)(connection, request)

    return behave


def open_client(url: str, *, timeout_s: float = 5.0) -> GraphClient:
    return GraphClient(
        Wire(base_url=url, version="v25.0", app_secret=APP_SECRET, timeout_s=timeout_s)
    )


def calls() -> Iterator[GraphCall]:
    for request in (
        requests.register("55", "77", pin=PIN),
        requests.set_pin("55", "77", pin=PIN),
        requests.verify_code("55", "77", code=CODE),
        requests.list_numbers("77"),
    ):
        yield GraphCall(request=request, token=TOKEN)


def shown(client: GraphClient) -> str:
    """Return everything that a caller may print of the calls' results."""
    texts = [repr(client)]
    for result in client.send(calls()):
        texts.append(repr(result))
        if result.failure is not None:
            texts.append(repr(result.failure))
        if result.fbtrace_id is not None:
            texts.append(result.fbtrace_id)
    return "\n".join(texts)


@pytest.fixture
def everything_logged(caplog: pytest.LogCaptureFixture) -> Iterator[pytest.LogCaptureFixture]:
    with caplog.at_level(logging.DEBUG):
        yield caplog


@pytest.mark.parametrize(
    "behaviour",
    [
        answer('{"success":true,"id":"1","data":[]}'),
        answer(json.dumps({"success": False, "echo": SECRETS})),
        echo(200),
        echo(400),
        echo(500),
        answer("<html>" + " ".join(SECRETS), 502),
        answer(b"", 302, f"Location: /?access_token={TOKEN}"),
        close_silently,
        say(b"HTTP/1.1 nonsense " + TOKEN.encode() + b"\r\n\r\n"),
        say(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n" + PIN.encode()),
    ],
)
def test_no_secret_is_shown_or_logged(
    behaviour: Behaviour, everything_logged: pytest.LogCaptureFixture
) -> None:
    with raw_server(behaviour) as server, open_client(server.url) as client:
        text = shown(client)
    assert server.requests
    logged = everything_logged.text + "".join(repr(r.args) for r in everything_logged.records)
    assert [secret for secret in SECRETS if secret in text + logged] == []


def test_no_secret_is_shown_where_nothing_answers(
    everything_logged: pytest.LogCaptureFixture,
) -> None:
    release = threading.Event()
    with raw_server(stall(release), release=release) as server:
        for url in (closed_port(), server.url):
            client = open_client(url, timeout_s=0.1)
            with client:
                text = shown(client)
            with pytest.raises(GraphError) as refusal:
                client.send(calls())
            text += f"{refusal.value!r}{refusal.getrepr(showlocals=False)}"
            assert [secret for secret in SECRETS if secret in text + everything_logged.text] == []


def test_an_error_inside_the_client_is_a_result_without_secrets(
    everything_logged: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise ValueError(" ".join(SECRETS))

    monkeypatch.setattr("onboarding.graph.loop.build_http_request", fail)
    with GraphClient(Wire(base_url="http://127.0.0.1:9", version="v25.0")) as client:
        text = shown(client)
    assert "The client itself failed (ValueError)." in text
    assert [secret for secret in SECRETS if secret in text + everything_logged.text] == []


def test_what_sends_nothing_loads_no_http_library() -> None:
    names = (
        "requests responses calls recovery errors usage fields answers results waits loose "
        "wire client"
    )
    script = (
        "import sys, importlib\n"
        f"for name in {names.split()!r}: importlib.import_module('onboarding.graph.' + name)\n"
        "loaded = {'httpx', 'aiohttp', 'httpx_aiohttp', 'asyncio'} & set(sys.modules)\n"
        "sys.exit(repr(loaded) if loaded else 0)\n"
    )
    done = subprocess.run([sys.executable, "-c", script], check=False, capture_output=True)
    assert done.returncode == 0, done.stderr.decode()


def test_sockets_are_released(everything_logged: pytest.LogCaptureFixture) -> None:
    with raw_server(answer()) as server:
        with GraphClient(Wire(base_url=server.url, version="v25.0")) as client:
            list(client.send(calls()))
        port = int(server.url.rpartition(":")[2])
    with socket.create_server(("127.0.0.1", port), backlog=1):
        pass
    assert not any(thread.name == "onboarding-graph" for thread in threading.enumerate())
    assert "Unclosed" not in everything_logged.text
