"""Objects of a manifest, as `helm template` and `kustomize build` write them: several YAML or JSON documents in one text."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import yaml

from fiscus.kernel.errors import BadInput, LimitExceeded, Where
from fiscus.kernel.limits import MANIFEST_BYTES_MAX, MANIFEST_OBJECTS_MAX


def read_manifest(text: str, file: str = "") -> tuple[Mapping[str, Any], ...]:
    """Every object, lists unfolded. Raises BadInput with the line of what is no YAML, LimitExceeded."""
    if len(text) > MANIFEST_BYTES_MAX:
        raise LimitExceeded(f"A manifest is at most {MANIFEST_BYTES_MAX:,} characters", remedy="Split it.")
    try:
        objects = tuple(_objects(text))
    except yaml.MarkedYAMLError as broken:
        mark = broken.problem_mark or broken.context_mark
        where = Where(file=file or None, line=mark.line + 1 if mark else None)
        raise BadInput(f"Not valid YAML: {broken.problem}", remedy="Mend the line shown.", where=where) from None
    except (yaml.YAMLError, RecursionError, ValueError) as broken:
        raise BadInput(
            f"Not valid YAML: {broken}", remedy="Save it as UTF-8 text.", where=Where(file=file or None)
        ) from None
    return objects


def _objects(text: str) -> Iterator[Mapping[str, Any]]:
    if any(isinstance(event, yaml.AliasEvent) for event in yaml.parse(text, Loader=yaml.CSafeLoader)):
        raise ValueError("aliases are not read here")  # tools write none; a few of them nested are a bomb
    for document in yaml.load_all(text, Loader=yaml.CSafeLoader):
        yield from _unfolded(document)


def _unfolded(document: object) -> Iterator[Mapping[str, Any]]:
    if not isinstance(document, Mapping):
        return
    items = document.get("items")
    if str(document.get("kind", "")).endswith("List") and isinstance(items, list):
        for item in items[:MANIFEST_OBJECTS_MAX]:
            yield from _unfolded(item)
    else:
        yield document
