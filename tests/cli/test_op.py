"""Calls whose effect at Meta is not settled, and a person's word on them."""

from __future__ import annotations

from typing import Any

from sqlalchemy import text

from onboarding.store.database import writing
from tests.cli.harness import NUMBER, WABA, Deployment, Meta, pass_until_idle


def left_open(meta: Meta) -> str:
    """Let a create go unanswered; return the id of the call."""
    fault = {"kind": "drop_after_effect", "endpoint": "create_number", "times": 1}
    meta.control.post("/faults", json=fault).raise_for_status()
    meta.deployment.request()
    with meta.engine() as engine:
        pass_until_idle(engine)
    (item,) = meta.deployment.ok("op", "list", "--json").json["items"]
    return str(item["id"])


def settled(meta: Meta) -> None:
    """Let the settle time of every call be behind us: commands run on the real clock."""
    with meta.engine() as engine, writing(engine.context.database) as conn:
        conn.execute(text("UPDATE operation SET settle_at = intent_at"))


def number_id(meta: Meta) -> str:
    numbers: list[dict[str, Any]] = meta.control.get("/state").json()["numbers"]
    return str(numbers[0]["id"])


def test_without_open_calls_there_is_nothing_to_list(deployment: Deployment) -> None:
    listed = deployment.ok("op", "list")
    assert (listed.out, listed.err) == ("", "no call is open\n")
    assert deployment.ok("op", "list", "--json").json == {"items": []}


def test_an_open_call_is_listed_with_what_it_waits_for(meta: Meta) -> None:
    id_ = left_open(meta)
    (item,) = meta.deployment.ok("op", "list", "--json").json["items"]
    assert (item["name"], item["status"], item["phone_number"]) == (
        "create_number", "unknown", NUMBER,
    )  # fmt: skip
    assert (item["whose_turn"], item["is_resolvable"]) == ("engine", False)
    told = meta.deployment.ok("op", "list").out
    assert id_ in told
    assert "the end of its settle time" in told


def test_show_tells_what_happened_and_what_each_answer_means(meta: Meta) -> None:
    id_ = left_open(meta)
    waiting = meta.deployment.ok("op", "show", id_).out
    assert "It was sent, and not answered" in waiting
    assert "op resolve" not in waiting
    settled(meta)
    told = meta.deployment.ok("op", "show", id_).out
    for answer in ("--found PHONE_NUMBER_ID", "--absent", "--abandon"):
        assert f'onboarding op resolve {id_} {answer} --reason "..."' in told
    shown = meta.deployment.ok("op", "show", id_, "--json").json
    assert set(shown["answers"]) == {"found", "absent", "abandon"}
    assert shown["is_resolvable"]
    assert all(each["means"] for each in shown["answers"].values())


def test_an_answer_is_refused_while_the_call_may_be_on_its_way(meta: Meta) -> None:
    id_ = left_open(meta)
    before = meta.deployment.stored()
    refused = meta.deployment.run("op", "resolve", id_, "--absent", "--reason", "x")
    assert refused.code == 5
    assert "may still be on its way" in refused.error_lines[0]
    assert meta.deployment.stored() == before


def test_a_found_number_is_adopted_and_the_history_names_who(meta: Meta) -> None:
    id_ = left_open(meta)
    settled(meta)
    its = number_id(meta)
    said = meta.deployment.ok(
        "--actor", "ada", "op", "resolve", id_, "--found", its, "--reason", "seen"
    )
    assert "Next: onboarding worker" in said.out
    told = meta.deployment.ok("show", NUMBER, "--json").json
    assert (told["state"], told["phone_number_id"]) == ("created", its)
    entry = meta.deployment.ok("history", NUMBER, "--json").json["entries"][-1]
    assert (entry["trigger"], entry["actor"], entry["operation"]) == ("number_created", "ada", id_)
    again = meta.deployment.run("op", "resolve", id_, "--abandon", "--reason", "x")
    assert again.code == 5
    assert "settled already: succeeded, by operator" in again.error_lines[0]


def test_what_is_given_up_is_held(meta: Meta) -> None:
    id_ = left_open(meta)
    settled(meta)
    said = meta.deployment.ok("op", "resolve", id_, "--abandon", "--reason", "nobody knows").out
    assert "onboarding release" in said
    assert meta.deployment.ok("show", NUMBER, "--json").json["hold"] == "held"


def test_exactly_one_answer_is_needed(meta: Meta) -> None:
    id_ = left_open(meta)
    settled(meta)
    before = meta.deployment.stored()
    for answers in ((), ("--absent", "--abandon"), ("--found", "1", "--absent")):
        assert meta.deployment.run("op", "resolve", id_, *answers, "--reason", "x").code == 2
    assert meta.deployment.run("op", "resolve", id_, "--found", "+49", "--reason", "x").code == 2
    assert meta.deployment.run("op", "resolve", "ffffff", "--absent", "--reason", "x").code == 4
    assert meta.deployment.stored() == before


def test_a_call_of_a_pool_is_listed_explained_and_settled_as_any_other(meta: Meta) -> None:
    fault = {"kind": "drop_after_effect", "endpoint": "add_preverified", "times": 1}
    meta.control.post("/faults", json=fault).raise_for_status()
    meta.deployment.ok("pool", "add", "506914307656634", NUMBER, "--account", WABA)
    with meta.engine() as engine:
        pass_until_idle(engine)
    (item,) = meta.deployment.ok("op", "list", "--json").json["items"]
    id_ = item["id"]
    assert (item["name"], item["phone_number"]) == ("add_preverified", NUMBER)
    assert (item["onboarding_id"], item["is_resolvable"]) == (None, False)
    assert NUMBER in meta.deployment.ok("op", "list").out
    settled(meta)
    told = meta.deployment.ok("op", "show", id_).out
    assert "It was sent, and not answered" in told
    assert "--absent" in told
    assert "pool" in told
    said = meta.deployment.ok("op", "resolve", id_, "--abandon", "--reason", "nobody knows").out
    assert "Next: onboarding pool release" in said
    shown = meta.deployment.ok("pool", "show", NUMBER, "--json").json
    assert (shown["hold"], shown["hold_text"]) == ("held", "nobody knows")
