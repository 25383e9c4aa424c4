"""The builders: what is sent, and that secrets are only ever in the body."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from onboarding.errors import InputError
from onboarding.graph import requests
from onboarding.graph.requests import GraphRequest
from onboarding.model import CodeMethod, Operation, Read

W, P = "102290129340398", "106540352242922"


def test_a_list_asks_for_fields_and_a_full_page() -> None:
    request = requests.list_numbers(W)
    assert (request.endpoint, request.method) == (Read.LIST_NUMBERS, "GET")
    assert request.path == f"/{W}/phone_numbers"
    assert request.waba_id == W
    assert request.body is None
    assert request.params["fields"].startswith("id,display_phone_number,verified_name,status,")
    assert request.params["limit"] == "100"
    assert set(request.params) == {"fields", "limit"}
    assert request.is_read


def test_a_list_takes_every_parameter_of_the_edge() -> None:
    condition = {"field": "account_mode", "operator": "EQUAL", "value": "SANDBOX"}
    request = requests.list_numbers(
        W,
        fields=("id", "status"),
        filtering=[condition],
        sort="creation_time.desc",
        limit=3,
        after="QVFI",
        before="XX",
        display_phone_number="16505551234",
        summary=True,
    )
    assert dict(request.params) == {
        "fields": "id,status",
        "filtering": json.dumps([condition], separators=(",", ":")),
        "sort": "creation_time.desc",
        "limit": "3",
        "after": "QVFI",
        "before": "XX",
        "display_phone_number": "16505551234",
        "summary": "total_count",
    }


@pytest.mark.parametrize(
    ("request_", "endpoint", "path", "body"),
    [
        (
            requests.create_number(W, cc="1", phone_number="4195551518", verified_name="Shrub"),
            Operation.CREATE_NUMBER,
            f"/{W}/phone_numbers",
            {"cc": "1", "phone_number": "4195551518", "verified_name": "Shrub"},
        ),
        (
            requests.create_number(
                W, cc="1", phone_number="4195551518", verified_name=None, migrate_phone_number=True
            ),
            Operation.MIGRATE_NUMBER,
            f"/{W}/phone_numbers",
            {"cc": "1", "phone_number": "4195551518", "migrate_phone_number": True},
        ),
        (
            requests.create_number(
                W, cc="1", phone_number="4195551518", verified_name="Shrub", preverified_id="9"
            ),
            Operation.CREATE_NUMBER,
            f"/{W}/phone_numbers",
            {"cc": "1", "phone_number": "4195551518", "verified_name": "Shrub"}
            | {"preverified_id": "9"},
        ),
        (
            requests.request_code(P, W, code_method=CodeMethod.VOICE, language="pt_BR"),
            Operation.REQUEST_CODE,
            f"/{P}/request_code",
            {"code_method": "VOICE", "language": "pt_BR"},
        ),
        (
            requests.verify_code(P, W, code=" 123-830 "),
            Operation.VERIFY_CODE,
            f"/{P}/verify_code",
            {"code": "123830"},
        ),
        (
            requests.register(P, W, pin="012345"),
            Operation.REGISTER,
            f"/{P}/register",
            {"messaging_product": "whatsapp", "pin": "012345"},
        ),
        (
            requests.register(P, W, pin="012345", data_localization_region="DE"),
            Operation.REGISTER,
            f"/{P}/register",
            {"messaging_product": "whatsapp", "pin": "012345", "data_localization_region": "DE"},
        ),
        (requests.deregister(P, W), Operation.DEREGISTER, f"/{P}/deregister", None),
        (requests.set_pin(P, W, pin="012345"), Operation.SET_PIN, f"/{P}", {"pin": "012345"}),
        (
            requests.set_display_name(P, W, new_display_name=" Lucky Shrub "),
            Operation.SET_DISPLAY_NAME,
            f"/{P}",
            {"new_display_name": "Lucky Shrub"},
        ),
        (requests.subscribe_app(W), Operation.SUBSCRIBE_APP, f"/{W}/subscribed_apps", None),
    ],
)
def test_a_write_is_a_post_with_everything_in_its_body(
    request_: GraphRequest, endpoint: Operation, path: str, body: dict[str, object] | None
) -> None:
    assert (request_.method, request_.endpoint, request_.path) == ("POST", endpoint, path)
    assert request_.body == body
    assert not request_.params
    assert request_.waba_id == W
    assert not request_.is_read


@pytest.mark.parametrize(
    ("request_", "endpoint", "path"),
    [
        (requests.read_number(P, W), Read.READ_NUMBER, f"/{P}"),
        (requests.read_waba(W), Read.READ_WABA, f"/{W}"),
        (requests.list_subscribed_apps(W), Read.LIST_SUBSCRIBED_APPS, f"/{W}/subscribed_apps"),
    ],
)
def test_the_other_reads(request_: GraphRequest, endpoint: Read, path: str) -> None:
    assert (request_.method, request_.endpoint, request_.path) == ("GET", endpoint, path)
    assert request_.body is None


@pytest.mark.parametrize(
    ("build", "field"),
    [
        (lambda: requests.list_numbers(W, limit=0), "limit"),
        (lambda: requests.list_numbers(W, limit=101), "limit"),
        (lambda: requests.list_numbers("12/../3"), "id"),
        (lambda: requests.read_number("", W), "id"),
        (lambda: requests.read_number("١٢", W), "id"),
        (lambda: requests.deregister(P, "x"), "id"),
        (lambda: requests.create_number(W, cc="+1", phone_number="1", verified_name="ab"), "cc"),
        (
            lambda: requests.create_number(W, cc="1", phone_number="1 2", verified_name="ab"),
            "phone_number",
        ),
        (
            lambda: requests.create_number(W, cc="1", phone_number="12", verified_name="a"),
            "verified_name",
        ),
        (
            lambda: requests.create_number(W, cc="1", phone_number="12", verified_name="a" * 76),
            "verified_name",
        ),
        (
            lambda: requests.create_number(W, cc="1", phone_number="12", verified_name=None),
            "verified_name",
        ),
        (
            lambda: requests.request_code(P, W, code_method=CodeMethod.SMS, language="english"),
            "language",
        ),
        (lambda: requests.verify_code(P, W, code="31415"), "code"),
        (lambda: requests.verify_code(P, W, code="3141592"), "code"),
        (lambda: requests.register(P, W, pin="31415"), "pin"),
        (lambda: requests.register(P, W, pin="31415\n"), "pin"),
        (
            lambda: requests.register(P, W, pin="123456", data_localization_region="Germany"),
            "data_localization_region",
        ),
        (lambda: requests.set_pin(P, W, pin="abcdef"), "pin"),
        (lambda: requests.set_display_name(P, W, new_display_name=""), "new_display_name"),
    ],
)
def test_what_is_not_of_the_right_form_is_refused_without_repeating_it(
    build: Callable[[], GraphRequest], field: str
) -> None:
    with pytest.raises(InputError) as refusal:
        build()
    assert refusal.value.field == field
    assert "31415" not in str(refusal.value)


def test_no_secret_is_in_the_address_or_the_repr() -> None:
    for request in (
        requests.register(P, W, pin="271828"),
        requests.set_pin(P, W, pin="271828"),
        requests.verify_code(P, W, code="271-828"),
    ):
        assert "271828" not in f"{request!r} {request.path} {request.params}"
        assert request.body is not None
        assert "271828" in request.body.values()
