"""The reference of policies: nothing that exists is missing in it, and what it says about answers is what is answered."""

from __future__ import annotations

import re
from pathlib import Path

import duckdb
import pytest
import yaml
from tools.write_library_page import PAGE, library_page

from fiscus.guardrails.policies.facts import TARGETS, facts_of
from fiscus.guardrails.policies.load_policies import load_policies, policy_schema
from fiscus.guardrails.policies.probe_policies import charge_failures, charge_tests_query, closure_failures
from fiscus.kernel.rows import Rows

REFERENCE = Path(__file__).resolve().parents[2] / "docs" / "reference"
POLICIES = (REFERENCE / "policies.md").read_text("utf-8")
SEMANTICS = (REFERENCE / "policy-semantics.md").read_text("utf-8")
NAMED = frozenset(re.findall(r"`([^`\n]+)`", re.sub(r"```.*?```", "", POLICIES, flags=re.DOTALL)))
ROWS = [
    tuple(cell.replace(r"\|", "|") for cell in found)
    for found in re.findall(r"^\| `(.+)` \| `(\{.*\})` \| (\w+) \|$", SEMANTICS, flags=re.MULTILINE)
]


@pytest.mark.parametrize("target", TARGETS)
def test_every_fact_stands_in_the_reference(target) -> None:
    assert not set(facts_of(target)) - NAMED


def test_the_reference_names_no_fact_that_does_not_exist() -> None:
    said = {
        name
        for name in NAMED
        if re.fullmatch(r"(intent|requester|now|budget|charge|resource|anomaly|invoice)\.\w+", name)
    }
    known = {fact for target in TARGETS for fact in facts_of(target)}
    assert not said - known - set(TARGETS)


def test_every_field_of_a_policy_stands_in_the_reference() -> None:
    assert not set(policy_schema()["properties"]["policies"]["items"]["properties"]) - NAMED


def test_the_page_of_the_library_is_what_the_library_says() -> None:
    """`python -m tools.write_library_page` writes it."""
    assert PAGE.read_text("utf-8") == library_page()


def test_the_example_loads_and_its_tests_pass() -> None:
    (example,) = re.findall(r"```yaml\n(policies:.*?)```", POLICIES, flags=re.DOTALL)
    (compiled,) = load_policies({"policies/example.yaml": example})
    assert len(compiled.tests) == 3
    assert closure_failures(compiled) == ()


def test_the_examples_of_clauses_load_and_their_tests_pass() -> None:
    text = (REFERENCE / "policy-clauses.md").read_text("utf-8")
    (examples,) = re.findall(r"```yaml\n(policies:.*?)```", text, flags=re.DOTALL)
    loaded = load_policies({"policies/clauses.yaml": examples})
    assert [len(compiled.tests) for compiled in loaded] == [1, 3]
    assert [closure_failures(compiled) for compiled in loaded] == [(), ()]
    item = policy_schema()["properties"]["policies"]["items"]["properties"]
    clauses = {
        *item["approval"]["properties"],
        *item["exceptions"]["items"]["properties"],
        *item["options"]["items"]["properties"],
    }
    assert not {name for name in clauses if name not in text}


@pytest.mark.parametrize(("condition", "charge", "answer"), ROWS)
def test_the_table_of_answers_is_what_is_answered(condition: str, charge: str, answer: str) -> None:
    """As a function and as SQL, in DuckDB."""
    policy = {
        "id": "row", "title": "A row", "on": ["charge"], "when": condition, "level": "soft", "on_error": "hold",
        "reason": "It is written.", "remedy": "None.", "owner": "finops",
        "tests": [{"given": {"charge": yaml.safe_load(charge)}, "expect": answer}],
    }  # fmt: skip
    (compiled,) = load_policies({"policies/row.yaml": yaml.safe_dump({"policies": [policy]})})
    assert closure_failures(compiled) == ()
    query = charge_tests_query(compiled)
    assert query is not None
    with duckdb.connect() as connection:
        rows = connection.execute(query.sql).fetchall()
    assert charge_failures(compiled, Rows(("test", "answer"), tuple(rows))) == ()


def test_the_table_of_answers_is_there() -> None:
    assert len(ROWS) >= 25
    assert {answer for _, _, answer in ROWS} == {"match", "no_match", "error"}
