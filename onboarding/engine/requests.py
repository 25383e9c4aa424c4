"""Requests: what a caller may ask for, and what is wrong with one by its own content."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import TypeVar

from onboarding.core.code_choice import CodeChoice, choose
from onboarding.core.code_windows import parse_window
from onboarding.core.names import parse_display_name
from onboarding.core.numbers import Number, parse_number
from onboarding.core.pins import parse_pin
from onboarding.core.timing import iso
from onboarding.errors import ConflictError, InputError
from onboarding.model import CodeMethod, Entry, Onboarding

E = TypeVar("E", Entry, CodeMethod)

_LANGUAGE = re.compile(r"[a-z]{2}(_[A-Z]{2})?")

#: How far the clock of whoever told us a time may be ahead of ours.
_CLOCK_SKEW = timedelta(minutes=5)


@dataclass(frozen=True, slots=True, kw_only=True)
class NumberRequest:
    """What a caller asks for: one number on one WABA.

    Attributes:
        waba_id: the WABA, added as an account before.
        phone_number: in any usual format.
        display_name: 2 to 75 characters.
        cc: calling code, where the number is national.
        region: two letters, where the number is national.
        entry: how the number comes to us.
        code_method: SMS or VOICE; without one it is chosen by the kind of number.
        code_language: language of the code, like ``en_US``; without one it is the region's.
        code_window: when the holder can read a code, see ``core/code_windows.py``.
        code_ready: the holder can read a code now.
        onboarded_at: when Embedded Signup was finished, as far as the caller knows.
        pin: the number's two-step verification PIN, if it has one already.
        key: a key of the caller's that makes the request idempotent.
        again: start anew although an earlier onboarding of the number is over.
        preverified_id: the temporary id of a number of the pool, for the entry ``preverified``;
            ``Engine.pool.request`` fills it in.
    """

    waba_id: str
    phone_number: str
    display_name: str
    cc: str = ""
    region: str = ""
    entry: Entry | str = Entry.NEW
    code_method: CodeMethod | str | None = None
    code_language: str | None = None
    code_window: str | None = None
    code_ready: bool = False
    onboarded_at: datetime | None = None
    pin: str | None = field(default=None, repr=False)
    key: str | None = None
    again: bool = False
    preverified_id: str | None = None


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why the request at this place of a batch cannot be accepted.

    Attributes:
        index: the request's place in the batch, from 0.
        error: what is wrong with it.
        earlier: the place of the request that it repeats, if that is what is wrong.
    """

    index: int
    error: InputError
    earlier: int | None = None


class RequestsRefusedError(InputError):
    """Some requests of a batch cannot be accepted; none of the batch was stored."""

    def __init__(self, refusals: Sequence[Refusal]) -> None:
        first = refusals[0].error
        more = f" (and {len(refusals) - 1} more)" if len(refusals) > 1 else ""
        super().__init__(f"{first}{more}", field=first.field, hint=first.hint)
        self.refusals = tuple(refusals)
        if all(isinstance(refusal.error, ConflictError) for refusal in refusals):
            self.exit_code = ConflictError.exit_code


@dataclass(frozen=True, slots=True, kw_only=True)
class ValidRequest:
    """A request whose own content is sound."""

    request: NumberRequest
    number: Number
    display_name: str
    entry: Entry
    code: CodeChoice
    digest: str


def validate(
    requests: Sequence[NumberRequest], now: datetime
) -> tuple[dict[int, ValidRequest], list[Refusal]]:
    """Return the sound requests of a batch by their places in it, and why the others are not."""
    valid: dict[int, ValidRequest] = {}
    refusals: list[Refusal] = []
    first_at: dict[str, int] = {}
    for index, request in enumerate(requests):
        try:
            each = _check(request, now)
        except InputError as error:
            refusals.append(Refusal(index, error))
            continue
        if twice := _twice(index, each, first_at):
            refusals.append(twice)
        valid[index] = each
    return valid, refusals


def _twice(index: int, each: ValidRequest, first_at: dict[str, int]) -> Refusal | None:
    """Note where a number and a key come first; return why they may not come again."""
    number, key = each.number, each.request.key
    if (earlier := first_at.setdefault(f"number/{number.key}", index)) != index:
        text, field = f"the number {number.e164} is in this batch already", "phone_number"
    elif key and (earlier := first_at.setdefault(f"key/{key}", index)) != index:
        text, field = f"the key '{key}' is in this batch already", "key"
    else:
        return None
    return Refusal(index, ConflictError(text, field=field, hint="keep one of the two"), earlier)


