"""The pages of FOCUS rules say what the rules are, and the corrections stand in the reference with their sources."""

from __future__ import annotations

from pathlib import Path

import pytest
from tools.write_conformance_pages import FOLDER, errata_table, pages

from fiscus.cost.conformance.load_rules import errata, executions, load_rules, stem

PAGES = pages()


@pytest.mark.parametrize("name", list(PAGES))
def test_a_page_of_rules_is_what_the_rules_say(name: str) -> None:
    assert (FOLDER / name).read_text(encoding="utf-8") == PAGES[name]


def test_every_correction_has_a_reason_and_a_source_and_stands_in_the_reference() -> None:
    assert all(entry["why"] and entry["source"] for entry in errata())
    assert errata_table() in (FOLDER / "conformance.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("version", ["1.2", "1.3"])
def test_at_most_one_rule_in_twenty_waits_for_documents(version) -> None:
    rules = {
        rule.id: rule for dataset in ("cost_and_usage", "contract_commitment") for rule in load_rules(version, dataset)
    }
    assert len(rules) == {"1.2": 621, "1.3": 906}[version]
    waiting = [rule for rule in rules.values() if rule.execution is not None and rule.execution.method == "documented"]
    assert len(waiting) <= 0.05 * len(rules)


def test_every_rule_has_a_way_to_its_answer() -> None:
    named = {stem(rule.id) for version in ("1.2", "1.3") for rule in load_rules(version, "cost_and_usage")}
    named |= {stem(rule.id) for rule in load_rules("1.3", "contract_commitment")}
    assert not [
        rule.id for v in ("1.2", "1.3", "1.4") for rule in load_rules(v, "cost_and_usage") if not _answerable(rule)
    ]
    assert not set(executions()) - named, "an execution of a rule that no version has"


def _answerable(rule) -> bool:
    return rule.check is not None or rule.execution is not None


def test_the_sentences_of_the_specification_stay_where_they_are() -> None:
    data = Path(FOLDER).parents[1] / "src" / "fiscus" / "cost" / "conformance" / "data"
    assert not [
        path.name
        for path in data.glob("*.jsonl")
        if "MustSatisfy" in path.read_text(encoding="utf-8").split('"source"')[0]
    ]
    assert "CC-BY-4.0" in (data / "NOTICE").read_text(encoding="utf-8")
