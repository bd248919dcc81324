"""A process that has opened vendors' keys leaves no picture of its memory behind, however it ends."""

from __future__ import annotations

import contextlib
import ctypes
import sys
from typing import Final

SET_DUMPABLE: Final = 4  # PR_SET_DUMPABLE of prctl(2)


def forbid_core_dumps() -> None:
    """No core file, and on Linux none by a handler either, nor a debugger of the same user. Where it cannot be said, nothing."""
    with contextlib.suppress(ImportError, OSError, ValueError):
        import resource

        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if sys.platform == "linux":
        with contextlib.suppress(OSError, AttributeError):
            ctypes.CDLL(None, use_errno=True).prctl(SET_DUMPABLE, 0, 0, 0, 0)
