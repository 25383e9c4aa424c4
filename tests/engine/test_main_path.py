"""The main job: numbers go from requested to registered by themselves."""

from __future__ import annotations

import pytest

from onboarding.model import CodeMethod, DeadlineReason, Entry, Reason, State
from tests.engine.rehearsing import DAY, MINUTE, NUMBER, START, Rehearse, Rehearsed, roomy, scenario

WRITES = ("create_number", "request_code", "verify_code", "register", "subscribe_app")


@pytest.mark.parametrize("profile", ["observed", "documented"])
def test_a_new_number_is_created_verified_and_registered(rehearse: Rehearse, profile: str) -> None:
    meta = rehearse(scenario=scenario(profile=profile))
    meta.register()
    assert meta.path() == [
        "requested", "created", "otp_pending", "verified", "register_deadline", "registered",
    ]  # fmt: skip
    assert sorted(meta.endpoints(*WRITES)) == sorted(WRITES)
    assert meta.shown()["status"] == "CONNECTED"
    row = meta.row()
    assert (row.waiting, row.next_due_at) == (Reason.DONE, None)
    assert row.registered_at is not None


@pytest.mark.parametrize("profile", ["observed", "documented"])
def test_a_number_of_embedded_signup_needs_only_its_registration(
    rehearse: Rehearse, profile: str
) -> None:
    meta = rehearse(scenario=scenario(profile=profile))
    meta.sign_up(NUMBER, at=START - DAY)
    meta.ask(entry=Entry.EMBEDDED_SIGNUP)
    meta.run_to(State.REGISTERED)
    assert meta.path() == ["requested", "created", "verified", "register_deadline", "registered"]
    assert meta.endpoints(*WRITES) == ["subscribe_app", "register"]
    deadlines = {deadline.reason: deadline for deadline in meta.engine.deadlines(NUMBER)}
    assert deadlines[DeadlineReason.EMBEDDED_SIGNUP].due_at == START + 13 * DAY
    assert deadlines[DeadlineReason.EMBEDDED_SIGNUP].closed_how == "met"
    assert deadlines[DeadlineReason.POLICY].closed_how == "replaced"


def test_a_number_that_the_list_shows_as_connected_is_taken_as_it_is(meta: Rehearsed) -> None:
    phone_number_id = meta.sign_up(NUMBER)
    there = {"status": "CONNECTED", "platform_type": "CLOUD_API"}
    meta.tell(f"/numbers/{phone_number_id}", there)
    meta.ask(entry="embedded_signup")
    meta.settle()
    assert meta.state() is State.REGISTERED
    assert meta.endpoints(*WRITES) == []


@pytest.mark.parametrize(
    ("asked", "shown"),
    [("+55 31 98427-1278", "553184271278"), ("+52 1 55 1234 5678", "525512345678")],
    ids=["Brazil", "Mexico"],
)
def test_a_mobile_prefix_that_meta_leaves_out_makes_no_second_number(
    rehearse: Rehearse, asked: str, shown: str
) -> None:
    """The probe of a lost create must find the number in Meta's spelling."""
    meta = rehearse()
    meta.fail("drop_after_effect", "create_number", times=1)
    meta.register(asked)
    assert len(meta.calls("create_number")) == 1
    seen = meta.row(asked).seen
    assert seen is not None
    digits = "".join(c for c in seen.display_phone_number or "" if c.isdigit())
    assert digits in {shown, asked.translate({ord(c): None for c in "+- "})}
    assert meta.row(shown).id == meta.row(asked).id


def test_more_numbers_than_fit_on_a_page_of_the_list(rehearse: Rehearse) -> None:
    meta = rehearse(scenario=roomy(), waba_calls_per_hour=2000)
    numbers = [f"+4930123{place:04}" for place in range(110)]
    for number in numbers:
        meta.ask(number)
    meta.run()
    assert {meta.state(number) for number in numbers} == {State.REGISTERED}
    assert len(meta.calls(*WRITES)) == 4 * len(numbers) + 1
    reads = [c for c in meta.calls() if c["method"] == "GET"]
    assert len(reads) <= 0.5 * len(numbers)
    pages = [call["params"].get("after") for call in meta.calls("list_numbers")]
    assert None in pages
    assert any(pages)


