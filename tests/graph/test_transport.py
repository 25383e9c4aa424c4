"""What a call counts as when the connection fails: unsent only if it provably never left."""

from __future__ import annotations

import socket
import threading

import pytest

from onboarding.graph import requests
from onboarding.graph.calls import GraphResult
from tests.graph.conftest import CallFactory, ClientFactory
from tests.graph.servers import (
    Behaviour,
    answer,
    close_silently,
    closed_port,
    full_backlog,
    raw_server,
    reset,
    say,
    stall,
)

HEAD = b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n"


def kind_of(result: GraphResult) -> tuple[str, str]:
    assert result.payload is None
    assert result.failure is not None
    assert result.failure.message
    return result.failure.effect, result.failure.recovery


def test_a_refused_connection_is_unsent(client_at: ClientFactory, a_call: CallFactory) -> None:
    result = client_at(closed_port()).send_one(a_call())
    assert kind_of(result) == ("unsent", "transient")
    assert result.http_status is None


def test_a_name_that_does_not_exist_is_unsent(
    client_at: ClientFactory, a_call: CallFactory
) -> None:
    result = client_at("http://graph.invalid", connect_timeout_s=0.3).send_one(a_call())
    assert kind_of(result) == ("unsent", "transient")


def test_a_connection_that_does_not_come_about_is_unsent(
    client_at: ClientFactory, a_call: CallFactory
) -> None:
    with full_backlog() as url:
        result = client_at(url, connect_timeout_s=0.2).send_one(a_call())
    assert kind_of(result) == ("unsent", "transient")


def test_a_server_without_tls_is_unsent(client_at: ClientFactory, a_call: CallFactory) -> None:
    with raw_server(answer()) as server:
        url = server.url.replace("http", "https")
        assert kind_of(client_at(url, connect_timeout_s=0.3).send_one(a_call())) == (
            "unsent",
            "transient",
        )


@pytest.mark.parametrize(
    "behaviour",
    [
        pytest.param(close_silently, id="closed without an answer"),
        pytest.param(reset, id="reset"),
        pytest.param(say(b"HTTP/1.1 200 OK\r\nContent-Le"), id="half a head"),
        pytest.param(say(HEAD + b'{"success":true'), id="half a body"),
        pytest.param(say(HEAD), id="no body"),
        pytest.param(say(b"not HTTP at all\r\n\r\n"), id="not HTTP"),
        pytest.param(
            say(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{"), id="chunk"
        ),
        pytest.param(answer(b"xxxx", 200, "Content-Encoding: gzip"), id="broken gzip"),
    ],
)
def test_a_request_that_was_read_is_unknown_and_never_repeated(
    client_at: ClientFactory, a_call: CallFactory, behaviour: Behaviour
) -> None:
    with raw_server(behaviour) as server:
        result = client_at(server.url).send_one(a_call())
    assert kind_of(result) == ("unknown", "transient")
    assert result.attempts == len(server.requests) == 1


@pytest.mark.parametrize("first", [b"", HEAD, HEAD + b'{"success"'])
def test_a_stall_ends_with_the_total_timeout_and_is_unknown(
    client_at: ClientFactory, a_call: CallFactory, first: bytes
) -> None:
    release = threading.Event()
    with raw_server(stall(release, first), release=release) as server:
        result = client_at(server.url, timeout_s=0.2).send_one(a_call())
    assert kind_of(result) == ("unknown", "transient")
    assert 0.15 < result.elapsed_s < 3
    assert len(server.requests) == 1


def test_a_trickle_does_not_outlast_the_total_timeout(
    client_at: ClientFactory, a_call: CallFactory
) -> None:
    release = threading.Event()

    def trickle(connection: socket.socket, _: bytes) -> bool:
        connection.sendall(HEAD)
        while not release.wait(0.02):
            connection.sendall(b" ")
        return False

    with raw_server(trickle, release=release) as server:
        result = client_at(server.url, timeout_s=0.3).send_one(a_call())
    assert kind_of(result) == ("unknown", "transient")
    assert result.elapsed_s < 3


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_a_redirect_is_not_followed(
    client_at: ClientFactory, a_call: CallFactory, status: int
) -> None:
    with raw_server(answer(b"", status, "Location: /v25.0/elsewhere")) as server:
        client = client_at(server.url)
        assert kind_of(client.send_one(a_call())) == ("unknown", "transient")
        assert kind_of(client.send_one(a_call(requests.read_waba("77")))) == (
            "unknown",
            "transient",
        )
    assert len(server.requests) == 2


def test_an_html_page_of_the_edge_is_unknown(client_at: ClientFactory, a_call: CallFactory) -> None:
    page = answer("<html>502 Bad Gateway</html>", 502, "Content-Type: text/html")
    with raw_server(page) as server:
        result = client_at(server.url).send_one(a_call())
    assert kind_of(result) == ("unknown", "transient")
    assert result.http_status == 502
    assert len(server.requests) == 1


def test_an_html_page_with_a_200_is_no_success(
    client_at: ClientFactory, a_call: CallFactory
) -> None:
    with raw_server(answer("<html>Log in to the hotel's network</html>")) as server:
        assert kind_of(client_at(server.url).send_one(a_call())) == ("unknown", "transient")


def test_success_false_is_a_failure(client_at: ClientFactory, a_call: CallFactory) -> None:
    with raw_server(answer('{"success":false}')) as server:
        assert kind_of(client_at(server.url).send_one(a_call())) == ("unknown", "reconcile")


def test_a_kept_connection_that_was_closed_between_requests_does_no_harm(
    client_at: ClientFactory, a_call: CallFactory
) -> None:
    with raw_server(answer(keep=False)) as server:
        client = client_at(server.url)
        kinds = []
        for _ in range(20):
            result = client.send_one(a_call())
            kinds.append("ok" if result.failure is None else kind_of(result)[0])
    # The close may still be under way when the next request leaves: then it is unknown, not lost.
    assert set(kinds) <= {"ok", "unknown"}
    assert kinds[0] == "ok"
    assert len(server.requests) <= 20


def test_a_kept_connection_that_dies_under_a_post_is_unknown_and_not_repeated(
    client_at: ClientFactory, a_call: CallFactory
) -> None:
    with raw_server(answer(), close_silently, answer()) as server:
        client = client_at(server.url)
        assert client.send_one(a_call()).failure is None
        assert kind_of(client.send_one(a_call())) == ("unknown", "transient")
        assert client.send_one(a_call()).failure is None
    assert len(server.requests) == 3


def test_a_kept_connection_that_dies_under_a_read_is_replaced(
    client_at: ClientFactory, a_call: CallFactory
) -> None:
    page = answer('{"data":[]}')
    with raw_server(page, close_silently, page) as server:
        client = client_at(server.url)
        assert client.send_one(a_call(requests.list_numbers("77"))).failure is None
        assert client.send_one(a_call(requests.list_numbers("77"))).failure is None
    assert len(server.requests) == 3


def test_one_failing_call_leaves_the_others_alone(
    client_at: ClientFactory, a_call: CallFactory
) -> None:
    with raw_server(close_silently, reset, answer()) as server:
        results = list(client_at(server.url).send(a_call() for _ in range(30)))
    assert sum(result.failure is None for result in results) == 28
