"""Meta's published rules for display names: what is found, and what is left alone."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

import onboarding
from onboarding import check_display_name
from onboarding.core.name_decisions import REJECTIONS, RejectionReason, rejection_of
from onboarding.core.name_looks import LOOKS
from onboarding.core.name_rules import NAME_RULES, NameRule

#: Names that Meta's own documents use, and names of the kinds that its guidelines call good.
GOOD = (
    "Lucky Shrub",
    "New Lucky Shrub",
    "Jasper's Market",
    "ABC Wine Glasses",
    "Fresh Produce Cold Pressed Juices",
    "Fresh Produce Ltd. Test",
    "Lucky Shrub New York",
    "Green Corner by Lucky Shrub",
    "Lil' Cupcakes",
)

#: Names of real kinds of business that no rule must mistake for something else.
UNUSUAL = (
    "Müller & Söhne GmbH", "日本食堂", "مطعم الشرق", "क्षेत्र दुकान", "H&M", "AT&T", "7-Eleven", "E.ON",
    "U.S. Bank", "J.P. Morgan", "St. Mary", "S.A. de C.V.", "Disney+", "eBay", "Dr. Oetker",
    "Casa d'Ouro", "Maria's Flowers", "Luckier Shrub (Berlin)", "IBM",
)  # fmt: skip

by_rule = pytest.mark.parametrize("rule", NAME_RULES, ids=lambda rule: rule.id)


def found(name: str, business: str = "") -> list[str]:
    return [finding.rule for finding in check_display_name(name, business=business)]


@by_rule
def test_each_rule_finds_its_bad_example_and_leaves_its_good_one_alone(rule: NameRule) -> None:
    assert rule.id in found(rule.fails, rule.business)
    assert found(rule.passes, rule.business) == []


@by_rule
def test_each_rule_says_what_it_looks_for_why_and_what_mends_it(rule: NameRule) -> None:
    assert all((rule.checks, rule.reason, rule.mend, rule.declined_as in REJECTIONS))


def test_each_rule_has_its_look() -> None:
    assert [rule.id for rule in NAME_RULES] == list(LOOKS)


@pytest.mark.parametrize("name", [*GOOD, *UNUSUAL])
def test_good_names_are_left_alone(name: str) -> None:
    assert found(name) == []


@pytest.mark.parametrize("name", GOOD)
@pytest.mark.parametrize("blanks", ["  {} ", "{}\n", "\t{}"])
def test_blanks_that_are_taken_away_anyway_are_no_finding(name: str, blanks: str) -> None:
    assert found(blanks.format(name)) == []


@pytest.mark.parametrize(
    ("name", "rule"),
    [
        ("", "length"),
        ("x" * 76, "length"),
        ("O2", "too_short"),
        ("Lucky\x00Shrub", "unshown"),
        ("Lucky\udcffShrub", "unshown"),
        ("https://luckyshrub", "url"),
        ("sales@luckyshrub.example", "url"),
        ("Amazon.de", "url"),
        ("NEW LUC", "all_capitals"),
        ("Lucky SHRUB", "all_capitals"),
        ("lucky", "no_capitals"),
        ("Lucky Shrub , Garden", "spacing"),
        ('"Lucky" Shrub', "punctuation"),
        ("Lucky -- Shrub", "punctuation"),
        ("Lucky Shrub 🇩🇪", "emoji"),
        ("Lucky ✨ Shrub", "emoji"),
        ("Lucky® Shrub", "symbol"),
        ("Lucky $hrub", "symbol"),
        ("Watsapp Shrub", "platform"),
        ("Meta Shrub", "platform"),
        ("Lucky Shrub Oficial", "official"),
        ("Lucky Shrub Offiziell", "official"),
        ("Mr. Smith", "person"),
        ("José Souza", "person"),
        ("Anna at Lucky Shrub", "employee"),
        ("The Shop", "generic"),
        ("Customer Support", "generic"),
        ("São Paulo", "place"),
    ],
)
def test_what_is_declined_is_found(name: str, rule: str) -> None:
    assert rule in found(name)


def test_a_brand_may_be_written_as_it_is_known() -> None:
    assert found("Yahoo!") == ["punctuation"]
    assert found("Yahoo!", business="Yahoo!") == []
    assert found("LUCKY SHRUB Garden", business="LUCKY SHRUB") == []
    assert found("Maria Gonzalez", business="Maria Gonzalez") == []


def test_a_brand_excuses_no_more_than_it_has() -> None:
    assert found("Shop", business="Lucky Shop") == ["generic"]
    assert found("Lucky Shrub 🌱", business="Lucky Shrub 🌱") == ["emoji"]
    assert "official" in found("Lucky Shrub Official", business="Lucky Shrub Official")


@pytest.mark.parametrize(
    ("name", "business", "is_like"),
    [
        ("Lucky Shrub", "Lucky Shrub Ltd.", True),
        ("LuckyShrub", "Lucky Shrub", True),
        ("Lucky Shrubs", "Lucky Shrub", True),
        ("LSG Garden", "Lucky Shrub Garden", True),
        ("Green Corner Shop", "Lucky Shrub Shop", False),
        ("Green Corner", "", True),
    ],
)
def test_a_name_has_to_do_with_its_business(name: str, business: str, *, is_like: bool) -> None:
    assert ("unlike_business" in found(name, business)) is not is_like


anything = st.text(st.characters()) | st.text(
    st.sampled_from("aA \t.!'\u2019-&+@🌱™\u200d\u200b\x00éß中/"), max_size=90
)


@given(anything, anything)
def test_any_text_can_be_checked(name: str, business: str) -> None:
    findings = check_display_name(name, business=business)
    order = [rule.id for rule in NAME_RULES]
    assert [f.rule for f in findings] == sorted({f.rule for f in findings}, key=order.index)
    assert findings == check_display_name(f" {name} ", business=business)


@given(st.sampled_from(GOOD), st.sampled_from(["🌱", "™", " Official", "!!"]))
def test_what_spoils_a_good_name_is_found(name: str, spoilt_by: str) -> None:
    assert len(found(name + spoilt_by)) == 1


@pytest.mark.parametrize("reason", RejectionReason)
def test_each_reason_of_meta_is_told_in_plain_words(reason: RejectionReason) -> None:
    told = rejection_of(reason.value)
    assert told.text
    assert told.mend
    assert reason.value not in told.text


def test_a_reason_that_is_new_or_missing_is_told_as_well() -> None:
    assert "NAME_NEW_ISSUE" in rejection_of("NAME_NEW_ISSUE").text
    for missing in (None, ""):
        assert rejection_of(missing).text.startswith("not given")


def test_checking_a_name_needs_no_engine() -> None:
    assert onboarding.check_display_name("Lucky Shrub") == ()
    assert isinstance(check_display_name("KT")[0], onboarding.NameFinding)
