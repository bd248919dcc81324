"""A socket that waits: what every door that serves opens before it says where it is."""

from __future__ import annotations

import socket

from fiscus.kernel.errors import Unavailable


def listen(host: str, port: int) -> socket.socket:
    """A socket that waits at the address; port 0 takes a free one. Raises Unavailable."""
    listener = bind(host, port)
    try:
        listener.listen()
    except OSError as error:  # bound at the same moment by another process, which waits already
        listener.close()
        raise _taken(host, port, error) from error
    return listener


def bind(host: str, port: int, *, shared: bool = False) -> socket.socket:
    """A socket of the address that does not wait yet. Raises Unavailable.

    `shared`: other processes may bind the same one too (SO_REUSEPORT: the kernel spreads connections over those that wait).
    """
    listener = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if shared:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        listener.bind((host, port))
    except OSError as error:
        listener.close()
        raise _taken(host, port, error) from error
    return listener


def _taken(host: str, port: int, error: OSError) -> Unavailable:
    return Unavailable(
        f"Port {port} of {host} cannot be used: {error.strerror}", remedy="Name another one with --port."
    )
