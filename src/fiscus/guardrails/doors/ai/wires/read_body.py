"""A request's JSON body, read without trusting it: what decides on money is a whole number of sensible size, and said once."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Final

from fiscus.kernel.errors import BadInput, Where

TOKENS_MAX: Final = 100_000_000  # no model reads or writes more at once; beyond it a number is a mistake or an attack
CHOICES_MAX: Final = 1_024
_WRITER: Final = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))
# Names that decide on money. Some readers take MAX_TOKENS for max_tokens (Go's own does): such a body is refused.
DECISIVE: Final = frozenset(
    {
        "model", "max_tokens", "max_completion_tokens", "max_output_tokens", "n", "best_of", "stream", "service_tier",
        "max_tool_calls", "speed", "messages", "input", "prompt", "system", "instructions", "tools", "background",
    }
)  # fmt: skip


class SaidTwice(dict[str, Any]):
    """A document in which, at whatever depth, a name stands twice in one object. Readers differ on which of both counts."""


class _Twice(Exception):
    """Only to get out of the reader."""


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise _Twice
    return found


_READER: Final = json.JSONDecoder(object_pairs_hook=_once)
_LAST: Final = json.JSONDecoder()


def read_document(body: bytes) -> dict[str, Any]:
    """The JSON object of a body. Raises BadInput: no JSON, no object, nested too deeply, a name in large letters.

    Where a name stands twice the last one is read, and the object is a `SaidTwice`: it must be written anew, or refused.
    """
    try:
        document = _decoded(body.decode("utf-8"))
    except (ValueError, RecursionError) as fault:
        raise BadInput(f"The body is no JSON: {fault}", remedy="Send one JSON object.") from None
    if not isinstance(document, dict):
        raise BadInput("The body is no JSON object", remedy="Send one JSON object.")
    for key in document:
        if not key.islower() and key.lower() in DECISIVE:
            raise BadInput(f"`{key}` would be read as `{key.lower()}` by some", remedy="Write it in small letters.")
    return document


def _decoded(text: str) -> Any:
    try:
        return _READER.decode(text)
    except _Twice:
        found = _LAST.decode(text)
        return SaidTwice(found) if isinstance(found, dict) else found


@contextmanager
def deep_refused() -> Iterator[None]:
    """What is nested too deeply to be read is the client's fault. Raises BadInput."""
    try:
        yield
    except RecursionError:
        raise BadInput("The body is nested too deeply", remedy="Send a flatter one.") from None


def once(document: Mapping[str, Any]) -> None:
    """For what cannot be written anew, such as the lines of a file. Raises BadInput where a name stands twice."""
    if isinstance(document, SaidTwice):
        raise BadInput("A name stands twice in one object", remedy="Say each once.")


def text_at(document: Mapping[str, Any], key: str) -> str:
    """The text at `key`. Raises BadInput where there is none."""
    value = document.get(key)
    if not isinstance(value, str) or not value:
        raise BadInput(f"`{key}` is missing", remedy=f"Say the {key} as a text.", where=Where(key=key))
    return value


def optional_text(document: Mapping[str, Any], key: str) -> str:
    """The text at `key`, or nothing."""
    value = document.get(key)
    return value if isinstance(value, str) else ""


def number_at(document: Mapping[str, Any], key: str, *, most: int = TOKENS_MAX, least: int = 0) -> int | None:
    """The whole number at `key`; None where it is absent or null. Raises BadInput for anything else."""
    value = document.get(key)
    if value is None:
        return None
    if type(value) is not int or not least <= value <= most:
        raise BadInput(
            f"`{key}` is no whole number from {least} to {most}",
            remedy="Say a whole number, or leave it out.",
            where=Where(key=key),
        )
    return value


def flag_at(document: Mapping[str, Any], key: str) -> bool:
    """Whether `key` is true. Raises BadInput for what is neither true, false nor null."""
    value = document.get(key)
    if value is None or isinstance(value, bool):
        return bool(value)
    raise BadInput(f"`{key}` is neither true nor false", remedy="Say true or false.", where=Where(key=key))


def objects_at(document: Mapping[str, Any], key: str) -> Sequence[Mapping[str, Any]]:
    """The objects listed at `key`. Raises BadInput for what is no list of objects."""
    value = document.get(key)
    if value is None:
        return ()
    if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
        raise BadInput(f"`{key}` is no list of objects", remedy="Send a list of objects.", where=Where(key=key))
    return value


def written(raw: bytes, document: Mapping[str, Any], changes: Mapping[str, Any], *, anew: bool) -> bytes | None:
    """The body with `changes` at its top; None where nothing changes.

    What is only added is put in front of the closing brace, so that the rest stays as the client wrote it, byte for byte.
    """
    changes = {key: value for key, value in changes.items() if key not in document or document[key] != value}
    if not changes and not anew:
        return None
    if not anew and document and not any(key in document for key in changes):
        added = _dumps(changes)[1:]
        return raw.rstrip()[:-1] + b"," + added
    return _dumps({**document, **changes})


def _dumps(value: Mapping[str, Any]) -> bytes:
    text = _WRITER.encode(value)
    try:
        return text.encode()
    except UnicodeEncodeError:  # half of a surrogate pair: as an escape, which is how it came
        return json.dumps(value, separators=(",", ":")).encode()
