"""How long work tells how far it is. Edges draw it; flows only report."""

from __future__ import annotations

from typing import Protocol


class Progress(Protocol):
    """`stage` names what begins now; `step` moves it to `done` of `total` (0 when unknown)."""

    def stage(self, title: str) -> None: ...
    def step(self, done: int, total: int) -> None: ...


class Silent:
    """Progress that nobody watches."""

    def stage(self, title: str) -> None:
        del title

    def step(self, done: int, total: int) -> None:
        del done, total
