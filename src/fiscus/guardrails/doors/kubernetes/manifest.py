"""Objects of a manifest, as `helm template` and `kustomize build` write them: several YAML or JSON documents in one text.

What is no object of the API is refused: a manifest that could not be read costs nothing, and would be let in for that.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

import yaml

from fiscus.guardrails.doors.kubernetes.workload import KINDS
from fiscus.kernel.errors import BadInput, LimitExceeded, Where
from fiscus.kernel.limits import MANIFEST_BYTES_MAX, MANIFEST_OBJECTS_MAX

REMEDY: Final = "Make it with: helm template CHART > manifest.yaml, or kustomize build FOLDER > manifest.yaml"


def read_manifest(text: str, file: str = "") -> tuple[Mapping[str, Any], ...]:
    """Every object, lists unfolded. Raises BadInput with the line of what is no YAML, or the document that is no object; and
    for a text without any object, as a tool that failed leaves it. LimitExceeded."""
    if len(text) > MANIFEST_BYTES_MAX:
        raise LimitExceeded(f"A manifest is at most {MANIFEST_BYTES_MAX:,} characters", remedy="Split it.")
    try:
        if any(isinstance(event, yaml.AliasEvent) for event in yaml.parse(text, Loader=yaml.CSafeLoader)):
            raise ValueError("aliases are not read here")  # tools write none; a few of them nested are a bomb
        documents = list(yaml.load_all(text, Loader=yaml.CSafeLoader))
    except yaml.MarkedYAMLError as broken:
        mark = broken.problem_mark or broken.context_mark
        where = Where(file=file or None, line=mark.line + 1 if mark else None)
        raise BadInput(f"Not valid YAML: {broken.problem}", remedy="Mend the line shown.", where=where) from None
    except (yaml.YAMLError, RecursionError, ValueError) as broken:
        raise BadInput(
            f"Not valid YAML: {broken}", remedy="Save it as UTF-8 text.", where=Where(file=file or None)
        ) from None
    # A document of nothing but comments is what a chart's part that is switched off leaves.
    given = [(number, document) for number, document in enumerate(documents, 1) if document is not None]
    if not given:
        raise BadInput("The manifest is empty: nothing was judged", remedy=REMEDY, where=Where(file=file or None))
    objects = tuple(one for number, document in given for one in _unfolded(document, f"document {number}", file))
    if len(objects) > MANIFEST_OBJECTS_MAX:
        raise LimitExceeded(f"A manifest holds at most {MANIFEST_OBJECTS_MAX:,} objects", remedy="Split it.")
    return objects


def _unfolded(document: object, place: str, file: str) -> Iterator[Mapping[str, Any]]:
    if not isinstance(document, Mapping):
        raise _wrong(file, place, "is no object of Kubernetes")
    for name in ("apiVersion", "kind"):
        if not isinstance(document.get(name), str) or not document[name]:
            raise _wrong(file, place, f"names no {name}")
    kind, items = document["kind"], document.get("items") or []
    if kind == "List" or (kind.endswith("List") and "items" in document):
        if not isinstance(items, list):
            raise _wrong(file, place, f"is a {kind} whose items are no list")
        for number, item in enumerate(items):
            yield from _unfolded(item, f"{place}, items.{number}", file)
        return
    for name in ("metadata", "spec") if kind in KINDS else ():
        if not isinstance(document.get(name), Mapping):
            raise _wrong(file, place, f"is a {kind} whose {name} is no mapping")
    yield document


def _wrong(file: str, place: str, message: str) -> BadInput:
    return BadInput(
        f"{place[0].upper()}{place[1:]} {message}", remedy=REMEDY, where=Where(file=file or None, key=place)
    )
