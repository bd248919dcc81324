"""JSON that says one thing: a key that stands twice is refused, of which every reader would take another one."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence

from fiscus.kernel.errors import BadInput, Where


def read_json(text: str | bytes) -> object:
    """The value in `text`. A mark of the byte order before it is no part of it.

    Raises ValueError or RecursionError for what is no JSON, BadInput for an object that has a key twice.
    """
    return json.loads(text.removeprefix("\ufeff") if isinstance(text, str) else text, object_pairs_hook=_object)


def _object(pairs: Sequence[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) != len(pairs):
        twice = Counter(key for key, _ in pairs).most_common(1)[0][0]
        raise BadInput(f"{twice!r} stands twice in one object", remedy="Keep one of the two.", where=Where(key=twice))
    return found
