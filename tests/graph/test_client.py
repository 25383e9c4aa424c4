"""The client over real sockets: what leaves, what comes back, and in which order."""

from __future__ import annotations

import gzip
import hashlib
import hmac
import json
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import parse_qs, urlsplit

import pytest

from onboarding.errors import ConfigurationError, GraphError
from onboarding.graph import requests
from onboarding.graph.client import GraphClient
from onboarding.graph.wire import Wire
from tests.graph.conftest import CallFactory, ClientFactory
from tests.graph.servers import Behaviour, answer, raw_server, stall

TOKEN = "EAAtesttoken0123456789"
LIST = requests.list_numbers("77")
EMPTY_LIST = '{"data":[]}'


def refuse(field: str) -> Behaviour:
    message = f"(#100) Tried accessing nonexisting field ({field}) on node type (X)"
    return answer(json.dumps({"error": {"message": message, "code": 100}}), 400)


def head_of(request: bytes) -> tuple[str, dict[str, str]]:
    first, *lines = request.partition(b"\r\n\r\n")[0].decode().split("\r\n")
    return first, {
        name.lower(): value.strip() for name, _, value in (x.partition(":") for x in lines)
    }


def test_a_write_carries_the_token_in_a_header_and_the_rest_in_json(
    client_at: ClientFactory, a_call: CallFactory
) -> None:
    with raw_server(answer()) as server:
        result = client_at(server.url, user_agent="probe/1").send_one(a_call(tag="t"))
    first, headers = head_of(server.requests[0])
    assert first == "POST /v25.0/55/register HTTP/1.1"
    assert headers["authorization"] == f"Bearer {TOKEN}"
    assert headers["content-type"] == "application/json"
    assert headers["user-agent"] == "probe/1"
    assert json.loads(server.bodies[0]) == {"messaging_product": "whatsapp", "pin": "271828"}
    assert result.failure is None
    assert result.payload == {"success": True}
    assert (result.http_status, result.attempts, result.call.tag) == (200, 1, "t")
    assert result.elapsed_s > 0


def test_a_read_carries_its_parameters_in_the_query(
    client_at: ClientFactory, a_call: CallFactory
) -> None:
    request = requests.list_numbers("77", fields=("id", "status"), after="QV=&x")
    with raw_server(answer(EMPTY_LIST)) as server:
        result = client_at(server.url).send_one(a_call(request))
    method, target, _ = head_of(server.requests[0])[0].split()
    assert method == "GET"
    assert urlsplit(target).path == "/v25.0/77/phone_numbers"
    assert parse_qs(urlsplit(target).query) == {
        "fields": ["id,status"],
        "limit": ["100"],
        "after": ["QV=&x"],
    }
    assert server.bodies == [b""]
    assert result.payload == {"data": []}


def test_a_write_without_parameters_has_no_body(
    client_at: ClientFactory, a_call: CallFactory
) -> None:
    with raw_server(answer()) as server:
        assert client_at(server.url).send_one(a_call(requests.subscribe_app("77"))).failure is None
    assert server.bodies == [b""]
    assert head_of(server.requests[0])[1]["content-length"] == "0"


def test_the_proof_is_in_the_query_of_reads_and_in_the_body_of_writes(
    client_at: ClientFactory, a_call: CallFactory
) -> None:
    proof = hmac.new(b"app-secret", TOKEN.encode(), hashlib.sha256).hexdigest()
    with raw_server(answer(EMPTY_LIST), answer()) as server:
        client = client_at(server.url, app_secret="app-secret")
        client.send_one(a_call(LIST))
        client.send_one(a_call())
        client.send_one(a_call(requests.deregister("55", "77")))
    assert f"appsecret_proof={proof}" in head_of(server.requests[0])[0]
    assert proof not in head_of(server.requests[1])[0]
    assert json.loads(server.bodies[1])["appsecret_proof"] == proof
    assert json.loads(server.bodies[2]) == {"appsecret_proof": proof}


