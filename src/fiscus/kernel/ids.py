"""Ids people can read aloud: a short prefix and 12 base-32 characters.

Things that follow from data (a finding, an anomaly, a case) get a content id, the same each time the loop runs, so that
running twice opens nothing twice. Things that happen (a decision, an action) get a fresh id.
"""

from __future__ import annotations

import hashlib
import random
import secrets
from typing import Final, Protocol

from fiscus.kernel.canonical import canonical_bytes

_ALPHABET: Final = "abcdefghijklmnopqrstuvwxyz234567"
_PAIRS: Final = tuple(first + second for first in _ALPHABET for second in _ALPHABET)


class IdSource(Protocol):
    """Where fresh ids come from."""

    def new(self, prefix: str) -> str: ...


class RandomIds:
    """60 random bits an id."""

    def new(self, prefix: str) -> str:
        return f"{prefix}-{_letters(secrets.token_bytes(8))}"


class SeededIds:
    """The same ids for the same seed; for simulation and tests."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)  # noqa: S311 ids, not secrets

    def new(self, prefix: str) -> str:
        return f"{prefix}-{_letters(self._random.randbytes(8))}"


def content_id(prefix: str, *parts: object) -> str:
    """An id that is the same whenever `parts` are."""
    return f"{prefix}-{_letters(hashlib.sha256(canonical_bytes(list(parts))).digest())}"


def _letters(raw: bytes) -> str:
    """The first 60 bits in base 32 (RFC 4648), small letters."""
    bits, two = int.from_bytes(raw[:8], "big") >> 4, _PAIRS
    return (
        f"{two[bits >> 50]}{two[bits >> 40 & 1023]}{two[bits >> 30 & 1023]}"
        f"{two[bits >> 20 & 1023]}{two[bits >> 10 & 1023]}{two[bits & 1023]}"
    )
