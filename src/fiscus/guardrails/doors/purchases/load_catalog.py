"""catalog.yaml: the shape of purchase orders, and which products do the same."""

from __future__ import annotations

import json
import re
from importlib.resources import files
from typing import Any, cast

from fiscus.guardrails.doors.purchases.types import Capability, Catalog
from fiscus.kernel.documents import load_document

FILE = "catalog.yaml"


def load_catalog(text: str) -> Catalog:
    """The catalog in `text`. Raises BadConfig with the line of a pattern that is none, or of a name that stands twice."""
    schema = json.loads(files("fiscus.guardrails").joinpath("schema", "catalog.schema.json").read_text("utf-8"))
    document = load_document(text, FILE, schema)
    data = cast("dict[str, Any]", document.data)
    pattern = data.get("po_pattern", "")
    try:
        re.compile(pattern)
    except re.error as broken:
        remedy = "Mend the regular expression, or leave po_pattern out."
        raise document.error(["po_pattern"], f"{pattern!r} is no pattern: {broken}", remedy) from None
    found: dict[str, Capability] = {}
    for number, item in enumerate(data.get("capabilities", [])):
        if item["name"] in found:
            raise document.error(
                ["capabilities", number], f"{item['name']!r} stands here twice", "Keep one of the two."
            )
        found[item["name"]] = Capability(item["name"], tuple(item["products"]))
    return Catalog(pattern, tuple(found.values()))
