"""Clients on bare sockets, which do what no library would."""

from __future__ import annotations

import json
import socket
from typing import Any

from tests.stack.gateway.conftest import KEY, Setup


def head(length: int, path: str = "/v1/chat/completions") -> bytes:
    """The head of a question of so many bytes."""
    lines = (f"POST {path} HTTP/1.1", "Host: x", f"Authorization: Bearer {KEY}")
    return "\r\n".join([*lines, f"Content-Length: {length}", "", ""]).encode()


def connected(setup: Setup) -> socket.socket:
    return socket.create_connection(("127.0.0.1", setup.port), timeout=20)


def asking(setup: Setup, body: dict[str, Any], path: str = "/v1/chat/completions") -> socket.socket:
    """A connection on which something was asked, and nothing has been read yet."""
    data = json.dumps(body).encode()
    connection = connected(setup)
    connection.sendall(head(len(data), path) + data)
    return connection


def is_closed(connection: socket.socket) -> bool:
    """Read until the gateway closes the connection."""
    try:
        while connection.recv(65536):
            pass
    except ConnectionError:
        return True
    return True
