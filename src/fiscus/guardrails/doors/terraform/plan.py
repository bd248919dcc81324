"""A plan as `terraform show -json` writes it, as the changes that may cost money.

Format: developer.hashicorp.com/terraform/internals/json-format, format_version 1.x; OpenTofu writes the same. Unknown properties
are ignored, as the format asks; another major version is refused. No value of a resource but sizes, regions and tags is kept in
what is shown: a plan holds secrets in clear text.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Final, Literal

from fiscus.kernel.errors import BadInput, LimitExceeded, Where
from fiscus.kernel.limits import DOCUMENT_DEPTH_MAX, PLAN_BYTES_MAX, PLAN_CHANGES_MAX

Action = Literal["create", "update", "replace", "delete", "no-op", "read", "forget"]
_ACTIONS: Final[Mapping[tuple[str, ...], Action]] = {
    ("no-op",): "no-op", ("create",): "create", ("read",): "read", ("update",): "update", ("delete",): "delete",
    ("delete", "create"): "replace", ("create", "delete"): "replace", ("forget",): "forget", ("create", "forget"): "create",
}  # fmt: skip
_INDEX: Final = re.compile(r"\[(?:\d+|\"(?:[^\"\\]|\\.)*\")\]")
REMEDY: Final = "Make it with: terraform plan -out=tfplan && terraform show -json tfplan > plan.json"


@dataclass(frozen=True, slots=True)
class Change:
    """One resource. `before` and `after` are its attributes (None: does not exist then); `unknown`: known only after apply.

    One that is forgotten has neither: it runs on and costs what it cost.
    """

    address: str
    module: str
    type: str
    name: str
    provider: str  # the short name: aws, azurerm, google ...
    action: Action
    before: Mapping[str, Any] | None
    after: Mapping[str, Any] | None
    unknown: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Plan:
    """What is planned. `configuration` and `variables` are kept to find regions, default tags and references."""

    format_version: str
    terraform_version: str
    changes: tuple[Change, ...]
    complete: bool
    configuration: Mapping[str, Any] = field(default_factory=dict)
    variables: Mapping[str, Any] = field(default_factory=dict)
    file: str = ""

    def counts(self) -> dict[Action, int]:
        """How many resources there are of each action."""
        found: dict[Action, int] = {}
        for change in self.changes:
            found[change.action] = found.get(change.action, 0) + 1
        return found


def read_plan(text: str, file: str = "") -> Plan:
    """The plan in `text`. Raises BadInput (not JSON, no plan, another major version, a failed plan), LimitExceeded."""
    if len(text) > PLAN_BYTES_MAX:
        raise LimitExceeded(f"A plan is at most {PLAN_BYTES_MAX:,} characters", remedy="Plan fewer resources at once.")
    try:
        data = json.loads(text, parse_float=Decimal)
    except (ValueError, RecursionError) as broken:
        raise _wrong(file, "", f"The plan is not JSON: {str(broken)[:120]}") from None
    return parse_plan(data, file)


def parse_plan(data: object, file: str = "") -> Plan:
    """The plan in `data`, plain JSON. Raises as `read_plan` does."""
    if not isinstance(data, Mapping) or not isinstance(data.get("format_version"), str):
        raise _wrong(file, "format_version", "This is not what `terraform show -json` writes of a plan")
    version = data["format_version"]
    if version.split(".")[0] != "1":
        raise _wrong(file, "format_version", f"Plans of format {version} are not known here, only 1.x")
    if data.get("errored") is True:
        raise _wrong(file, "errored", "Planning failed, so this plan is not the whole change")
    if "planned_values" not in data and "resource_changes" not in data:
        raise _wrong(file, "resource_changes", "This is a state, not a plan")
    given = data.get("resource_changes") or []
    if not isinstance(given, Sequence) or isinstance(given, str):
        raise _wrong(file, "resource_changes", "resource_changes is no list")
    if len(given) > PLAN_CHANGES_MAX:
        raise LimitExceeded(
            f"A plan of more than {PLAN_CHANGES_MAX:,} resources is not judged", remedy="Plan fewer at once."
        )
    changes = [_change(item, number, file) for number, item in enumerate(given) if _managed(item)]
    return Plan(
        format_version=version,
        terraform_version=str(data.get("terraform_version", "")),
        changes=tuple(sorted(changes, key=lambda change: change.address)),
        complete=data.get("complete") is not False,
        configuration=_mapping(data.get("configuration")),
        variables=_mapping(data.get("variables")),
        file=file,
    )


def without_indexes(address: str) -> str:
    """`module.a["x"].aws_instance.web[0]` as the configuration names it: `module.a.aws_instance.web`."""
    return _INDEX.sub("", address)


def _managed(item: object) -> bool:
    return not (isinstance(item, Mapping) and item.get("mode", "managed") != "managed")


def _change(item: object, number: int, file: str) -> Change:
    place = f"resource_changes.{number}"
    if not isinstance(item, Mapping) or not isinstance(item.get("change"), Mapping):
        raise _wrong(file, place, "This resource change has no `change`")
    change = item["change"]
    actions = change.get("actions")
    action = _ACTIONS.get(tuple(actions)) if isinstance(actions, list) and all(map(_text, actions)) else None
    address, kind = item.get("address"), item.get("type")
    if action is None or not _text(address) or not _text(kind):
        raise _wrong(file, place, f"{address or place}: actions {actions!r} or its address or type cannot be read")
    assert isinstance(address, str)
    before, after = change.get("before"), change.get("after")
    for name, side in (("before", before), ("after", after)):
        if side is not None and not isinstance(side, Mapping):
            raise _wrong(file, place, f"{address}: {name} is {type(side).__name__} and no resource's attributes")
    if _too_deep(before) or _too_deep(after):
        raise _wrong(file, place, f"{address} is nested deeper than {DOCUMENT_DEPTH_MAX} levels")
    return Change(
        address=address,
        module=str(item.get("module_address", "")),
        type=str(kind),
        name=str(item.get("name", "")),
        provider=str(item.get("provider_name", "")).rpartition("/")[2],
        action=action,
        before=before if isinstance(before, Mapping) and action not in {"create", "forget"} else None,
        after=after if isinstance(after, Mapping) and action not in {"delete", "forget"} else None,
        unknown=_mapping(change.get("after_unknown")),
    )


def _too_deep(value: object, depth: int = 0) -> bool:
    if depth > DOCUMENT_DEPTH_MAX:
        return True
    if isinstance(value, Mapping):
        return any(_too_deep(item, depth + 1) for item in value.values())
    return isinstance(value, list) and any(_too_deep(item, depth + 1) for item in value)


def _text(value: object) -> bool:
    return isinstance(value, str) and bool(value)


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _wrong(file: str, key: str, message: str) -> BadInput:
    return BadInput(message, remedy=REMEDY, where=Where(file=file or None, key=key or None))
