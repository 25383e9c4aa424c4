"""Which requests ask for what is known already, and which contradict it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sqlalchemy import Connection

from onboarding.core.lifecycle import LIVE
from onboarding.core.timing import iso
from onboarding.engine.context import Context
from onboarding.engine.requests import Refusal, ValidRequest, content_of, is_same
from onboarding.errors import ConflictError
from onboarding.model import Entry, Onboarding, State
from onboarding.store import finding


def known_of(
    ctx: Context, conn: Connection, valid: Mapping[int, ValidRequest]
) -> tuple[dict[int, Onboarding], list[Refusal]]:
    """Return the onboardings that requests ask for again, and what contradicts what is stored.

    A request asks again if its key or its number is known and nothing else of it differs. Both
    are told by the requests' places.
    """
    by_key = finding.load_by_key(conn, [v.request.key for v in valid.values() if v.request.key])
    by_number = finding.load_by_number(conn, [v.number.key for v in valid.values()])
    known: dict[int, Onboarding] = {}
    conflicts: list[Refusal] = []
    for index, each in valid.items():
        try:
            earlier = by_key.get(each.request.key or "")
            match = _same_key(each, earlier) or _same_number(
                each, by_number.get(each.number.key, [])
            )
            if match is not None:
                _require_same_pin(ctx, each, match)
        except ConflictError as error:
            conflicts.append(Refusal(index, error))
            continue
        if match is not None:
            known[index] = match
    return known, conflicts


def _same_key(each: ValidRequest, earlier: Onboarding | None) -> Onboarding | None:
    if earlier is not None and not is_same(each, earlier):
        raise ConflictError(
            f"the key '{each.request.key}' was used for another request "
            f"({_difference(each, earlier)} differs)",
            field="key",
            hint="use a new key for a new request",
        )
    return earlier


def _same_number(each: ValidRequest, earlier: Sequence[Onboarding]) -> Onboarding | None:
    # The one that lives comes first: an older one may have been started again.
    for row in sorted(earlier, key=lambda row: (row.state in LIVE, row.created_at), reverse=True):
        same = row.waba_id == each.request.waba_id and is_same(each, row)
        if same and (row.state in LIVE or not each.request.again):
            _require_same_key(each, row)
            return row
        if row.state in LIVE:
            differs = _difference(each, row)
            raise ConflictError(
                f"{each.number.e164} is onboarded on WABA {row.waba_id} already ({row.state}), "
                f"with another {differs}",
                field=differs,
                hint=_instead(each, row),
            )
    return None


def _instead(each: ValidRequest, row: Onboarding) -> str:
    if each.entry is Entry.MIGRATION and row.state is State.REGISTERED:
        return f"run: onboarding migrate start {row.id} --to {each.request.waba_id}"
    return f"see: onboarding show {row.id}"


def _require_same_key(each: ValidRequest, row: Onboarding) -> None:
    # Said to be known, a key that is not stored could be used for another number later. Its own
    # key a row has where it was stored between the look at the keys and that at the numbers.
    if each.request.key not in (None, row.key):
        raise ConflictError(
            f"{each.number.e164} is onboarded already, "
            + (f"with the key '{row.key}'" if row.key else "without a key"),
            field="key",
            hint="give the same key" if row.key else "leave the key out",
        )


def _require_same_pin(ctx: Context, each: ValidRequest, row: Onboarding) -> None:
    sealed = row.pin_pending_sealed or row.pin_sealed
    pin = each.request.pin
    if pin is not None and (sealed is None or ctx.vault.open(sealed) != pin):
        raise ConflictError(
            f"{each.number.e164} is onboarded already, with another PIN or none",
            field="pin",
            hint=f"run: onboarding secrets set-pin {row.id}",
        )


def _difference(each: ValidRequest, row: Onboarding) -> str:
    """Return the name of the first field in which a request differs from what is stored."""
    onboarded_at = iso(row.onboarded_at) if row.onboarded_at else None
    for name, value in content_of(each, row).items():
        stored = onboarded_at if name == "onboarded_at" else getattr(row, name)
        if stored != value:
            return "phone_number" if name == "number_key" else name
    return "display_name"  # it was changed by a rename since
