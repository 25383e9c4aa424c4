"""The pool of pre-verified numbers: from a spare number to a registered one without a code."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest

from onboarding.core.pool.lifecycle import PoolState
from onboarding.core.pool.model import PoolNumber, ShareState
from onboarding.engine.accept import Receipt
from onboarding.engine.pool_adding import PoolRequest
from onboarding.engine.requests import NumberRequest
from onboarding.errors import ConflictError, NotFoundError, OnboardingError, TransitionRefusedError
from onboarding.model import DeadlineReason, Operation, Reason, State
from tests.engine.rehearsing import DAY, HOUR, MINUTE, WABA, Rehearse, Rehearsed, scenario

BUSINESS, PARTNER = "506914307656634", "616914307656635"
SPARE, OTHER = "+493012345680", "+493012345681"
CODES = ("request_preverified_code", "verify_preverified")


def world(**given: Any) -> dict[str, Any]:
    """Two businesses: ours with its WABA, and a partner."""
    played = scenario(**given)
    return {**played, "businesses": [*played["businesses"], {"id": PARTNER}]}


def add(meta: Rehearsed, *numbers: str, **given: Any) -> None:
    requests = [PoolRequest(phone_number=number) for number in numbers]
    meta.engine.pool.add(BUSINESS, requests, **given)


def spare(meta: Rehearsed, number: str = SPARE) -> PoolNumber:
    return meta.engine.pool.get(number)


def story(meta: Rehearsed, number: str = SPARE) -> str:
    entries = meta.engine.pool.history(number)
    return "\n".join(f"{e.at:%d.%m. %H:%M:%S} {e.trigger}: {e.reason}" for _, e in entries)


def run_to(meta: Rehearsed, state: PoolState, number: str = SPARE, most: timedelta = DAY) -> None:
    meta.run(most=most, until=lambda: spare(meta, number).state is state)
    assert spare(meta, number).state is state, story(meta, number)


def claim(meta: Rehearsed, name: str = "Lucky Shrub", **given: Any) -> Receipt:
    request = NumberRequest(
        waba_id=WABA, phone_number="", display_name=name, key=given.pop("key", None)
    )
    return meta.engine.pool.request(request, **(given or {"region": "DE"}))


def low_stocks(meta: Rehearsed) -> list[Mapping[str, Any]]:
    return [told for told in meta.engine.events() if told["type"] == "low_stock"]


def pass_by(meta: Rehearsed, span: timedelta) -> None:
    """Let time pass at a stroke, and then the engine look."""
    meta.move_to(meta.clock.now() + span)
    meta.run(most=2 * HOUR)


@pytest.mark.parametrize("profile", ["observed", "documented"])
def test_a_number_of_the_pool_is_verified_claimed_and_registered_without_a_code(
    rehearse: Rehearse, profile: str
) -> None:
    meta = rehearse(scenario=scenario(profile=profile))
    add(meta, SPARE)
    run_to(meta, PoolState.VERIFIED)
    temporary = spare(meta).preverified_id
    assert temporary is not None
    receipt = claim(meta, region="de")
    assert receipt.onboarding.phone_number == SPARE
    assert spare(meta).state is PoolState.CLAIMED
    row = meta.run_to(State.REGISTERED, SPARE)
    run_to(meta, PoolState.REPLACED)
    assert len(meta.calls("request_code")) == 0
    assert len(meta.calls("add_preverified", "verify_preverified")) == 2
    (ledger,) = meta.engine.pool.claims(SPARE)
    assert (ledger.preverified_id, ledger.phone_number_id) == (temporary, row.phone_number_id)
    assert (ledger.onboarding_id, ledger.claimed_for) == (row.id, "Lucky Shrub")
    claimed = {d.reason: d for d in meta.engine.deadlines(SPARE)}[DeadlineReason.PREVERIFIED_CLAIM]
    assert claimed.due_at - claimed.starts_at == timedelta(days=90)
    assert claimed.closed_how == "met"
    assert meta.engine.verify()[1] == []


@pytest.mark.parametrize("endpoint", ["add_preverified", "verify_preverified"])
def test_a_lost_answer_is_looked_up_in_the_list_and_never_repeated(
    rehearse: Rehearse, endpoint: str
) -> None:
    meta = rehearse()
    meta.fail("drop_after_effect", endpoint, times=1)
    add(meta, SPARE)
    run_to(meta, PoolState.VERIFIED)
    assert len(meta.calls(endpoint)) == 1
    (lost,) = [o for o in meta.engine.pool.operations(SPARE) if o.name == endpoint]
    assert lost.resolved_by == "probe"


def test_an_add_that_never_arrived_is_made_again_after_the_list_was_read(
    rehearse: Rehearse,
) -> None:
    meta = rehearse()
    meta.fail("drop_before_effect", "add_preverified", times=1)
    add(meta, SPARE)
    run_to(meta, PoolState.VERIFIED)
    kinds = [c["endpoint"] for c in meta.calls("add_preverified", "list_preverified")]
    first, second = [place for place, kind in enumerate(kinds) if kind == "add_preverified"]
    assert "list_preverified" in kinds[first + 1 : second]


def test_a_code_whose_request_was_not_answered_counts_as_sent(rehearse: Rehearse) -> None:
    meta = rehearse(reads_codes=False)
    meta.fail("drop_after_effect", "request_preverified_code", times=1)
    add(meta, SPARE, code_ready=True)
    run_to(meta, PoolState.CODE_PENDING)
    meta.run(most=5 * MINUTE)
    meta.engine.pool.code_ready(SPARE)
    meta.run(most=4 * MINUTE)
    assert len(meta.calls("request_preverified_code")) == 1, story(meta)
    meta.run(most=5 * MINUTE)
    assert len(meta.calls("request_preverified_code")) == 2, story(meta)


def test_nobody_is_sent_a_code_until_somebody_reads_it(rehearse: Rehearse) -> None:
    meta = rehearse(reads_codes=False)
    add(meta, SPARE)
    meta.run(most=DAY)
    assert (spare(meta).state, spare(meta).waiting) == (PoolState.ADDED, Reason.CODE_READY)
    assert meta.calls(*CODES) == []
    meta.engine.pool.code_ready(SPARE)
    meta.run(most=MINUTE)
    meta.engine.pool.submit_code(SPARE, meta.messages(SPARE)[-1])
    run_to(meta, PoolState.VERIFIED)


def test_a_number_is_kept_warm_in_its_last_45_days_and_not_before(rehearse: Rehearse) -> None:
    meta = rehearse()
    add(meta, SPARE)
    run_to(meta, PoolState.VERIFIED)
    proven = spare(meta).verified_at
    assert proven is not None
    pass_by(meta, 44 * DAY)
    assert len(meta.calls(*CODES)) == 2
    pass_by(meta, 2 * DAY)
    assert len(meta.calls(*CODES)) == 4
    again = spare(meta)
    assert again.state is PoolState.VERIFIED
    assert again.expires_at is not None
    assert again.expires_at > proven + 130 * DAY


def test_a_verification_that_nobody_renews_expires_and_comes_back_with_a_code(
    rehearse: Rehearse,
) -> None:
    meta = rehearse()
    add(meta, SPARE)
    run_to(meta, PoolState.VERIFIED)
    meta.reads_codes = False
    pass_by(meta, 89 * DAY)
    assert spare(meta).state is PoolState.VERIFIED
    run_to(meta, PoolState.EXPIRED, most=2 * DAY)
    with pytest.raises(NotFoundError):
        claim(meta)
    meta.reads_codes = True
    meta.engine.pool.code_ready(SPARE)
    run_to(meta, PoolState.VERIFIED)


def test_a_number_that_was_never_verified_is_removed_when_meta_removes_it(
    rehearse: Rehearse,
) -> None:
    meta = rehearse(reads_codes=False)
    add(meta, SPARE)
    run_to(meta, PoolState.ADDED)
    pass_by(meta, 89 * DAY)
    assert spare(meta).state is PoolState.ADDED
    run_to(meta, PoolState.REMOVED, most=2 * DAY)
    assert meta.calls("delete_preverified") == []
    add(meta, SPARE)  # it may come again
    run_to(meta, PoolState.ADDED)
    assert len(meta.calls("add_preverified")) == 2


def test_a_number_is_shared_with_a_partner_and_taken_back(rehearse: Rehearse) -> None:
    meta = rehearse(scenario=world())
    meta.fail("drop_after_effect", "share_preverified", times=1)
    add(meta, SPARE)
    run_to(meta, PoolState.VERIFIED)
    meta.engine.pool.share(SPARE, PARTNER)
    meta.run(most=HOUR)
    assert [s.state for s in meta.engine.pool.shares(SPARE)] == [ShareState.SHARED], story(meta)
    assert len(meta.calls("share_preverified")) == 1
    meta.engine.pool.unshare(SPARE, PARTNER)
    meta.run(most=HOUR)
    assert [s.state for s in meta.engine.pool.shares(SPARE)] == [ShareState.ENDED]
    assert len(meta.calls("unshare_preverified")) == 1


def test_a_share_that_meta_refuses_says_why_and_stops_nothing_else(rehearse: Rehearse) -> None:
    meta = rehearse()
    add(meta, SPARE)
    meta.engine.pool.share(SPARE, PARTNER)  # no business that this Meta knows
    run_to(meta, PoolState.VERIFIED)
    (share,) = meta.engine.pool.shares(SPARE)
    assert share.state is ShareState.FAILED
    assert "partner" in (share.why or "")


def test_what_was_shared_by_hand_or_was_not_taken_back_can_be_taken_back(
    rehearse: Rehearse,
) -> None:
    meta = rehearse(scenario=world())
    add(meta, SPARE)
    run_to(meta, PoolState.VERIFIED)
    meta.engine.pool.share(SPARE, PARTNER)
    meta.run(most=HOUR)
    meta.fail("refuse", "unshare_preverified", code=100, times=1)
    meta.engine.pool.unshare(SPARE, PARTNER)
    meta.run(most=HOUR)
    assert [s.state for s in meta.engine.pool.shares(SPARE)] == [ShareState.FAILED]
    meta.engine.pool.unshare(SPARE, PARTNER)
    meta.run(most=HOUR)
    assert [s.state for s in meta.engine.pool.shares(SPARE)] == [ShareState.ENDED]
    with pytest.raises(TransitionRefusedError):
        meta.engine.pool.unshare(SPARE, PARTNER)
    by_hand = "716914307656636"
    meta.engine.pool.unshare(SPARE, by_hand)  # nobody here ever shared it: Meta is asked
    meta.run(most=HOUR)
    assert len(meta.calls("unshare_preverified")) == 3


def test_a_removed_number_is_deleted_once_even_if_nobody_answers(rehearse: Rehearse) -> None:
    meta = rehearse()
    meta.fail("drop_after_effect", "delete_preverified", times=1)
    add(meta, SPARE)
    run_to(meta, PoolState.VERIFIED)
    meta.engine.pool.remove(SPARE, "the line was given up")
    run_to(meta, PoolState.REMOVED)
    assert len(meta.calls("delete_preverified")) == 1
    with pytest.raises(TransitionRefusedError):
        meta.engine.pool.share(SPARE, PARTNER)


def test_a_number_that_a_customer_takes_in_embedded_signup_is_claimed_by_itself(
    rehearse: Rehearse,
) -> None:
    meta = rehearse()
    add(meta, SPARE)
    run_to(meta, PoolState.VERIFIED)
    id_ = meta.sign_up(SPARE)
    run_to(meta, PoolState.CLAIMED)
    meta.ask(SPARE, entry="embedded_signup")
    run_to(meta, PoolState.REPLACED)
    (ledger,) = meta.engine.pool.claims(SPARE)
    assert (ledger.phone_number_id, ledger.claimed_for) == (id_, "Lucky Shrub")


def test_a_claim_that_was_not_used_gives_the_number_back(rehearse: Rehearse) -> None:
    meta = rehearse()
    add(meta, SPARE)
    run_to(meta, PoolState.VERIFIED)
    id_ = claim(meta).onboarding.id
    meta.engine.cancel(id_, "another number was chosen")
    run_to(meta, PoolState.VERIFIED)
    assert meta.calls("create_number") == []
    (ledger,) = meta.engine.pool.claims(SPARE)
    assert ledger.released_at is not None
    again = claim(meta, "Lucky Bush")
    assert again.onboarding.phone_number == SPARE


def test_a_claim_of_a_number_that_was_never_proven_gives_back_no_verified_one(
    rehearse: Rehearse,
) -> None:
    meta = rehearse(reads_codes=False)
    add(meta, SPARE)
    run_to(meta, PoolState.ADDED)
    meta.engine.pool.claim(SPARE, claimed_for="Lucky Shrub")
    released = meta.engine.pool.release(SPARE, "they took another one")
    assert released.state is PoolState.EXPIRED
    assert meta.engine.pool.stock()[0].verified == 0


def test_a_number_that_is_being_removed_is_given_to_nobody(rehearse: Rehearse) -> None:
    meta = rehearse()
    add(meta, SPARE)
    run_to(meta, PoolState.VERIFIED)
    meta.engine.pool.remove(SPARE, "the line was given up")
    with pytest.raises(OnboardingError, match="taken out of the pool"):
        claim(meta, reference=SPARE)
    run_to(meta, PoolState.REMOVED)


def test_no_code_is_taken_for_a_number_that_needs_none(rehearse: Rehearse) -> None:
    meta = rehearse()
    add(meta, SPARE)
    run_to(meta, PoolState.VERIFIED)
    with pytest.raises(TransitionRefusedError, match="no code is expected"):
        meta.engine.pool.submit_code(SPARE, "123-830")
    assert spare(meta).code_sealed is None


def test_a_number_of_the_pool_is_onboarded_by_a_claim_alone(rehearse: Rehearse) -> None:
    meta = rehearse()
    add(meta, SPARE)
    run_to(meta, PoolState.VERIFIED)
    with pytest.raises(OnboardingError, match="is in the pool"):
        meta.ask(SPARE)
    first = claim(meta, key="order-1")
    assert claim(meta, key="order-1").result == "known"
    assert claim(meta, key="order-1").onboarding.id == first.onboarding.id
    with pytest.raises(OnboardingError, match="onboarded on WABA"):
        claim(meta, "Somebody else", reference=SPARE)
    with pytest.raises(NotFoundError, match="no verified number of DE"):
        claim(meta, "Somebody else")


def test_a_number_that_is_onboarded_does_not_come_into_a_pool(rehearse: Rehearse) -> None:
    meta = rehearse()
    meta.ask(SPARE)
    with pytest.raises(ConflictError, match="is onboarded"):
        add(meta, OTHER, SPARE)
    assert meta.engine.pool.numbers() == []


def test_many_who_claim_at_once_get_a_number_each_and_none_gets_anothers(
    rehearse: Rehearse,
) -> None:
    meta = rehearse()
    numbers = [f"+4930123456{place}" for place in range(80, 84)]
    add(meta, *numbers)
    for number in numbers:
        run_to(meta, PoolState.VERIFIED, number)

    def take(place: int) -> str | None:
        try:
            return claim(meta, f"Customer {place}").onboarding.phone_number
        except NotFoundError:
            return None

    with ThreadPoolExecutor(6) as threads:
        taken = list(threads.map(take, range(6)))
    assert sorted(n for n in taken if n) == numbers
    assert taken.count(None) == 2
    live = [c for c in meta.engine.pool.claims() if c.released_at is None]
    assert len({c.pool_number_id for c in live}) == len(live) == len(numbers)


def test_a_claimed_number_that_is_not_registered_in_90_days_needs_a_code_again(
    rehearse: Rehearse,
) -> None:
    meta = rehearse(
        scenario=scenario(reviewer={"default": {"first": "PENDING_REVIEW", "decision": "never"}})
    )
    add(meta, SPARE)
    run_to(meta, PoolState.VERIFIED)
    claim(meta)
    meta.run_to(State.NAME_REVIEW, SPARE)
    meta.reads_codes = False
    pass_by(meta, 89 * DAY)
    assert meta.state(SPARE) is State.NAME_REVIEW
    row = meta.run_to(State.OTP_PENDING, SPARE, most=2 * DAY)
    assert row.register_by_reason is DeadlineReason.POLICY
    deadlines = {d.reason: d for d in meta.engine.deadlines(SPARE)}
    assert deadlines[DeadlineReason.PREVERIFIED_CLAIM].closed_how == "replaced"


def test_codes_of_the_pool_and_of_the_onboarding_share_one_window(rehearse: Rehearse) -> None:
    meta = rehearse(reads_codes=False)
    add(meta, SPARE)
    meta.run(most=MINUTE)
    for _ in range(12):
        meta.engine.pool.code_ready(SPARE)
        meta.run(most=15 * MINUTE)
    assert len(meta.calls("request_preverified_code")) == 9, story(meta)
    assert spare(meta).waiting is Reason.BUDGET


def test_a_low_stock_is_told_of_and_told_of_no_more_when_it_is_not(rehearse: Rehearse) -> None:
    meta = rehearse()
    add(meta, SPARE)
    run_to(meta, PoolState.VERIFIED)
    meta.engine.pool.keep(BUSINESS, "de", 2)
    (stock,) = meta.engine.pool.stock()
    assert (stock.verified, stock.at_least, stock.is_low) == (1, 2, True)
    meta.run(most=2 * HOUR)
    (told,) = low_stocks(meta)
    assert (told["data"]["country"], told["data"]["verified"]) == ("DE", 1)
    add(meta, OTHER)
    run_to(meta, PoolState.VERIFIED, OTHER)
    assert meta.engine.pool.stock()[0].is_low is False
    meta.run(most=2 * DAY)
    assert len(low_stocks(meta)) == 1


def test_a_number_that_is_none_is_given_up_and_one_in_use_waits_for_a_person(
    rehearse: Rehearse,
) -> None:
    meta = rehearse(scenario=scenario(elsewhere={"in_use": [OTHER]}))
    add(meta, OTHER)
    meta.run(most=HOUR)
    assert spare(meta, OTHER).hold is Reason.REFUSED, story(meta, OTHER)
    assert len(meta.calls("add_preverified")) <= 2
    meta.engine.pool.remove(OTHER, "not ours")
    run_to(meta, PoolState.REMOVED, OTHER)


def test_a_dead_token_holds_the_account_and_its_pool_goes_on_when_it_is_mended(
    rehearse: Rehearse,
) -> None:
    meta = rehearse()
    meta.fail("refuse", "add_preverified", code=190, subcode=463, times=1)
    add(meta, SPARE)
    meta.run(most=MINUTE)
    assert meta.engine.accounts()[0].hold is Reason.ACCOUNT_HELD
    meta.run(most=HOUR)
    assert len(meta.calls("add_preverified")) == 1
    meta.engine.check_account(WABA)
    run_to(meta, PoolState.VERIFIED)


def test_numbers_that_meta_has_in_the_pool_already_are_taken_as_they_are(
    rehearse: Rehearse,
) -> None:
    there = [{"id": "106540352242922", "phone_number": SPARE, "verified": True}]
    meta = rehearse(scenario=scenario(business={"preverified_numbers": there}))
    add(meta, SPARE)
    run_to(meta, PoolState.VERIFIED)
    assert spare(meta).preverified_id == "106540352242922"
    assert meta.calls("add_preverified", *CODES) == []
    operations = [op.name for op in meta.engine.pool.operations(SPARE)]
    assert Operation.ADD_PREVERIFIED not in operations
