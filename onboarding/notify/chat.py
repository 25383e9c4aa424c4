"""Chat rooms: the ``text`` shape that incoming webhooks of Slack, Teams and Mattermost take."""

from __future__ import annotations

import json
from collections.abc import Callable
from html import escape

from onboarding.errors import ChannelError
from onboarding.notify.http_post import Poster
from onboarding.notify.message import Message

#: What Teams answers with status 200 when it did not take a message.
_NOT_TAKEN = "failed with error"


class ChatChannel:
    """Posts title and text to a room.

    What stands in angle brackets is shown and not obeyed: a display name such as ``<!channel>``
    calls nobody.

    These webhooks know no idempotency key: a message that comes twice shows twice.

    Args:
        url: where to; it is a secret, as whoever knows it may post.
        poster: how a request is sent.
    """

    def __init__(self, url: Callable[[], str], poster: Poster) -> None:
        self._url, self._poster = url, poster

    def send(self, message: Message) -> None:
        """Post the text."""
        text = escape(f"{message.title}\n{message.text}", quote=False)
        body = json.dumps({"text": text}).encode()
        headers = {"content-type": "application/json", "user-agent": "onboarding"}
        answer = self._poster.post(self._url(), body, headers)
        if _NOT_TAKEN in answer:
            raise ChannelError("answered 200, and that it did not take the message")
