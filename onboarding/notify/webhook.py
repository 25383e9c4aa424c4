"""The signed webhook: events as JSON, for programs."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime

from onboarding.errors import ChannelError, ConfigurationError
from onboarding.notify.http_post import Poster
from onboarding.notify.message import Message
from onboarding.notify.signing import sign


class WebhookChannel:
    """Posts each event, signed; the header ``webhook-id`` is the idempotency key.

    Args:
        url: where to; returns it anew for each message.
        secrets: what to sign with, read anew for each message, so that one can be rotated.
        poster: how a request is sent.
        real_now: real time, for the replay window of the receiver.
    """

    def __init__(
        self,
        url: Callable[[], str],
        secrets: Callable[[], list[str]],
        poster: Poster,
        real_now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._url, self._secrets, self._poster, self._real_now = url, secrets, poster, real_now

    def send(self, message: Message) -> None:
        """Post the event; any answer of 200 to 299 takes it."""
        body = json.dumps({**message.event, "title": message.title, "text": message.text}).encode()
        try:
            signed = sign(body, message.id, self._real_now(), self._secrets())
        except ConfigurationError as error:
            raise ChannelError(str(error), hint=error.hint) from None
        headers = {"content-type": "application/json", "user-agent": "onboarding", **signed}
        self._poster.post(self._url(), body, headers)
