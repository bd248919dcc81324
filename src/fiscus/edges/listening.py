"""A socket that waits: what every door that serves opens before it says where it is."""

from __future__ import annotations

import socket

from fiscus.kernel.errors import Unavailable


def listen(host: str, port: int) -> socket.socket:
    """A socket that waits at the address; port 0 takes a free one. Raises Unavailable."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen()
    except OSError as error:
        listener.close()
        raise Unavailable(
            f"Port {port} of {host} cannot be used: {error.strerror}", remedy="Name another one with --port."
        ) from error
    return listener
