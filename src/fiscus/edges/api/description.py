"""The description of the API (OpenAPI): its answers are described when somebody first asks, and not whenever a server starts."""

from __future__ import annotations

from collections.abc import Iterator
from pydoc import locate
from typing import Any, Final, get_args

from fastapi import FastAPI
from pydantic import TypeAdapter

REFERENCE: Final = "#/components/schemas/"
OURS: Final = f"{REFERENCE}fiscus."


def schema_later(model: type) -> dict[str, Any]:
    """What stands in a route for the schema of `model`, a class or a list of one: its name, which `DescribedApp` replaces."""
    (named,) = get_args(model) or (model,)
    one = {"$ref": f"{REFERENCE}{named.__module__}.{named.__qualname__}"}
    return {"application/json": {"schema": one if named is model else {"type": "array", "items": one}}}


class DescribedApp(FastAPI):
    """An application whose routes name what they answer by `schema_later`."""

    def openapi(self) -> dict[str, Any]:
        """The whole description, made once."""
        if self.openapi_schema is None:
            whole = super().openapi()
            places = [place for place in _references(whole["paths"]) if place["$ref"].startswith(OURS)]
            names = sorted({place["$ref"].removeprefix(REFERENCE) for place in places})
            of_each, defined = TypeAdapter.json_schemas(
                [(name, "serialization", TypeAdapter(locate(name))) for name in names],
                ref_template=f"{REFERENCE}{{model}}",
            )
            for place in places:
                place.update(of_each[place["$ref"].removeprefix(REFERENCE), "serialization"])
            schemas = whole.setdefault("components", {}).setdefault("schemas", {})
            taken = {f"{REFERENCE}{name}": f"{REFERENCE}{name}Answered" for name in schemas.keys() & defined["$defs"]}
            for place in {id(one): one for one in (*places, *_references(defined))}.values():
                place["$ref"] = taken.get(place["$ref"], place["$ref"])
            schemas |= {f"{name}Answered" if name in schemas else name: one for name, one in defined["$defs"].items()}
        return super().openapi()


def _references(document: Any) -> Iterator[dict[str, Any]]:
    if isinstance(document, dict):
        if "$ref" in document:
            yield document
        for value in document.values():
            yield from _references(value)
    elif isinstance(document, list):
        for value in document:
            yield from _references(value)
