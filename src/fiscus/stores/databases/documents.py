"""What a store keeps as one JSON document: encoded with its read-only maps and sequences, in the order in which it stands."""

from __future__ import annotations

from collections.abc import Mapping, Sequence


def plain(value: object) -> object:
    """What the encoder does not know by itself. Raises TypeError for what is no data."""
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, Sequence):
        return list(value)
    raise TypeError(f"{type(value).__name__} cannot be stored")
