"""The way to Graph: through a proxy, and with certificates of one's own, where settings say so."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest

from onboarding.errors import ConfigurationError
from onboarding.graph import requests
from onboarding.graph.client import GraphClient
from onboarding.graph.wire import Wire
from tests.graph.certificates import Authority, make_authority
from tests.graph.conftest import CallFactory, ClientFactory
from tests.graph.servers import answer, close_silently, closed_port, raw_server, tunnel

GRAPH = "graph.example"  # a name that resolves nowhere: only a proxy can reach it
PASSWORD = "wLs8-proxy-password"


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    """An authority that no system trusts."""
    return make_authority(tmp_path)


def test_calls_go_through_the_proxy_with_the_whole_address(
    client_at: ClientFactory, a_call: CallFactory
) -> None:
    with raw_server(answer(), answer('{"data":[]}')) as proxy:
        client = client_at(f"http://{GRAPH}", proxy=proxy.url)
        assert client.send_one(a_call()).failure is None
        assert client.send_one(a_call(requests.list_numbers("77"))).failure is None
    first, second = (request.split(b"\r\n")[0].decode() for request in proxy.requests)
    assert first == f"POST http://{GRAPH}/v25.0/55/register HTTP/1.1"
    assert second.startswith(f"GET http://{GRAPH}/v25.0/77/phone_numbers?")
    assert b'"pin": "271828"' in proxy.bodies[0]


def test_the_proxy_is_given_its_password_and_nobody_else(
    client_at: ClientFactory, a_call: CallFactory
) -> None:
    with raw_server(answer("<html>", 407)) as proxy:
        address = proxy.url.replace("://", f"://ops:{PASSWORD}@")
        client = client_at(f"http://{GRAPH}", proxy=address)
        result = client.send_one(a_call())
    given = base64.b64encode(f"ops:{PASSWORD}".encode())
    assert b"Proxy-Authorization: Basic " + given in proxy.requests[0]
    assert result.failure is not None
    assert PASSWORD not in repr(result) + repr(client._wire)


def test_https_goes_through_a_tunnel_that_the_proxy_cannot_look_into(
    client_at: ClientFactory, a_call: CallFactory, authority: Authority
) -> None:
    inside: list[bytes] = []
    passing = tunnel(authority.server_context(GRAPH), answer(keep=False), inside)
    with raw_server(passing) as proxy:
        client = client_at(f"https://{GRAPH}", proxy=proxy.url, ca_file=authority.file)
        assert client.send_one(a_call()).failure is None
    (outside,) = proxy.requests
    assert outside.startswith(f"CONNECT {GRAPH}:443 ".encode())
    assert b"EAAtesttoken" not in outside
    assert inside[0].startswith(b"POST /v25.0/55/register ")


def test_a_proxy_that_is_down_or_refuses_the_tunnel_has_sent_nothing(
    client_at: ClientFactory, a_call: CallFactory
) -> None:
    with raw_server(answer("no way", 503)) as proxy:
        for address in (proxy.url, closed_port()):
            result = client_at(f"https://{GRAPH}", proxy=address).send_one(a_call())
            assert result.failure is not None
            assert (result.failure.effect, result.failure.recovery) == ("unsent", "transient")


def test_a_proxy_that_took_the_request_and_fell_silent_leaves_it_open(
    client_at: ClientFactory, a_call: CallFactory
) -> None:
    with raw_server(close_silently) as proxy:
        result = client_at(f"http://{GRAPH}", proxy=proxy.url).send_one(a_call())
    assert result.failure is not None
    assert result.failure.effect == "unknown"
    assert len(proxy.requests) == 1


@pytest.mark.parametrize(
    "address",
    [
        f"ops:{PASSWORD}@proxy.example:3128",
        f"ops:{PASSWORD}",
        f"socks5://ops:{PASSWORD}@proxy.example:1080",
        f"http://ops:{PASSWORD}@proxy.example:99999",
        f"http://ops:{PASSWORD}@",
        "proxy.example",
        "",
    ],
)
def test_an_address_that_is_no_proxys_is_refused_at_the_start(address: str) -> None:
    """Else it would fail with each call, and each of them would count as lost on its way."""
    with pytest.raises(ConfigurationError, match="proxy") as refused:
        GraphClient(Wire(base_url=f"https://{GRAPH}", version="v25.0", proxy=address))
    assert "ONBOARDING_GRAPH_PROXY" in refused.value.hint
    assert PASSWORD not in str(refused.value) + refused.value.hint


def test_a_server_of_the_own_authority_is_trusted_if_its_file_is_given(
    client_at: ClientFactory, a_call: CallFactory, authority: Authority
) -> None:
    with raw_server(answer(keep=False), tls=authority.server_context("127.0.0.1")) as server:
        assert client_at(server.url, ca_file=authority.file).send_one(a_call()).failure is None
        assert len(server.requests) == 1
        stranger = client_at(server.url).send_one(a_call())
    assert stranger.failure is not None
    assert (stranger.failure.effect, stranger.failure.recovery) == ("unsent", "transient")
    assert len(server.requests) == 1


def test_the_own_authority_vouches_for_the_right_host_only(
    client_at: ClientFactory, a_call: CallFactory, authority: Authority
) -> None:
    with raw_server(answer(), tls=authority.server_context("another.example")) as server:
        result = client_at(server.url, ca_file=authority.file).send_one(a_call())
    assert result.failure is not None
    assert result.failure.effect == "unsent"
    assert server.requests == []


@pytest.mark.parametrize("content", [None, "", "not a certificate"])
def test_certificates_that_cannot_be_read_are_named(tmp_path: Path, content: str | None) -> None:
    file = tmp_path / "ours.pem"
    if content is not None:
        file.write_text(content)
    client = GraphClient(Wire(base_url=f"https://{GRAPH}", version="v25.0", ca_file=file))
    with pytest.raises(ConfigurationError, match=r"ours\.pem") as refused:
        client.open()
    assert "ONBOARDING_GRAPH_CA_FILE" in refused.value.hint
    client.close()
