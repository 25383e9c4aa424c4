"""A callback on loopback that answers Meta's handshake, or does not."""

from __future__ import annotations

import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit


@dataclass
class Callback:
    """Where webhooks are to go.

    Attributes:
        verify_token: what it wants to be shown.
        uri: its address.
        asked: what it was asked for, in order.
        answers: whether it answers with the challenge; else with something of its own.
    """

    verify_token: str
    uri: str = ""
    asked: list[dict[str, str]] = field(default_factory=list)
    answers: bool = True

    def answer(self, path: str) -> tuple[int, str]:
        """Return status and body of the answer to a handshake."""
        asked = {name: values[0] for name, values in parse_qs(urlsplit(path).query).items()}
        self.asked.append(asked)
        if asked.get("hub.mode") != "subscribe" or asked["hub.verify_token"] != self.verify_token:
            return 403, ""
        return 200, asked["hub.challenge"] if self.answers else "hello"


@contextmanager
def answering(verify_token: str, context: ssl.SSLContext | None = None) -> Iterator[Callback]:
    """Serve a callback on loopback; over TLS, if there is a context."""
    callback = Callback(verify_token)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, body = callback.answer(self.path)
            self.send_response(status)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body.encode())

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        if context is not None:
            server.socket = context.wrap_socket(server.socket, server_side=True)
        scheme = "http" if context is None else "https"
        callback.uri = f"{scheme}://127.0.0.1:{server.server_port}/hook"
        serving = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
        serving.start()
        yield callback
        server.shutdown()
        serving.join()
