"""policies/*.yaml: conditions and detectors with their level, loaded as a whole or not at all; and the library of ready ones."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from decimal import Decimal, InvalidOperation
from functools import cache
from importlib.resources import files
from typing import Any, Final, cast

from fiscus.guardrails.findings.detect_series import DETECTORS
from fiscus.guardrails.policies.check_condition import check_condition
from fiscus.guardrails.policies.compile_closure import compile_closure
from fiscus.guardrails.policies.compile_sql import compile_sql
from fiscus.guardrails.policies.given_facts import given_facts
from fiscus.guardrails.policies.policy_set import CompiledPolicy, PolicySet, PolicyTest
from fiscus.guardrails.types import INTENT_KINDS, Policy, PolicyTarget, Verdict
from fiscus.kernel.canonical import digest
from fiscus.kernel.documents import Document, Path, did_you_mean, load_document
from fiscus.kernel.limits import POLICIES_MAX

VERSION_DIGITS: Final = 16
_MEANING: Final = (
    "id", "on", "when", "detector", "settings", "level", "on_error", "effect", "min_amount", "action", "finding",
    "window_days", "days_min",
)  # fmt: skip


def load_policies(texts: Mapping[str, str]) -> PolicySet:
    """The policies of all files (name -> text), in the order of their ids.

    Raises BadConfig with file, line and remedy for what the schema cannot accept, a fact or function that does not exist, a
    comparison of two types or currencies, or an id that stands twice, over all files.
    """
    compiled: dict[str, CompiledPolicy] = {}
    for file, text in sorted(texts.items()):
        document = load_document(text, file, policy_schema())
        for number, item in enumerate(cast("dict[str, Any]", document.data)["policies"]):
            one = _compile(document, ("policies", number), item)
            if (known := compiled.get(one.policy.id)) is not None:
                where = f"{known.policy.file}, line {known.policy.line}"
                message = f"Policy {one.policy.id!r} stands twice: also in {where}"
                raise document.error(("policies", number, "id"), message, "Rename one of them.")
            compiled[one.policy.id] = one
            if len(compiled) > POLICIES_MAX:
                raise document.error(("policies", number), f"More than {POLICIES_MAX:,} policies", "Join some of them.")
    ordered = tuple(compiled[policy_id] for policy_id in sorted(compiled))
    return PolicySet(ordered, digest([one.policy.version for one in ordered]))


def meaning_version(item: Mapping[str, object]) -> str:
    """Names what a policy means: another condition, level or effect is another version, another title is not."""
    return digest({key: item[key] for key in _MEANING if key in item})[:VERSION_DIGITS]


@cache
def library_versions() -> frozenset[tuple[str, str]]:
    """(id, version) of the ready policies, as they ship. Nothing is compiled for it."""
    found = [load_document(text, name, {}).data for name, text in library_texts().items()]
    items = [item for data in found for item in cast("dict[str, list[dict[str, object]]]", data)["policies"]]
    return frozenset((str(item["id"]), meaning_version(item)) for item in items)


@cache
def policy_schema() -> Mapping[str, object]:
    """The JSON Schema of a file of policies."""
    text = files("fiscus.guardrails").joinpath("schema", "policies.schema.json").read_text("utf-8")
    return cast("Mapping[str, object]", json.loads(text))


def library_texts() -> Mapping[str, str]:
    """The ready policies that a new workspace starts from: file name -> YAML."""
    folder = files("fiscus.guardrails").joinpath("library")
    found = {entry.name: entry.read_text("utf-8") for entry in folder.iterdir() if entry.name.endswith(".yaml")}
    return dict(sorted(found.items()))


def _compile(document: Document, path: Path, item: Mapping[str, Any]) -> CompiledPolicy:
    _check_shape(document, path, item)
    policy = _policy(document, path, item)
    if policy.detector:
        return CompiledPolicy(policy, settings=_settings(document, path, policy.detector, item.get("settings", {})))

    def refuse(message: str, remedy: str) -> Exception:
        return document.error((*path, "when"), f"{message} (policy {policy.id})", remedy)

    conditions = {target: check_condition(policy.when, target, refuse) for target in policy.targets}
    return CompiledPolicy(
        policy=policy,
        conditions=conditions,
        closures={target: compile_closure(node) for target, node in conditions.items()},
        charge_sql=compile_sql(conditions["charge"]) if "charge" in conditions else "",
        tests=tuple(_tests(document, path, policy, item.get("tests", ()))),
    )


def _check_shape(document: Document, path: Path, item: Mapping[str, Any]) -> None:
    """What belongs together stands together."""
    if "detector" in item:
        for key in ("on", "when", "effect", "window_days", "days_min", "tests"):
            if key in item:
                raise document.error((*path, key), f"A detector has no {key}", "Take it out, or use a condition.")
        return
    for key in ("on", "when"):
        if key not in item:
            raise document.error(path, f"The policy {item['id']} has no {key}", f"Write {key}, or name a detector.")
    if "settings" in item:
        raise document.error((*path, "settings"), "Only a detector has settings", "Put the bounds into the condition.")
    asks = [target for target in item["on"] if target in INTENT_KINDS]
    if asks and "effect" not in item:
        message = f"The policy judges {asks[0]} and does not say what a match asks for"
        raise document.error(path, message, "Write effect: warn, require_approval or deny.")


def _policy(document: Document, path: Path, item: Mapping[str, Any]) -> Policy:
    return Policy(
        id=item["id"],
        version=meaning_version(item),
        title=item["title"],
        targets=tuple(item.get("on", ())),
        when=item.get("when", ""),
        level=item["level"],
        on_error=item["on_error"],
        effect=cast("Verdict", item.get("effect", "warn")),
        reason=item["reason"],
        remedy=item["remedy"],
        owner=item["owner"],
        file=document.file,
        line=document.line(path),
        min_amount=_amount(document, (*path, "min_amount"), item.get("min_amount", 0)),
        action=item.get("action"),
        finding=item.get("finding", item.get("detector", "policy")),
        window_days=item.get("window_days", 0),
        days_min=item.get("days_min", 1),
        detector=item.get("detector"),
    )


def _amount(document: Document, path: Path, given: object) -> Decimal:
    try:
        amount = Decimal(str(given))
    except InvalidOperation:
        raise document.error(path, f"{given!r} is no decimal number", "Write it plainly, such as 50.00.") from None
    if not amount.is_finite() or amount < 0:
        raise document.error(path, f"{given} is no amount", "Write a number of at least 0.")
    return amount


def _settings(document: Document, path: Path, detector: str, given: Mapping[str, Any]) -> Mapping[str, object]:
    known = DETECTORS[detector]
    for name in given:
        if name not in known:
            remedy = did_you_mean(name, list(known))
            raise document.error((*path, "settings", name), f"{detector} has no setting {name!r}", remedy)
    return {**known, **{name: Decimal(str(value)) for name, value in given.items()}}


def _tests(document: Document, path: Path, policy: Policy, items: Sequence[Mapping[str, Any]]) -> list[PolicyTest]:
    tests = []
    for number, item in enumerate(items):
        here = (*path, "tests", number)
        target: PolicyTarget = item.get("on", policy.targets[0])
        if target not in policy.targets:
            remedy = f"Known: {', '.join(policy.targets)}."
            raise document.error((*here, "on"), f"The policy {policy.id} does not judge {target}", remedy)

        def refuse(key: str, message: str, remedy: str, at: Path = here) -> Exception:
            return document.error((*at, "given", *key.split(".")), message, remedy)

        facts = given_facts(item["given"], target, refuse)
        tests.append(PolicyTest(target, facts, item["expect"], item.get("verdict", ""), document.line(here)))
    return tests
