"""The versions of a display name, as the history tells them."""

from __future__ import annotations

from datetime import datetime

from onboarding.core.chain import Entry
from onboarding.core.name_submissions import NameSubmission, submissions
from onboarding.core.timing import iso
from onboarding.model import State
from tests.core.making import CONNECTED, DAY, HOUR, START, a_row

ROW = a_row(State.REGISTERED, CONNECTED)


def entry(trigger: str, at: datetime = START, actor: str = "engine", **detail: str) -> Entry:
    return Entry(
        at=at,
        trigger=trigger,
        source="created",
        dest="created",
        actor=actor,
        reason="",
        detail={name.rstrip("_"): value for name, value in detail.items()},
    )


def changed(to: str, at: datetime, name: str, field: str = "new_name_status", **more: str) -> Entry:
    detail = {"field": field, "to": to, "name": name, "source": "list", **more}
    return entry("name_status_changed", at, **detail)


CREATED = (
    entry("requested", actor="ada", display_name="Shop"),
    entry("renamed", actor="bob", display_name="Lucky Shrub"),
    entry("number_created", START + HOUR),
)
RENAMED = (
    entry("rename_requested", START + DAY, "eve", display_name="Green Corner"),
    entry("name_submitted", START + DAY + HOUR, display_name="Green Corner"),
)


def test_the_first_name_is_the_one_that_the_number_was_created_with() -> None:
    assert submissions(CREATED, ROW) == [
        NameSubmission(
            version=1,
            name="Lucky Shrub",
            given_by="bob",
            submitted_at=START + HOUR,
            decision="AVAILABLE_WITHOUT_REVIEW",
        )
    ]


def test_each_submission_is_a_version_with_its_decision() -> None:
    late = START + 3 * DAY
    told = (
        *CREATED,
        *RENAMED,
        changed("PENDING_REVIEW", START + 2 * DAY, "Green Corner"),
        changed("DECLINED", late, "Green Corner", source="webhook", decided_at=iso(late - HOUR)),
        entry("name_decision", late, decision="REJECTED", name="Green Corner",
              rejection_reason="NAME_INDIVIDUAL_ISSUE"),
        entry("name_given", late, "eve", display_name="Green Corner by Lucky Shrub"),
        entry("name_submitted", late + HOUR, display_name="Green Corner by Lucky Shrub"),
        changed("APPROVED", late + DAY, "Green Corner by Lucky Shrub"),
    )  # fmt: skip
    first, declined, approved = submissions(told, ROW)
    assert [each.version for each in (first, declined, approved)] == [1, 2, 3]
    assert (declined.given_by, declined.decision, declined.decided_at, declined.source) == (
        "eve", "DECLINED", late - HOUR, "webhook",
    )  # fmt: skip
    assert (declined.rejection_reason, declined.why) == (
        "NAME_INDIVIDUAL_ISSUE", "the name is that of a person, not of a business",
    )  # fmt: skip
    assert (approved.decision, approved.decided_at, approved.why) == ("APPROVED", late + DAY, "")


def test_a_name_that_was_declined_without_a_webhook_says_so() -> None:
    told = (*CREATED, *RENAMED, changed("DECLINED", START + 3 * DAY, "Green Corner"))
    assert submissions(told, ROW)[1].why.startswith("not given")


def test_a_name_in_review_has_no_instant_of_a_decision() -> None:
    told = (*CREATED, *RENAMED, changed("PENDING_REVIEW", START + 2 * DAY, "Green Corner"))
    assert (submissions(told, ROW)[1].decision, submissions(told, ROW)[1].decided_at) == (
        "PENDING_REVIEW", None,
    )  # fmt: skip


def test_a_name_that_waits_to_be_submitted_comes_last() -> None:
    waiting = submissions((*CREATED, RENAMED[0]), ROW)[-1]
    assert (waiting.version, waiting.name, waiting.given_by, waiting.submitted_at) == (
        2, "Green Corner", "eve", None,
    )  # fmt: skip


def test_a_call_that_is_settled_twice_is_one_submission() -> None:
    told = (*CREATED, *RENAMED, entry("set_display_name_found", display_name="Green Corner"))
    assert len(submissions(told, ROW)) == 2


def test_an_approval_that_lapsed_is_told_and_submitted_again_by_the_engine() -> None:
    told = (
        *CREATED,
        *RENAMED,
        changed("APPROVED", START + 2 * DAY, "Green Corner"),
        entry("name_not_usable", START + 17 * DAY, lapsed="Green Corner"),
        entry("name_submitted", START + 17 * DAY, display_name="Green Corner"),
    )
    lapsed, again = submissions(told, ROW)[1:]
    assert (lapsed.decision, lapsed.source, lapsed.why) == (
        "EXPIRED", "deadline", "not registered in time after its approval",
    )  # fmt: skip
    assert (again.version, again.given_by, again.decision) == (3, "engine", None)


def test_a_number_that_was_found_brings_the_name_that_it_has() -> None:
    told = (
        entry("requested", actor="ada", display_name="Lucky Shrub"),
        entry("number_found", START + HOUR, display_name="Lucky Shrub Ltd."),
    )
    [version] = submissions(told, ROW)
    assert (version.name, version.given_by) == ("Lucky Shrub Ltd.", None)
    as_asked = (told[0], entry("number_found", START + HOUR, display_name="Lucky Shrub"))
    assert submissions(as_asked, ROW)[0].given_by == "ada"


def test_a_number_that_came_back_under_the_same_name_has_no_new_version() -> None:
    back = (*CREATED, entry("restarted", START + DAY), entry(
        "number_found", START + DAY, display_name="Lucky Shrub"
    ))  # fmt: skip
    assert len(submissions(back, ROW)) == 1


def test_a_history_without_names_has_no_versions() -> None:
    assert submissions((), ROW) == []
    assert submissions((entry("held"),), ROW) == []