def _check(request: NumberRequest, now: datetime) -> ValidRequest:
    number = parse_number(request.phone_number, cc=request.cc, region=request.region)
    entry = _member(Entry, request.entry, "entry")
    code = _code_choice(request, number, entry)
    if request.code_window is not None:
        parse_window(request.code_window)
    if request.pin is not None:
        parse_pin(request.pin)
    if (request.preverified_id is not None) is not (entry is Entry.PREVERIFIED):
        raise InputError(
            "the entry preverified and the temporary id of a number of the pool go together",
            field="preverified_id",
            hint="onboarding request WABA_ID NAME --preverified ID",
        )
    if request.onboarded_at is not None:
        require_past(request.onboarded_at, now, "onboarded_at")
        if entry is not Entry.EMBEDDED_SIGNUP:
            raise InputError(
                "a number that is created or migrated here has no Embedded Signup",
                field="onboarded_at",
                hint="leave it out, or give the entry embedded_signup",
            )
    name = parse_display_name(request.display_name)
    valid = ValidRequest(
        request=request,
        number=number,
        display_name=name,
        entry=entry,
        code=code,
        digest="",
    )
    return replace(valid, digest=_digest(valid))


def _code_choice(request: NumberRequest, number: Number, entry: Entry) -> CodeChoice:
    """Return how the code goes to the number: as asked, or else by what the number is."""
    method = parse_code_method(request.code_method)
    language = parse_code_language(request.code_language)
    choice = choose(number.e164, number.region, method=method, language=language)
    if entry is not Entry.EMBEDDED_SIGNUP and not choice.is_possible:
        raise InputError(
            f"no code can be sent to {number.e164}: {choice.warning}",
            field="phone_number",
            hint="give another number; if it is none, say how a code reaches it: --code-method SMS",
        )
    return choice


def parse_code_method(text: str | None) -> CodeMethod | None:
    """Return how a code is to go out; ``None`` if it is not said.

    Raises:
        InputError: names the field.
    """
    return _member(CodeMethod, str(text).upper(), "code_method") if text else None


def parse_code_language(text: str | None) -> str | None:
    """Return the language of a code, in the form that Meta documents; ``None`` if it is not said.

    Raises:
        InputError: names the field.
    """
    if text and not _LANGUAGE.fullmatch(text):
        raise InputError(f"'{text}' is not a language", field="code_language", hint="like en_US")
    return text or None


def require_past(instant: datetime, now: datetime, name: str) -> None:
    """Refuse an instant without an offset, or one that has not come yet.

    Raises:
        InputError: names the field.
    """
    if instant.tzinfo is None:
        raise InputError("the time has no offset", field=name, hint="like 2026-03-02T09:00:00Z")
    if instant > now + _CLOCK_SKEW:
        raise InputError(
            f"{instant:%Y-%m-%d %H:%M} UTC has not come yet",
            field=name,
            hint="give the time at which the customer finished Embedded Signup",
        )


def _member(enum: type[E], value: str, name: str) -> E:
    try:
        return enum(value)
    except ValueError:
        allowed = ", ".join(enum)
        raise InputError(
            f"'{value}' is not possible", field=name, hint=f"one of: {allowed}"
        ) from None


def content_of(valid: ValidRequest, beside: Onboarding | None = None) -> dict[str, str | None]:
    """Return what makes two requests the same, field by field.

    What a request leaves to us is whatever was chosen for the number that it is compared with:
    asking again is no other request because a numbering plan changed meanwhile.
    """
    request, code = valid.request, valid.code
    onboarded_at = request.onboarded_at
    if beside is not None:
        method = code.method if request.code_method else beside.code_method
        language = code.language if request.code_language else beside.code_language
        code = replace(code, method=method, language=language)
    # Left out where there is none, so that requests of before keep their digest.
    claimed = {"preverified_id": request.preverified_id} if request.preverified_id else {}
    return {
        **claimed,
        "waba_id": request.waba_id,
        "number_key": valid.number.key,
        "display_name": valid.display_name,
        "entry": valid.entry.value,
        "code_method": code.method.value,
        "code_language": code.language,
        "code_window": request.code_window,
        "onboarded_at": iso(onboarded_at.astimezone(UTC)) if onboarded_at else None,
    }


def is_same(valid: ValidRequest, row: Onboarding) -> bool:
    """Whether a request asks for what an onboarding was made from.

    A person may have changed since how its codes go out: a request is known by what was asked
    first, and by how it is now.
    """
    request, code = valid.request, valid.code
    loose = replace(
        request,
        code_method=None if code.method is row.code_method else request.code_method,
        code_language=None if code.language == row.code_language else request.code_language,
    )
    asked = replace(valid, request=loose)
    return any(_digest(asked, each) == row.content_digest for each in _as_it_was(valid, row))


def _as_it_was(valid: ValidRequest, row: Onboarding) -> Iterator[Onboarding]:
    """Yield the onboarding as it stands, and as it may have been when it was asked for."""
    yield row
    usual = choose(valid.number.e164, valid.number.region)
    for method in CodeMethod:
        for language in (row.code_language, usual.language):
            yield replace(row, code_method=method, code_language=language)


def _digest(valid: ValidRequest, beside: Onboarding | None = None) -> str:
    text = json.dumps(content_of(valid, beside), sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()
