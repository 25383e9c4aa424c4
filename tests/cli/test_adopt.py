"""``adopt`` and ``drift``: what they print, what they store, and how they end."""

from __future__ import annotations

from typing import Any

import pytest

from tests.cli.harness import NUMBER, WABA, Meta, pass_until_idle

OTHER = "+16315551001"


@pytest.fixture
def found(meta: Meta) -> dict[str, str]:
    """Ids at Meta of a number that waits and one that is registered, which nobody asked for."""
    ids = {}
    for number in (NUMBER, OTHER):
        done = {"waba_id": WABA, "phone_number": number, "verified_name": "Lucky Shrub"}
        ids[number] = tell(meta, "/embedded_signup", done)["id"]
    tell(meta, f"/numbers/{ids[OTHER]}", {"status": "CONNECTED", "platform_type": "CLOUD_API"})
    return ids


def tell(meta: Meta, path: str, body: dict[str, Any]) -> dict[str, Any]:
    answer: dict[str, Any] = meta.control.post(path, json=body).raise_for_status().json()
    return answer


def test_adopt_shows_first_and_stores_only_when_told_to(meta: Meta, found: dict[str, str]) -> None:
    before = meta.deployment.stored()
    shown = meta.deployment.ok("adopt", WABA)
    assert "1 would be adopted; nothing was stored, 1 left alone" in shown.out
    assert f"Next: onboarding adopt {WABA} --yes" in shown.out
    after = meta.deployment.stored()
    assert {t: rows for t, rows in after.items() if t != "account"} == {
        t: rows for t, rows in before.items() if t != "account"
    }
    planned = meta.deployment.ok("adopt", WABA, "--json").json
    assert planned["dry_run"] is True
    assert [(n["verdict"], n["onboarding_id"]) for n in planned["numbers"]] == [
        ("adopt", None), ("live", None),
    ]  # fmt: skip
    done = meta.deployment.ok("adopt", WABA, "--yes", "--json").json
    assert done["dry_run"] is False
    taken = done["numbers"][0]
    assert (taken["phone_number"], taken["phone_number_id"]) == (NUMBER, found[NUMBER])
    assert (taken["state"], taken["anchor"]) == ("register_deadline", "last_onboarded_time")
    again = meta.deployment.ok("adopt", WABA, "--yes")
    assert "0 adopted, 2 left alone" in again.out
    assert "it is onboarded here: 'register_deadline'" in again.out


def test_adopt_says_what_is_wrong(meta: Meta, found: dict[str, str]) -> None:
    del found
    outcome = meta.deployment.run("adopt", "1234567", "--yes")
    assert outcome.code == 4
    assert "onboarding account add 1234567" in outcome.err


def test_drift_ends_with_zero_or_nine(meta: Meta, found: dict[str, str]) -> None:
    meta.deployment.ok("adopt", WABA, "--live", "--yes")
    clean = meta.deployment.ok("drift")
    assert "2 compared, 0 differ" in clean.out
    tell(meta, f"/by_hand/{found[OTHER]}", {"do": "ban"})
    differs = meta.deployment.run("drift", "--waba", WABA, "--json")
    assert differs.code == 9
    (one,) = differs.json["findings"]
    assert (one["kind"], one["holds"], one["from_whom"]) == ("banned", "registered", "operator")
    assert (one["phone_number"], one["shows"][:6]) == (OTHER, "BANNED")
    assert one["since"].endswith("Z")
    told = meta.deployment.ok("drift", "show")
    for word in (OTHER, "banned", "operator", one["onboarding_id"]):
        assert word in told.out
    assert meta.deployment.ok("drift", "show", "--json").json == differs.json["findings"]


def test_a_lost_number_is_registered_again_or_let_go(meta: Meta, found: dict[str, str]) -> None:
    meta.deployment.ok("adopt", WABA, "--live", "--yes")
    refused = meta.deployment.run("drift", "register", OTHER, "--reason", "back")
    assert refused.code == 5
    assert refused.error_lines[-1].endswith("see: onboarding drift")
    tell(meta, f"/by_hand/{found[OTHER]}", {"do": "disconnect"})
    meta.move(hours=25)
    with meta.engine() as engine:
        pass_until_idle(engine)
    meta.move(hours=2)
    with meta.engine() as engine:
        pass_until_idle(engine)
    assert "onboarding drift register" in meta.deployment.ok("due").out
    again = meta.deployment.ok("drift", "register", OTHER, "--reason", "by mistake")
    assert f"{OTHER} is " in again.out
    assert meta.deployment.run("drift", "accept", OTHER, "--reason", "gone").code == 5


def test_drift_tells_of_a_list_that_it_could_not_read(meta: Meta, found: dict[str, str]) -> None:
    del found
    meta.deployment.ok("adopt", WABA, "--yes")
    tell(meta, "/tokens", {"token": meta.simulator.token, "dead": True})
    outcome = meta.deployment.run("drift")
    assert outcome.code == 9
    assert f"WABA {WABA} was not read" in outcome.err
