"""Answers of one version of the lake, kept: nothing in a version changes, and pages and findings ask the same again."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from fiscus.kernel.limits import ANSWER_CELLS_KEPT_MAX, ANSWERS_CELLS_KEPT_MAX
from fiscus.kernel.rows import Rows


class AnswersKept:
    """The newest answers of bounded size together. Not thread-safe: its lake answers one question at a time."""

    def __init__(self) -> None:
        self._kept: dict[tuple[str, str], Rows] = {}
        self._cells = 0

    def forget(self) -> None:
        """What was kept is of a version that is not asked any more."""
        self._kept.clear()
        self._cells = 0

    def answer(self, sql: str, params: Mapping[str, object] | None, asked: Callable[[], Rows]) -> Rows:
        """What `sql` was answered before, or now by `asked`. The rows are shared: nobody changes them."""
        key = (sql, repr(sorted(params.items())) if params else "")
        kept = self._kept.pop(key, None)
        rows = asked() if kept is None else kept
        size = _cells(rows)
        if size <= ANSWER_CELLS_KEPT_MAX:
            self._kept[key] = rows  # the newest stands last
            self._cells += size if kept is None else 0
            while self._cells > ANSWERS_CELLS_KEPT_MAX:
                self._cells -= _cells(self._kept.pop(next(iter(self._kept))))
        return rows


def _cells(rows: Rows) -> int:
    return 1 + len(rows) * len(rows.columns)
