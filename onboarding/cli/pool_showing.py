"""How numbers of a pool, their claims and the stock are shown."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from onboarding.core.pool.lifecycle import STATE_MEANING, PoolState
from onboarding.errors import InputError
from onboarding.model import Reason

if TYPE_CHECKING:
    from onboarding.core.pool.model import Claim, PoolNumber, Share
    from onboarding.core.pool.stock import Stock
    from onboarding.model import JournaledOperation

COLUMNS = (
    "number", "state", "waits for", "temporary id", "verified until", "region", "business", "id",
)  # fmt: skip
CLAIM_COLUMNS = (
    "temporary id", "phone number id", "for", "waba", "claimed at", "replaced at", "released at",
    "by",
)  # fmt: skip
STOCK_COLUMNS = (
    "business", "region", "verified", "at least", "not verified", "requested", "claimed",
)  # fmt: skip

#: What keeps a number of a pool from going on, where it is not plain from the word.
_WAITS = {
    Reason.DONE: None,
    Reason.OVER: None,
    Reason.LISTING: "the pool's list",
    Reason.CODE_READY: "somebody who reads a code",
    Reason.CODE: "the code",
}


def states_of(given: Iterable[str]) -> list[PoolState]:
    """Return the states that were named.

    Raises:
        InputError: there is no such state.
    """
    try:
        return [PoolState(each) for each in given]
    except ValueError as error:
        raise InputError(
            f"there is no such state of a pool's number ({error})".replace("PoolState", "state"),
            field="state",
            hint=f"one of: {', '.join(PoolState)}",
        ) from None


def waits_for(row: PoolNumber) -> str | None:
    """Return what a number waits for, in words."""
    if row.hold is not None:
        return f"release: {row.hold_text}"
    return _WAITS.get(row.waiting, row.waiting.value)


def facts(row: PoolNumber) -> dict[str, Any]:
    """Return a number as JSON tells it."""
    from onboarding.cli.output import plain

    told: dict[str, Any] = plain(row)
    hidden = ("code_mac", "history_seq", "head_hash")
    return {name: value for name, value in told.items() if name not in hidden}


def line(row: PoolNumber) -> tuple[object, ...]:
    """Return a number as a row of the list."""
    return (
        row.phone_number, row.state, waits_for(row), row.preverified_id, row.expires_at,
        row.region, row.business_id, row.id,
    )  # fmt: skip


def claim_line(claim: Claim) -> tuple[object, ...]:
    """Return a claim as a row of the ledger."""
    return (
        claim.preverified_id, claim.phone_number_id, claim.claimed_for, claim.waba_id,
        claim.claimed_at, claim.replaced_at, claim.released_at, claim.claimed_by,
    )  # fmt: skip


def stock_line(stock: Stock) -> tuple[object, ...]:
    """Return the stock of a country as a row."""
    verified = f"{stock.verified} (low)" if stock.is_low else stock.verified
    return (
        stock.business_id, stock.region, verified, stock.at_least, stock.pending,
        stock.requested, stock.claimed,
    )  # fmt: skip


def print_number(
    row: PoolNumber,
    shares: Sequence[Share],
    claims: Sequence[Claim],
    operations: Sequence[JournaledOperation],
    *,
    as_json: bool,
) -> None:
    """Print one number with all that belongs to it."""
    from onboarding.cli.output import plain, print_fields, print_json, print_table, say_next

    if as_json:
        more = {
            "shares": [plain(each) for each in shares],
            "claims": [plain(each) for each in claims],
            "operations": [_operation(each) for each in operations],
        }
        print_json(facts(row) | more)
        return
    print_fields(
        [
            ("number", f"{row.phone_number} ({row.region})"),
            ("pool", f"business {row.business_id}"),
            ("state", f"{row.state}: {STATE_MEANING[row.state]}"),
            ("waits for", waits_for(row)),
            ("temporary id", row.preverified_id),
            ("verified until", row.expires_at),
            ("next look", row.next_due_at),
            ("trouble", row.trouble.failure.message if row.trouble else None),
            ("id", row.id),
        ]
    )
    if shares:
        table = [(s.partner_business_id, s.state, s.changed_at, s.why) for s in shares]
        print_table(("partner", "standing", "since", "why"), table)
    if claims:
        print_table(CLAIM_COLUMNS, [claim_line(each) for each in claims])
    if row.waiting is Reason.CODE_READY:
        say_next(f"onboarding pool code {row.id} --ready")


def _operation(each: JournaledOperation) -> dict[str, Any]:
    return {
        "id": each.id,
        "name": each.name,
        "status": each.status,
        "intent_at": each.intent_at,
        "outcome_at": each.outcome_at,
        "resolved_by": each.resolved_by,
    }
