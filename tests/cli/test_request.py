"""``onboarding request``: what is taken, and what is refused without a trace."""

from __future__ import annotations

import pytest

from tests.cli.harness import NAME, NUMBER, WABA, Deployment


@pytest.mark.parametrize(
    ("given", "e164"),
    [
        (("+1 (631) 555-1000",), "+16315551000"),
        (("001 631 555 1000",), "+16315551000"),
        (("16315551000", "--cc", "1"), "+16315551000"),
        (("(631) 555-1000", "--region", "US"), "+16315551000"),
        (("(11) 96123-4567", "--region", "br"), "+5511961234567"),
        (("030 1234567", "--cc", "49"), "+49301234567"),
    ],
    ids=str,
)
def test_any_usual_format_is_taken(
    deployment: Deployment, given: tuple[str, ...], e164: str
) -> None:
    number, *more = given
    told = deployment.ok("request", WABA, number, NAME, *more, "--json").json
    assert (told["result"], told["onboarding"]["phone_number"]) == ("created", e164)


@pytest.mark.parametrize(
    ("given", "part"),
    [
        ((WABA, "12", NAME), "names no country"),
        ((WABA, "+1 631", NAME), "too short"),
        ((WABA, "+1 631 555 10000", NAME), "too long"),
        ((WABA, "+1 000 555 1000", NAME), "not allocated"),
        ((WABA, "+999 631 555 1000", NAME), "not a phone number"),
        ((WABA, "call me", NAME), "names no country"),
        ((WABA, NUMBER, NAME, "--cc", "44"), "calling code is 1"),
        ((WABA, NUMBER, NAME, "--cc", "x"), "not a calling code"),
        ((WABA, NUMBER, NAME, "--region", "XX"), "not a region"),
        ((WABA, NUMBER, "x"), "2 to 75"),
        ((WABA, NUMBER, "x" * 76), "2 to 75"),
        (("99999", NUMBER, NAME), "not known here"),
        ((WABA, NUMBER, NAME, "--entry", "found"), "'--entry': 'found' is not one of 'new', "),
        ((WABA, NUMBER, NAME, "--code-method", "PIGEON"), "--code-method"),
        ((WABA, NUMBER, NAME, "--code-language", "english"), "not a language"),
        ((WABA, NUMBER, NAME, "--code-window", "noon"), "not a window"),
        ((WABA, NUMBER, NAME, "--code-window", "09:00-17:00 Mars/X"), "zone 'Mars/X' is not known"),
        ((WABA, NUMBER, NAME, "--onboarded-at", "yesterday"), "not an instant"),
        ((WABA, NUMBER, NAME, "--onboarded-at", "2026-03-02T09:00:00"), "not an instant"),
        ((WABA, NUMBER), "Missing argument"),
        ((WABA, NUMBER, NAME, "--colour", "red"), "No such option"),
    ],
    ids=str,
)
def test_bad_input_is_told_and_nothing_stored(
    deployment: Deployment, given: tuple[str, ...], part: str
) -> None:
    before = deployment.stored()
    outcome = deployment.run("request", *given)
    assert (outcome.code, outcome.out) == (2, "")
    assert len(outcome.error_lines) == 2
    assert part in outcome.error_lines[0]
    assert outcome.error_lines[1].startswith("hint: ")
    assert deployment.stored() == before


def test_asking_again_changes_nothing(deployment: Deployment) -> None:
    id_ = deployment.request()
    before = deployment.stored()
    again = deployment.ok("request", WABA, "1 (631) 555-1000", NAME, "--cc", "1", "--json").json
    assert (again["result"], again["onboarding"]["id"]) == ("known", id_)
    assert f"Next: onboarding show {id_}" in deployment.ok("request", WABA, NUMBER, NAME).out
    assert deployment.stored() == before


def test_one_that_is_over_is_taken_up_with_again(deployment: Deployment) -> None:
    first = deployment.request(NUMBER, NAME, "--key", "order-1")
    deployment.ok("cancel", first, "--reason", "not wanted")
    out = deployment.ok("request", WABA, NUMBER, NAME).out
    assert out.splitlines()[1] == "it is over; to start anew: --again"
    keyed = ("request", WABA, NUMBER, NAME, "--key", "order-1")
    assert deployment.ok(*keyed).out.splitlines()[1].endswith(": --again and another --key")
    assert deployment.request(NUMBER, NAME, "--again", "--key", "order-2") != first
    assert "it is over" not in deployment.ok("request", WABA, NUMBER, NAME).out


def test_a_number_of_no_country_names_the_options(deployment: Deployment) -> None:
    outcome = deployment.run("request", WABA, "(21) 98765-4321", NAME)
    assert "--region BR or --cc 55" in outcome.error_lines[1]
    deployment.ok("request", WABA, "(21) 98765-4321", NAME, "--region", "BR")


def test_other_content_names_the_field(deployment: Deployment) -> None:
    id_ = deployment.request()
    before = deployment.stored()
    outcome = deployment.run("request", WABA, NUMBER, "Other Shrub")
    assert outcome.code == 5
    assert "another display_name" in outcome.error_lines[0]
    assert id_ in outcome.error_lines[1]
    assert deployment.stored() == before


def test_a_key_makes_a_request_idempotent(deployment: Deployment) -> None:
    first = deployment.request(NUMBER, NAME, "--key", "order-1")
    assert deployment.request(NUMBER, NAME, "--key", "order-1") == first
    outcome = deployment.run("request", WABA, "+16315551001", NAME, "--key", "order-1")
    assert outcome.code == 5
    assert "order-1" in outcome.err


def test_a_request_says_what_comes_next(deployment: Deployment) -> None:
    out = deployment.ok("request", WABA, NUMBER, NAME).out
    assert out.startswith(f"created: {NUMBER} as ")
    assert "Next: onboarding worker" in out