def test_what_the_headers_tell_is_kept(client_at: ClientFactory, a_call: CallFactory) -> None:
    usage = '{"77":[{"type":"whatsapp_business_management","call_count":91,"total_time":3}]}'
    behave = answer(
        EMPTY_LIST,
        200,
        "x-fb-request-id: R",
        "x-fb-trace-id: T",
        "x-fb-rev: 9",
        "Facebook-API-Version: v24.0",
        'X-App-Usage: {"call_count":28}',
        f"X-Business-Use-Case-Usage: {usage}",
    )
    with raw_server(behave) as server:
        result = client_at(server.url).send_one(a_call(LIST))
    assert (result.x_fb_request_id, result.x_fb_trace_id, result.x_fb_rev) == ("R", "T", "9")
    assert result.served_version == "v24.0"
    assert result.usage.app_percent == 28
    assert result.usage.by_id == {"77": (91.0, 0.0)}


def test_a_refusal_is_classified_with_the_wait_of_the_headers(
    client_at: ClientFactory, a_call: CallFactory
) -> None:
    usage = '{"77":[{"call_count":100,"estimated_time_to_regain_access":7}]}'
    body = '{"error":{"message":"limit","code":80007,"fbtrace_id":"Az8"}}'
    with raw_server(answer(body, 400, f"X-Business-Use-Case-Usage: {usage}")) as server:
        result = client_at(server.url).send_one(a_call(LIST))
    assert result.failure is not None
    assert (result.failure.recovery, result.failure.wait_s) == ("throttle_waba", 420)
    assert (result.fbtrace_id, result.http_status, result.payload) == ("Az8", 400, None)
    assert result.failure is not None


def test_a_compressed_answer_is_read(client_at: ClientFactory, a_call: CallFactory) -> None:
    body = gzip.compress(b'{"data":[{"id":"1"}]}')
    with raw_server(answer(body, 200, "Content-Encoding: gzip")) as server:
        result = client_at(server.url).send_one(a_call(LIST))
    assert result.payload == {"data": [{"id": "1"}]}


def test_cookies_are_not_kept_for_the_next_call(
    client_at: ClientFactory, a_call: CallFactory
) -> None:
    with raw_server(answer('{"success":true}', 200, "Set-Cookie: who=first; Path=/")) as server:
        client = client_at(server.url)
        client.send_one(a_call())
        client.send_one(a_call())
    assert len(server.requests) == 2
    assert b"cookie" not in b"".join(server.requests).lower()


