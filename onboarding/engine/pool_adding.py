"""Numbers come into a pool: all are checked before any is stored, asking twice changes nothing."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from sqlalchemy import Connection

from onboarding.core.chain import Entry
from onboarding.core.code_choice import CodeChoice, choose
from onboarding.core.lifecycle import LIVE as LIVE_ONBOARDINGS
from onboarding.core.numbers import Number, parse_number
from onboarding.core.pool.lifecycle import PoolState
from onboarding.core.pool.model import Pool, PoolNumber
from onboarding.engine.context import Context, Ids
from onboarding.errors import ConflictError, InputError, NotFoundError
from onboarding.model import Account, CodeMethod
from onboarding.store import accounts, finding, history, pools
from onboarding.store.database import again_if_raced, writing

_COLUMNS = ("phone_number", "code_method", "code_language")


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolRequest:
    """A number that is to come into a pool.

    Attributes:
        phone_number: in any usual format.
        region: two letters, where the number is national.
        code_method: SMS or VOICE; without one it is chosen by the kind of number.
        code_language: language of the code, like ``en_US``; without one it is the region's.
    """

    phone_number: str
    region: str = ""
    code_method: CodeMethod | None = None
    code_language: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolReceipt:
    """What became of a request: ``created``, or ``known`` because the pool has the number."""

    number: PoolNumber
    result: str


def read_file(path: Path) -> list[PoolRequest]:
    """Return the numbers of a CSV file with a column ``phone_number``.

    Raises:
        InputError: it cannot be read, or what is wrong with which line.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file)
            names = [name.strip() for name in reader.fieldnames or ()]
            _check_columns(path, names)
            reader.fieldnames = names
            return [_read_row(path, line, row) for line, row in enumerate(reader, start=2)]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputError(
            f"{path} cannot be read ({type(error).__name__})",
            field="file",
            hint="give a CSV file in UTF-8 with a column phone_number",
        ) from None


def _check_columns(path: Path, names: Sequence[str]) -> None:
    strange = [name for name in names if name not in _COLUMNS]
    if strange or "phone_number" not in names:
        wrong = f"no column '{strange[0]}' is known" if strange else "it has no phone_number"
        raise InputError(f"{path}: {wrong}", field="file", hint=f"columns: {', '.join(_COLUMNS)}")


def _read_row(path: Path, line: int, row: Mapping[str, str | None]) -> PoolRequest:
    given = {name: (row.get(name) or "").strip() for name in _COLUMNS}
    try:
        method = CodeMethod(given["code_method"].upper()) if given["code_method"] else None
    except ValueError:
        raise InputError(
            f"{path}, line {line}: '{given['code_method']}' is no code_method",
            field="code_method",
            hint="SMS or VOICE",
        ) from None
    return PoolRequest(
        phone_number=given["phone_number"],
        code_method=method,
        code_language=given["code_language"] or None,
    )


def add(
    ctx: Context,
    business_id: str,
    requests: Sequence[PoolRequest],
    *,
    waba_id: str | None,
    code_ready: bool,
    actor: str,
) -> list[PoolReceipt]:
    """Store numbers that are to come into a pool, all of them or none.

    Raises:
        InputError: a number is none; or the business is not known, or has several accounts.
        ConflictError: a number is in another pool, or being onboarded.
    """
    if not business_id.isdecimal() or not business_id.isascii():
        raise InputError(
            f"'{business_id}' is not a business id", field="business_id", hint="digits"
        )
    sound = [(_parsed(each, place), each) for place, each in enumerate(requests, start=1)]
    adding = _Adding(business_id, sound, waba_id, code_ready, actor)
    return again_if_raced(lambda: _add(ctx, adding))


def _parsed(request: PoolRequest, place: int) -> tuple[Number, CodeChoice]:
    try:
        number = parse_number(request.phone_number, cc="", region=request.region)
    except InputError as error:
        raise InputError(
            f"number {place}: {error}", field="phone_number", hint=error.hint
        ) from None
    choice = choose(
        number.e164, number.region, method=request.code_method, language=request.code_language
    )
    if not choice.is_possible:
        raise InputError(
            f"number {place}: no code can be sent to {number.e164}: {choice.warning}",
            field="phone_number",
            hint="give another number, or say how a code reaches it: --code-method SMS",
        )
    return number, choice


Sound = Sequence[tuple[tuple[Number, CodeChoice], PoolRequest]]


