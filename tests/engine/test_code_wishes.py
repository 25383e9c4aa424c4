"""What people say of codes to come: how they go out, and, with a link, that somebody is there."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from onboarding.errors import (
    ConflictError,
    InputError,
    OnboardingError,
    TransitionRefusedError,
)
from onboarding.model import Reason, State
from tests.engine.rehearsing import DAY, HOUR, MINUTE, NUMBER, SECOND, Rehearsed


class TestChoosingAnew:
    def test_the_next_code_goes_out_as_a_person_chose(self, meta: Rehearsed) -> None:
        meta.reads_codes = False
        meta.ask("+4915112345678", code_ready=True)
        meta.wait(5 * SECOND)
        meta.engine.choose_code("+4915112345678", method="voice", language="pt_BR", actor="ada")
        meta.wait(11 * MINUTE)
        meta.engine.code_ready("+4915112345678")
        meta.wait(5 * SECOND)
        first, second = (call["params"] for call in meta.calls("request_code"))
        assert (first["code_method"], first["language"]) == ("SMS", "de_DE")
        assert (second["code_method"], second["language"]) == ("VOICE", "pt_BR")
        entries = [entry for _, entry in meta.engine.history("+4915112345678")]
        (changed,) = (e for e in entries if e.trigger == "code_choice_changed")
        assert (changed.actor, changed.source, changed.dest) == (
            "ada",
            "otp_pending",
            "otp_pending",
        )
        assert changed.detail == {"code_choice": "VOICE: as asked for; pt_BR: as asked for"}
        sent = [e.reason for e in entries if e.trigger == "code_requested"]
        assert sent == ["Meta sends a code by SMS", "Meta sends a code by VOICE"]

    def test_one_of_the_two_may_stay(self, meta: Rehearsed) -> None:
        meta.reads_codes = False
        meta.ask()
        row = meta.engine.choose_code(NUMBER, language="fr_FR")
        assert (row.code_method, row.code_language) == ("VOICE", "fr_FR")
        (_, last) = meta.engine.history(NUMBER)[-1]
        assert last.detail == {"code_choice": "VOICE: as before; fr_FR: as asked for"}

    @pytest.mark.parametrize(
        ("given", "error", "text"),
        [
            ({}, InputError, "neither a method nor a language"),
            ({"method": "PIGEON"}, InputError, "'PIGEON' is not possible"),
            ({"language": "german"}, InputError, "is not a language"),
            ({"method": "VOICE"}, ConflictError, "by VOICE in de_DE already"),
            ({"language": "de_DE"}, ConflictError, "by VOICE in de_DE already"),
        ],
    )
    def test_what_is_no_other_choice_changes_nothing(
        self, meta: Rehearsed, given: dict[str, Any], error: type[OnboardingError], text: str
    ) -> None:
        meta.reads_codes = False
        meta.ask()
        before = meta.triggers()
        with pytest.raises(error, match=text):
            meta.engine.choose_code(NUMBER, **given)
        assert meta.triggers() == before

    def test_a_number_that_needs_no_code_has_no_choice(self, meta: Rehearsed) -> None:
        meta.register()
        with pytest.raises(TransitionRefusedError, match="no code is needed"):
            meta.engine.choose_code(NUMBER, method="SMS")

    @pytest.mark.parametrize(
        "asked", [{}, {"code_method": "VOICE", "code_language": "de_DE"}, {"code_method": "SMS"}]
    )
    def test_asking_for_the_number_again_is_still_known(
        self, meta: Rehearsed, asked: dict[str, Any]
    ) -> None:
        """By what was asked first, by how it is now, and where the choice is left to us."""
        meta.reads_codes = False
        id_ = meta.ask(key="order-1")
        meta.engine.choose_code(NUMBER, method="SMS", language="fr_FR")
        assert meta.ask(key="order-1", **asked) == id_
        assert meta.ask(**asked) == id_
        with pytest.raises(InputError, match="code_language differs"):
            meta.ask(key="order-1", code_language="ja_JP")


def test_a_word_is_not_good_for_a_code_of_the_day_after(meta: Rehearsed) -> None:
    """Who could read a code when it was refused need not be there a day later."""
    meta.reads_codes = False
    meta.fail("refuse", "request_code", code=136024, subcode=2388367, times=1)
    meta.ask(code_ready=True)
    meta.wait(2 * DAY)
    assert len(meta.calls("request_code")) == 1
    assert meta.row().waiting is Reason.CODE_READY
    meta.engine.code_ready(NUMBER)
    meta.wait(5 * SECOND)
    assert meta.state() is State.OTP_PENDING


class TestReadyByLink:
    @pytest.fixture
    def asked(self, meta: Rehearsed) -> Rehearsed:
        """A number that waits for its holder."""
        meta.reads_codes = False
        meta.ask()
        meta.settle()
        return meta

    def token(self, meta: Rehearsed) -> str:
        return meta.engine.make_link(NUMBER, meta.clock.now() + 2 * DAY, actor="ada").token

    def test_the_holder_has_a_code_sent_and_gives_it_with_one_link(self, asked: Rehearsed) -> None:
        token = self.token(asked)
        assert asked.engine.ready_by_link(token).code_ready
        asked.wait(5 * SECOND)
        asked.engine.redeem_link(token, asked.last_code(NUMBER))
        asked.run_to(State.REGISTERED)
        (link,) = asked.engine.links(NUMBER)
        said = next(e for _, e in asked.engine.history(NUMBER) if e.trigger == "code_ready")
        assert said.actor == f"link {link.id[:12]}"
        assert said.detail == {"link": link.id[:12], "link_made_by": "ada"}
        assert len(asked.calls("request_code")) == link.codes == 1

    def test_no_other_code_is_sent_while_one_is_on_its_way(self, asked: Rehearsed) -> None:
        token = self.token(asked)
        asked.engine.ready_by_link(token)
        for span in (timedelta(), 5 * MINUTE):
            asked.wait(span)
            with pytest.raises(TransitionRefusedError, match="a code is on its way") as refused:
                asked.engine.ready_by_link(token)
            assert "give" in refused.value.hint
        assert asked.triggers().count("code_ready") == 1
        asked.wait(6 * MINUTE)
        asked.engine.ready_by_link(token)
        asked.wait(5 * SECOND)
        assert len(asked.calls("request_code")) == 2

    def test_a_link_has_three_codes_sent_and_no_more(self, asked: Rehearsed) -> None:
        """Whoever has it could else use up all that Meta sends in three days."""
        token = self.token(asked)
        for _ in range(3):
            asked.engine.ready_by_link(token)
            asked.wait(11 * MINUTE)
        with pytest.raises(TransitionRefusedError, match="3 codes sent"):
            asked.engine.ready_by_link(token)
        asked.engine.ready_by_link(self.token(asked))
        assert asked.triggers().count("code_ready") == 4

    def test_a_link_that_is_over_says_nothing(self, asked: Rehearsed) -> None:
        now = asked.clock.now()
        brief, revoked = (asked.engine.make_link(NUMBER, now + n * HOUR) for n in (1, 48))
        asked.engine.revoke_link(revoked.link.id, "a mistake")
        asked.wait(2 * HOUR)
        before = asked.triggers()
        for token, text in (
            (brief.token, "this link expired"),
            (revoked.token, "this link was revoked"),
            ("nonsense", "not the token"),
        ):
            with pytest.raises(OnboardingError, match=text):
                asked.engine.ready_by_link(token)
        assert asked.triggers() == before

    def test_a_used_link_says_nothing_either(self, asked: Rehearsed) -> None:
        token = self.token(asked)
        asked.engine.ready_by_link(token)
        asked.wait(5 * SECOND)
        asked.engine.redeem_link(token, asked.last_code(NUMBER))
        asked.run_to(State.REGISTERED)
        with pytest.raises(TransitionRefusedError, match="was used"):
            asked.engine.ready_by_link(token)
