"""Guardrails beyond money: how many requests, tokens and how much money a minute a key may use, how many at once, and loops.

Kept in the worker's memory: each of N workers grants an N-th of a key's pace, so that together they never pass it. Buckets
fill evenly (GCRA's token bucket): a minute's worth may be used at once, then it comes back by the second.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Final

from fiscus.guardrails.doors.ai.types import Pace
from fiscus.kernel.money import display_exact, from_nanos

KEYS_MAX: Final = 50_000
PROMPTS_MAX: Final = 20_000
SECONDS: Final = 60.0


@dataclass(frozen=True, slots=True)
class TooFast:
    """Why a request must wait, and how long at least."""

    message: str
    retry_after_seconds: int


@dataclass(slots=True)
class _Bucket:
    level: float
    at: float

    def fill(self, size: int, now: float) -> float:
        """What may be used now."""
        self.level = min(float(size), self.level + max(0.0, now - self.at) * size / SECONDS)
        self.at = now
        return self.level


@dataclass(slots=True)
class _Key:
    buckets: dict[str, _Bucket] = field(default_factory=dict)
    running: int = 0


def _amount(name: str, amount: int) -> str:
    """`600 tokens`; money as people read it, and of whatever currency the model is priced in."""
    return f"{display_exact(from_nanos(amount))} of money" if name == "money" else f"{amount:,} {name}"


class Pacing:
    """One worker's paces. Not safe between threads: one event loop asks. `now` is in seconds and never goes back."""

    def __init__(self, workers: int = 1) -> None:
        assert workers >= 1
        self._workers = workers
        self._keys: OrderedDict[str, _Key] = OrderedDict()
        self._prompts: OrderedDict[tuple[str, str], tuple[float, int]] = OrderedDict()

    def start(self, key_id: str, pace: Pace, tokens: int, money: int, now: float) -> TooFast | None:
        """Take what a request may use at most; None: it may go, and `end` must be said. Else nothing was taken."""
        key = self._key(key_id)
        share = self._share(pace.concurrent)
        if share is not None and key.running >= share:
            return TooFast(f"{pace.concurrent} requests of this key run already", 1)
        wanted = (
            ("requests", pace.requests_per_minute, 1),
            ("tokens", pace.tokens_per_minute, tokens),
            ("money", pace.money_per_minute, money),
        )
        taken = list[tuple[_Bucket, int]]()
        for name, whole, amount in wanted:
            size = self._share(whole)
            if size is None or whole is None:
                continue
            bucket = key.buckets.setdefault(name, _Bucket(float(size), now))
            level = bucket.fill(size, now)
            if level < amount:
                wait = int((amount - level) * SECONDS / size) + 1
                most = _amount(name, whole)
                if amount > size:
                    return TooFast(
                        f"{_amount(name, amount)} at once are more than this key may use a minute ({most})", wait
                    )
                return TooFast(f"This key may use {most} a minute", wait)
            taken.append((bucket, amount))
        for bucket, amount in taken:
            bucket.level -= amount
        key.running += 1
        return None

    def loop(self, key_id: str, pace: Pace, prompt: str, now: float) -> TooFast | None:
        """Whether the same prompt of this key comes again and again: an agent that turns in a circle."""
        share = self._share(pace.same_prompt)
        if share is None or not prompt:
            return None
        since, times = self._prompts.pop((key_id, prompt), (now, 0))
        if now - since > pace.same_prompt_seconds:
            since, times = now, 0
        self._prompts[key_id, prompt] = since, times + 1
        if len(self._prompts) > PROMPTS_MAX:
            self._prompts.popitem(last=False)
        if times < share:
            return None
        message = f"The same prompt came {times + 1} times within {pace.same_prompt_seconds} s: this looks like a loop"
        return TooFast(message, int(since + pace.same_prompt_seconds - now) + 1)

    def end(self, key_id: str) -> None:
        """A request that was started is over."""
        if (key := self._keys.get(key_id)) is not None:
            key.running = max(0, key.running - 1)

    def _key(self, key_id: str) -> _Key:
        key = self._keys.get(key_id)
        if key is None:
            key = self._keys[key_id] = _Key()
            if len(self._keys) > KEYS_MAX:
                idle = next((name for name, one in self._keys.items() if not one.running), None)
                if idle is not None:
                    del self._keys[idle]
        return key

    def _share(self, whole: int | None) -> int | None:
        return None if whole is None else max(1, whole // self._workers)
