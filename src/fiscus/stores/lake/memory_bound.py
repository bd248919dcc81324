"""What the whole process may map while people's questions run.

DuckDB's memory_limit counts neither the texts in its vectors nor the rows that Python fetched: one `repeat('x', 100000000)` a row
took all the memory of a machine. The system's limit of the address space counts all of it: an allocation past it fails, the
question is refused, and the process lives on.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

try:
    import resource
except ImportError:  # Windows: DuckDB's own limit stands alone
    resource = None  # type: ignore[assignment]

STATM: Final = Path("/proc/self/statm")  # man 5 proc: its first number is the pages that are mapped
MB: Final = 2**20


class MemoryBound:
    """The process's soft RLIMIT_AS while questions run. It stands while any does, and is then what it was before."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._running = 0
        self._most = 0  # at once, since none ran: a question's end takes nothing from what others were given
        self._start = 0  # bytes mapped when the first of them began
        self._before = 0

    @contextmanager
    def held(self, question_mb: int, margin_mb: int) -> Iterator[None]:
        """Each question at once may take `question_mb`; `margin_mb` is for the rest of the process, whatever runs."""
        mapped = _mapped()
        if mapped is None:
            yield
            return
        with self._lock:
            self._begin(mapped, question_mb, margin_mb)
        try:
            yield
        finally:
            with self._lock:
                self._running -= 1
                if not self._running:
                    self._most = 0
                    _set(self._before)

    def _begin(self, mapped: int, question_mb: int, margin_mb: int) -> None:
        self._running += 1
        if self._running == 1:
            self._start, self._before = mapped, resource.getrlimit(resource.RLIMIT_AS)[0]
        if self._running > self._most:
            self._most = self._running
            _set(self._start + (self._most * question_mb + margin_mb) * MB, least_of=self._before)


def _mapped() -> int | None:
    """Bytes of address space; None where the system does not tell, and keeps no such limit either (macOS)."""
    if resource is None or not STATM.exists():
        return None
    return int(STATM.read_text(encoding="ascii").split()[0]) * resource.getpagesize()


def _set(soft: int, least_of: int | None = None) -> None:
    hard = resource.getrlimit(resource.RLIMIT_AS)[1]
    stands = [limit for limit in (least_of, hard) if limit is not None and limit != resource.RLIM_INFINITY]
    resource.setrlimit(resource.RLIMIT_AS, (soft if least_of is None else min([soft, *stands]), hard))
