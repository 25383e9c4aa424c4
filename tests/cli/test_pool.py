"""``onboarding pool``: numbers added, proven, counted, claimed and listed from a shell."""

from __future__ import annotations

from pathlib import Path

from tests.cli.harness import NAME, WABA, Deployment, Meta, pass_until_idle

BUSINESS = "506914307656634"
SPARE = "+16315551077"


def added(deployment: Deployment, *more: str) -> str:
    told = deployment.ok("pool", "add", BUSINESS, SPARE, "--account", WABA, "--json", *more).json
    ((item,)) = told["items"]
    assert item["result"] == "created"
    return str(item["number"]["id"])


def test_a_number_is_proven_claimed_and_written_into_the_ledger(meta: Meta) -> None:
    run = meta.deployment.ok
    id_ = added(meta.deployment, "--code-ready")
    with meta.engine(intakes=[]) as engine:
        pass_until_idle(engine)
    given = run("pool", "code", SPARE, meta.last_code(SPARE))
    assert given.out.splitlines()[0] == f"{SPARE} ({id_}): the code will be sent to Meta"
    with meta.engine(intakes=[]) as engine:
        pass_until_idle(engine)
    ((row,)) = run("pool", "list", "--state", "verified", "--json").json["items"]
    assert (row["phone_number"], row["region"]) == (SPARE, "US")
    assert "code_sealed" not in row
    run("pool", "stock", BUSINESS, "us", "--at-least", "2")
    ((stock,)) = run("pool", "stock", "--json").json["items"]
    assert (stock["verified"], stock["at_least"], stock["is_low"]) == (1, 2, True)
    assert "1 (low)" in run("pool", "stock").out
    told = run("request", WABA, NAME, "--from-pool", "US", "--json").json
    assert told["onboarding"]["phone_number"] == SPARE
    assert told["onboarding"]["entry"] == "preverified"
    with meta.engine(intakes=[]) as engine:
        pass_until_idle(engine)
    shown = run("pool", "show", id_, "--json").json
    ((claim,)) = shown["claims"]
    assert claim["preverified_id"] == row["preverified_id"]
    assert claim["claimed_for"] == NAME
    assert NAME in run("pool", "claims").out
    triggers = [entry["trigger"] for entry in run("pool", "history", id_, "--json").json["entries"]]
    assert triggers[:5] == ["requested", "added", "code_requested", "code_given", "verified"]


def test_what_is_asked_for_is_refused_in_plain_words(deployment: Deployment) -> None:
    none = deployment.run("pool", "add", BUSINESS, SPARE)
    assert none.code != 0
    assert "has no account here" in none.error_lines[0]
    id_ = added(deployment)
    early = deployment.run("pool", "code", id_, "123-456")
    assert "no code is expected" in early.error_lines[0]
    state = deployment.run("pool", "list", "--state", "nowhere")
    assert "requested, added" in state.err
    both = deployment.run("request", WABA, SPARE, NAME, "--from-pool", "US")
    assert "the number is the pool's to say" in both.error_lines[0]
    empty = deployment.run("request", WABA, NAME, "--from-pool", "US")
    assert "no verified number of US" in empty.error_lines[0]
    taken = deployment.run("request", WABA, SPARE, NAME)
    assert "is in the pool" in taken.error_lines[0]


def test_a_file_is_taken_as_a_whole_or_not_at_all(deployment: Deployment, tmp_path: Path) -> None:
    file = tmp_path / "spares.csv"
    file.write_text("phone_number,code_method\n+1 631 555 1077,SMS\n+1 631 555 1078,PIGEON\n")
    command = ("pool", "import", BUSINESS, str(file), "--account", WABA)
    refused = deployment.run(*command)
    assert "line 3: 'PIGEON' is no code_method" in refused.error_lines[0]
    assert deployment.ok("pool", "list", "--json").json["items"] == []
    file.write_text("phone_number,code_method\n+1 631 555 1077,SMS\n+1 631 555 1078,voice\n")
    told = deployment.ok(*command, "--json").json["items"]
    assert [item["number"]["code_method"] for item in told] == ["SMS", "VOICE"]
    again = deployment.ok(*command, "--json").json["items"]
    assert [item["result"] for item in again] == ["known", "known"]


def test_a_person_claims_releases_shares_and_removes(deployment: Deployment) -> None:
    id_ = added(deployment)
    deployment.ok("pool", "share", id_, "616914307656635")
    twice = deployment.run("pool", "share", id_, "616914307656635")
    assert "asked for already" in twice.error_lines[0]
    early = deployment.run("pool", "claim", id_, "--for", "Lucky Shrub")
    assert "cannot be claimed" in early.error_lines[0]
    free = deployment.run("pool", "release", id_, "--reason", "none")
    assert "neither on hold nor claimed" in free.error_lines[0]
    deployment.ok("pool", "remove", id_, "--reason", "the line was given up")
    shown = deployment.ok("pool", "show", id_, "--json").json
    assert shown["state"] == "removed"  # it was never added at Meta
