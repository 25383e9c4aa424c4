"""What answers say about budgets, put together: the strictest word of a group holds."""

from __future__ import annotations

from datetime import timedelta
from itertools import permutations

from onboarding.core.budgets import APP, token_key, waba_key
from onboarding.engine.breakers import breakers_of
from onboarding.engine.vault import Vault, new_key
from onboarding.graph import requests
from onboarding.graph.calls import GraphCall, GraphResult
from onboarding.graph.usage import Usage
from onboarding.model import Effect, Failure, RecoveryClass
from tests.engine.rehearsing import START, WABA

VAULT = Vault(new_key())
CALL = GraphCall(request=requests.subscribe_app(WABA), token="EAAtesttoken")


def answer(percent: float, minutes: float = 0, app: float | None = None) -> GraphResult:
    return GraphResult(
        call=CALL, usage=Usage(app_percent=app, by_id={WABA: (percent, minutes)}), payload={}
    )


def throttled(recovery: RecoveryClass, wait_s: float | None = None) -> GraphResult:
    failure = Failure(effect=Effect.REFUSED, recovery=recovery, message="too many", wait_s=wait_s)
    return GraphResult(call=CALL, failure=failure)


def test_headers_below_the_limit_open_nothing() -> None:
    (breaker,) = breakers_of(VAULT, [answer(42.4)], START)
    assert (breaker.key, breaker.percent, breaker.open_until) == (waba_key(WABA), 42, None)


def test_a_full_count_opens_as_long_as_meta_says() -> None:
    (breaker,) = breakers_of(VAULT, [answer(100, 7)], START)
    assert breaker.open_until == START + timedelta(minutes=7)
    (breaker,) = breakers_of(VAULT, [answer(120)], START)
    assert breaker.open_until == START + timedelta(hours=1)
    assert breaker.why


def test_the_apps_count_has_a_breaker_of_its_own() -> None:
    found = {breaker.key: breaker for breaker in breakers_of(VAULT, [answer(10, app=100)], START)}
    assert found[waba_key(WABA)].open_until is None
    assert found[APP].open_until == START + timedelta(hours=1)


def test_the_strictest_word_of_a_group_holds_in_whatever_order_it_comes() -> None:
    group = [answer(30), throttled(RecoveryClass.THROTTLE_WABA), answer(100, 5), answer(31)]
    for order in permutations(group):
        (breaker,) = breakers_of(VAULT, order, START)
        assert breaker.open_until == START + timedelta(hours=1)
        assert breaker.percent == 100


def test_a_throttled_app_stops_all_wabas() -> None:
    (breaker,) = breakers_of(VAULT, [throttled(RecoveryClass.THROTTLE_APP, 600)], START)
    assert (breaker.key, breaker.open_until) == (APP, START + timedelta(minutes=10))
    assert breakers_of(VAULT, [throttled(RecoveryClass.WAIT, 600)], START) == []


def test_a_throttled_token_stops_what_is_called_with_it_and_is_told_by_no_name() -> None:
    told = throttled(RecoveryClass.THROTTLE_TOKEN, 600)
    (breaker,) = breakers_of(VAULT, [told, told], START)
    assert breaker.key == token_key(VAULT.mac("token", CALL.token))
    assert CALL.token not in repr(breaker)
    assert breaker.open_until == START + timedelta(minutes=10)


def test_a_throttled_call_without_a_token_stops_the_app() -> None:
    """A code of Embedded Signup is exchanged with the app's secret."""
    request = requests.exchange_code(WABA, app_id="1", app_secret="secret", code="code")
    failure = throttled(RecoveryClass.THROTTLE_TOKEN, 600).failure
    told = GraphResult(call=GraphCall(request=request, token=""), failure=failure)
    (breaker,) = breakers_of(VAULT, [told], START)
    assert (breaker.key, breaker.open_until) == (APP, START + timedelta(minutes=10))
