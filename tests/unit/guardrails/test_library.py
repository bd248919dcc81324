"""The library that a workspace starts from: every policy is tested beside itself, and says what to do."""

from __future__ import annotations

import json
from importlib.resources import files

import duckdb
import jsonschema
import pytest

from fiscus.flows.try_policy_tests import IN_SQL
from fiscus.guardrails.decisions.intent import intent_schema
from fiscus.guardrails.policies.load_policies import library_texts, load_policies
from fiscus.guardrails.policies.policy_set import CompiledPolicy
from fiscus.guardrails.policies.probe_policies import closure_failures, sql_failures, sql_tests_query
from fiscus.guardrails.types import INTENT_KINDS
from fiscus.kernel.rows import Rows

LIBRARY = load_policies(library_texts())
CONDITIONS = [one for one in LIBRARY if not one.policy.detector]


def _name(compiled: CompiledPolicy) -> str:
    return compiled.policy.id


@pytest.mark.parametrize("compiled", CONDITIONS, ids=_name)
def test_its_own_tests_pass_as_a_function_and_as_sql(compiled: CompiledPolicy) -> None:
    assert closure_failures(compiled) == ()
    for target in IN_SQL:
        if query := sql_tests_query(compiled, target):
            with duckdb.connect() as connection:
                rows = connection.execute(query.sql).fetchall()
            assert sql_failures(compiled, Rows(("test", "answer"), tuple(rows)), target) == ()


@pytest.mark.parametrize("compiled", CONDITIONS, ids=_name)
def test_each_target_is_tested_with_a_match_and_without(compiled: CompiledPolicy) -> None:
    for target in compiled.policy.targets:
        assert {test.expect for test in compiled.tests if test.target == target} >= {"match", "no_match"}


@pytest.mark.parametrize("compiled", CONDITIONS, ids=_name)
def test_what_judges_intents_says_the_verdict_of_a_match(compiled: CompiledPolicy) -> None:
    matches = [test for test in compiled.tests if test.expect == "match" and test.target in INTENT_KINDS]
    assert all(test.expect_verdict for test in matches)


@pytest.mark.parametrize("compiled", list(LIBRARY), ids=_name)
def test_each_belongs_to_finops_and_reads_as_sentences(compiled: CompiledPolicy) -> None:
    policy = compiled.policy
    assert policy.owner == "finops"
    assert policy.reason.endswith(".")
    assert policy.remedy.endswith(".")
    assert not policy.title.endswith(".")


def test_every_kind_of_spend_and_what_was_spent_is_judged() -> None:
    assert all(
        LIBRARY.on(target)
        for target in ("ai.request", "marketplace.purchase", "resource.provision", "charge", "budget")
    )
    assert {one.policy.detector for one in LIBRARY.detectors()} == {"price_change", "commitment_expired"}


def test_the_published_schema_is_the_one_that_is_checked() -> None:
    published = json.loads(files("fiscus.guardrails").joinpath("schema", "intent.schema.json").read_text("utf-8"))
    assert published == intent_schema()
    jsonschema.Draft202012Validator.check_schema(published)
    assert [variant["properties"]["kind"]["const"] for variant in published["oneOf"]] == list(INTENT_KINDS)
