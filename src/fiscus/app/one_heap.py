"""One heap for all threads: glibc gives each thread a heap of its own, and each keeps what was freed in it.

Of a gateway's worker that is 4 MiB of 115, and buys nothing: one thread at a time runs Python.
"""

from __future__ import annotations

import ctypes
from contextlib import suppress
from typing import Final

M_ARENA_MAX: Final = -8  # malloc.h of glibc


def share_one_heap() -> None:
    """To be called before threads are started. Where the C library is another, nothing happens."""
    with suppress(OSError, AttributeError):
        ctypes.CDLL(None).mallopt(M_ARENA_MAX, 1)
