"""Has the world moved since the plan was made? Any difference in what was observed makes an approval stale."""

from __future__ import annotations

from collections.abc import Sequence

from fiscus.actions.types import Target
from fiscus.kernel.canonical import canonical_bytes


def drift(planned: Target, now: Target | None) -> str:
    """How `now` differs from the preconditions of `planned`, in words; empty when it does not. None: the vendor lost it."""
    if now is None:
        return "is not there any more"
    names = sorted({*planned.observed, *now.observed})
    changed = [name for name in names if _bytes(planned, name) != _bytes(now, name)]
    return "; ".join(f"{name} was {planned.observed.get(name)!r}, is {now.observed.get(name)!r}" for name in changed)


def drifted(planned: Sequence[Target], now: Sequence[Target]) -> tuple[str, ...]:
    """One sentence for each target that moved."""
    current = {target.id: target for target in now}
    found = [(target.id, drift(target, current.get(target.id))) for target in planned]
    return tuple(f"{target_id}: {words}" for target_id, words in found if words)


def _bytes(target: Target, name: str) -> bytes:
    return canonical_bytes([target.observed[name]] if name in target.observed else [])
