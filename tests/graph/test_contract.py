"""The client against the simulator, in both fidelity profiles: every call, its main refusals."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from onboarding.graph import requests, responses
from onboarding.graph.calls import GraphCall, GraphResult
from onboarding.graph.client import GraphClient
from onboarding.graph.requests import GraphRequest
from onboarding.graph.wire import Wire
from onboarding.model import CodeMethod
from onboarding.simulator import Simulator

WABA, PIN = "102290129340398", "271828"
BOTH = ("observed", "documented")


def creation(phone_number: str = "6315551234") -> GraphRequest:
    return requests.create_number(
        WABA, cc="1", phone_number=phone_number, verified_name="Lucky Shrub"
    )


def ask(number_id: str) -> GraphRequest:
    return requests.request_code(number_id, WABA, code_method=CodeMethod.SMS, language="en_US")


class Meta:
    """A simulated Meta, the client, and one number on the WABA."""

    def __init__(self, simulator: Simulator, client: GraphClient) -> None:
        self._simulator = simulator
        self._client = client
        self.profile = simulator.scenario.profile

    def send(self, request: GraphRequest, *, token: str | None = None) -> GraphResult:
        chosen = self._simulator.token if token is None else token
        return self._client.send_one(GraphCall(request=request, token=chosen))

    def expect(self, request: GraphRequest, observed: str, documented: str | None = None) -> None:
        result = self.send(request)
        assert result.failure is not None
        wanted = observed if self.profile == "observed" else documented or observed
        assert f"{result.failure.recovery} {result.failure.effect}" == wanted
        assert result.fbtrace_id
        assert result.failure.http_status == result.http_status

    def do(self, request: GraphRequest) -> Any:
        result = self.send(request)
        assert result.failure is None, result.failure
        assert result.served_version == "v25.0"
        return result.payload

    def control(self, path: str, **body: object) -> None:
        httpx.post(f"{self._simulator.control_url}/{path}", json=body).raise_for_status()

    def later(self, seconds: float) -> None:
        self.control("clock", advance_s=seconds)

    def create(self) -> str:
        return responses.parse_created_id(self.do(creation()))

    def received_code(self) -> str:
        self.later(60)
        inbox = httpx.get(f"{self._simulator.control_url}/inbox").json()
        message: str = inbox["messages"][-1]["text"]
        return message.removeprefix("WhatsApp code ")

    def verified(self) -> str:
        number_id = self.create()
        self.control(f"numbers/{number_id}", code_verification_status="VERIFIED")
        return number_id


@pytest.fixture(params=BOTH)
def meta(request: pytest.FixtureRequest) -> Iterator[Meta]:
    scenario = {
        "profile": request.param,
        "clock": {"mode": "manual"},
        "app": {"secret": "app-secret", "require_proof": True},
    }
    with (
        Simulator(scenario) as simulator,
        GraphClient(
            Wire(base_url=simulator.base_url, version="v25.0", app_secret="app-secret")
        ) as client,
    ):
        yield Meta(simulator, client)


def test_a_number_from_creation_to_registration_and_back(meta: Meta) -> None:
    meta.do(requests.subscribe_app(WABA))
    number_id = meta.create()
    meta.do(ask(number_id))
    meta.do(requests.verify_code(number_id, WABA, code=meta.received_code()))
    meta.do(requests.register(number_id, WABA, pin=PIN))
    meta.later(300)
    number = responses.parse_number(meta.do(requests.read_number(number_id, WABA)))
    assert (number.status, number.platform_type) == ("CONNECTED", "CLOUD_API")
    assert number.code_verification_status == "VERIFIED"
    meta.do(requests.set_pin(number_id, WABA, pin="314159"))
    meta.do(requests.set_display_name(number_id, WABA, new_display_name="Luckier Shrub"))
    page = responses.parse_number_list(meta.do(requests.list_numbers(WABA)))
    assert [found.new_display_name for found in page.numbers] == ["Luckier Shrub"]
    meta.do(requests.deregister(number_id, WABA))


def test_what_is_listed_is_understood_in_either_spelling(meta: Meta) -> None:
    number_id = meta.create()
    page = responses.parse_number_list(meta.do(requests.list_numbers(WABA, summary=True)))
    number = page.numbers[0]
    assert page.is_sound
    assert (page.total_count, page.after) == (1, None)
    assert (number.id, number.status) == (number_id, "PENDING")
    assert number.code_verification_status == "NOT_VERIFIED"
    assert number.name_status == "AVAILABLE_WITHOUT_REVIEW"
    assert (number.platform_type, number.throughput_level) == ("NOT_APPLICABLE", "NOT_APPLICABLE")
    assert number.is_on_biz_app is False


def test_pages_follow_one_another_to_the_end(meta: Meta) -> None:
    created = {
        responses.parse_created_id(meta.do(creation(f"631555{n}"))) for n in range(1230, 1235)
    }
    found: list[str] = []
    after: str | None = None
    for _ in range(3):
        request = requests.list_numbers(WABA, limit=2, after=after)
        page = responses.parse_number_list(meta.do(request))
        found += [number.id for number in page.numbers]
        after = page.after
    assert after is None
    assert set(found) == created
    assert len(found) == 5


def test_a_waba_and_its_apps(meta: Meta) -> None:
    waba = responses.parse_waba(meta.do(requests.read_waba(WABA)))
    assert (waba.id, waba.account_review_status) == (WABA, "APPROVED")
    assert waba.business_verification_status == "VERIFIED"
    assert responses.parse_subscribed_apps(meta.do(requests.list_subscribed_apps(WABA))) == ()
    meta.do(requests.subscribe_app(WABA))
    apps = responses.parse_subscribed_apps(meta.do(requests.list_subscribed_apps(WABA)))
    assert [app.name for app in apps] == ["Onboarding"]


def test_a_dead_token(meta: Meta) -> None:
    result = meta.send(requests.list_numbers(WABA), token="EAAnosuchtoken")
    assert result.failure is not None
    assert (result.failure.recovery, result.failure.code) == ("reauth", 190)


def test_a_wrong_app_secret(meta: Meta) -> None:
    with GraphClient(
        Wire(base_url=meta._simulator.base_url, version="v25.0", app_secret="another")
    ) as client:
        result = client.send_one(
            GraphCall(request=requests.list_numbers(WABA), token=meta._simulator.token)
        )
    assert result.failure is not None
    assert result.failure.recovery == "bug"


def test_an_object_that_is_not_there(meta: Meta) -> None:
    meta.expect(requests.read_number("9" * 15, WABA), "reconcile refused", "permanent refused")
    meta.expect(requests.deregister("9" * 15, WABA), "reconcile refused", "permanent refused")
    meta.expect(requests.list_numbers("9" * 15), "reconcile refused", "permanent refused")


def test_a_field_that_does_not_exist(meta: Meta) -> None:
    meta.create()
    result = meta.send(requests.list_numbers(WABA, fields=("id", "status", "bogus")))
    if meta.profile == "observed":
        assert result.failure is None
        assert result.dropped_fields == ("bogus",)
    else:
        assert result.failure is not None
        assert result.failure.recovery == "bug"


def test_refusals_of_a_creation(meta: Meta) -> None:
    meta.create()
    meta.expect(creation(), "reconcile refused")
    meta.control("elsewhere/16315559999", use="in_use")
    meta.expect(creation("6315559999"), "reconcile refused")
    meta.expect(creation("1"), "permanent refused")


def test_refusals_of_a_code(meta: Meta) -> None:
    number_id = meta.create()
    meta.do(ask(number_id))
    meta.expect(ask(number_id), "wait refused")
    meta.expect(requests.verify_code(number_id, WABA, code="000000"), "human refused")
    meta.control(f"numbers/{number_id}", code_verification_status="VERIFIED")
    # The live API says only in the user's language that the number is verified: a list shows it.
    meta.expect(ask(number_id), "wait refused", "reconcile refused")


def test_too_many_codes(meta: Meta) -> None:
    number_id = meta.create()
    for _ in range(10):
        meta.do(ask(number_id))
        meta.later(120)
    meta.expect(ask(number_id), "wait refused", "throttle_app refused")


def test_too_many_wrong_codes(meta: Meta) -> None:
    number_id = meta.create()
    meta.do(ask(number_id))
    for _ in range(6):
        meta.send(requests.verify_code(number_id, WABA, code="000000"))
    request = requests.verify_code(number_id, WABA, code="000000")
    meta.expect(request, "human refused", "wait refused")


def test_refusals_of_a_registration(meta: Meta) -> None:
    number_id = meta.create()
    register = requests.register(number_id, WABA, pin=PIN)
    meta.expect(register, "reconcile refused")
    meta.control(
        f"numbers/{number_id}", code_verification_status="VERIFIED", name_status="DECLINED"
    )
    meta.expect(register, "wait refused", "reconcile refused")
    meta.control(f"numbers/{number_id}", name_status="APPROVED", pin="999999")
    meta.expect(register, "human refused", "reconcile refused")
    meta.control(f"numbers/{number_id}", is_on_biz_app=True)
    meta.expect(register, "permanent refused")


def test_a_wait_that_the_details_name(meta: Meta) -> None:
    number_id = meta.verified()
    meta.control(f"numbers/{number_id}", pin="999999")
    meta.send(requests.register(number_id, WABA, pin=PIN))
    result = meta.send(requests.register(number_id, WABA, pin=PIN))
    assert result.failure is not None
    assert result.failure.recovery == "wait"
    if meta.profile == "observed":
        assert result.failure.code == 133009
        assert result.failure.wait_s is not None
        assert result.failure.wait_s <= 10


def test_too_many_registrations(meta: Meta) -> None:
    number_id = meta.verified()
    for _ in range(10):
        meta.send(requests.register(number_id, WABA, pin=PIN))
    result = meta.send(requests.register(number_id, WABA, pin=PIN))
    assert result.failure is not None
    assert (result.failure.recovery, result.failure.wait_s) == ("wait", 259200)


def test_what_was_so_already(meta: Meta) -> None:
    meta.expect(requests.deregister(meta.create(), WABA), "reconcile done")


def test_the_business_app_keeps_its_numbers(meta: Meta) -> None:
    number_id = meta.create()
    meta.control(f"numbers/{number_id}", is_on_biz_app=True)
    meta.expect(requests.deregister(number_id, WABA), "permanent refused")


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("drop_before_effect", "unknown transient"),
        ("drop_after_effect", "unknown transient"),
        ("half_body", "unknown transient"),
        ("html_502", "unknown transient"),
        ("error_500_transient", "unknown transient"),
        ("throttle", "refused throttle_waba"),
    ],
)
def test_faults_on_the_way(meta: Meta, kind: str, expected: str) -> None:
    meta.control("faults", kind=kind)
    result = meta.send(creation())
    assert result.failure is not None
    assert f"{result.failure.effect} {result.failure.recovery}" == expected
    assert result.attempts == 1


def test_a_success_told_as_text(meta: Meta) -> None:
    meta.control("faults", kind="success_as_string")
    assert meta.do(requests.subscribe_app(WABA)) == {"success": "true"}


def test_usage_is_told_and_the_limit_is_classified(meta: Meta) -> None:
    results = [meta.send(requests.list_numbers(WABA)) for _ in range(201)]
    assert any(result.usage.by_id.get(WABA, (0, 0))[0] >= 90 for result in results)
    failure = results[-1].failure
    assert failure is not None
    assert failure.recovery == "throttle_waba"
    assert failure.wait_s is not None
    assert 0 < failure.wait_s <= 3600
