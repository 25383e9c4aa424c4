"""Links for holders: made for one number, good for one accepted code, and taken back."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial

from sqlalchemy import Connection

from onboarding.core.code_ledger import CODE_STATES
from onboarding.core.code_links import (
    LONGEST,
    CodeLink,
    bare,
    digest_of,
    make_token,
    read_token,
    require_usable,
    url_of,
)
from onboarding.core.code_timing import lapses_at
from onboarding.core.code_wishes import ready, require_code_needed
from onboarding.core.codes import parse_code
from onboarding.core.steps import Move
from onboarding.core.timing import iso
from onboarding.engine.changing import change, write_moves
from onboarding.engine.code_intake import take_codes
from onboarding.engine.context import Context
from onboarding.engine.looking import snapshots
from onboarding.errors import InputError, NotFoundError, OnboardingError, TransitionRefusedError
from onboarding.model import Onboarding, Operation, OperationStatus
from onboarding.store import code_links, history, journal, onboardings
from onboarding.store.database import again_if_unlucky, reading, writing

_PURPOSE = "code-link"
_SHOWN = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class MadeLink:
    """A link that was made now; its token is told this once.

    Attributes:
        link: the link.
        token: what the holder gives back with the code.
        url: the address of the page that takes it; ``None`` where none is set up.
    """

    link: CodeLink
    token: str = field(repr=False)
    url: str | None = field(repr=False)


def make_link(ctx: Context, onboarding_id: str, until: datetime, actor: str) -> MadeLink:
    """Make a link with which the holder of a number can give its code.

    Raises:
        InputError: the end is not ahead, or too far.
        TransitionRefusedError: the number needs no code any more.
    """
    link_id = secrets.token_hex(16)
    token = make_token(link_id, until, ctx.vault.key_id, partial(ctx.vault.sign, _PURPOSE))
    made: list[CodeLink] = []

    def make(row: Onboarding, now: datetime, conn: Connection) -> Move:
        _require_end(until, now)
        require_code_needed(row)
        link = CodeLink(
            id=link_id,
            onboarding_id=row.id,
            cycle=row.cycle,
            digest=digest_of(token),
            made_by=actor,
            made_at=now,
            expires_at=until.replace(microsecond=0),
        )
        code_links.insert_link(conn, link)
        made[:] = [link]
        return Move(
            note="link_made",
            reason=f"a link for the holder, until {until:%Y-%m-%d %H:%M} UTC",
            detail={"link": shown(link), "expires_at": iso(until)},
        )

    change(ctx, onboarding_id, actor, make)
    return MadeLink(link=made[0], token=token, url=url_of(token, ctx.settings.link_base_url))


def _require_end(until: datetime, now: datetime) -> None:
    if until.tzinfo is None or until <= now:
        raise InputError("the link would end before it begins", field="until", hint="like 48h")
    if until > now + LONGEST:
        raise InputError(
            f"a link lasts {LONGEST.days} days at most", field="until", hint="48h is usual"
        )


def shown(link: CodeLink) -> str:
    """Return how a link is named where people read it: the start of its id."""
    return link.id[:_SHOWN]


def redeem_link(ctx: Context, token: str, text: str, actor: str | None) -> Onboarding:
    """Take a code that a holder gives with a link; it is sent to Meta at the next pass.

    A link is good for one code that Meta accepts. Where Meta did not accept the code, it takes
    another, up to as many as wrong codes are borne.

    Args:
        ctx: the engine's parts.
        token: as it was made, or the URL that ends with it.
        text: digits, or the whole message.
        actor: who is named in the history; by default the link.

    Raises:
        InputError: no token of ours, or no code in the text.
        NotFoundError: the link is not known here.
        TransitionRefusedError: the link was used, revoked or has expired; or no code is expected.
        ConflictError: this code was sent to Meta before.
    """
    link_id = _id_in(ctx, token)
    code, digest = parse_code(text), digest_of(bare(token))
    return again_if_unlucky(lambda: _redeem(ctx, link_id, digest, code, actor))


def _id_in(ctx: Context, token: str) -> str:
    return read_token(token, ctx.vault.key_id, partial(ctx.vault.sign, _PURPOSE))[0]


def _redeem(ctx: Context, link_id: str, digest: str, code: str, actor: str | None) -> Onboarding:
    with writing(ctx.database) as conn:
        link, row = _usable(ctx, conn, link_id, digest)
        by, now = actor or f"link {shown(link)}", ctx.clock.now()
        taken = take_codes(ctx, conn, {row.id: code}, by, _told_by(link))[row.id]
        if isinstance(taken, OnboardingError):
            raise taken
        code_links.count_code(conn, link.id, now)
        return taken


def _usable(
    ctx: Context, conn: Connection, link_id: str, digest: str
) -> tuple[CodeLink, Onboarding]:
    """Return a link that may be used, and its onboarding, locked."""
    found = code_links.load_link(conn, link_id)
    if found is None or not secrets.compare_digest(found.digest, digest):
        raise NotFoundError("this link is not known here", hint="ask for a new one")
    id_ = found.onboarding_id
    row = onboardings.load_onboardings(conn, [id_], lock=True)[id_]
    link = code_links.load_link(conn, link_id) or found  # as it is under the lock
    _require_unused(conn, link, row)
    require_usable(link, row.cycle, ctx.clock.now(), ctx.policy.code_tries)
    return link, row


def _told_by(link: CodeLink) -> dict[str, str]:
    return {"link": shown(link), "link_made_by": link.made_by}


def ready_by_link(ctx: Context, token: str, actor: str | None) -> Onboarding:
    """Take the word of a holder, by their link, that they can read a code: one is asked for.

    A link has as many codes sent as may go unread, and none while one is on its way: whoever has
    it must not use up what Meta sends in three days.

    Raises:
        InputError: no token of ours.
        NotFoundError: the link is not known here.
        TransitionRefusedError: the link was used, revoked or has expired; it had its codes sent;
            a code is on its way, or none is needed.
    """
    link_id, digest = _id_in(ctx, token), digest_of(bare(token))
    return again_if_unlucky(lambda: _ready(ctx, link_id, digest, actor))


def _ready(ctx: Context, link_id: str, digest: str, actor: str | None) -> Onboarding:
    with writing(ctx.database) as conn:
        link, row = _usable(ctx, conn, link_id, digest)
        by, now = actor or f"link {shown(link)}", ctx.clock.now()
        step = ready(row, _told_by(link))
        _require_none_out(ctx, conn, row, now)
        said = [e for _, e in history.read(conn, row.id) if e.trigger == step.note]
        if sum(e.detail == step.detail for e in said) >= ctx.policy.code_sends:
            raise TransitionRefusedError(
                f"this link had {ctx.policy.code_sends} codes sent", hint="ask for a new one"
            )
        return write_moves(ctx, conn, [(row, step)], by, now)[row.id]


def _require_none_out(ctx: Context, conn: Connection, row: Onboarding, now: datetime) -> None:
    (snap,) = snapshots(ctx, conn, [row], now)
    lapses = lapses_at(snap, ctx.policy)
    if row.code_ready or snap.open_operation or (lapses is not None and now < lapses):
        raise TransitionRefusedError(
            "a code is on its way, or will be in a moment",
            hint="give it with this link; if none comes, try again in ten minutes",
        )


def _require_unused(conn: Connection, link: CodeLink, row: Onboarding) -> None:
    if link.used_at is None:
        return
    accepted = any(
        op.name is Operation.VERIFY_CODE
        and op.status is OperationStatus.SUCCEEDED
        and op.intent_at >= link.used_at
        for op in journal.load_operations(conn, row.id)
    )
    if accepted or row.state not in CODE_STATES:
        raise TransitionRefusedError(
            "this link was used: its code was accepted", hint="nothing more is to be done with it"
        )
    if row.has_code:
        raise TransitionRefusedError(
            "this link was used: its code is on its way to Meta",
            hint="if Meta does not accept it, the link takes another",
        )


def revoke_link(ctx: Context, link_id: str, reason: str, actor: str) -> CodeLink:
    """Take a link back; who did, and why, goes into the history.

    Args:
        ctx: the engine's parts.
        link_id: its id, or the start of it.
        reason: why.
        actor: who.

    Raises:
        NotFoundError: no such link, or more than one.
        TransitionRefusedError: it was revoked before.
    """
    link = _find(ctx, link_id)

    def make(row: Onboarding, now: datetime, conn: Connection) -> Move:
        del row
        current = code_links.load_link(conn, link.id) or link
        if current.revoked_at is not None:
            raise TransitionRefusedError(
                f"the link was revoked by {current.revoked_by} before", hint="nothing to do"
            )
        code_links.revoke_link(conn, link.id, now, actor)
        return Move(note="link_revoked", reason=reason, detail={"link": shown(link)})

    change(ctx, link.onboarding_id, actor, make)
    return _find(ctx, link.id)


def _find(ctx: Context, link_id: str) -> CodeLink:
    with reading(ctx.database) as conn:
        found = code_links.load_links_by_prefix(conn, link_id, limit=2)
    if len(found) != 1 or not link_id:
        several = "more than one link starts with" if found else "there is no link"
        raise NotFoundError(f"{several} '{link_id}'", hint="see: onboarding link list")
    return found[0]


def list_links(ctx: Context, onboarding_ids: list[str] | None) -> list[CodeLink]:
    """Return the links of some onboardings, or of all, latest first."""
    with reading(ctx.database) as conn:
        return code_links.load_links(conn, onboarding_ids)
