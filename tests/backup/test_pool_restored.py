"""The numbers of a pool in a restored copy, beside what the original did after the backup."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from onboarding import Engine
from onboarding.core.pool.lifecycle import PoolState
from onboarding.core.pool.model import ShareState
from onboarding.errors import OnboardingError, TransitionRefusedError
from onboarding.model import Owner, Reason
from tests.backup.test_restored import changes
from tests.engine.rehearsing import HOUR, MINUTE, SECOND, Rehearse, Rehearsed
from tests.engine.test_pool import PARTNER, SPARE, add, claim, run_to, spare, story, world

Copies = Callable[[Rehearsed], dict[str, Any]]
TakeOver = Callable[[Rehearsed, dict[str, Any]], Engine]


def release(meta: Rehearsed) -> None:
    """Wait until every number was seen, and release the copy."""
    meta.wait(5 * MINUTE)
    meta.engine.release_restored("the original is gone")


def with_a_code_that_waits(rehearse: Rehearse) -> Rehearsed:
    """Return a deployment that was given a code of the pool, and has not sent it yet."""
    meta = rehearse(reads_codes=False)
    add(meta, SPARE, code_ready=True)
    meta.settle()
    meta.wait(2 * SECOND)
    meta.engine.pool.submit_code(SPARE, meta.last_code(SPARE))
    return meta


def test_a_code_that_waited_at_the_backup_is_never_sent(
    rehearse: Rehearse, copies: Copies, take_over: TakeOver
) -> None:
    meta = with_a_code_that_waits(rehearse)
    code = meta.last_code(SPARE)
    copy = copies(meta)
    meta.settle()
    before = changes(meta)
    assert before[-1] == "verify_preverified"

    engine = take_over(meta, copy)
    meta.settle()
    with pytest.raises(TransitionRefusedError, match="restored since"):
        engine.pool.submit_code(SPARE, code)
    release(meta)
    run_to(meta, PoolState.VERIFIED)  # as the list shows
    assert changes(meta) == before


def test_another_code_is_asked_for_once_the_last_one_has_lapsed(
    rehearse: Rehearse, copies: Copies, take_over: TakeOver
) -> None:
    meta = with_a_code_that_waits(rehearse)
    take_over(meta, copies(meta))
    release(meta)
    assert spare(meta).code_sealed is None
    assert (spare(meta).waiting, changes(meta)[-1]) == (Reason.RESTORED, "request_preverified_code")
    meta.settle()
    assert spare(meta).waiting is Reason.BUDGET, story(meta)
    meta.reads_codes = True
    run_to(meta, PoolState.VERIFIED)
    assert changes(meta).count("request_preverified_code") == 2
    assert changes(meta).count("verify_preverified") == 1


def test_a_copy_repeats_nothing_that_the_original_did_after_the_backup(
    rehearse: Rehearse, copies: Copies, take_over: TakeOver
) -> None:
    meta = rehearse(scenario=world())
    fresh, leaving, shared, gone = (f"+4930123456{place}" for place in range(91, 95))
    add(meta, leaving, shared, gone)
    for number in (leaving, shared, gone):
        run_to(meta, PoolState.VERIFIED, number)
    add(meta, fresh)
    meta.engine.pool.remove(leaving, "the line was given up")
    meta.engine.pool.share(shared, PARTNER)
    copy = copies(meta)
    claim(meta, reference=gone)
    meta.run(most=3 * HOUR)
    before = changes(meta)

    engine = take_over(meta, copy)
    meta.wait(HOUR)
    assert changes(meta) == before
    engine.release_restored("the original is gone")
    meta.run(most=3 * HOUR)
    states = [spare(meta, number).state for number in (fresh, leaving, shared, gone)]
    assert states == [
        PoolState.VERIFIED, PoolState.REMOVED, PoolState.VERIFIED, PoolState.CLAIMED,
    ]  # fmt: skip
    assert [s.state for s in engine.pool.shares(shared)] == [ShareState.SHARED], story(meta, shared)
    assert changes(meta) == before


def test_a_number_that_the_original_may_have_given_away_is_not_given_away_again(
    rehearse: Rehearse, copies: Copies, take_over: TakeOver
) -> None:
    meta = rehearse()
    add(meta, SPARE)
    run_to(meta, PoolState.VERIFIED)
    copy = copies(meta)
    claim(meta)
    meta.run(most=HOUR)

    engine = take_over(meta, copy)
    assert engine.pool.get(SPARE).state is PoolState.VERIFIED
    for asked in ({"region": "DE"}, {"reference": SPARE}):
        with pytest.raises(OnboardingError, match=r"is free|since the restore"):
            claim(meta, "Lucky Bush", **asked)
    run_to(meta, PoolState.CLAIMED)


def test_numbers_of_pools_are_to_be_seen_before_a_release_and_then_go_on(
    rehearse: Rehearse, copies: Copies, take_over: TakeOver
) -> None:
    meta = rehearse()
    add(meta, SPARE)
    engine = take_over(meta, copies(meta))
    meta.settle()
    with pytest.raises(TransitionRefusedError, match="1 of 1 numbers of pools"):
        engine.release_restored("too early")
    meta.wait(HOUR)
    row, held = spare(meta), engine.restored()
    assert (row.waiting, row.waiting_for) == (Reason.RESTORED, Owner.OPERATOR)
    assert held is not None
    assert (held.pool_live, held.pool_unseen) == (1, 0)
    assert changes(meta) == []
    engine.release_restored("checked")
    run_to(meta, PoolState.VERIFIED)
    assert changes(meta)[0] == "add_preverified"


def test_what_is_forced_waits_until_it_was_seen_all_the_same(
    rehearse: Rehearse, copies: Copies, take_over: TakeOver
) -> None:
    meta = rehearse()
    add(meta, SPARE)
    copy = copies(meta)
    run_to(meta, PoolState.VERIFIED)
    before = changes(meta)
    engine = take_over(meta, copy)
    meta.settle()
    assert engine.release_restored("in a hurry", force=True).pool_unseen == 1
    run_to(meta, PoolState.VERIFIED)
    assert changes(meta) == before
