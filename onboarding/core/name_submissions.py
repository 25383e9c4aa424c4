"""Every display name that was submitted for a number, with what became of it.

Derived from the history alone, which keeps each of these facts for ever and cannot be changed:
there is no table that could say something else.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime

from onboarding.core.chain import Entry
from onboarding.core.lifecycle import Trigger
from onboarding.core.name_decisions import STATUS_OF, rejection_of
from onboarding.core.timing import parse_iso
from onboarding.model import NameStatus, Onboarding


@dataclass(frozen=True, slots=True, kw_only=True)
class NameSubmission:
    """One version of the display name.

    Attributes:
        version: 1 for the first name of the number.
        name: as it was submitted.
        given_by: who asked for it; ``None`` where the number was found with it.
        submitted_at: when Meta took it; ``None`` for one that still waits to be submitted.
        decision: a ``name_status`` of Meta; ``None`` while none was told.
        decided_at: when that was told, by Meta's own clock if a webhook told it.
        source: who told: ``webhook``, ``list``, or ``deadline`` for an approval that lapsed.
        rejection_reason: Meta's word; ``None`` if it was not declined, or none was given.
    """

    version: int
    name: str
    given_by: str | None = None
    submitted_at: datetime | None = None
    decision: str | None = None
    decided_at: datetime | None = None
    source: str | None = None
    rejection_reason: str | None = None

    @property
    def why(self) -> str:
        """Why it was declined or lapsed, in plain words; empty otherwise."""
        if self.decision == NameStatus.DECLINED:
            return rejection_of(self.rejection_reason).text
        is_lapsed = self.decision == NameStatus.EXPIRED
        return "not registered in time after its approval" if is_lapsed else ""


def submissions(entries: Iterable[Entry], row: Onboarding) -> list[NameSubmission]:
    """Return the versions of a number's display name, the first one first.

    Args:
        entries: the whole history, in order.
        row: the onboarding, for the standing in which its first name was first seen.
    """
    told = _Told()
    for entry in entries:
        told.take(entry)
    versions = told.versions
    if versions and versions[0].decision is None:
        versions[0] = replace(versions[0], decision=told.first_standing or row.name_status)
    if told.given is not None:
        versions.append(replace(told.given, version=len(versions) + 1))
    return versions


class _Told:
    """What the entries read so far tell of names."""

    def __init__(self) -> None:
        self.versions: list[NameSubmission] = []
        self.given: NameSubmission | None = None
        self.first_standing: str | None = None

    def take(self, entry: Entry) -> None:
        match entry.trigger:
            case "requested" | "renamed" | "name_given" | Trigger.RENAME_REQUESTED:
                name = entry.detail.get("display_name", "")
                self.given = NameSubmission(version=0, name=name, given_by=entry.actor)
            case Trigger.NUMBER_CREATED:
                self._submit(entry, entry.detail.get("display_name"))
            case Trigger.NUMBER_FOUND:
                self._found(entry)
            case "name_submitted" | "set_display_name_found":
                self._submit(entry, entry.detail.get("display_name"))
            case "name_decision":
                self._decided(entry)
            case "name_status_changed":
                self._standing(entry)
            case Trigger.NAME_NOT_USABLE if "lapsed" in entry.detail:
                decided = {"decision": NameStatus.EXPIRED, "source": "deadline"}
                self._judge(entry.detail["lapsed"], decided_at=entry.at, **decided)

    def _submit(self, entry: Entry, name: str | None) -> None:
        given, self.given = self.given, None
        wanted = name or (given.name if given else "")
        last = self.versions[-1] if self.versions else None
        if last and last.name == wanted and last.decision in (None, NameStatus.PENDING_REVIEW):
            return  # the same call, settled twice
        asked_by = given.given_by if given and given.name == wanted else None
        if asked_by is None and last is not None and last.name == wanted:
            asked_by = entry.actor  # an approval that lapsed is submitted again by the engine
        self.versions.append(
            NameSubmission(
                version=len(self.versions) + 1,
                name=wanted,
                given_by=asked_by,
                submitted_at=entry.at,
            )
        )

    def _found(self, entry: Entry) -> None:
        """A number that is there already brings the name that it has."""
        name = entry.detail.get("display_name")
        last = self.versions[-1] if self.versions else None
        over = (NameStatus.DECLINED, NameStatus.EXPIRED)
        if last and name in (None, last.name) and last.decision not in over:
            self.given = None
            return
        self._submit(entry, name)

    def _decided(self, entry: Entry) -> None:
        """A webhook tells the instant and the reason of a decision that the list shows, or will."""
        name, status = entry.detail.get("name", ""), STATUS_OF.get(entry.detail.get("decision", ""))
        version = self._last(name)
        if status is None or version is None:
            return
        if version.decision in (None, NameStatus.PENDING_REVIEW, status):
            reason = entry.detail.get("rejection_reason")
            told = {"decided_at": version.decided_at or _instant(entry), "rejection_reason": reason}
            self._judge(name, decision=status, source=version.source or "webhook", **told)

    def _standing(self, entry: Entry) -> None:
        detail, status = entry.detail, entry.detail["to"]
        if self.first_standing is None and detail["field"] == "name_status":
            self.first_standing = detail.get("from")
        is_decided = status != NameStatus.PENDING_REVIEW
        self._judge(
            detail.get("name", ""),
            decision=status,
            decided_at=_instant(entry) if is_decided else None,
            source=detail.get("source") if is_decided else None,
        )

    def _judge(self, name: str, **changes: object) -> None:
        """Write down what became of the last version of this name."""
        if (version := self._last(name)) is not None:
            self.versions[version.version - 1] = replace(version, **changes)  # type: ignore[arg-type] # fields of its own

    def _last(self, name: str) -> NameSubmission | None:
        return next((v for v in reversed(self.versions) if name in ("", v.name)), None)


def _instant(entry: Entry) -> datetime:
    """Return when Meta decided; the history has it where a webhook told."""
    told = entry.detail.get("decided_at")
    return parse_iso(told) if told else entry.at