def test_the_environment_names_no_proxy(
    client_at: ClientFactory, a_call: CallFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    with raw_server(answer()) as server:
        assert client_at(server.url).send_one(a_call()).failure is None


def test_a_field_that_meta_does_not_know_is_left_out_from_then_on(
    client_at: ClientFactory, a_call: CallFactory
) -> None:
    request = requests.list_numbers("77", fields=("id", "status", "username", "odd"))
    with raw_server(refuse("username"), refuse("odd"), answer(EMPTY_LIST)) as server:
        client = client_at(server.url)
        first = client.send_one(a_call(request))
        second = client.send_one(a_call(request))
    assert (first.failure, first.attempts, first.dropped_fields) == (None, 3, ("username", "odd"))
    assert (second.failure, second.attempts, second.dropped_fields) == (
        None,
        1,
        ("username", "odd"),
    )
    assert first.call.request is request
    targets = [head_of(request)[0].split()[1] for request in server.requests]
    assert [parse_qs(urlsplit(target).query)["fields"][0] for target in targets] == [
        "id,status,username,odd",
        "id,status,odd",
        "id,status",
        "id,status",
    ]


def test_a_field_is_known_or_not_per_kind_of_call(
    client_at: ClientFactory, a_call: CallFactory
) -> None:
    with raw_server(refuse("status"), answer(EMPTY_LIST), answer('{"id":"1"}')) as server:
        client = client_at(server.url)
        assert client.send_one(a_call(LIST)).dropped_fields == ("status",)
        assert client.send_one(a_call(requests.read_number("1", "77"))).dropped_fields == ()


def test_a_field_that_one_waba_lacks_is_asked_of_the_others(
    client_at: ClientFactory, a_call: CallFactory
) -> None:
    other = requests.list_numbers("103390129340399", fields=("id", "status", "odd"))
    with raw_server(refuse("status"), answer(EMPTY_LIST), answer(EMPTY_LIST)) as server:
        client = client_at(server.url)
        assert client.send_one(a_call(LIST)).dropped_fields == ("status",)
        assert client.send_one(a_call(other)).dropped_fields == ()


def test_a_server_that_refuses_field_after_field_ends_as_a_failure(
    client_at: ClientFactory, a_call: CallFactory
) -> None:
    names = [f"f{index}" for index in range(20)]
    request = requests.list_numbers("77", fields=names)
    with raw_server(*(refuse(name) for name in names)) as server:
        result = client_at(server.url).send_one(a_call(request))
    assert result.failure is not None
    assert result.failure.recovery == "bug"
    assert result.attempts == len(server.requests) == 5


@pytest.mark.parametrize("field", ["never_asked", "id"])
def test_a_refused_field_that_cannot_be_dropped_is_a_failure_at_once(
    client_at: ClientFactory, a_call: CallFactory, field: str
) -> None:
    request = requests.list_numbers("77", fields=("id",))
    with raw_server(refuse(field)) as server:
        result = client_at(server.url).send_one(a_call(request))
    assert result.failure is not None
    assert len(server.requests) == 1


def test_a_write_is_never_repeated_for_a_field(
    client_at: ClientFactory, a_call: CallFactory
) -> None:
    with raw_server(refuse("status")) as server:
        assert client_at(server.url).send_one(a_call()).failure is not None
    assert len(server.requests) == 1


def test_a_call_in_time_is_sent_and_a_late_one_is_not(
    client_at: ClientFactory, a_call: CallFactory
) -> None:
    with raw_server(answer()) as server:
        client = client_at(server.url)
        assert client.send_one(a_call(send_before=time.monotonic() + 60)).failure is None
        late = client.send_one(a_call(send_before=time.monotonic()))
    assert late.failure is not None
    assert late.failure.effect == "unsent"
    assert (late.attempts, late.elapsed_s, late.http_status) == (0, 0.0, None)
    assert len(server.requests) == 1


def test_the_guard_is_checked_after_waiting_for_a_slot(
    client_at: ClientFactory, a_call: CallFactory
) -> None:
    release = threading.Event()
    with raw_server(stall(release), answer(), release=release) as server:
        client = client_at(server.url, max_in_flight=1, timeout_s=0.2)
        client.start()
        results = list(client.send([a_call(), a_call(send_before=time.monotonic() + 0.1)]))
    effects = [result.failure.effect for result in results if result.failure]
    assert effects == ["unknown", "unsent"]
    assert len(server.requests) == 1


@pytest.mark.parametrize("token", ["", "EAA\r\nX: y", "EAA b", "EAAé"])
def test_a_token_that_is_none_is_not_sent(
    client_at: ClientFactory, a_call: CallFactory, token: str
) -> None:
    with raw_server(answer()) as server:
        result = client_at(server.url).send_one(a_call(token=token))
    assert result.failure is not None
    assert (result.failure.effect, result.failure.recovery) == ("unsent", "reauth")
    assert server.requests == []


def test_two_hundred_calls_at_once_all_return(
    client_at: ClientFactory, a_call: CallFactory
) -> None:
    with raw_server(answer()) as server:
        results = list(client_at(server.url).send(a_call(tag=str(n)) for n in range(200)))
    assert all(result.failure is None for result in results)
    assert sorted(int(result.call.tag) for result in results) == list(range(200))
    assert len(server.requests) == 200


def test_no_more_calls_are_in_flight_than_allowed(
    client_at: ClientFactory, a_call: CallFactory
) -> None:
    lock = threading.Lock()
    present: list[int] = [0]
    most: list[int] = [0]

    def count(connection: socket.socket, request: bytes) -> bool:
        with lock:
            present[0] += 1
            most[0] = max(most[0], present[0])
        threading.Event().wait(0.002)
        with lock:
            present[0] -= 1
        return answer()(connection, request)

    with raw_server(count) as server:
        results = list(client_at(server.url, max_in_flight=3).send(a_call() for _ in range(50)))
    assert all(result.failure is None for result in results)
    assert most == [3]


def test_a_slow_answer_holds_no_other_back(client_at: ClientFactory, a_call: CallFactory) -> None:
    release = threading.Event()
    with raw_server(stall(release), answer(), release=release) as server:
        client = client_at(server.url)
        slow = client.send([a_call(tag="slow")])
        while not server.requests:
            threading.Event().wait(0.005)
        fast = list(client.send(a_call(tag="fast") for _ in range(20)))
        assert [result.failure for result in fast] == [None] * 20
        assert len(slow) == 1
        release.set()
        assert [result.call.tag for result in slow] == ["slow"]


def test_results_come_in_groups_too(client_at: ClientFactory, a_call: CallFactory) -> None:
    with raw_server(answer()) as server:
        results = client_at(server.url).send(a_call() for _ in range(25))
        groups = []
        while group := results.take(most=10, within_s=5):
            groups.append(len(group))
        assert groups == [10, 10, 5]
        assert results.take(most=10, within_s=5) == []
        assert list(results) == []


def test_a_group_does_not_wait_for_the_slow(client_at: ClientFactory, a_call: CallFactory) -> None:
    release = threading.Event()
    with raw_server(answer(), stall(release), release=release) as server:
        results = client_at(server.url, max_in_flight=1).send([a_call(), a_call()])
        assert len(results.take(most=10, within_s=0.05)) == 1
        assert len(results) == 1


def test_nothing_to_send_is_nothing_to_read(client_at: ClientFactory) -> None:
    with raw_server(answer()) as server:
        assert list(client_at(server.url).send([])) == []


def test_many_threads_share_one_client(client_at: ClientFactory, a_call: CallFactory) -> None:
    with raw_server(answer()) as server:
        client = client_at(server.url)

        def run(name: int) -> set[str]:
            return {r.call.tag for r in client.send(a_call(tag=str(name)) for _ in range(10))}

        with ThreadPoolExecutor(8) as pool:
            assert list(pool.map(run, range(8))) == [{str(name)} for name in range(8)]


def test_closing_loses_no_call(client_at: ClientFactory, a_call: CallFactory) -> None:
    release = threading.Event()
    with raw_server(stall(release), release=release) as server:
        client = client_at(server.url, max_in_flight=2)
        results = client.send(a_call(tag=str(n)) for n in range(6))
        while len(server.requests) < 2:
            threading.Event().wait(0.005)
        client.close()
        effects = sorted(result.failure.effect for result in results if result.failure)
    assert effects == ["unknown"] * 2 + ["unsent"] * 4


def test_calls_given_right_before_the_end_have_results_too(
    client_at: ClientFactory, a_call: CallFactory
) -> None:
    with raw_server(answer()) as server:
        client = client_at(server.url)
        results = client.send(a_call() for _ in range(50))
        client.close()
        assert len(list(results)) == 50


def test_a_client_is_opened_once_and_closed_for_good(a_call: CallFactory) -> None:
    client = GraphClient(Wire(base_url="http://127.0.0.1:9", version="v25.0"))
    with pytest.raises(GraphError):
        client.send_one(a_call())
    with client, pytest.raises(GraphError):
        client.open()
    client.close()
    with pytest.raises(GraphError):
        client.send([a_call()])


def test_the_loop_runs_from_the_first_call_on_or_once_it_is_started() -> None:
    client = GraphClient(Wire(base_url="http://127.0.0.1:9", version="v25.0"))
    client.start()
    assert not loops()
    client.open()
    assert not loops()
    client.start()
    client.start()
    assert loops() == ["onboarding-graph"]
    client.close()
    client.start()
    assert not loops()


def loops() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name == "onboarding-graph"]


@pytest.mark.parametrize(
    ("url", "version"),
    [
        ("graph.facebook.com", "v25.0"),
        ("ftp://graph.facebook.com", "v25.0"),
        ("https://", "v25.0"),
        ("https://graph..facebook.com", "v25.0"),
        (f"https://{'a' * 64}.com", "v25.0"),
        ("https://graph.facebook.com/?a=b", "v25.0"),
        ("https://graph.facebook.com", "25"),
        ("https://graph.facebook.com", "v25.0/x"),
    ],
)
def test_settings_that_cannot_work_are_refused(url: str, version: str) -> None:
    with pytest.raises(ConfigurationError):
        GraphClient(Wire(base_url=url, version=version))
