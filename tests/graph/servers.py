"""Servers on loopback that misbehave on purpose, on real sockets."""

from __future__ import annotations

import contextlib
import socket
import ssl
import struct
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

Behaviour = Callable[[socket.socket, bytes], bool]
"""Answers one request that was read whole; returns whether to read another one."""


@dataclass
class RawServer:
    """What a raw server was asked, and where it is."""

    url: str
    release: threading.Event
    requests: list[bytes] = field(default_factory=list)

    @property
    def bodies(self) -> list[bytes]:
        return [request.partition(b"\r\n\r\n")[2] for request in self.requests]


@contextlib.contextmanager
def raw_server(
    *behaviours: Behaviour,
    release: threading.Event | None = None,
    tls: ssl.SSLContext | None = None,
) -> Iterator[RawServer]:
    """Serve the n-th request of all with the n-th behaviour, the later ones with the last."""
    listener = socket.create_server(("127.0.0.1", 0), backlog=512)
    url = url_of(listener) if tls is None else url_of(listener).replace("http", "https")
    server = RawServer(url, release or threading.Event())
    connections: list[socket.socket] = []
    threads: list[threading.Thread] = []

    def converse(plain: socket.socket) -> None:
        with contextlib.suppress(OSError), secured(plain, tls) as connection:
            while request := read_request(connection):
                server.requests.append(request)
                behaviour = behaviours[min(len(server.requests), len(behaviours)) - 1]
                if not behaviour(connection, request):
                    return

    def accept() -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = listener.accept()
                connections.append(connection)
                threads.append(threading.Thread(target=converse, args=(connection,), daemon=True))
                threads[-1].start()

    acceptor = threading.Thread(target=accept, daemon=True)
    acceptor.start()
    try:
        yield server
    finally:
        server.release.set()
        for open_socket in [listener, *connections]:
            with contextlib.suppress(OSError):
                open_socket.shutdown(socket.SHUT_RDWR)
            open_socket.close()
        for thread in [acceptor, *threads]:
            thread.join(5)


def secured(connection: socket.socket, tls: ssl.SSLContext | None) -> socket.socket:
    """Return the connection after the server's part of a TLS handshake, if there is one."""
    if tls is None:
        return connection
    connection.settimeout(5)
    try:
        return tls.wrap_socket(connection, server_side=True)
    except OSError:
        connection.close()
        raise


def url_of(listener: socket.socket) -> str:
    return f"http://127.0.0.1:{listener.getsockname()[1]}"


def read_request(connection: socket.socket) -> bytes:
    """Return one request, head and body; empty when the peer is gone."""
    data = b""
    while b"\r\n\r\n" not in data:
        chunk = connection.recv(65536)
        if not chunk:
            return b""
        data += chunk
    head, _, body = data.partition(b"\r\n\r\n")
    length = 0
    for line in head.split(b"\r\n"):
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            length = int(value)
    while len(body) < length:
        body += connection.recv(65536)
    return head + b"\r\n\r\n" + body


def answer(
    body: bytes | str = b'{"success":true}', status: int = 200, *headers: str, keep: bool = True
) -> Behaviour:
    """Answer as a well-behaved server does."""
    content = body.encode() if isinstance(body, str) else body

    def behave(connection: socket.socket, _: bytes) -> bool:
        lines = [f"HTTP/1.1 {status} X", f"Content-Length: {len(content)}", *headers]
        connection.sendall("\r\n".join(lines).encode() + b"\r\n\r\n" + content)
        return keep

    return behave


def tunnel(tls: ssl.SSLContext, inner: Behaviour, seen: list[bytes]) -> Behaviour:
    """Be a proxy that takes CONNECT, and right behind it the host that was asked for."""

    def behave(connection: socket.socket, _: bytes) -> bool:
        connection.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
        with secured(connection, tls) as inside:
            while request := read_request(inside):
                seen.append(request)
                if not inner(inside, request):
                    break
        return False

    return behave


def say(data: bytes) -> Behaviour:
    """Send these bytes, then close."""

    def behave(connection: socket.socket, _: bytes) -> bool:
        connection.sendall(data)
        return False

    return behave


def close_silently(_: socket.socket, __: bytes) -> bool:
    """Close in good order, without an answer."""
    return False


def reset(connection: socket.socket, _: bytes) -> bool:
    """Close with a reset."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    return False


def stall(release: threading.Event, first: bytes = b"") -> Behaviour:
    """Send the beginning, then nothing until released."""

    def behave(connection: socket.socket, _: bytes) -> bool:
        connection.sendall(first)
        release.wait(30)
        return False

    return behave


@contextlib.contextmanager
def full_backlog() -> Iterator[str]:
    """Be a host that takes no connection any more: attempts neither succeed nor fail."""
    listener = socket.create_server(("127.0.0.1", 0), backlog=0)
    fillers = [socket.socket() for _ in range(4)]
    try:
        for filler in fillers:
            filler.setblocking(False)  # noqa: FBT003  # the socket module's own signature
            with contextlib.suppress(BlockingIOError):
                filler.connect(listener.getsockname())
        yield url_of(listener)
    finally:
        for open_socket in [listener, *fillers]:
            open_socket.close()


def closed_port() -> str:
    """Return an address where nobody listens."""
    listener = socket.create_server(("127.0.0.1", 0))
    url = url_of(listener)
    listener.close()
    return url
