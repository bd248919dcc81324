"""Patterns are weighed at load, so that no text makes one slow."""

from __future__ import annotations

import duckdb
import pytest
from tests.fixtures.judging import policy_of

from fiscus.guardrails.policies.pattern_weight import pattern_weight
from fiscus.kernel.limits import CONDITION_PATTERN_WEIGHT_MAX, MATCHED_TEXT_CHARS_MAX


@pytest.mark.parametrize(
    ("pattern", "least", "most"),
    [
        ("gpt", 3, 3),
        ("^(gpt|claude)-", 10, 20),
        ("(?i)^amazon", 14, 18),
        ("a{100}", 100, 110),
        ("a{2,}", 3, 6),
        ("(a{1,100}){1,10}", 1_000, 1_100),
        (r"\pL{2}", 400, 700),
        (r"\Q(a{1,1000})\E", 12, 30),
        ("[[:upper:]]{3}", 20, 60),
        (r"[^\]]+", 10, 30),
        ("a{,5}", 5, 5),  # no repetition in RE2: five letters
        ("(((", 0, 3),  # not valid; RE2 says so
    ],
)
def test_a_pattern_weighs_what_its_program_does(pattern: str, least: int, most: int) -> None:
    assert least <= pattern_weight(pattern) <= most


def test_a_heavy_pattern_is_refused_and_many_light_ones_are_too() -> None:
    with pytest.raises(ValueError, match="more work than 500 steps a letter"):
        policy_of("heavy", 'charge.team.matches("(a{1,100}){1,10}")')
    light = 'charge.team.matches("a{90}")'
    policy_of("light", " || ".join([light] * 5))
    with pytest.raises(ValueError, match="more work than 500 steps a letter"):
        policy_of("many", " || ".join([light] * 6))
    assert CONDITION_PATTERN_WEIGHT_MAX == 500


def test_a_text_that_is_too_long_to_be_matched_is_an_error_as_a_function_and_in_sql() -> None:
    compiled = policy_of("p", '(charge.team == "" ? charge.ServiceName : charge.team).matches("a$")')
    for letters, answer in ((MATCHED_TEXT_CHARS_MAX, "match"), (MATCHED_TEXT_CHARS_MAX + 1, "error")):
        text = "é" * (letters - 1) + "a"
        assert compiled.closures["charge"]({"charge.team": text})[0] == answer
        row = duckdb.execute(f"SELECT {compiled.charge_sql} FROM (SELECT $1 AS x_Team, '' AS ServiceName)", [text])
        assert row.fetchone() == ({"match": True, "error": None}[answer],)
