"""Accounts, and copies that were restored."""

from __future__ import annotations

from onboarding.core.chain import Entry
from onboarding.engine import (
    accounting,
    restoring,
)
from onboarding.engine.accounting import AccountCheck
from onboarding.engine.face.finding import Finding
from onboarding.engine.restoring import Restored
from onboarding.errors import NotFoundError
from onboarding.model import (
    Account,
)
from onboarding.store import (
    history,
)
from onboarding.store.database import reading


class Upkeep(Finding):
    """What ``Engine`` does for accounts and databases."""

    def add_account(
        self,
        waba_id: str,
        token: str,
        *,
        name: str = "",
        business_id: str | None = None,
        actor: str | None = None,
    ) -> Account:
        """Add a WABA with its token, or replace the token of one that is known."""
        return accounting.add_account(
            self.context,
            waba_id,
            token,
            name=name,
            business_id=business_id,
            actor=self._actor(actor),
        )

    def accounts(self) -> list[Account]:
        """Return all accounts."""
        return accounting.list_accounts(self.context)

    def account(self, waba_id: str) -> Account:
        """Return one account.

        Raises:
            NotFoundError: no such account.
        """
        return accounting.load_account(self.context, waba_id)

    def check_account(self, waba_id: str, *, actor: str | None = None) -> AccountCheck:
        """Read the WABA with its token; a read that works ends the account's hold."""
        return accounting.check_account(self.context, waba_id, self._actor(actor))

    def account_history(self, waba_id: str) -> list[tuple[int, Entry]]:
        """Return the history of an account, oldest first, each entry with its number.

        Raises:
            NotFoundError: no such account.
        """
        with reading(self.context.database) as conn:
            entries = history.read(conn, waba_id, history.ACCOUNTS)
        if not entries:
            raise NotFoundError(
                f"the WABA '{waba_id}' is not known here", hint="see: onboarding account list"
            )
        return entries

    def restored(self) -> Restored | None:
        """Return how a restored copy stands that calls nobody yet; ``None`` for any other."""
        return restoring.look(self.context)

    def mark_restored(self, reason: str, *, actor: str | None = None) -> Restored:
        """Say that this database is a restored copy: it calls nobody until it is released."""
        return restoring.mark_restored(self.context, reason, self._actor(actor))

    def release_restored(
        self, reason: str, *, force: bool = False, actor: str | None = None
    ) -> Restored:
        """Let a restored copy call again, once every live number was seen on Meta's lists.

        Raises:
            TransitionRefusedError: it may call already; or, without ``force``, not all were seen.
        """
        return restoring.release(self.context, reason, self._actor(actor), force=force)