@dataclass(frozen=True, slots=True)
class _Adding:
    """Numbers that are sound by themselves, and what holds for all of them."""

    business_id: str
    sound: Sound
    waba_id: str | None
    code_ready: bool
    actor: str


def _add(ctx: Context, adding: _Adding) -> list[PoolReceipt]:
    with writing(ctx.database) as conn:
        now, business_id = ctx.clock.now(), adding.business_id
        _open_pool(conn, business_id, adding.waba_id, now)
        keys = sorted({number.key for (number, _), _ in adding.sound})
        known = pools.load_slots(conn, keys)
        _require_free(conn, business_id, keys, known)
        ids = Ids(now)
        fresh: dict[str, PoolNumber] = {}
        for (number, choice), _ in adding.sound:
            if number.key not in known and number.key not in fresh:
                fresh[number.key] = _row(adding, number, choice, ids.next(), now)
        _store(conn, list(fresh.values()), adding.actor, now)
        return [
            PoolReceipt(
                number=fresh.get(number.key) or known[number.key],
                result="created" if number.key in fresh else "known",
            )
            for (number, _), _ in adding.sound
        ]


def _row(
    adding: _Adding, number: Number, choice: CodeChoice, id_: str, now: datetime
) -> PoolNumber:
    return PoolNumber(
        id=id_,
        business_id=adding.business_id,
        number_key=number.key,
        phone_number=number.e164,
        region=number.region,
        added_by=adding.actor,
        created_at=now,
        state=PoolState.REQUESTED,
        state_since=now,
        next_due_at=now,
        waiting_since=now,
        code_method=choice.method,
        code_language=choice.language,
        code_ready=adding.code_ready,
    )


def _store(conn: Connection, rows: Sequence[PoolNumber], actor: str, now: datetime) -> None:
    """Store new numbers with the first entries of their histories.

    Raises:
        IntegrityError: another transaction stored one of them meanwhile; it is all done again.
    """
    pools.insert_numbers(conn, rows)
    entries = {row.id: [_first_entry(row, actor, now)] for row in rows}
    history.append(conn, entries, dict.fromkeys(entries, (0, "")), history.POOL_NUMBERS)


def _first_entry(row: PoolNumber, actor: str, now: datetime) -> Entry:
    return Entry(
        at=now,
        trigger="requested",
        source="",
        dest=PoolState.REQUESTED.value,
        actor=actor,
        reason=f"{row.phone_number} for the pool of business {row.business_id}",
        detail={"code_method": row.code_method.value},
    )


def _open_pool(conn: Connection, business_id: str, waba_id: str | None, now: datetime) -> None:
    """Make the pool on its first use; whose token it uses is said once."""
    if business_id in pools.load_pools(conn, [business_id]):
        if waba_id is not None:
            _payer(conn, business_id, waba_id)
            pools.update_pool(conn, business_id, waba_id=waba_id)
        return
    account = _payer(conn, business_id, waba_id)
    pools.insert_pool(conn, Pool(business_id=business_id, waba_id=account.waba_id, created_at=now))


def _payer(conn: Connection, business_id: str, waba_id: str | None) -> Account:
    """Return the account with whose token the pool's calls are made."""
    known = accounts.load_accounts(conn)
    if waba_id is not None:
        if waba_id not in known:
            raise NotFoundError(
                f"the WABA '{waba_id}' is not known here",
                hint=f"run: onboarding account add {waba_id}",
            )
        return known[waba_id]
    its = [account for account in known.values() if account.business_id == business_id]
    if len(its) == 1:
        return its[0]
    several = "has several accounts" if its else "has no account here"
    raise InputError(
        f"business {business_id} {several}",
        field="account",
        hint="say with whose token the pool's calls are made: --account WABA_ID",
    )


def _require_free(
    conn: Connection, business_id: str, keys: Sequence[str], known: Mapping[str, PoolNumber]
) -> None:
    """Refuse numbers that another pool has, and those that are on their way to a WABA."""
    for row in known.values():
        if row.business_id != business_id:
            raise ConflictError(
                f"{row.phone_number} is in the pool of business {row.business_id}",
                field="phone_number",
                hint=f"see: onboarding pool show {row.id}",
            )
    for rows in finding.load_by_number(conn, keys).values():
        if live := [row for row in rows if row.state in LIVE_ONBOARDINGS]:
            raise ConflictError(
                f"{live[0].phone_number} is onboarded on WABA {live[0].waba_id} already",
                field="phone_number",
                hint=f"see: onboarding show {live[0].id}",
            )
