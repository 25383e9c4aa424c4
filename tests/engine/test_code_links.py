"""Links for holders: one accepted code, until it expires or is revoked; all in the history."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from onboarding.errors import (
    ConflictError,
    InputError,
    NotFoundError,
    OnboardingError,
    TransitionRefusedError,
)
from onboarding.model import State
from tests.engine.rehearsing import DAY, HOUR, MINUTE, NUMBER, SECOND, Rehearse, Rehearsed

OTHER = "+493012345672"


def wrong(code: str) -> str:
    return f"{(int(code) + 1) % 10**6:06d}"


@pytest.fixture
def waiting(meta: Rehearsed) -> Rehearsed:
    """A rehearsal in which a code arrived and waits for somebody who hands it in."""
    meta.reads_codes = False
    meta.ask(code_ready=True)
    meta.wait(5 * SECOND)
    assert meta.state() is State.OTP_PENDING
    return meta


def token(meta: Rehearsed, lasts: timedelta = 48 * HOUR, number: str = NUMBER) -> str:
    return meta.engine.make_link(number, meta.clock.now() + lasts, actor="ada").token


def test_a_code_given_by_link_registers_the_number_and_is_in_the_history(
    waiting: Rehearsed,
) -> None:
    made = token(waiting)
    row = waiting.engine.redeem_link(made, waiting.messages(NUMBER)[-1])
    assert row.has_code
    waiting.run_to(State.REGISTERED)
    entries = [entry for _, entry in waiting.engine.history(NUMBER)]
    (link,) = waiting.engine.links(NUMBER)
    making = next(entry for entry in entries if entry.trigger == "link_made")
    giving = next(entry for entry in entries if entry.trigger == "code_given")
    assert (making.actor, making.detail["link"]) == ("ada", link.id[:12])
    assert giving.actor == f"link {link.id[:12]}"
    assert giving.detail == {"link": link.id[:12], "link_made_by": "ada"}
    assert (link.codes, link.standing(waiting.clock.now())) == (1, "used")
    assert made not in str(entries)


def test_a_link_is_good_for_one_accepted_code(waiting: Rehearsed) -> None:
    made, code = token(waiting), waiting.last_code(NUMBER)
    waiting.engine.redeem_link(made, code)
    with pytest.raises(TransitionRefusedError, match="its code is on its way"):
        waiting.engine.redeem_link(made, code)
    waiting.run_to(State.REGISTERED)
    with pytest.raises(TransitionRefusedError, match="its code was accepted"):
        waiting.engine.redeem_link(made, code)


def test_a_mistyped_code_does_not_use_the_link_up(waiting: Rehearsed) -> None:
    made, code = token(waiting), waiting.last_code(NUMBER)
    with pytest.raises(InputError, match="no six-digit code"):
        waiting.engine.redeem_link(made, "12345")
    waiting.engine.redeem_link(made, wrong(code))
    waiting.settle()
    with pytest.raises(ConflictError, match="sent to Meta before"):
        waiting.engine.redeem_link(made, wrong(code))
    waiting.engine.redeem_link(made, code)
    waiting.run_to(State.REGISTERED)
    assert waiting.engine.links()[0].codes == 2


def test_a_link_whose_last_try_was_right_is_used_and_not_wrong(waiting: Rehearsed) -> None:
    made, code = token(waiting), waiting.last_code(NUMBER)
    for each in (wrong(code), wrong(wrong(code)), code):
        waiting.engine.redeem_link(made, each)
        waiting.settle()
    with pytest.raises(TransitionRefusedError, match="its code was accepted"):
        waiting.engine.redeem_link(made, code)


def test_a_link_takes_no_more_wrong_codes_than_are_borne(waiting: Rehearsed) -> None:
    made, code = token(waiting), waiting.last_code(NUMBER)
    for _ in range(3):
        code = wrong(code)
        waiting.engine.redeem_link(made, code)
        waiting.settle()
    with pytest.raises(TransitionRefusedError, match="3 codes that Meta did not accept"):
        waiting.engine.redeem_link(made, wrong(code))


def test_a_link_is_used_though_the_number_needs_another_code_later(waiting: Rehearsed) -> None:
    made = token(waiting, 10 * DAY)
    waiting.fail("refuse", "register", code=133006, times=1)
    waiting.engine.redeem_link(made, waiting.last_code(NUMBER))
    waiting.run(most=DAY, until=lambda: "ownership_lost" in waiting.triggers())
    waiting.engine.code_ready(NUMBER)
    waiting.wait(15 * MINUTE)
    assert waiting.state() is State.OTP_PENDING
    with pytest.raises(TransitionRefusedError, match="its code was accepted"):
        waiting.engine.redeem_link(made, waiting.last_code(NUMBER))


def test_an_expired_and_a_revoked_link_are_refused(waiting: Rehearsed) -> None:
    short = token(waiting, MINUTE)
    made = waiting.engine.make_link(NUMBER, waiting.clock.now() + DAY)
    waiting.wait(MINUTE)
    code = waiting.last_code(NUMBER)
    with pytest.raises(TransitionRefusedError, match="expired at"):
        waiting.engine.redeem_link(short, code)
    revoked = waiting.engine.revoke_link(made.link.id[:8], "wrong person")
    with pytest.raises(TransitionRefusedError, match="was revoked"):
        waiting.engine.redeem_link(made.token, code)
    with pytest.raises(TransitionRefusedError, match="was revoked by"):
        waiting.engine.revoke_link(revoked.id, "again")
    entry = next(e for _, e in waiting.engine.history(NUMBER) if e.trigger == "link_revoked")
    assert (entry.reason, entry.detail["link"]) == ("wrong person", revoked.id[:12])
    assert not waiting.row().has_code


def test_a_link_is_bound_to_its_number(waiting: Rehearsed) -> None:
    """Whatever code is given with it goes to that number's own onboarding."""
    waiting.ask(OTHER, code_ready=True)
    waiting.wait(5 * SECOND)
    made = token(waiting, number=OTHER)
    row = waiting.engine.redeem_link(made, waiting.last_code(NUMBER))
    assert row.phone_number == OTHER
    assert not waiting.row(NUMBER).has_code


