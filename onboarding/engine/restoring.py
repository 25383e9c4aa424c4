"""A restored copy: how it is noticed, what it forgets, and how a person lets it go on.

It knows nothing of the calls that the original made after the backup. So it calls nobody and only
reads Meta's lists, until a person has made sure that the original is stopped and releases it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import Connection

from onboarding.core.restored import certain_from
from onboarding.core.steps import Restore
from onboarding.engine.account_changes import change_account
from onboarding.engine.context import Context
from onboarding.errors import InputError, TransitionRefusedError
from onboarding.store import accounts
from onboarding.store.database import again_if_raced, reading, writing
from onboarding.store.deployment import (
    COPIED,
    HERE,
    HOME,
    RESTORED,
    RestoreFact,
    load_facts,
    lock_facts,
    parse_restore,
    put_facts,
)
from onboarding.store.restored import (
    count_seen_in_pools,
    count_seen_live,
    forget_after_restore,
    wake_restored,
    want_pools_read,
)
from onboarding.telemetry import log

_ENGINE = "engine"


@dataclass(frozen=True, slots=True, kw_only=True)
class Restored:
    """A database that calls nobody, as it is a restored copy.

    Attributes:
        restore: since when and why.
        live: onboardings that are not over.
        unseen: those of them that no list shows yet as they are since the restore.
        pool_live: numbers of pools that are not over.
        pool_unseen: those of them that the list of their pool does not show yet as they are.
    """

    restore: Restore
    live: int
    unseen: int
    pool_live: int = 0
    pool_unseen: int = 0

    @property
    def missing(self) -> str:
        """What no list shows yet, in words; empty if all was seen."""
        counted = (
            (self.unseen, self.live, "live onboardings"),
            (self.pool_unseen, self.pool_live, "numbers of pools"),
        )
        return " and ".join(f"{unseen} of {of} {what}" for unseen, of, what in counted if unseen)

    @property
    def held(self) -> str:
        """What a release lets go on, in words."""
        in_pools = f" and {self.pool_live} numbers of pools" if self.pool_live else ""
        return f"{self.live} live onboardings{in_pools}"


def restore_of(conn: Connection, now: datetime) -> Restore | None:
    """Return the last restore; one that nobody noticed yet counts as one of this moment."""
    facts = load_facts(conn)
    if why := _sign(facts):
        return Restore(at=now, why=why)
    return parse_restore(facts[RESTORED]).restore if RESTORED in facts else None


def may_call(conn: Connection, now: datetime) -> bool:
    """Whether anything may be changed at Meta."""
    restore = restore_of(conn, now)
    return restore is None or restore.is_released


def _sign(facts: Mapping[str, str]) -> str | None:
    """Return how it shows that this is a copy; ``None`` if nothing new shows."""
    if facts.get(COPIED):
        return f"a copy that 'onboarding backup' made at {facts[COPIED]}"
    here, home = facts.get(HERE), facts.get(HOME)
    if not here or not home or here == home:
        return None
    kinds = ("PostgreSQL cluster", "timeline", "database")
    changed = [
        kind
        for kind, was, is_ in zip(kinds, home.split("/"), here.split("/"), strict=True)
        if was != is_
    ]
    return f"it has another {' and another '.join(changed)} than before"


def notice(ctx: Context) -> None:
    """See whether this is a restored copy that nobody noticed yet, and note it, once."""
    with reading(ctx.database) as conn:
        facts = load_facts(conn)
    if HERE in facts and HOME not in facts:
        again_if_raced(lambda: _settle_in(ctx))
    elif _sign(facts):
        again_if_raced(lambda: _notice(ctx))


def _settle_in(ctx: Context) -> None:
    with writing(ctx.database) as conn:
        keep_home(conn)


def keep_home(conn: Connection) -> None:
    """Keep the identity of a database that has none yet, to know a copy of it by."""
    facts = load_facts(conn)
    if HERE in facts and HOME not in facts:
        put_facts(conn, {HOME: facts[HERE]})


def _notice(ctx: Context) -> None:
    with writing(ctx.database) as conn:
        lock_facts(conn)
        if why := _sign(load_facts(conn)):
            _enter(ctx, conn, why, _ENGINE)


def mark_restored(ctx: Context, reason: str, actor: str) -> Restored:
    """Take a person's word that this is a restored copy.

    Raises:
        InputError: no reason is given.
    """
    _require(reason)
    return again_if_raced(lambda: _mark(ctx, reason, actor))


def _mark(ctx: Context, reason: str, actor: str) -> Restored:
    with writing(ctx.database) as conn:
        lock_facts(conn)
        _enter(ctx, conn, reason, actor)
        return _standing(ctx, conn, ctx.clock.now())


def _enter(ctx: Context, conn: Connection, why: str, actor: str) -> None:
    """Begin to call nobody, and forget what the original may have used up since the backup."""
    now = ctx.clock.now()
    restore = Restore(at=now, why=why)
    put_facts(
        conn,
        {
            RESTORED: RestoreFact(restore=restore, by=actor).to_text(),
            COPIED: "",
            HOME: load_facts(conn).get(HERE, ""),
        },
    )
    forget_after_restore(conn, now)
    at = certain_from(restore, ctx.policy)
    want_pools_read(conn, at)
    for waba_id in accounts.load_accounts(conn):
        change_account(
            ctx,
            conn,
            waba_id,
            "deployment_restored",
            reason=why,
            actor=actor,
            now=now,
            changes={"observe_due_at": at},
        )
    log.warning("restore_noticed", why=why, by=actor)


def look(ctx: Context) -> Restored | None:
    """Return how a restored copy stands; ``None`` if this database may call."""
    with reading(ctx.database) as conn:
        now = ctx.clock.now()
        return None if may_call(conn, now) else _standing(ctx, conn, now)


def _standing(ctx: Context, conn: Connection, now: datetime) -> Restored:
    restore = restore_of(conn, now) or Restore(at=now, why="")
    since = certain_from(restore, ctx.policy)
    live, unseen = count_seen_live(conn, since)
    pool_live, pool_unseen = count_seen_in_pools(conn, since)
    return Restored(
        restore=restore, live=live, unseen=unseen, pool_live=pool_live, pool_unseen=pool_unseen
    )


def want_certainty(ctx: Context, conn: Connection, waba_id: str, read_at: datetime) -> None:
    """Have a list read once more that was read too early after a restore to show all of it."""
    if at := read_again_at(ctx, conn, read_at):
        accounts.want(conn, {waba_id: at}, {})


def read_again_at(ctx: Context, conn: Connection, read_at: datetime) -> datetime | None:
    """Return when a list is read again that was read too early to show what was called before."""
    restore = restore_of(conn, ctx.clock.now())
    if restore is None or restore.is_released:
        return None
    at = certain_from(restore, ctx.policy)
    return at if read_at < at else None


def release(ctx: Context, reason: str, actor: str, *, force: bool = False) -> Restored:
    """Let a restored copy call again.

    Args:
        ctx: the engine's parts.
        reason: why, for the log and the histories of the accounts.
        actor: who says so.
        force: also while some numbers were not seen yet; these wait until they were.

    Raises:
        InputError: no reason is given.
        TransitionRefusedError: it may call already, or numbers were not seen yet.
    """
    _require(reason)
    notice(ctx)
    return again_if_raced(lambda: _release(ctx, reason, actor, force=force))


def _release(ctx: Context, reason: str, actor: str, *, force: bool) -> Restored:
    with writing(ctx.database) as conn:
        now = ctx.clock.now()
        fact, standing = _held(conn), _standing(ctx, conn, now)
        if standing.missing and not force:
            raise _unseen(standing)
        restore = replace(fact.restore, released_at=now)
        released = replace(fact, restore=restore, released_by=actor, reason=reason)
        put_facts(conn, {RESTORED: released.to_text()})
        wake_restored(conn, now)
        for waba_id in accounts.load_accounts(conn):
            change_account(
                ctx,
                conn,
                waba_id,
                "deployment_released",
                reason=reason,
                actor=actor,
                now=now,
                changes={},
            )
    unseen = standing.unseen + standing.pool_unseen
    log.warning("restore_released", by=actor, reason=reason, unseen=unseen)
    return replace(standing, restore=restore)


def _held(conn: Connection) -> RestoreFact:
    """Return the restore that is to be released, and let nobody else release it meanwhile."""
    lock_facts(conn)
    kept = load_facts(conn).get(RESTORED)
    fact = parse_restore(kept) if kept else None
    if fact is None or fact.restore.is_released:
        raise TransitionRefusedError(
            "this database is not held as a restored copy",
            hint="if it is one: onboarding db mark-restored",
        )
    return fact


def _unseen(standing: Restored) -> TransitionRefusedError:
    return TransitionRefusedError(
        f"{standing.missing} were not seen on Meta's lists since the restore",
        hint="let a worker read the lists (onboarding doctor shows what keeps one from it), or "
        "leave them behind with --force: they wait until they were seen",
    )


def _require(reason: str) -> None:
    if not reason.strip():
        raise InputError("a reason is needed", field="reason", hint='--reason "disk replaced"')