def test_what_the_caller_wants_reaches_meta(meta: Rehearsed) -> None:
    meta.register(name="Lucky  Shrub ", code_method="VOICE", code_language="de", pin="271828")
    (create,) = meta.calls("create_number")
    assert create["params"]["verified_name"] == "Lucky Shrub"
    assert (create["params"]["cc"], create["params"]["phone_number"]) == ("49", "3012345671")
    (request,) = meta.calls("request_code")
    assert request["params"]["code_method"] == CodeMethod.VOICE
    assert request["params"]["language"] == "de"
    assert meta.engine.reveal_pin(NUMBER, "handing over") == "271828"


def test_one_onboarding_can_be_advanced_alone(meta: Rehearsed) -> None:
    other = "+493012345672"
    meta.ask()
    meta.ask(other)
    assert meta.engine.advance(NUMBER).advanced == 1
    assert (meta.state(), meta.state(other)) == (State.CREATED, State.REQUESTED)
    assert meta.engine.advance(NUMBER).advanced == 1
    assert meta.state() is State.OTP_PENDING
    assert len(meta.calls()) == 2


def test_the_overview_counts_the_fleet(meta: Rehearsed) -> None:
    meta.register()
    meta.reads_codes = False
    meta.ask("+493012345672")
    meta.run(most=DAY)
    overview = meta.engine.overview()
    assert overview.states == {State.REGISTERED: 1, State.CREATED: 1}
    assert sum(overview.waiting.values()) == 1
    assert overview.open_calls == 0
    assert overview.nearest_deadline == meta.row("+493012345672").register_by


def test_the_history_tells_the_whole_story(meta: Rehearsed) -> None:
    meta.register()
    entries = [entry for _, entry in meta.engine.history(NUMBER)]
    assert [seq for seq, _ in meta.engine.history(NUMBER)] == list(range(1, len(entries) + 1))
    assert entries[0].actor == "rehearsal"
    assert {entry.actor for entry in entries} == {"rehearsal", "engine", "holder"}
    called = [entry for entry in entries if entry.operation]
    operations = {operation.id for operation in meta.engine.operations(NUMBER)}
    assert {entry.operation for entry in called} == operations
    assert meta.engine.require_verified()


def test_advancing_one_reads_its_list_where_only_that_tells_more(meta: Rehearsed) -> None:
    other = "+493012345672"
    for number in (NUMBER, other):
        meta.sign_up(number)
        meta.ask(number, entry="embedded_signup")
    done = meta.engine.advance(NUMBER)
    assert (done.advanced, done.observed, done.escalated) == (1, 1, 0)
    assert meta.endpoints() == ["list_numbers"]
    assert meta.state() is State.REGISTER_DEADLINE
    for _ in range(3):
        meta.engine.advance(NUMBER)
    (registered,) = meta.calls("register")
    assert str(meta.row().phone_number_id) in registered["path"]
    assert meta.state() is State.REGISTER_DEADLINE  # the list shows whether it is connected
    assert len(meta.calls("list_numbers")) == 1  # once a minute at most
    meta.move_to(meta.clock.now() + MINUTE)
    meta.engine.advance(NUMBER)
    assert len(meta.calls("list_numbers")) == 2
    assert meta.state() is State.REGISTERED
    assert meta.engine.advance(NUMBER).observed == 0  # nothing that a list could tell
    assert meta.engine.operations(other) == []
    assert len(meta.calls("register")) == 1


def test_advancing_one_reads_no_list_where_a_call_is_next(meta: Rehearsed) -> None:
    meta.reads_codes = False
    meta.ask()
    assert meta.engine.advance(NUMBER).observed == 0
    assert meta.engine.advance(NUMBER).observed == 0
    assert meta.row().waiting is Reason.CODE_READY
    assert meta.endpoints() == ["create_number"]
