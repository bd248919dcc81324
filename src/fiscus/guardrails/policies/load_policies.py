"""policies/*.yaml: conditions and detectors with their level, loaded as a whole or not at all; and the library of ready ones."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from decimal import Decimal, InvalidOperation
from functools import cache, lru_cache
from importlib.resources import files
from typing import Any, Final, cast

from fiscus.guardrails.findings.detect_series import DETECTORS
from fiscus.guardrails.policies.check_condition import Refuse, check_condition
from fiscus.guardrails.policies.check_shape import check_shape
from fiscus.guardrails.policies.clauses import read_approval, read_effective, read_options
from fiscus.guardrails.policies.compile_closure import compile_closure
from fiscus.guardrails.policies.compile_sql import compile_sql
from fiscus.guardrails.policies.exceptions import compile_exceptions, read_exceptions
from fiscus.guardrails.policies.given_facts import given_facts
from fiscus.guardrails.policies.policy_set import CompiledPolicy, PolicySet, PolicyTest
from fiscus.guardrails.policies.possible_facts import check_possible
from fiscus.guardrails.types import Policy, PolicyTarget
from fiscus.kernel.canonical import digest
from fiscus.kernel.documents import Document, Path, did_you_mean, load_document
from fiscus.kernel.limits import POLICIES_MAX

VERSION_DIGITS: Final = 16
POLICY_FILES_KEPT: Final = 256
_MEANING: Final = (
    "id", "on", "when", "detector", "settings", "level", "on_error", "effect", "min_amount", "action", "finding",
    "window_days", "days_min", "options", "approval", "exceptions", "effective",
)  # fmt: skip


def load_policies(texts: Mapping[str, str]) -> PolicySet:
    """The policies of all files (name -> text), in the order of their ids.

    Raises BadConfig with file, line and remedy for what the schema cannot accept, a fact or function that does not exist, a
    comparison of two types or currencies, or an id that stands twice, over all files.
    """
    compiled: dict[str, CompiledPolicy] = {}
    for file, text in sorted(texts.items()):
        for number, one in enumerate(_compiled_file(file, text)):
            if (known := compiled.get(one.policy.id)) is not None:
                where = f"{known.policy.file}, line {known.policy.line}"
                message = f"Policy {one.policy.id!r} stands twice: also in {where}"
                raise _document(file, text).error(("policies", number, "id"), message, "Rename one of them.")
            compiled[one.policy.id] = one
            if len(compiled) > POLICIES_MAX:
                message = f"More than {POLICIES_MAX:,} policies"
                raise _document(file, text).error(("policies", number), message, "Join some of them.")
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


@lru_cache(maxsize=POLICY_FILES_KEPT)
def _compiled_file(file: str, text: str) -> tuple[CompiledPolicy, ...]:
    """A file's policies. Kept: when one file changes, the others of a workspace are not compiled again."""
    document = _document(file, text)
    items = cast("dict[str, Any]", document.data)["policies"]
    return tuple(_compile(document, ("policies", number), item) for number, item in enumerate(items))


def _document(file: str, text: str) -> Document:
    return load_document(text, file, policy_schema())


def _compile(document: Document, path: Path, item: Mapping[str, Any]) -> CompiledPolicy:
    check_shape(document, path, item)
    policy = _policy(document, path, item)
    if policy.detector:
        return CompiledPolicy(policy, settings=_settings(document, path, policy.detector, item.get("settings", {})))
    policy = replace(
        policy, exceptions=read_exceptions(document, (*path, "exceptions"), item.get("exceptions", ()), policy)
    )

    def refusal(*at: str | int) -> Refuse:
        return lambda message, remedy: document.error((*path, *at), f"{message} (policy {policy.id})", remedy)

    whens = _conditions(item)
    one = isinstance(item["when"], str)
    conditions = {
        target: check_condition(text, target, refusal("when") if one else refusal("when", target))
        for target, text in whens.items()
    }
    excepted = [
        refusal("exceptions", n, "when" if "when" in e else "match") for n, e in enumerate(item.get("exceptions", ()))
    ]
    return CompiledPolicy(
        policy=policy,
        conditions=conditions,
        closures={target: compile_closure(node) for target, node in conditions.items()},
        charge_sql=compile_sql(conditions["charge"]) if "charge" in conditions else "",
        resource_sql=compile_sql(conditions["resource"]) if "resource" in conditions else "",
        tests=tuple(_tests(document, path, policy, item.get("tests", ()))),
        exceptions={target: compile_exceptions(policy, target, excepted) for target in policy.targets},
    )


def _conditions(item: Mapping[str, Any]) -> Mapping[PolicyTarget, str]:
    """Target -> its condition: one for all of them, or one each."""
    when = item["when"]
    return {target: when if isinstance(when, str) else when[target] for target in item["on"]}


def _shown(when: str | Mapping[str, str]) -> str:
    return when if isinstance(when, str) else "; ".join(f"{target}: {text}" for target, text in sorted(when.items()))


def _policy(document: Document, path: Path, item: Mapping[str, Any]) -> Policy:
    targets = tuple(item.get("on", ()))
    first, last = read_effective(document, (*path, "effective"), item.get("effective", {}))
    approval = item.get("approval")
    return Policy(
        id=item["id"],
        version=meaning_version(item),
        title=item["title"],
        targets=targets,
        when=_shown(item.get("when", "")),
        level=item["level"],
        on_error=item["on_error"],
        effect=item.get("effect", "act" if "action" in item else "warn"),
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
        options=read_options(document, (*path, "options"), item.get("options", ()), targets),
        approval=read_approval(document, (*path, "approval"), approval) if approval is not None else None,
        effective_from=first,
        effective_until=last,
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
        check_possible(facts, refuse)
        tests.append(PolicyTest(target, facts, item["expect"], item.get("verdict", ""), document.line(here)))
    return tests
