"""Cloud Custodian policies (YAML) as policies on charges, by its documented format.

Custodian looks at what is there now; Fiscus looks at what is billed. What means the same is translated; every other filter,
action and mode is named in the result. A policy that lost a filter would match more than it did, so it is only counted.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, cast

from fiscus.guardrails.importers.c7n_filters import Filters, translate_filters
from fiscus.guardrails.importers.c7n_resources import RESOURCES, STOPPED_BY, USAGE, plain_resource
from fiscus.guardrails.importers.types import Imported, LeftOut
from fiscus.guardrails.importers.write_yaml import sentence, slug, write_items
from fiscus.guardrails.policies.load_policies import load_policies
from fiscus.guardrails.types import Level
from fiscus.kernel.documents import load_document
from fiscus.kernel.errors import BadConfig, BadInput, Where
from fiscus.kernel.limits import CONDITION_CHARS_MAX, POLICIES_MAX

ANY_SCHEMA: Final[Mapping[str, object]] = {}
LADDER_DAYS: Final = 400
_KNOWN: Final = frozenset(
    {"name", "resource", "filters", "actions", "mode", "description", "comment", "comments", "metadata"}
)
_PULLED: Final = ("pull", "periodic", "schedule", "azure-periodic", "gcp-periodic")
# action -> how strong the policy becomes, and what it plans
_NOTIFIES: Final = ("notify", "webhook", "post-finding")
_MARKS: Final = (
    "mark",
    "tag",
    "mark-for-op",
    "auto-tag-user",
    "copy-related-tag",
    "tag-trim",
    "label",
    "mark-for-op-label",
)
_STOPS: Final = ("stop", "power-off", "poweroff")


@dataclass(frozen=True, slots=True)
class _Then:
    """What the actions of a policy came to."""

    level: Level
    action: str | None
    left_out: tuple[LeftOut, ...]


def import_c7n(text: str, file: str, owner: str) -> Imported:
    """The policies in `text` as YAML of `policies/`. Raises BadConfig for what is no YAML, BadInput for no such policies."""
    document = load_document(text, file, ANY_SCHEMA)
    data = document.data
    given = data.get("policies") if isinstance(data, Mapping) else None
    if not isinstance(given, list) or not given:
        raise BadInput(
            f"{file} holds no Cloud Custodian policies",
            remedy="They stand in a list under `policies`.",
            where=Where(file=file),
        )
    items: list[tuple[Mapping[str, object], Sequence[LeftOut]]] = []
    left_out: list[LeftOut] = []
    for number, one in enumerate(given[:POLICIES_MAX]):
        line = document.line(("policies", number))
        made, missing = _policy(one, line, owner, [str(item["id"]) for item, _ in items])
        left_out += missing
        if made is not None:
            items.append((made, missing))
    if len(given) > POLICIES_MAX:
        left_out.append(LeftOut(file, f"{len(given) - POLICIES_MAX:,} policies", f"more than {POLICIES_MAX:,}"))
    whole = [one for one in left_out if one.name not in {str(item["title"]) for item, _ in items}]
    head = [
        f"From {file} (Cloud Custodian). Charges are judged, not what is there now: try each with `fiscus policy backtest`."
    ]
    head += [f"Not translated at all: {one.name} (line {one.line}): {one.what}: {one.why}" for one in whole if one.name]
    written = write_items("policies", head, items)
    load_policies({"policies/imported.yaml": written})
    return Imported(written, tuple(str(item["id"]) for item, _ in items), tuple(left_out))


def _policy(
    given: object, line: int, owner: str, taken: Sequence[str]
) -> tuple[Mapping[str, object] | None, list[LeftOut]]:
    """(the policy, what of it was left out); no policy where nothing of it can be said."""
    if not isinstance(given, Mapping) or not given.get("name"):
        return None, [LeftOut(f"line {line}", "a policy", "it has no name", line)]
    one = cast("Mapping[str, Any]", given)
    name = str(one["name"])
    resource = plain_resource(str(one.get("resource", "")))
    if resource not in RESOURCES:
        return None, [LeftOut(name, f"resource {one.get('resource')}", "no bill tells it apart", line)]
    filters = translate_filters(one.get("filters") or [])
    then = _then(name, line, resource, one.get("actions") or [], lost=bool(filters.left_out))
    missing = [LeftOut(name, lost.what, lost.why, line) for lost in (*filters.left_out, *filters.notes)]
    missing += [*then.left_out, *_rest(name, line, one)]
    item = _item(one, resource, filters, then, owner)
    item["id"] = slug(name, taken, "policy")
    if len(str(item["when"])) > CONDITION_CHARS_MAX:
        return None, [
            *missing,
            LeftOut(name, "its condition", f"it is longer than {CONDITION_CHARS_MAX:,} characters", line),
        ]
    try:
        load_policies({"policies/imported.yaml": write_items("policies", [], [(item, [])])})
    except BadConfig as broken:  # a condition of more parts than one may have, for instance
        return None, [*missing, LeftOut(name, "its condition", broken.message, line)]
    return item, missing


def _item(one: Mapping[str, Any], resource: str, filters: Filters, then: _Then, owner: str) -> dict[str, object]:
    when = " && ".join([USAGE, RESOURCES[resource], *filters.terms])
    said = one.get("description") or one.get("comment") or one.get("comments")
    item: dict[str, object] = {
        "id": "", "title": str(one["name"])[:120], "on": ["charge"], "when": when, "level": then.level, "on_error": "allow",
        "reason": sentence(said, f"It was the Cloud Custodian policy {one['name']}.", 600),
        "remedy": "Mend what matches, or narrow the policy.", "owner": owner,
    }  # fmt: skip
    if filters.days > 1:
        item |= {"window_days": min(filters.days + 5, LADDER_DAYS), "days_min": filters.days}
    return item | ({"effect": "act", "action": then.action} if then.action else {})


def _then(name: str, line: int, resource: str, actions: object, *, lost: bool) -> _Then:
    """The strongest thing that the actions ask for and Fiscus can do."""
    level: Level = "observe"
    planned: str | None = None
    missing: list[LeftOut] = []
    for action in actions if isinstance(actions, list) else [actions]:
        kind = str(action.get("type")) if isinstance(action, Mapping) else str(action)
        if kind in _NOTIFIES:
            level = _stronger(level, "warn")
        elif kind in _MARKS:
            level = _stronger(level, "warn")
            why = "Fiscus writes no tags: a finding with an owner and a case stands for it"
            missing.append(LeftOut(name, f"action {_shown(action, kind)}", why, line))
        elif kind in _STOPS and (planned := STOPPED_BY.get(resource)):
            level = _stronger(level, "soft")
        else:
            why = "Fiscus has no such action" if kind not in _STOPS else f"Fiscus stops no {resource}"
            missing.append(LeftOut(name, f"action {_shown(action, kind)}", why, line))
    if lost and (planned or level != "observe"):
        why = "a filter was left out, so it matches more than it did: it is only counted until you narrow it"
        missing.append(LeftOut(name, f"its level {level}{f' and action {planned}' if planned else ''}", why, line))
        return _Then("observe", None, tuple(missing))
    return _Then(level, planned, tuple(missing))


def _stronger(one: Level, other: Level) -> Level:
    order: tuple[Level, ...] = ("observe", "warn", "soft", "hard")
    return max(one, other, key=order.index)


def _shown(action: object, kind: str) -> str:
    if not isinstance(action, Mapping):
        return kind
    rest = ", ".join(f"{key}: {value}" for key, value in action.items() if key != "type")
    return sentence(f"{kind} ({rest})" if rest else kind, kind, 200)


def _rest(name: str, line: int, one: Mapping[str, Any]) -> list[LeftOut]:
    missing = [
        LeftOut(name, f"{key}: {sentence(one[key], '', 120)}", "it has no equivalent", line)
        for key in one
        if key not in _KNOWN
    ]
    mode = one.get("mode")
    kind = str(mode.get("type")) if isinstance(mode, Mapping) else "pull"
    if kind not in _PULLED:
        missing.append(LeftOut(name, f"mode {kind}", "it is judged by each run, not by an event", line))
    return missing
