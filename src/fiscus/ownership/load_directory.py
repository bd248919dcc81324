"""owners/directory.yaml: people and teams, checked as a whole."""

from __future__ import annotations

import json
from collections.abc import Mapping
from importlib.resources import files
from typing import Any, cast

from fiscus.kernel.documents import Document, did_you_mean, load_document
from fiscus.ownership.types import Directory, Person, Team


def load_directory(text: str, file: str) -> Directory:
    """The directory in `text`. Raises BadConfig with the line of an unknown name, a double or a circle."""
    schema = json.loads(files("fiscus.ownership").joinpath("schema", "directory.schema.json").read_text("utf-8"))
    document = load_document(text, file, schema)
    data = cast("dict[str, Any]", document.data)
    people: dict[str, Person] = {}
    teams: dict[str, Team] = {}
    for number, item in enumerate(data["people"]):
        if item["id"] in people:
            raise document.error(["people", number], f"Person {item['id']!r} stands here twice", "Keep one of the two.")
        people[item["id"]] = Person(**{**item, "roles": tuple(item.get("roles", ()))})
    for number, item in enumerate(data["teams"]):
        if item["id"] in teams:
            raise document.error(["teams", number], f"Team {item['id']!r} stands here twice", "Keep one of the two.")
        teams[item["id"]] = Team(**{**item, "aliases": tuple(item.get("aliases", ()))})
    _check_names(document, data, people, teams)
    _check_spellings(document, data)
    return Directory(people, teams, data["default_pool"])


def _check_names(
    document: Document, data: Mapping[str, Any], people: Mapping[str, Person], teams: Mapping[str, Team]
) -> None:
    if data["default_pool"] not in teams:
        near = did_you_mean(data["default_pool"], list(teams))
        raise document.error(["default_pool"], f"There is no team {data['default_pool']!r}", near)
    references: tuple[tuple[str, str, Mapping[str, object]], ...] = (
        ("people", "team", teams),
        ("people", "manager", people),
        ("teams", "lead", people),
        ("teams", "parent", teams),
    )
    for kind, key, known in references:
        for number, item in enumerate(data[kind]):
            name = item.get(key)
            if name is not None and name not in known:
                near = did_you_mean(name, list(known))
                raise document.error([kind, number, key], f"{key}: nobody is called {name!r}", near)
    _check_circle(document, data["people"], "people", "manager")
    _check_circle(document, data["teams"], "teams", "parent")


def _check_circle(document: Document, items: list[Mapping[str, Any]], kind: str, key: str) -> None:
    above = {item["id"]: item.get(key) for item in items}
    for number, item in enumerate(items):
        seen, name = {item["id"]}, above[item["id"]]
        while name is not None:
            if name in seen:
                raise document.error([kind, number, key], f"The {key} chain of {item['id']!r} is a circle", "Break it.")
            seen.add(name)
            name = above.get(name)


def _check_spellings(document: Document, data: Mapping[str, Any]) -> None:
    seen: dict[str, str] = {}
    for number, item in enumerate(data["teams"]):
        for spelling in {item["id"].casefold(), *(alias.casefold() for alias in item.get("aliases", ()))}:
            if (other := seen.setdefault(spelling, item["id"])) != item["id"]:
                raise document.error(
                    ["teams", number], f"{spelling!r} means both {other} and {item['id']}", "One spelling, one team."
                )
