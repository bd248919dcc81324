"""owners/rules.yaml: the ordered rules that say who answers for a charge."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from importlib.resources import files
from typing import Any, Final, cast

from fiscus.kernel.canonical import digest
from fiscus.kernel.documents import Document, did_you_mean, load_document
from fiscus.ownership.people import resolve_person, resolve_team
from fiscus.ownership.types import AssignmentRule, Directory, OwnershipRules

# Field of a rule -> columns of `assignment_keys`, any of which may match.
FIELDS: Final[Mapping[str, tuple[str, ...]]] = {
    "sub_account": ("SubAccountId", "SubAccountName"),
    "service": ("ServiceName",),
    "provider": ("ServiceProviderName",),
    "resource": ("ResourceId", "ResourceName"),
    "resource_type": ("ResourceType",),
    "source": ("x_SourceId",),
    "region": ("RegionId",),
}
TEMPLATE: Final = re.compile(r"\{tag:([^{}]+)\}")


def load_rules(text: str, file: str, directory: Directory) -> OwnershipRules:
    """The rules in `text`. Raises BadConfig with the line of an unknown field, team or person."""
    schema = json.loads(files("fiscus.ownership").joinpath("schema", "rules.schema.json").read_text("utf-8"))
    document = load_document(text, file, schema)
    data = cast("dict[str, Any]", document.data)
    rules = tuple(_rule(document, number, item, directory) for number, item in enumerate(data["rules"]))
    ids = [rule.id for rule in rules]
    for number, name in enumerate(ids):
        if name in ids[:number]:
            raise document.error(["rules", number], f"Rule {name!r} stands here twice", "Rename one of them.")
    environment = data.get("environment", {})
    return OwnershipRules(
        rules=rules,
        environment_tags=tuple(environment.get("tags", ())),
        product_tags=tuple(data.get("product", {}).get("tags", ())),
        environments={name: tuple(other) for name, other in environment.get("names", {}).items()},
        digest=digest(data),
    )


def _rule(document: Document, number: int, item: Mapping[str, Any], directory: Directory) -> AssignmentRule:
    match: dict[str, tuple[str, ...]] = {}
    for field, patterns in item["match"].items():
        if field not in FIELDS and not field.startswith("tag:"):
            known = did_you_mean(field, [*FIELDS, "tag:KEY"])
            raise document.error(["rules", number, "match", field], f"Unknown field {field!r}", known)
        match[field] = (patterns,) if isinstance(patterns, str) else tuple(patterns)
    if "team" not in item and "owner" not in item:
        raise document.error(["rules", number], f"Rule {item['id']!r} names neither team nor owner", "Add one of them.")
    team, owner = item.get("team"), item.get("owner")
    if team and not TEMPLATE.fullmatch(team) and resolve_team(directory, team) is None:
        known = did_you_mean(team, list(directory.teams))
        raise document.error(["rules", number, "team"], f"There is no team {team!r}", known)
    if owner and not TEMPLATE.fullmatch(owner) and resolve_person(directory, owner) is None:
        known = did_you_mean(owner, list(directory.people))
        raise document.error(["rules", number, "owner"], f"Nobody is called {owner!r}", known)
    return AssignmentRule(
        id=item["id"], match=match, team=team, owner=owner, cost_centre=item.get("cost_centre"),
        environment=item.get("environment"), product=item.get("product"),
    )  # fmt: skip
