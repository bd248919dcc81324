"""What a plan says around a resource: its provider's region and default tags, and the resources that it refers to."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from fiscus.guardrails.doors.terraform.attributes import Attributes
from fiscus.guardrails.doors.terraform.plan import Change, Plan, without_indexes

BILLED_AS: Final[Mapping[str, str]] = {
    "aws": "AWS", "azurerm": "Microsoft", "azapi": "Microsoft", "google": "Google Cloud", "google-beta": "Google Cloud",
    "oci": "Oracle",
}  # fmt: skip
_ALL_TAGS: Final = ("tags_all", "effective_labels", "terraform_labels")
_OWN_TAGS: Final = ("tags", "labels", "resource_labels", "user_labels")
_TAGS: Final = (*_ALL_TAGS, *_OWN_TAGS)
_ZONE: Final = re.compile(r"([a-z]{2}(?:-[a-z]+)+-?\d+)(?:-?[a-z])?")


@dataclass(frozen=True, slots=True)
class PlanContext:
    """`plan` with indexes over its configuration. `defaults`: region by provider where a plan states none."""

    plan: Plan
    defaults: Mapping[str, str] = field(default_factory=dict)
    _configs: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    _planned: dict[str, Change] = field(default_factory=dict)
    _of_kind: dict[tuple[str, str], list[Change]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._walk(self.plan.configuration.get("root_module"), "")
        for change in self.plan.changes:
            self._planned.setdefault(without_indexes(change.address), change)
            self._of_kind.setdefault((change.provider, change.type), []).append(change)

    def provider(self, change: Change) -> str:
        """What bills call the vendor: AWS, Microsoft ...; the Terraform name where that is not known."""
        return BILLED_AS.get(change.provider, change.provider)

    def region(self, change: Change, values: Attributes) -> str:
        """Where the resource is: as it says itself, as its provider is configured, as the settings say; else empty."""
        for name in ("region", "location"):
            if found := _plain(values, name):
                return found.replace(" ", "").casefold()
        for name in ("availability_zone", "zone"):
            if found := _plain(values, name):
                return _region_of_zone(found)
        if isinstance(zones := values.values.get("availability_zones"), list) and zones and isinstance(zones[0], str):
            return _region_of_zone(zones[0])
        return self._provider_setting(change, "region") or self.defaults.get(self.provider(change), "")

    def tags(self, change: Change, values: Attributes) -> dict[str, str]:
        """Its tags, the default tags of its provider included; of Google its labels, of a scaling group those of its machines."""
        for name in _ALL_TAGS:
            if isinstance(found := values.values.get(name), Mapping):
                return _texts(found)
        inherits = change.provider == "aws" and change.type != "aws_autoscaling_group"  # a group does not hand them on
        tags = self._default_tags(change) if inherits else {}
        for name in _OWN_TAGS:
            if isinstance(found := values.values.get(name), Mapping):
                tags |= _texts(found)
        for block in values.blocks("tag"):
            if isinstance(key := block.values.get("key"), str):
                tags[key] = str(block.values.get("value") or "")
        return tags

    def tags_unknown(self, change: Change, values: Attributes) -> str:
        """What of its tags is known only after apply, in words; empty where all of them are known.

        Where Terraform does not know all tags together, those that are written and the provider's defaults are all that is seen.
        """
        known, dark = self.tags(change, values), list[str]()
        for name in _TAGS:
            unknown = values.unknown.get(name)
            if unknown is True and not known:
                return "its tags are"
            if isinstance(unknown, Mapping):
                dark += [str(key) for key, value in unknown.items() if value is True and not known.get(str(key))]
        names = ", ".join(dict.fromkeys(dark))
        return f"the values of its tags {names} are" if names else ""

    def referenced(self, change: Change, path: Sequence[str], *, before: bool = False) -> Attributes | None:
        """The attributes of the resource that the expression at `path` refers to; None where the plan has none."""
        expression = self._expressions(change)
        for name in path:
            expression = expression[0] if isinstance(expression, list) and expression else expression
            expression = expression.get(name) if isinstance(expression, Mapping) else None
        references = expression.get("references") if isinstance(expression, Mapping) else None
        for reference in references if isinstance(references, list) else ():
            address = f"{without_indexes(change.module)}." if change.module else ""
            found = self._planned.get(f"{address}{without_indexes(str(reference))}")
            if found is not None:
                return _side(found, before=before)
        return None

    def named(self, change: Change, kind: str, name: str, *, before: bool = False) -> Attributes | None:
        """The attributes of the one resource of a kind and vendor that has this name or id; None where not exactly one has."""
        found = [_side(one, before=before) for one in self._of_kind.get((change.provider, kind), ())]
        same = [one for one in found if name and name in (one.values.get("name"), one.values.get("id"))]
        return same[0] if len(same) == 1 else None

    def _walk(self, module: object, path: str) -> None:
        if not isinstance(module, Mapping):
            return
        resources = module.get("resources")
        for item in resources if isinstance(resources, list) else ():
            if isinstance(item, Mapping) and isinstance(item.get("address"), str):
                self._configs[f"{path}{item['address']}"] = item
        calls = module.get("module_calls")
        for name, call in calls.items() if isinstance(calls, Mapping) else ():
            if isinstance(call, Mapping):
                self._walk(call.get("module"), f"{path}module.{name}.")

    def _expressions(self, change: Change) -> Any:
        return self._configs.get(without_indexes(change.address), {}).get("expressions")

    def _provider_config(self, change: Change) -> Mapping[str, Any]:
        configs = self.plan.configuration.get("provider_config")
        if not isinstance(configs, Mapping):
            return {}
        key = str(self._configs.get(without_indexes(change.address), {}).get("provider_config_key", change.provider))
        found = configs.get(key) or configs.get(key.rpartition(":")[2]) or configs.get(change.provider) or {}
        expressions = found.get("expressions") if isinstance(found, Mapping) else None
        return expressions if isinstance(expressions, Mapping) else {}

    def _provider_setting(self, change: Change, name: str) -> str:
        found = self._value(self._provider_config(change).get(name))
        return found.casefold() if isinstance(found, str) else ""

    def _default_tags(self, change: Change) -> dict[str, str]:
        blocks = self._provider_config(change).get("default_tags")
        block = blocks[0] if isinstance(blocks, list) and blocks else blocks
        found = self._value(block.get("tags")) if isinstance(block, Mapping) else None
        return _texts(found) if isinstance(found, Mapping) else {}

    def _value(self, expression: object) -> object:
        """A constant, or the variable of the root module that is all it refers to."""
        if not isinstance(expression, Mapping):
            return None
        if "constant_value" in expression:
            return expression["constant_value"]
        references = expression.get("references")
        for reference in references if isinstance(references, list) else ():
            if isinstance(reference, str) and reference.startswith("var."):
                given = self.plan.variables.get(reference.removeprefix("var."))
                return given.get("value") if isinstance(given, Mapping) else None
        return None


def _side(change: Change, *, before: bool) -> Attributes:
    """A resource as it is on one side; where it does not exist then, as it is on the other."""
    sides = (change.before, change.after) if before else (change.after, change.before)
    values = next((side for side in sides if side is not None), {})
    return Attributes(values, {} if values is change.before else change.unknown, f"{change.address}.")


def _plain(values: Attributes, name: str) -> str:
    found = values.values.get(name)
    return found if isinstance(found, str) else ""


def _region_of_zone(zone: str) -> str:
    """us-east-1a and europe-west1-b as us-east-1 and europe-west1."""
    found = _ZONE.fullmatch(zone)
    return found[1] if found else zone


def _texts(tags: Mapping[str, Any]) -> dict[str, str]:
    return {str(key): "" if value is None else str(value) for key, value in tags.items()}
