"""Every answer keeps to a schema, and the table of refusals is whole."""

from __future__ import annotations

import re
from pathlib import Path
from typing import get_args

import jsonschema
import pytest

import onboarding.simulator
from onboarding.simulator.error_bodies import LOCALISED, form_of, render_refusal
from onboarding.simulator.fault_settings import Language
from onboarding.simulator.refusal_table import TABLE
from onboarding.simulator.refusals import Profile, Reason, Refusal
from onboarding.simulator.routing import Endpoint
from tests.simulator.conftest import RigMaker
from tests.simulator.harness import business
from tests.simulator.schemas import ERROR, answer_schema
from tests.simulator.tour import APP_SECRET, PARTNER, Seen, take_tour

PACKAGE = Path(onboarding.simulator.__file__).parent


def tour_of(start: RigMaker, profile: str) -> list[Seen]:
    app = {"secret": APP_SECRET}
    businesses = [business(max_phone_numbers=5), {"id": PARTNER}]
    return take_tour(start(profile=profile, app=app, businesses=businesses))


def test_every_answer_keeps_to_its_schema(start: RigMaker, profile: str) -> None:
    seen = tour_of(start, profile)
    for one in seen:
        body = one.response.json()
        is_error = one.response.status_code >= 400
        schema = ERROR if is_error else answer_schema(one.endpoint, profile)
        jsonschema.validate(body, schema)
    endpoints = {one.endpoint for one in seen if one.response.status_code < 400}
    assert endpoints == set(get_args(Endpoint)) - {"unknown"}


def test_tour_meets_most_refusals(start: RigMaker) -> None:
    seen = tour_of(start, "observed")
    errors = [one.response.json()["error"] for one in seen if one.response.status_code >= 400]
    pairs = {(error["code"], error.get("error_subcode")) for error in errors}
    assert {
        (4, 2446079),
        (100, 33),
        (100, 2207051),
        (100, 2388012),
        (190, 463),
        (133005, None),
        (133006, None),
        (133008, None),
        (133009, None),
        (133016, None),
        (136024, 2388091),
        (136024, 2388367),
        (136025, 2388093),
        (136025, None),
        (80007, 2446079),
        (80008, 2446079),
    } <= pairs


def test_messages_and_types_of_the_tour_are_json_with_a_length(start: RigMaker) -> None:
    for one in tour_of(start, "observed"):
        assert one.response.headers["content-type"] == "application/json; charset=UTF-8"
        assert int(one.response.headers["content-length"]) == len(one.response.content)


def test_table_has_a_row_for_every_reason() -> None:
    assert set(TABLE) == set(Reason)


@pytest.mark.parametrize("reason", list(Reason))
def test_every_reason_is_used_by_some_rule(reason: Reason) -> None:
    sources = [
        path.read_text(encoding="utf-8")
        for path in PACKAGE.glob("*.py")
        if path.name not in ("refusals.py", "refusal_table.py", "creation_refusals.py")
    ]
    assert any(re.search(rf"Reason\.{reason.name}\b", source) for source in sources)


class Anything(dict[str, str]):
    """Fills every place of a text."""

    def __missing__(self, key: str) -> str:
        return key


@pytest.mark.parametrize("reason", list(Reason))
@pytest.mark.parametrize("language", [None, *LOCALISED])
def test_every_refusal_renders_in_both_profiles(reason: Reason, language: Language | None) -> None:
    refusal = Refusal(reason)
    refusal.places = Anything()
    profiles: tuple[Profile, ...] = ("observed", "documented")
    for profile in profiles:
        status, body = render_refusal(refusal, profile, "A" * 23, language)
        jsonschema.validate(body, ERROR)
        form = form_of(reason, profile)
        assert (status, body["error"]["code"]) == (form.status, form.code)
        assert "{" not in str(body["error"]["message"])


def test_documented_profile_never_shows_what_only_the_live_api_has(start: RigMaker) -> None:
    for one in tour_of(start, "documented"):
        error = one.response.json().get("error", {}) if one.response.status_code >= 400 else {}
        assert "error_data" not in error
        assert error.get("is_transient", True) is True