def test_a_link_of_elsewhere_and_a_changed_one_are_refused(
    waiting: Rehearsed, rehearse: Rehearse
) -> None:
    elsewhere = rehearse()  # another database, with the same key
    elsewhere.ask()
    with pytest.raises(NotFoundError, match="not known here"):
        waiting.engine.redeem_link(token(elsewhere), "123830")
    made = token(waiting)
    with pytest.raises(InputError, match="signature does not fit"):
        waiting.engine.redeem_link(made[:-1] + ("A" if made[-1] != "A" else "B"), "123830")
    with pytest.raises(InputError, match="not the token of a link"):
        waiting.engine.redeem_link("nonsense", "123830")
    assert not waiting.row().has_code


def test_a_link_is_made_only_where_a_code_is_needed(meta: Rehearsed) -> None:
    meta.ask()
    now = meta.clock.now()
    for until in (now, now - HOUR, now + 31 * DAY):
        with pytest.raises(InputError) as refused:
            meta.engine.make_link(NUMBER, until)
        assert refused.value.field == "until"
    made = meta.engine.make_link(NUMBER, now + HOUR)
    with pytest.raises(TransitionRefusedError, match="no code is expected"):
        meta.engine.redeem_link(made.token, "123830")
    meta.run_to(State.REGISTERED)
    with pytest.raises(TransitionRefusedError, match="no code is needed"):
        meta.engine.make_link(NUMBER, meta.clock.now() + HOUR)
    with pytest.raises(NotFoundError, match="there is no link"):
        meta.engine.revoke_link("nothing", "x")


def test_of_two_who_use_a_link_at_once_one_is_taken(waiting: Rehearsed) -> None:
    made, code = token(waiting), waiting.last_code(NUMBER)

    def use(_: int) -> bool:
        try:
            waiting.engine.redeem_link(made, code)
        except OnboardingError:
            return False
        return True

    with ThreadPoolExecutor(6) as pool:
        assert sum(pool.map(use, range(6))) == 1
    assert waiting.engine.links()[0].codes == 1
    waiting.run_to(State.REGISTERED)
