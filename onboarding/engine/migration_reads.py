"""What our own reads tell of a migration: before it starts, and after Meta has refused it.

Nothing of this changes anything at Meta, and what cannot be read is unknown, never a no.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from onboarding.core.migration_conditions import (
    ConditionFinding,
    Evidence,
    WabaEvidence,
    findings,
    narrowed,
)
from onboarding.core.migrations import Migration
from onboarding.core.steps import Move
from onboarding.engine.changing import write_moves
from onboarding.engine.context import Context
from onboarding.engine.definition import DEFINITION, is_newer
from onboarding.engine.purses import open_purse
from onboarding.graph import requests
from onboarding.graph.calls import GraphCall
from onboarding.graph.requests import GraphRequest
from onboarding.graph.responses import parse_number, parse_subscribed_apps, parse_waba
from onboarding.model import Account, Onboarding, Reason
from onboarding.store import accounts, budgets, migrations, onboardings
from onboarding.store.database import again_if_unlucky, reading, writing

_NUMBER_FIELDS = (*requests.DEFAULT_FIELDS, "is_pin_enabled")
_NUMBER, _SOURCE, _DESTINATION = "number", "source", "destination"
_PAYMENT, _APPS = "payment", "apps"

#: Refusals that are looked into in one pass.
_MOST = 20


def look(
    ctx: Context, number_key: str, source: Onboarding | None, to: str
) -> tuple[ConditionFinding, ...]:
    """Return how Meta's conditions stand for a number, by what can be read right now.

    Args:
        ctx: the engine's parts.
        number_key: which number.
        source: its onboarding where it is now; ``None`` if that WABA is not ours.
        to: the WABA that it is to go to.
    """
    wanted = _requests(source, to)
    waba_ids = sorted({request.waba_id for request in wanted.values()})
    with reading(ctx.database) as conn:
        known = accounts.load_accounts(conn, waba_ids)
    told = _read(ctx, wanted, known)
    return findings(
        Evidence(
            number_key=number_key,
            number=parse_number(told[_NUMBER]) if _NUMBER in told else None,
            source=_evidence(told.get(_SOURCE)),
            destination=_evidence(told.get(_DESTINATION), told.get(_PAYMENT), told.get(_APPS)),
        )
    )


def _requests(source: Onboarding | None, to: str) -> dict[str, GraphRequest]:
    wanted = {
        _DESTINATION: requests.read_waba(to),
        # Only solution partners may read it, and a field that is refused fails the whole read.
        _PAYMENT: requests.read_waba(to, fields=("id", "primary_funding_id")),
        _APPS: requests.list_subscribed_apps(to),
    }
    if source is not None:
        wanted[_SOURCE] = requests.read_waba(source.waba_id)
        if source.phone_number_id is not None:
            wanted[_NUMBER] = requests.read_number(
                source.phone_number_id, source.waba_id, fields=_NUMBER_FIELDS
            )
    return wanted


def _read(
    ctx: Context, wanted: Mapping[str, GraphRequest], known: Mapping[str, Account]
) -> dict[str, object]:
    """Return the answers by what was asked for; what was refused is left out."""
    calls = [
        GraphCall(request=request, token=ctx.token_of(known[request.waba_id]), tag=tag)
        for tag, request in wanted.items()
        if request.waba_id in known
    ]
    return {
        result.call.tag: result.payload
        for result in ctx.graph.send(calls)
        if result.failure is None
    }


def _evidence(waba: object, payment: object = None, apps: object = None) -> WabaEvidence:
    read = parse_waba(waba) if waba is not None else None
    funded = parse_waba(payment).primary_funding_id if payment is not None else None
    return WabaEvidence(
        account_review_status=read.account_review_status if read else None,
        business_verification_status=read.business_verification_status if read else None,
        owner_business_id=read.owner_business_id if read else None,
        has_payment=True if funded else None,
        is_subscribed=bool(parse_subscribed_apps(apps)) if apps is not None else None,
    )


def narrow_refusals(ctx: Context) -> int:
    """Look into the migrations that Meta refused since the last look; return how many there were.

    What is left of the possible causes is put into the one requirement that the refusal made.
    """
    with reading(ctx.database) as conn:
        refused = migrations.load_refused(conn, _MOST, DEFINITION)
    return sum(_narrow(ctx, each) for each in refused)


def _narrow(ctx: Context, migration: Migration) -> bool:
    source_ids = [migration.source_id] if migration.source_id else []
    with reading(ctx.database) as conn:
        sources = onboardings.load_onboardings(conn, source_ids)
    source = sources.get(migration.source_id or "")
    wanted = _requests(source, migration.destination_waba_id)
    if not again_if_unlucky(lambda: _pay(ctx, list(wanted.values()))):
        return False
    found = look(ctx, migration.number_key, source, migration.destination_waba_id)
    return again_if_unlucky(lambda: _tell(ctx, migration, found))


def _pay(ctx: Context, wanted: Sequence[GraphRequest]) -> bool:
    """Spend the budget of the reads; return whether there was enough of it."""
    with writing(ctx.database) as conn:
        now = ctx.clock.now()
        waba_ids = sorted({request.waba_id for request in wanted})
        known = accounts.load_accounts(conn, waba_ids, lock=True)
        purse = open_purse(ctx, conn, waba_ids, now)
        if any(purse.take(known[request.waba_id], read=True) for request in wanted):
            return False
        budgets.spend(conn, purse.spent, now)
    return True


def _tell(ctx: Context, migration: Migration, found: Sequence[ConditionFinding]) -> bool:
    with writing(ctx.database) as conn:
        now, id_ = ctx.clock.now(), migration.destination_id
        row = onboardings.load_onboardings(conn, [id_], lock=True)[id_]
        if row.hold is not Reason.MIGRATION or is_newer(row):
            return False
        refusal = row.trouble.failure.message if row.trouble else ""
        text = f"{refusal.rstrip('.')}; {narrowed(refusal, found)}" if refusal else ""
        step = Move(
            note="migration_looked_into",
            reason=text or narrowed("", found),
            changes={"hold_text": text or narrowed("", found)},
            detail={each.condition: each.standing.value for each in found},
        )
        write_moves(ctx, conn, [(row, step)], "engine", now)
        migrations.note_look(conn, id_, now)
    return True
