"""One-time codes: how they come in, links for holders, and what became of them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from onboarding.core.code_ledger import CODE_STATES, CodeLedger
from onboarding.core.code_links import CodeLink
from onboarding.core.sms_gateways import Gateway, SmsRequest
from onboarding.engine import (
    code_intake,
    code_ledgers,
    code_links,
    mailbox,
    people,
    sms_intake,
)
from onboarding.engine.code_links import MadeLink
from onboarding.engine.face.finding import Finding
from onboarding.engine.mailbox import MailRead
from onboarding.engine.sms_intake import SmsTaken
from onboarding.errors import OnboardingError
from onboarding.model import (
    CodeMethod,
    Onboarding,
)


class Codes(Finding):
    """What ``Engine`` does with one-time codes."""

    def submit_code(self, reference: str, text: str, *, actor: str | None = None) -> Onboarding:
        """Give the one-time code that the holder got, as digits or as the message it came in."""
        (taken,) = self.submit_codes([(reference, text)], actor=actor)
        if isinstance(taken, OnboardingError):
            raise taken
        return taken

    def submit_codes(
        self, given: Sequence[tuple[str, str]], *, actor: str | None = None
    ) -> list[Onboarding | OnboardingError]:
        """Give many codes at once, each as a reference and the digits or message; much faster.

        Returns:
            For each its onboarding, or the error that ``submit_code`` would raise; what is given
            for one number twice is taken one after the other.
        """
        found = self._find_each([reference for reference, _ in given])
        known = [
            (row.id, text)
            for row, (_, text) in zip(found, given, strict=True)
            if isinstance(row, Onboarding)
        ]
        taken = iter(code_intake.submit_codes(self.context, known, self._actor(actor)))
        return [next(taken) if isinstance(row, Onboarding) else row for row in found]

    def code_ready(self, reference: str, *, actor: str | None = None) -> Onboarding:
        """Say that the holder can read a code now: one is asked for."""
        return people.code_ready(self.context, self.get(reference).id, self._actor(actor))

    def choose_code(
        self,
        reference: str,
        *,
        method: CodeMethod | str | None = None,
        language: str | None = None,
        actor: str | None = None,
    ) -> Onboarding:
        """Let codes go out by SMS or VOICE, or in a language like ``de_DE``, from the next one on.

        Raises:
            InputError: no method, no language, or neither is given.
            ConflictError: they go out like that already.
            TransitionRefusedError: no code is needed.
        """
        id_ = self.get(reference).id
        return people.choose_code(self.context, id_, method, language, self._actor(actor))

    def ingest_sms(
        self,
        request: SmsRequest,
        gateway: Gateway,
        *,
        is_checked: bool = False,
        actor: str | None = None,
    ) -> SmsTaken:
        """Take the code of a text message that an SMS gateway received for one of our numbers.

        Args:
            request: the gateway's request, as it came.
            gateway: whose it is; its signature is checked with the secret in the settings.
            is_checked: you know already that the gateway sent it.
            actor: who is named in the history; by default the gateway.

        Raises:
            ConfigurationError: there is no secret to check the signature with.
            InputError: the signature does not fit, or the message holds no code of WhatsApp.
            NotFoundError: no number of ours that it went to waits for a code.
            TransitionRefusedError: no code was asked for, or the message is of before.
        """
        return sms_intake.ingest_sms(self.context, request, gateway, actor, is_checked=is_checked)

    def read_mailbox(self) -> MailRead:
        """Look once at what is new in the mailbox of the settings, and take the codes in it.

        Raises:
            ConfigurationError: no mailbox is set up, or it cannot be used.
        """
        return mailbox.read_mailbox(self.context, mailbox.address_of(self.context.settings))

    def make_link(self, reference: str, until: datetime, *, actor: str | None = None) -> MadeLink:
        """Make a link with which the holder of a number can give its code.

        It works for one code that Meta accepts. The token is told this once.

        Raises:
            InputError: the end is not ahead, or more than 30 days.
            TransitionRefusedError: the number needs no code any more.
        """
        id_ = self.get(reference).id
        return code_links.make_link(self.context, id_, until, self._actor(actor))

    def redeem_link(self, token: str, code: str, *, actor: str | None = None) -> Onboarding:
        """Take a code that a holder gives with a link; ``actor`` is the link by default.

        Raises:
            InputError: the token is none, of another deployment or changed; or no code is given.
            NotFoundError: the link is not known here.
            TransitionRefusedError: it was used, revoked or has expired; or no code is expected.
            ConflictError: this code was sent to Meta before.
        """
        return code_links.redeem_link(self.context, token, code, actor)

    def ready_by_link(self, token: str, *, actor: str | None = None) -> Onboarding:
        """Take a holder's word, by their link, that they can read a code: one is asked for.

        Raises:
            InputError: the token is none, of another deployment or changed.
            NotFoundError: the link is not known here.
            TransitionRefusedError: it was used, revoked, has expired or had its codes sent; a code
                is on its way, or none is needed.
        """
        return code_links.ready_by_link(self.context, token, actor)

    def revoke_link(self, link_id: str, reason: str, *, actor: str | None = None) -> CodeLink:
        """Take a link back, by its id or the start of it.

        Raises:
            NotFoundError: there is none, or more than one.
            TransitionRefusedError: it was revoked before.
        """
        return code_links.revoke_link(self.context, link_id, reason, self._actor(actor))

    def links(self, reference: str | None = None) -> list[CodeLink]:
        """Return the links of one onboarding, or of all, latest first."""
        ids = [self.get(reference).id] if reference is not None else None
        return code_links.list_links(self.context, ids)

    def code_ledger(self, reference: str) -> CodeLedger:
        """Return every code asked for a number in the last 30 days, and when the next may be.

        Raises:
            NotFoundError: no such onboarding.
        """
        return code_ledgers.code_ledgers(self.context, [self.get(reference)])[0]

    def code_ledgers(self) -> list[tuple[Onboarding, CodeLedger]]:
        """Return the ledgers of all numbers that still need a code."""
        rows = list(filter(code_ledgers.needs_code, self.find_all(states=CODE_STATES)))
        return list(zip(rows, code_ledgers.code_ledgers(self.context, rows), strict=True))
