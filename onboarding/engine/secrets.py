"""The key that secrets are encrypted with, and how another takes its place while all goes on."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Table

from onboarding.engine.account_changes import change_account
from onboarding.engine.context import Context
from onboarding.errors import ConfigurationError, InputError, StoreError, TransitionRefusedError
from onboarding.store import accounts, sealed, workers
from onboarding.store.database import again_if_raced, again_if_unlucky, reading, writing
from onboarding.store.deployment import KEY_ID, KEY_ROOT, load_fact, lock_facts, put_facts
from onboarding.telemetry import log

_BATCH = 200

#: Whoever still seals with the old key must be slower than this many passes over everything.
_MOST_PASSES = 10

#: A worker that was seen since then runs; it writes its heartbeat every ten seconds.
_RUNS = timedelta(minutes=1)

Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rotation:
    """What a rotation of the key did.

    Attributes:
        key_id: the id of the key that everything is sealed with now.
        resealed: rows that were written.
        unreadable: ciphertexts that no given key opens; they stay as they are.
        is_new: whether the key is another than before.
    """

    key_id: str
    resealed: int
    unreadable: int
    is_new: bool


@dataclass
class _Run:
    """One rotation while it runs: what was read, what was written."""

    ctx: Context
    total: int
    on_progress: Progress
    looked_at: int = 0
    unreadable: set[str] = field(default_factory=set)
    made: dict[str, str] = field(default_factory=dict)

    def reseal(self, ciphertext: str) -> str | None:
        """Return what stands in the place of a ciphertext; equal ones become equal ones."""
        vault = self.ctx.vault
        if vault.is_newest(ciphertext):
            return None
        if ciphertext not in self.made:
            try:
                self.made[ciphertext] = vault.reseal(ciphertext)
            except ConfigurationError:
                self.unreadable.add(ciphertext)
                return None
        return self.made[ciphertext]


class Secrets:
    """``Engine.secrets``: the key that secrets are encrypted with."""

    def __init__(self, context: Context) -> None:
        """Take the engine's parts."""
        self._ctx = context

    def rotate(
        self,
        reason: str,
        *,
        force: bool = False,
        on_progress: Progress = lambda _done, _of: None,
        actor: str | None = None,
    ) -> Rotation:
        """Encrypt every secret with the first of the given keys, while workers go on.

        In small transactions; whoever breaks it off may begin it again. The deployment's key is
        another one when nothing is left of the one before.

        Args:
            reason: why, for the histories of the accounts.
            force: also while a worker runs that does not encrypt with the first key.
            on_progress: is told how many rows were looked at, and how many there are.
            actor: who is named in the histories.

        Raises:
            InputError: no reason is given.
            TransitionRefusedError: there is one key only, or a worker runs without the new one.
            StoreError: something goes on writing with another key.
        """
        if not reason.strip():
            raise InputError("a reason is needed", field="reason", hint='--reason "yearly"')
        before = self._key_id()
        newest = self._ctx.vault.key_ids[0]
        if before == newest and len(self._ctx.vault.key_ids) == 1:
            raise TransitionRefusedError(
                "there is no new key: one is given, and everything is sealed with it",
                hint="put a new key in front: ONBOARDING_SECRET_KEY=NEW,OLD",
            )
        if not force:
            self._require_workers(newest)
        with reading(self._ctx.database) as conn:
            run = _Run(self._ctx, sealed.count_sealed(conn), on_progress)
        resealed = self._reseal_everything(run)
        who = actor or self._ctx.settings.who()
        if before != newest:
            again_if_raced(lambda: self._finish(newest, reason, who))
            log.info("key_rotated", rows=resealed, unreadable=len(run.unreadable))
        return Rotation(
            key_id=newest,
            resealed=resealed,
            unreadable=len(run.unreadable),
            is_new=before != newest,
        )

    def _key_id(self) -> str | None:
        with reading(self._ctx.database) as conn:
            return load_fact(conn, KEY_ID)

    def _require_workers(self, newest: str) -> None:
        since = datetime.now(UTC) - _RUNS
        with reading(self._ctx.database) as conn:
            running = [w for w in workers.load_workers(conn, since) if w["stopped_at"] is None]
        behind = [w["id"] for w in running if (w["key_ids"] or "").split(",")[0] != newest]
        if behind:
            raise TransitionRefusedError(
                f"{len(behind)} workers run without the new key in front, the first: {behind[0]}",
                hint="restart each with ONBOARDING_SECRET_KEY=NEW,OLD, then rotate",
            )

    def _reseal_everything(self, run: _Run) -> int:
        """Do passes until one finds nothing that is left; return how many rows were written."""
        resealed = 0
        for _ in range(_MOST_PASSES):
            run.looked_at = 0
            changed = self._pass(run)
            resealed += changed
            if not changed:
                return resealed
        raise StoreError(
            "something goes on encrypting with another key",
            hint="give every worker and program the new key in front, then rotate again",
        )

    def _pass(self, run: _Run) -> int:
        changed = 0
        for table in sealed.sealed_tables():
            after: Sequence[Any] | None = ()
            while after is not None:
                after, more = again_if_unlucky(lambda t=table, a=after: self._batch(run, t, a))  # type: ignore[misc] # each its own
                changed += more
        return changed

    def _batch(
        self, run: _Run, table: Table, after: Sequence[Any]
    ) -> tuple[Sequence[Any] | None, int]:
        run.made.clear()
        with writing(self._ctx.database) as conn:
            last, changed = sealed.reseal_batch(conn, table, after, _BATCH, run.reseal)
        run.looked_at = min(run.total, run.looked_at + _BATCH) if last else run.looked_at
        run.on_progress(run.looked_at, run.total)
        return (last or None), changed

    def _finish(self, newest: str, reason: str, actor: str) -> None:
        """Make the new key the deployment's; what digests are made with stays."""
        ctx = self._ctx
        with writing(ctx.database) as conn:
            lock_facts(conn)
            now = ctx.clock.now()
            put_facts(conn, {KEY_ID: newest, KEY_ROOT: ctx.vault.seal_root()})
            for waba_id in accounts.load_accounts(conn):
                change_account(
                    ctx,
                    conn,
                    waba_id,
                    "key_rotated",
                    reason=reason,
                    actor=actor,
                    now=now,
                    changes={},
                )
