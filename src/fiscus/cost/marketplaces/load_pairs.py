"""marketplace.yaml: which two feeds show the same spend of a seller, and which do not, as people know it."""

from __future__ import annotations

import json
from importlib.resources import files
from typing import Any, Final, cast

from fiscus.cost.marketplaces.types import DeclaredPair
from fiscus.kernel.documents import load_document

FILE: Final = "marketplace.yaml"


def load_pairs(text: str) -> tuple[DeclaredPair, ...]:
    """The pairs in `text`; none in an empty one. Raises BadConfig with line and remedy."""
    if not text.strip():
        return ()
    schema = json.loads(files("fiscus.cost").joinpath("schema", "marketplace.schema.json").read_text("utf-8"))
    document = load_document(text, FILE, schema)
    found = []
    for number, item in enumerate(cast("dict[str, Any]", document.data or {}).get("pairs", [])):
        where: list[str | int] = ["pairs", number]
        if item["marketplace"] == item["vendor"]:
            raise document.error(where, "marketplace and vendor are the same source", "Name two sources.")
        if not item["same"] and "counts" in item:
            raise document.error(where, "counts stands beside same: false", "Leave counts out: both sides count.")
        first, last = item.get("from", ""), item.get("to", "")
        if last and first > last:
            raise document.error([*where, "to"], f"it ends in {last}, before it begins", "Write from before to.")
        found.append(
            DeclaredPair(
                item["seller"], item["marketplace"], item["vendor"], item.get("counts", "focus"), item["same"], first, last,
                document.line(where), *(frozenset(item.get(f"{side}_accounts", ())) for side in ("marketplace", "vendor")),
            )
        )  # fmt: skip
    return tuple(found)
